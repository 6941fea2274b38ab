//! Operation as in `deploy/README.md`: a user without rights, a check, a job, a backup with its key, a daemon that is
//! restored from the backup, and the systemd unit.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository, build,
    daemon::Answer,
    install,
    layout::port,
    process::{Running, await_ready, run, sh, start_command},
};
use windlass_tests::{Namespace, SMALL, bed, dockerfile};

/// Debian's `nobody`, who owns no file of this machine.
const USER: &str = "65534";

/// An installation in a folder of its own instead of `/usr`, `/etc` and `/var`.
struct Installed {
    root: PathBuf,
}

#[test]
fn from_files_to_a_daemon_that_serves_and_back_from_a_backup() {
    let installed = Installed::new();
    let repository = Repository::new(&bed().layout, "t-operator", true).unwrap();
    repository.write("Dockerfile", &dockerfile()).unwrap();
    repository.write("index.html", "one\n").unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository.commit("one").unwrap();

    let checked = installed.daemon(&["check"]).output().unwrap();
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{text}{}", String::from_utf8_lossy(&checked.stderr));
    for part in ["builder", "cluster", "data", "confinement", "plugins", "registry"] {
        assert!(text.contains(&format!("ok      {part}: ")), "{part}: {text}");
    }

    let mut daemon = installed.start();
    installed.ask("printf %s s3cret-value | windlass secret put t-operator api-token").succeeds();
    let submit = format!(
        "windlass submit t-operator/app --repository {} --secret API_TOKEN=api-token",
        repository.url()
    );
    installed.ask(&submit).succeeds();
    // Not as a table, in which ages env.
    let listed = "windlass --output json jobs --project t-operator";
    let before = installed.ask(listed).succeeds();
    terminate(&mut daemon);

    let backup = installed.at("backup.tgz");
    let data = installed.at("data");
    let (backup, data) = (backup.display(), data.display());
    sh(&format!("tar --create --gzip --file {backup} --directory {data} journal key")).unwrap();
    sh(&format!("rm -r {data}")).unwrap();
    sh(&format!("install -d -m 0700 -o {USER} -g {USER} {data}")).unwrap();
    sh(&format!("tar --extract --gzip --file {backup} --directory {data}")).unwrap();
    let mut daemon = installed.start();
    assert_eq!(installed.ask(listed).succeeds(), before);
    // The restored daemon can open the secret.
    installed.ask(&submit).succeeds();
    terminate(&mut daemon);

    // Without its key the daemon cannot open the secret.
    fs::remove_file(installed.at("data/key")).unwrap();
    let _daemon = installed.start();
    let answer = installed.ask(&submit);
    assert!(answer.code == 1 && answer.text.contains("secret-sealed"), "{}", answer.text);
}

#[test]
fn systemd_takes_the_unit() {
    install::program("/usr/bin/systemd-analyze", "systemd").unwrap();
    let unit = fs::read_to_string(build::root().join("deploy/windlassd.service")).unwrap();
    let program = build::programs().unwrap().join("windlassd").display().to_string();
    let folder = bed().layout.at("unit");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("windlassd.service");
    fs::write(&file, unit.replace("/usr/bin/windlassd", &program)).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && !text.contains("windlassd.service"), "{text}");
}

impl Installed {
    /// Places programs, plugins and configuration, readable for everybody as in the guide.
    fn new() -> Self {
        // Not in the bed's folder, since root's home is closed to others.
        let root = std::env::temp_dir().join("windlass-operator");
        let _ = fs::remove_dir_all(&root);
        let installed = Self { root };
        for folder in ["bin", "plugins", "etc"] {
            fs::create_dir_all(installed.at(folder)).unwrap();
        }
        for folder in ["data", "run"] {
            let path = installed.at(folder);
            sh(&format!("install -d -m 0755 -o {USER} -g {USER} {}", path.display())).unwrap();
        }
        for program in ["windlassd", "windlass"] {
            let from = build::programs().unwrap().join(program);
            fs::copy(from, installed.at("bin").join(program)).unwrap();
        }
        let mut config = format!(
            "data = \"{0}/data\"\nregistry = \"{1}\"\n[listen]\nunix = \"{0}/run/windlass.sock\"\n\
             [builder]\naddress = \"tcp://127.0.0.1:{2}\"\n[cluster]\nkubeconfig = \"{0}/etc/kubeconfig\"\n\
             [egress]\nallow = [\"127.0.0.1:{3}\"]\n",
            installed.root.display(),
            bed().registry(),
            port::BUILDKIT,
            port::GIT_HTTP,
        );
        for name in ["detect-python", "test-pytest"] {
            let to = installed.at("plugins").join(format!("{name}.wasm"));
            fs::copy(build::plugins().unwrap().join(format!("{name}.wasm")), &to).unwrap();
            config.push_str(&format!("[[plugins]]\npath = \"{}\"\n", to.display()));
        }
        fs::write(installed.at("etc/windlassd.toml"), config).unwrap();
        fs::copy(bed().kubeconfig(), installed.at("etc/kubeconfig")).unwrap();
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(installed.at("etc/kubeconfig"), open).unwrap();
        installed
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Returns a command of the daemon's program, as a user without rights and without the privileges that the unit
    /// drops.
    fn daemon(&self, args: &[&str]) -> Command {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs"]);
        command.args(["--bounding-set=-all", "--inh-caps=-all", "--pdeathsig", "KILL", "--"]);
        // The client's variable is in the same environment, and does not concern the daemon.
        command.env_clear().env("WINDLASS_ADDRESS", self.address());
        command.arg(self.at("bin/windlassd")).arg("--config").arg(self.at("etc/windlassd.toml"));
        command.args(args);
        command
    }

    fn start(&self) -> Running {
        let log = self.at("windlassd.log");
        let mut daemon = start_command("windlassd", &log, self.daemon(&[])).unwrap();
        let socket = self.at("run/windlass.sock");
        await_ready(&mut daemon, &log, Duration::from_secs(60), || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        })
        .unwrap();
        daemon
    }

    fn address(&self) -> String {
        format!("unix://{}", self.at("run/windlass.sock").display())
    }

    /// Runs a line of the guide with the installed programs.
    fn ask(&self, line: &str) -> Answer {
        let path = format!("{}:/usr/bin:/bin", self.at("bin").display());
        let mut command = Command::new("bash");
        command.env("PATH", path).env("WINDLASS_ADDRESS", self.address());
        let output = command.args(["-c", line]).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Answer { code: output.status.code().unwrap_or(-1), text }
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        Namespace::of("t-operator--production").discard();
        let _ = fs::remove_dir_all(&self.root);
    }
}

trait Succeeds {
    /// Asserts success, and returns the output.
    fn succeeds(self) -> String;
}

impl Succeeds for Answer {
    fn succeeds(self) -> String {
        assert_eq!(self.code, 0, "{}", self.text);
        self.text
    }
}

/// Ends a daemon as systemd does.
fn terminate(daemon: &mut Running) {
    run(Command::new("kill").args(["-TERM", &daemon.id().to_string()])).unwrap();
    let began = Instant::now();
    while daemon.ended().is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}
