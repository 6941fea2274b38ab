//! A windlassd on the bed, and the client that connects to it.

use crate::{
    Bed, Layout, Result, build,
    layout::PASSWORD,
    process::{Running, await_ready, ending_with_us, run, sh, start_command, tail},
};
mod compiled;

use compiled::Compiled;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Time in which a daemon answers. It compiles each plugin that no earlier daemon of the bed has compiled.
const READY: Duration = Duration::from_secs(240);

/// A daemon with a folder of its own.
pub struct Daemon {
    folder: PathBuf,
    running: Option<Running>,
    environment: Vec<(String, String)>,
}

/// Output and exit code of the client.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    /// Standard output, then standard error.
    pub text: String,
}

/// Contents of a daemon's configuration. A test changes what the test is about.
#[derive(Clone)]
pub struct Config {
    /// Address of BuildKit.
    pub builder: String,
    /// Registry and path that images are pushed to.
    pub registry: String,
    /// Kubeconfig of the cluster.
    pub kubeconfig: PathBuf,
    /// Components of plugins, in order.
    pub plugins: Vec<PathBuf>,
    /// Settings of each plugin, as TOML. `None` has the detectors prefer releases that the bed has images of.
    pub settings: Option<String>,
    /// The daemon logs in at the bed's private registry.
    pub private_login: bool,
    /// Lines for the top of the file.
    pub more: String,
    /// Hosts and ports of `[egress] allow`, beside those of the bed's git servers.
    pub egress: Vec<String>,
    /// Lines of `[cluster]`.
    pub cluster: String,
    /// Names, kubeconfigs and lines of `[[clusters]]`. Empty means one `[cluster]`.
    pub clusters: Vec<(&'static str, PathBuf, String)>,
    /// Tables for the end of the file.
    pub tables: String,
    /// Variables of the daemon's environment beside those of the caller.
    pub environment: Vec<(String, String)>,
}

/// Plugins of a daemon on the bed, in order.
const PLUGINS: &[&str] = &[
    "detect-node",
    "detect-bun",
    "detect-deno",
    "detect-python",
    "detect-go",
    "detect-java",
    "detect-ruby",
    "detect-php",
    "detect-rust",
    "detect-dotnet",
    "detect-elixir",
    "detect-static",
    "detect-others",
    "test-node",
    "test-bun",
    "test-deno",
    "test-pytest",
    "test-go",
    "test-java",
    "test-ruby",
    "test-php",
    "test-rust",
    "test-dotnet",
    "test-elixir",
];

/// Settings by which detectors choose, where a repository leaves the choice, a release that the bed has an image of.
const PREFERRED: &str = "{ prefer = { node = \"22\", python = \"3.11\", go = \"1\", java = \"17\", ruby = \"3.1\", \
     php = \"8.2\", elixir = \"1.14\", deno = \"2\", bun = \"1\", rust = \"1\" } }";

/// Returns the settings of a detector. `None` means that the plugin is none of the project's detectors, and has no
/// such settings.
fn preferred(plugin: &Path) -> Option<&'static str> {
    let name = plugin.file_stem()?.to_str()?;
    (name.starts_with("detect-") && PLUGINS.contains(&name)).then_some(PREFERRED)
}

/// A journal keeps 64 MiB for a full disk, and a run of all tests leaves more than a hundred journals.
impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_file(self.folder.join("data/journal/reserve"));
    }
}

impl Config {
    /// Returns a configuration with the bed's parts and this repository's plugins.
    pub fn of(bed: &Bed) -> Result<Self> {
        let plugins = build::plugins()?;
        Ok(Self {
            builder: bed.buildkit(),
            registry: bed.registry(),
            kubeconfig: bed.kubeconfig(),
            plugins: PLUGINS.iter().map(|name| plugins.join(format!("{name}.wasm"))).collect(),
            settings: None,
            private_login: false,
            more: String::new(),
            egress: Vec::new(),
            cluster: String::new(),
            clusters: Vec::new(),
            tables: String::new(),
            environment: Vec::new(),
        })
    }

    fn text(&self, data: &Path, layout: &Layout) -> String {
        let mut clusters = format!(
            "[cluster]\nkubeconfig = \"{}\"\n{}\n",
            self.kubeconfig.display(),
            self.cluster
        );
        if !self.clusters.is_empty() {
            let table = |(name, file, more): &(&str, PathBuf, String)| {
                let file = file.display();
                format!("[[clusters]]\nname = \"{name}\"\nkubeconfig = \"{file}\"\n{more}\n")
            };
            clusters = self.clusters.iter().map(table).collect();
        }
        let egress: String = self.egress.iter().map(|allowed| format!(", \"{allowed}\"")).collect();
        let mut text = format!(
            "data = \"{}\"\nname = \"bed\"\nregistry = \"{}\"\n{}\n[builder]\naddress = \"{}\"\n{clusters}\
             [log]\nfilter = \"info,windlass_buildkit=debug,windlassd::due=debug\"\n[egress]\nallow = [\"127.0.0.1:{}\", \"127.0.0.1:{}\", \"127.0.0.1:9\"{egress}]\n",
            data.display(),
            self.registry,
            self.more,
            self.builder,
            layout.git_http,
            layout.git,
        );
        for plugin in &self.plugins {
            text.push_str(&format!("[[plugins]]\npath = \"{}\"\n", plugin.display()));
            let settings = self.settings.as_deref().or_else(|| preferred(plugin));
            if let Some(settings) = settings {
                text.push_str(&format!("settings = {settings}\n"));
            }
        }
        if self.private_login {
            text.push_str(&format!(
                "[[registries]]\nhost = \"{}\"\nusername = \"bed\"\npassword-file = \"{}\"\n",
                layout.private_registry(),
                data.join("registry-password").display()
            ));
        }
        text.push_str(&self.tables);
        text
    }
}

/// Returns the tables that configure a plugin of the project with a grant.
pub fn granted(name: &str, grant: &str) -> Result<String> {
    let path = build::plugins()?.join(format!("{name}.wasm"));
    let sum = run(Command::new("sha256sum").arg(&path))?;
    let digest = sum.split(' ').next().unwrap_or_default();
    Ok(format!(
        "[[plugins]]\npath = \"{}\"\ndigest = \"sha256:{digest}\"\n[plugins.grant]\n{grant}\n",
        path.display()
    ))
}

impl Daemon {
    /// Starts a daemon in an empty folder that is named `name`.
    pub fn start(bed: &Bed, name: &str, config: &Config) -> Result<Self> {
        let folder = bed.layout.at("daemons").join(name);
        let _ = fs::remove_dir_all(&folder);
        Self::start_in(bed, folder, config)
    }

    /// Starts a daemon in a folder of the caller's.
    pub fn start_in(bed: &Bed, folder: PathBuf, config: &Config) -> Result<Self> {
        fs::create_dir_all(folder.join("data"))?;
        fs::write(folder.join("data/registry-password"), PASSWORD)?;
        let text = config.text(&folder.join("data"), &bed.layout);
        fs::write(folder.join("windlassd.toml"), text)?;
        let environment = config.environment.clone();
        let compiled = Compiled::new(&bed.layout, &folder)?;
        let mut daemon = Self { folder, running: None, environment };
        let first = compiled.first()?;
        daemon.restart()?;
        compiled.keep()?;
        drop(first);
        Ok(daemon)
    }

    /// Kills the daemon if it runs, and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let log = self.folder.join("windlassd.log");
        let program = build::programs()?.join("windlassd");
        let mut command = Command::new(program);
        command.arg("--config").arg(self.config_file());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut running = start_command("windlassd", &log, ending_with_us(&command, "KILL"))?;
        let socket = self.socket();
        await_ready(&mut running, &log, READY, || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// Kills the daemon with SIGKILL.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Sends SIGTERM, and waits until the daemon has ended. Fails if it still runs after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<()> {
        let mut running = self.running.take().ok_or("it does not run")?;
        sh(&format!("kill -TERM {}", running.id()))?;
        let began = Instant::now();
        while running.ended().is_none() {
            if began.elapsed() > limit {
                return Err(format!("still there after {limit:?}\n{}", self.log()).into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Returns the process id. `None` means that the daemon does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(Running::id)
    }

    /// Returns the path of the configuration.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("windlassd.toml")
    }

    /// Returns the folder of journal, caches and workspaces.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Returns the path of the socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("data/windlass.sock")
    }

    /// Returns the address for `WINDLASS_ADDRESS`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Returns the last 20 lines of the log.
    #[must_use]
    pub fn log(&self) -> String {
        tail(&self.folder.join("windlassd.log"), 20)
    }

    /// Returns a command of the client that connects to this daemon.
    pub fn client(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(build::programs()?.join("windlass"));
        command.env("WINDLASS_ADDRESS", self.address()).args(args).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs the client to its end, and returns what the client printed.
    pub fn windlass(&self, args: &[&str]) -> Result<Answer> {
        let output = self.client(args)?.output()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Answer { code: output.status.code().unwrap_or(-1), text })
    }

    /// Runs the client to its end, and shows its output.
    pub fn show(&self, args: &[&str]) -> Result<ExitStatus> {
        Ok(self.client(args)?.status()?)
    }

    /// Stores a project's secret, by the client.
    pub fn put_secret(&self, project: &str, name: &str, value: &str) -> Result<()> {
        let mut command = self.client(&["secret", "put", project, name])?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        child.stdin.take().ok_or("no stdin")?.write_all(value.as_bytes())?;
        if child.wait()?.success() { Ok(()) } else { Err("the secret was refused".into()) }
    }
}

/// An answer by HTTP.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    pub body: String,
}

/// Fetches a page by plain HTTP/1.0. Any status but 200 is an error.
pub fn get(host: &str, port: u16, path: &str) -> Result<String> {
    let page = fetch(host, port, path)?;
    match page.status {
        200 => Ok(page.body),
        _ => Err(format!("{host}: {}", page.head.lines().next().unwrap_or_default()).into()),
    }
}

/// Fetches a page of any status by plain HTTP/1.0.
pub fn fetch(host: &str, port: u16, path: &str) -> Result<Page> {
    let address = format!("{host}:{port}").parse()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("an answer without an end of its head")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or("an answer without a status")?;
    Ok(Page { status, head: head.to_owned(), body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::preferred;
    use std::path::Path;

    #[test]
    fn detectors_alone_prefer_what_the_bed_has() {
        assert!(preferred(Path::new("/p/detect-node.wasm")).is_some());
        for other in ["test-node.wasm", "hook-http.wasm", "detect-own.wasm", ""] {
            assert_eq!(preferred(Path::new(other)), None, "{other}");
        }
    }
}
