//! Callers who mean harm: connections that say nothing, plans that never end, logins that are revoked, and an environment
//! that belongs to others.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Daemon, build,
    daemon::Config,
    process::{Running, await_ready, ending_with_us, sh, start_command},
};
use windlass_tests::{TestEnv, bed};

/// Longest time that an honest call may take meanwhile, and that anything is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// Seconds that a connection has to its first request, in these tests.
const HEADER: u64 = 3;

/// Seconds that a plan may take, in these tests.
const PLAN: u64 = 4;

/// Token of a principal.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Variables that other programs and Kubernetes set.
const OTHERS: [(&str, &str); 7] = [
    ("WINDLASS_SERVICE_HOST", "10.0.0.1"),
    ("WINDLASS_SERVICE_PORT", "7443"),
    ("WINDLASS_PORT", "tcp://10.0.0.1:7443"),
    ("WINDLASS_PORT_7443_TCP", "tcp://10.0.0.1:7443"),
    ("WINDLASSD_SERVICE_HOST", "10.0.0.1"),
    ("WINDLASSD_PORT_7443_TCP_ADDR", "10.0.0.1"),
    ("WINDLASS_TOKEN", "of the client"),
];

/// A daemon with few open files and with the variables of others.
struct Bounded {
    env: TestEnv,
    running: Running,
    tcp: String,
}

impl Bounded {
    fn new(name: &'static str, port: u16) -> Self {
        let tcp = format!("127.0.0.1:{port}");
        let file = bed().layout.at(&format!("{name}.token"));
        fs::write(&file, TOKEN).unwrap();
        let hash = sh(&format!("sha256sum {}", file.display())).unwrap();
        let hash = hash.split(' ').next().unwrap();
        let mut config = Config::of(bed()).unwrap();
        config.more = format!(
            "plans = 4\nplan-seconds = {PLAN}\n\
             listen = {{ tcp = \"{tcp}\", header-seconds = {HEADER}, max-connections-per-peer = 60 }}\n"
        );
        // At the end of the file, so that it can be cut off.
        config.tables = format!(
            "[[principals]]\nname = \"ci\"\ntoken-sha256 = \"{hash}\"\nprojects = [\"{name}\"]\nverbs = [\"read\"]\n"
        );
        let mut env = TestEnv::with(name, &config);
        env.daemon.kill();
        let running = started(&env);
        Self { env, running, tcp }
    }

    /// Starts the daemon again, with its configuration as it is now.
    fn again(mut self) -> Self {
        self.running.kill();
        self.running = started(&self.env);
        self
    }

    fn daemon(&self) -> &Daemon {
        &self.env.daemon
    }

    /// Asks over the unix socket.
    fn ask(&self, args: &[&str]) -> (Option<i32>, String) {
        ended(self.asking(args))
    }

    /// Asks over TCP, with the token.
    fn ask_by_token(&self, args: &[&str]) -> (Option<i32>, String) {
        ended(self.asking_by_token(args))
    }

    fn asking_by_token(&self, args: &[&str]) -> Child {
        let address = format!("http://{}", self.tcp);
        self.asking(&[&["--address", &address, "--token", TOKEN], args].concat())
    }

    /// Begins a call, which ends after [`LIMIT`].
    fn asking(&self, args: &[&str]) -> Child {
        let client = self.daemon().client(args).unwrap();
        let mut command = Command::new("timeout");
        command.arg(LIMIT.as_secs().to_string()).arg(client.get_program()).args(client.get_args());
        command.env("WINDLASS_ADDRESS", self.daemon().address()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn log(&self) -> String {
        let log = self.daemon().config_file().with_file_name("windlassd.log");
        fs::read_to_string(log).unwrap()
    }

    /// Waits until the log holds a text.
    fn logs(&self, text: &str) {
        await_that(|| self.log().contains(text), text);
    }

    /// Returns the processor's time that the daemon has used.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.running.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // A tick is a hundredth of a second on every Linux that we run on.
        Duration::from_millis(ticks * 10)
    }

    /// Returns the number of children that read repositories.
    fn checkouts(&self) -> usize {
        let own = self.running.id().to_string();
        let is_one = |folder: &Path| {
            let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
            // The name in brackets may hold blanks: the parent is the second field after it.
            let stat = read("stat");
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
            parent == Some(own.as_str()) && read("cmdline").split('\0').any(|one| one == "checkout")
        };
        // Processes that end meanwhile are no children any more.
        let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        all.filter(|entry| is_one(&entry.path())).count()
    }

    fn signal(&self, signal: &str) {
        sh(&format!("kill -{signal} {}", self.running.id())).unwrap();
    }
}

/// Starts the daemon of an environment with few open files, among the variables of others.
fn started(env: &TestEnv) -> Running {
    let log = env.daemon.config_file().with_file_name("windlassd.log");
    let mut command = Command::new("prlimit");
    command.args(["--nofile=1024:1024", "--"]);
    command.arg(build::programs().unwrap().join("windlassd"));
    command.arg("--config").arg(env.daemon.config_file()).envs(OTHERS);
    let mut running = start_command("windlassd", &log, ending_with_us(&command, "KILL")).unwrap();
    let socket = env.daemon.socket();
    await_ready(&mut running, &log, 2 * LIMIT, || UnixStream::connect(&socket).is_ok()).unwrap();
    running
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn await_that(mut holds: impl FnMut() -> bool, what: &str) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "in vain: {what}");
        sleep(Duration::from_millis(50));
    }
}

/// Reads until the daemon closes the connection. Bytes that it sends by itself are the settings of HTTP/2.
fn await_end(stream: &mut impl Read) {
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                let late = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                assert!(!late.contains(&error.kind()), "it is still open");
                return;
            }
        }
    }
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    // This program holds more of them than its own limit allows.
    sh(&format!("prlimit --pid {} --nofile=8192:", std::process::id())).unwrap();
    let bounded = Bounded::new("t-silent", 21_791);
    let mut tcp: Vec<_> = (0..1200).map(|_| TcpStream::connect(&bounded.tcp).unwrap()).collect();
    let socket = bounded.daemon().socket();
    let mut unix: Vec<_> = (0..1200).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    // Of the same user and of the same address as all those.
    let (code, text) = bounded.ask(&["jobs"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = bounded.ask_by_token(&["jobs", "--project", "t-silent"]);
    assert_eq!(code, Some(0), "{text}");
    bounded.logs("listen.max-connections-per-peer is reached");
    bounded.logs("few files may be open");

    let (began, before) = (Instant::now(), bounded.cpu());
    for stream in &mut tcp {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        await_end(stream);
    }
    for stream in &mut unix {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        await_end(stream);
    }
    let used = bounded.cpu() - before;
    assert!(used < began.elapsed() / 2 + Duration::from_millis(500), "{used:?}");

    drips_in_vain(&bounded);
    goes_on_without_descriptors(&bounded);
    keeps_its_files_private(&bounded);
    names_its_former_variables(&bounded);
}

/// A peer that sends byte after byte, and no request, has no more time than a silent one.
fn drips_in_vain(bounded: &Bounded) {
    let mut stream = TcpStream::connect(&bounded.tcp).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let began = Instant::now();
    let mut bytes = [0; 1024];
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Err(error) if ![ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                break;
            }
            Ok(_) | Err(_) => assert!(began.elapsed() < LIMIT, "it is still open"),
        }
    }
}

/// Without a descriptor the daemon waits, says so, and goes on once there is one.
fn goes_on_without_descriptors(bounded: &Bounded) {
    let id = bounded.running.id();
    let open = |fd: &u64| fs::symlink_metadata(format!("/proc/{id}/fd/{fd}")).is_ok();
    let free = (0..).find(|fd| !open(fd)).unwrap();
    sh(&format!("prlimit --pid {id} --nofile={free}:1024")).unwrap();
    // More than one: a descriptor below may have become free meanwhile.
    let mut waiting = Vec::new();
    let says_so = || {
        waiting.push(TcpStream::connect(&bounded.tcp).unwrap());
        bounded.log().contains("no connection can be accepted")
    };
    await_that(says_so, "a line about connections that cannot be accepted");
    let before = bounded.cpu();
    // Not to wait for anything: the time in which the processor is measured.
    sleep(Duration::from_secs(1));
    let used = bounded.cpu() - before;
    assert!(used < Duration::from_millis(500), "{used:?} in a second");
    sh(&format!("prlimit --pid {id} --nofile=1024:1024")).unwrap();
    let (code, text) = bounded.ask(&["jobs"]);
    assert_eq!(code, Some(0), "{text}");
}

fn keeps_its_files_private(bounded: &Bounded) {
    let data = bounded.daemon().data().display().to_string();
    // The password is the test's own file.
    let others =
        format!("find {data} -mindepth 1 ! -type s ! -type l ! -name registry-password -perm /077");
    assert_eq!(sh(&others).unwrap(), "");
    assert_eq!(sh(&format!("stat --format=%a {data}")).unwrap().trim(), "711");
}

/// The daemon runs with the variables of others; only its own former ones are mistakes.
fn names_its_former_variables(bounded: &Bounded) {
    let check = |name: &str| {
        let mut command = Command::new(build::programs().unwrap().join("windlassd"));
        command.arg("--config").arg(bounded.daemon().config_file()).arg("check").env(name, "3");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = check("WINDLASS_JOBS");
    assert!(text.contains("rename it to WINDLASSD_JOBS"), "{text}");
    let text = check("WINDLASSD_JOB");
    assert!(text.contains("WINDLASSD_JOB: unknown key `job`: did you mean `jobs`?"), "{text}");
}

#[test]
fn plans_end_by_their_deadline_and_revoked_logins_at_once() {
    let bounded = Bounded::new("t-plans", 21_792);
    // It accepts by its backlog alone, and never answers.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = server.local_addr().unwrap().to_string();
    let file = bounded.daemon().config_file();
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("allow = [", &format!("allow = [\"{host}\", "));
    fs::write(&file, &text).unwrap();
    let (_, changes) = bounded.ask(&["plugin", "reload"]);
    assert!(changes.contains("`egress.allow` differs"), "{changes}");
    let bounded = bounded.again();

    let id = "0123456789012345678901234567890123456789";
    let url = format!("http://{host}/x.git");
    let plan = ["plan", "t-plans/app", "--revision", id, "--repository", &url];
    let mut asked: Vec<_> = (0..40).map(|_| bounded.asking(&plan)).collect();
    let (mut most, began) = (0, Instant::now());
    while asked.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        most = most.max(bounded.checkouts());
        assert!(began.elapsed() < 2 * LIMIT, "plans go on for ever");
        sleep(Duration::from_millis(100));
    }
    assert!((1..=2).contains(&most), "{most} children of one project");
    for child in asked {
        let (code, text) = ended(child);
        let reasons = ["plan-timed-out", "too-many-plans"];
        assert!(reasons.iter().any(|reason| text.contains(reason)), "{code:?}: {text}");
    }
    await_that(|| bounded.checkouts() == 0, "the end of the children");

    // A stream that would go on for as long as the job does.
    let job = bounded.env.submit_detached("app", &url, &["--revision", id]);
    let watching = bounded.asking_by_token(&["watch", &job]);
    let jobs = ["jobs", "--project", "t-plans"];
    assert_eq!(bounded.ask_by_token(&jobs).0, Some(0));
    // A file with a mistake changes nothing.
    fs::write(&file, format!("{text}verbs = 3\n")).unwrap();
    let (code, why) = bounded.ask(&["plugin", "reload"]);
    assert!(code == Some(2) && why.contains("plugins-not-loaded"), "{why}");
    assert_eq!(bounded.ask_by_token(&jobs).0, Some(0));

    let (without, _) = text.split_once("[[principals]]").unwrap();
    fs::write(&file, without).unwrap();
    bounded.signal("HUP");
    let (code, text) = ended(watching);
    // The second, if its stream had not begun yet.
    let reasons = ["revoked this login", "the token is unknown"];
    let is_named = reasons.iter().any(|reason| text.contains(reason));
    assert!(code == Some(2) && is_named, "{code:?}: {text}");
    let (code, text) = bounded.ask_by_token(&jobs);
    assert!(code == Some(2) && text.contains("the token is unknown"), "{code:?}: {text}");
    bounded.logs("principal `ci`: a login is revoked");
}
