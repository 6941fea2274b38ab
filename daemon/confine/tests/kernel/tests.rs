//! The tests, and the daemon that one of them kills.

use crate::children::CALLS;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use windlass_confine::{Enforced, FileRules};

/// Name and body of a test.
type Test = (&'static str, fn());

pub(crate) const ALL: &[Test] = &[
    ("a_child_works_with_its_own_files_and_with_nothing_else", files),
    ("a_child_that_computes_has_no_files_and_no_threads", compute),
    ("a_child_computes_no_longer_than_its_limit", computing),
    ("features_that_the_kernel_lacks_are_reported_and_do_not_fail", old_kernel),
    ("a_probe_reports_what_this_kernel_has", probe),
    ("a_child_without_its_daemon_does_not_begin", orphan),
    ("a_child_inherits_nothing", bare),
    ("a_child_ends_with_the_daemon_and_not_with_a_thread_of_it", outlived),
];

/// Longest wait for a child, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn this() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

/// Returns the command of a child.
fn command(role: &str) -> Command {
    let own = windlass_confine::child(&this(), &format!("child-{role}"));
    let own = own.as_std();
    let mut command = Command::new(own.get_program());
    command.args(own.get_args()).env_clear();
    command
}

/// Runs a child to its end, and returns what it tried.
fn run(command: &mut Command) -> BTreeMap<String, String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(" = "));
    lines.map(|(what, outcome)| (what.to_owned(), outcome.to_owned())).collect()
}

fn text(output: &Output) -> String {
    let all = [&*output.stdout, &*output.stderr].concat();
    format!("{}: {}", output.status, String::from_utf8_lossy(&all))
}

fn enforced(tried: &BTreeMap<String, String>) -> Enforced {
    serde_json::from_str(&tried["enforced"]).unwrap()
}

/// Returns the version of Landlock that this kernel has.
fn landlock() -> FileRules {
    // SAFETY: asks for the version alone.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32)
    };
    match version {
        ..=0 => FileRules::Absent,
        1..=4 => FileRules::Partial,
        _ => FileRules::Full,
    }
}

fn files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["own", "shown", "hidden"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("shown/text"), "shown").unwrap();
    fs::write(folder.path().join("hidden/secret"), "secret").unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let tried = run(command("files").arg(folder.path()));
    let found = enforced(&tried);
    assert!(found.system_calls && found.capabilities, "{found:?}");
    assert_eq!(found.files, landlock());
    let works = |what: &str| assert_eq!(tried[what], "ok", "{what}: {tried:#?}");
    let fails = |what: &str, error: &str| {
        assert!(tried[what].contains(error), "{what}: {tried:#?}");
    };
    for what in [
        "read shown",
        "random",
        "make a folder",
        "write",
        "read",
        "hard link",
        "make a symlink",
        "list",
        "change the mode",
        "remove",
        "thread",
        "count processors",
        "within the largest file",
    ] {
        works(what);
    }
    if found.files == FileRules::Full {
        works("rename across folders");
        for what in [
            "read outside",
            "list outside",
            "write outside",
            "write shown",
            "truncate outside",
            "remove outside",
            "follow a symlink",
            "read /etc/passwd",
            "read /proc/self/environ",
        ] {
            fails(what, "ermission denied");
        }
        assert_ne!(tried["link outside"], "ok");
        assert_eq!(fs::read(folder.path().join("hidden/secret")).unwrap(), b"secret");
    }
    let calls = ["listen", "datagrams", "pair", "unix", "program", "undo the bond"];
    let more = [
        "show to all",
        "signal the parent",
        "own the signals of a pipe",
        "raise a limit",
        "memory of code",
    ];
    let all = calls.iter().chain(&more).copied().chain(CALLS.iter().map(|(name, _)| *name));
    for what in all {
        fails(what, "not permitted");
    }
    fails("beyond the largest file", "File too large");
    fails("open files", "Too many open files");
    fails("memory", "memory");
}

fn compute() {
    let mut command = command("compute");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a line\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["memory = ok", "read what is open = ok"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(text.matches("not permitted").count(), 2, "no file and no thread: {text}");
}

fn computing() {
    let output = command("computing").output().unwrap();
    let signal = output.status.signal();
    assert!(matches!(signal, Some(libc::SIGXCPU | libc::SIGKILL)), "{}", text(&output));
}

fn old_kernel() {
    let tried = run(&mut command("old-kernel"));
    let found = enforced(&tried);
    assert_eq!(found.files, FileRules::Absent);
    assert!(!found.network && !found.system_calls && !found.capabilities, "{found:?}");
    assert_eq!(found.missing().len(), 4);
    assert_eq!(tried["thread"], "ok");
}

fn probe() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(windlass_confine::probe(&this(), "child-probe")).unwrap();
    assert!(found.system_calls, "{found}");
    assert_eq!(found.files, landlock());
    let failed = runtime.block_on(windlass_confine::probe(Path::new("/bin/false"), "child-probe"));
    assert!(failed.unwrap_err().contains("cannot confine itself"));
}

fn orphan() {
    let tried = run(Command::new(this()).args(["child-bare", "--parent", "1"]));
    assert!(tried["begin"].contains("the daemon that started this has ended"), "{tried:?}");
    let tried = run(Command::new(this()).arg("child-bare"));
    assert!(tried["begin"].contains("`--parent`"), "{tried:?}");
    assert_eq!(run(&mut command("bare"))["begin"], "ok");
}

fn bare() {
    let folder = tempfile::tempdir().unwrap();
    let inherited = File::create(folder.path().join("inherited")).unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
    let tried = run(command("bound").arg(folder.path()));
    assert_eq!((&*tried["variables"], &*tried["core"]), ("0", "Some(0)"), "{tried:#?}");
    assert!(!tried.values().any(|target| target.contains("inherited")), "{tried:#?}");
    let private = fs::metadata(folder.path().join("private")).unwrap();
    assert_eq!(private.permissions().mode() & 0o777, 0o600);
}

/// The daemon of [`outlived`]: a thread that ends starts a child, and the child answers afterwards.
pub(crate) fn daemon() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut child = windlass_confine::child(&this(), "child-echo");
    child.stdin(Stdio::piped()).stdout(Stdio::piped());
    let handle = runtime.handle().clone();
    let short = thread::spawn(move || handle.block_on(windlass_confine::start(child)));
    let mut child = short.join().unwrap().unwrap();
    runtime.block_on(async {
        let mut input = child.stdin.take().unwrap();
        let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap()).lines();
        for line in ["one\n", "two\n"] {
            input.write_all(line.as_bytes()).await.unwrap();
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(line.trim()));
        }
        println!("{}", child.id().unwrap());
        std::future::pending::<()>().await;
    });
}

fn outlived() {
    // The child's standard error is the daemon's: it ends with the last of the two.
    let mut daemon =
        command("daemon").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let child = format!("/proc/{}", line.trim());
    assert!(Path::new(&child).exists(), "{line}");
    daemon.kill().unwrap();
    all_end(&mut daemon);
    daemon.wait().unwrap();
}

/// Waits until no process has the standard error of this one.
fn all_end(daemon: &mut Child) {
    let mut errors = daemon.stderr.take().unwrap();
    let (ended, awaited) = channel();
    thread::spawn(move || {
        let _ = ended.send(errors.read_to_end(&mut Vec::new()));
    });
    let ended = awaited.recv_timeout(PATIENCE);
    assert!(ended.is_ok(), "the child lives on");
}
