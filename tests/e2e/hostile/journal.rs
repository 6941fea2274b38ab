//! The journal on bad days: rows that cannot be read, a newer journal, a lock that another process holds, a full
//! disk, a log without end, and files that others could open.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use windlass_bed::{
    Daemon, Repository,
    daemon::Config,
    process::{run, sh},
};
use windlass_tests::{SMALL, TestEnv, bed, dockerfile};

/// Python that opens the journal as another process.
const OPEN: &str =
    "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None)";

fn journal(env: &TestEnv) -> PathBuf {
    env.daemon.data().join("journal/windlass.db")
}

fn other_process(env: &TestEnv, code: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg("-c").arg(format!("{OPEN}; {code}")).arg(journal(env));
    command
}

/// Executes SQL on the journal, as another process.
fn execute(env: &TestEnv, sql: &str) {
    run(&mut other_process(env, &format!("db.executescript({sql:?})"))).unwrap();
}

fn whole_log(env: &TestEnv) -> String {
    fs::read_to_string(env.daemon.config_file().with_file_name("windlassd.log")).unwrap()
}

/// Submits an app of which nothing can be built, and asserts that the daemon ran that job.
fn runs_a_small_job(env: &TestEnv) {
    let repository = env.repository();
    repository.write("README.md", "nothing to build\n").unwrap();
    repository.commit("nothing to build").unwrap();
    let ended = env.submit("small", repository.url(), &[]);
    assert_eq!(ended.diagnosis["stage"], "detect", "{}", ended.text);
}

/// A repository whose build executes this, and fails in the end.
fn building(env: &TestEnv, shell: &str) -> Repository {
    let repository = env.small_app();
    let step = format!("RUN {shell}; exit 7\nUSER 10001");
    repository.write("Dockerfile", &dockerfile().replace("USER 10001", &step)).unwrap();
    repository.commit("a step").unwrap();
    repository
}

#[test]
fn what_cannot_be_read_is_named_and_stops_nothing_and_a_newer_journal_is_refused() {
    let mut env = TestEnv::new("t-unread");
    execute(
        &env,
        "INSERT INTO jobs (id, principal, request_id, body_hash, project, app, environment, body, \
         version, state, created_ms) VALUES ('0193575a-unreadable', 'me', 'r', 'h', 't-unread', 'old', \
         'production', '{\"unheard\":1}', 2, 'waiting', 1)",
    );
    env.daemon.restart().unwrap();
    runs_a_small_job(&env);
    let jobs = env.daemon.windlass(&["jobs"]).unwrap();
    assert_eq!(jobs.code, 0, "{}", jobs.text);
    for shown in
        ["UNREADABLE 0193575a-unreadable of t-unread/old/production", "missing field", "small"]
    {
        assert!(jobs.text.contains(shown), "{shown}: {}", jobs.text);
    }
    let log = whole_log(&env);
    let naming = log.lines().filter(|line| line.contains("0193575a-unreadable"));
    assert_eq!(naming.count(), 1, "named once: {log}");

    env.daemon.kill();
    execute(&env, "PRAGMA user_version = 99; UPDATE written_by SET version = '7.8.9'");
    let refused = env.daemon.restart().unwrap_err().to_string() + &whole_log(&env);
    assert!(refused.contains("windlassd 7.8.9 in format 99"), "{refused}");
    execute(&env, "PRAGMA user_version = 6");
    env.daemon.restart().unwrap();
    runs_a_small_job(&env);
}

#[test]
fn files_are_closed_to_others_and_a_secrets_version_never_comes_back() {
    let env = TestEnv::new("t-closed");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = env.daemon.data().join("journal");
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&env.daemon.data().join("key")), 0o600);
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let put = |value| env.daemon.put_secret("t-closed", "token", value).unwrap();
    put("hunter-one-1");
    put("hunter-two-2");
    assert_eq!(env.daemon.windlass(&["secret", "delete", "t-closed", "token"]).unwrap().code, 0);
    put("hunter-three-3");
    let listed = env.daemon.windlass(&["secret", "list", "t-closed"]).unwrap();
    assert!(listed.text.contains("token  version 3"), "{}", listed.text);
}

/// Holds the lock on the journal's file for longer than a write waits for it, and returns once it is held.
fn hold_the_lock(env: &TestEnv) -> Child {
    let code = "db.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(13); db.execute('ROLLBACK')";
    let mut child = other_process(env, code).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "held");
    child
}

/// The job fails for its own reason, and by no other.
#[test]
fn a_lock_that_another_process_holds_is_waited_for() {
    let env = TestEnv::new("t-locked");
    let shell = "for n in $(seq 40); do echo line $n; sleep 0.2; done";
    let repository = building(&env, shell);
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "line 1");
    let mut holder = hold_the_lock(&env);
    let ended = env.watch(&id);
    assert!(holder.wait().unwrap().success());
    let _ = ended.failed_with("build", "build-step-failed");
    assert!(ended.text.contains("line 40"), "{}", ended.text);
    let log = whole_log(&env);
    assert!(log.contains("another process holds the lock on the journal"), "{log}");
    let events = env.events(&id);
    assert_eq!(events.last().unwrap()["seq"], events.len(), "no event is missing");
}

/// The beginning and the end of a log without end are kept, and the journal stays small.
#[test]
fn a_test_that_prints_without_end_keeps_its_end() {
    let mut config = Config::of(bed()).unwrap();
    config.tables = "[logs]\nstage-lines = 1000\nend-lines = 100\n".into();
    let env = TestEnv::with("t-noise", &config);
    let repository = env.repository();
    let scripts = "{ \"scripts\": { \"start\": \"node server.js\", \"test\": \"node noise.js\" } }";
    let noise = "for (let n = 0; n < 200000; n++) console.log('noise ' + n);\n\
                 console.log('the very end'); process.exitCode = 1;\n";
    for (path, text) in [
        ("package.json", scripts),
        ("server.js", ""),
        ("noise.js", noise),
        ("windlass.toml", SMALL),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("noise").unwrap();
    let ended = env.submit("node", repository.url(), &[]);
    assert_eq!(ended.diagnosis["stage"], "test", "{}", ended.text);
    let events = env.events(&ended.id);
    let lines: Vec<_> = events.iter().filter_map(|event| event["log"]["line"].as_str()).collect();
    let noise = lines.iter().filter(|line| line.starts_with("noise ")).count();
    assert!((900..=1100).contains(&noise), "{noise}");
    let has = |text: &str| lines.iter().any(|line| line.contains(text));
    for kept in ["noise 0", "has reached its limit of 1000 lines", "left out …", "the very end"] {
        assert!(has(kept), "{kept}");
    }
    let size = fs::metadata(journal(&env)).unwrap().len();
    assert!(size < 4 << 20, "{size}");
}

/// A small disk under the journal, which is unmounted with the test.
struct Disk(String);

impl Disk {
    fn free_kib(&self) -> usize {
        let stat = sh(&format!("df --output=avail -k {}", self.0)).unwrap();
        stat.lines().nth(1).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = sh(&format!("umount -l {}", self.0));
    }
}

/// The job ends while the disk is still full: by the reserve. No job is accepted until there is room.
#[test]
fn a_job_ends_on_a_full_disk_by_the_journals_reserve() {
    let folder = bed().layout.at("daemons/t-reserve");
    let at = folder.join("data/journal").display().to_string();
    let _ = sh(&format!("umount -l {at}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&at).unwrap();
    sh(&format!("mount -t tmpfs -o size=16m tmpfs {at}")).unwrap();
    let disk = Disk(at);
    let daemon = Daemon::start_in(bed(), folder, &Config::of(bed()).unwrap()).unwrap();
    let env = TestEnv::around("t-reserve", daemon);
    let shell = "echo now; sleep 10; for n in $(seq 30); do echo $n$(printf %01000d 0); done";
    let repository = building(&env, shell);
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "now");
    let filler = PathBuf::from(&disk.0).join("filler");
    fs::write(&filler, vec![0; disk.free_kib() << 10]).unwrap();
    let _ = env.watch(&id).failed_with("build", "build-step-failed");
    let log = whole_log(&env);
    assert!(log.contains("running jobs go on by its reserve"), "{log}");
    let url = repository.url();
    let submit = ["submit", "t-reserve/app", "--repository", url, "--detach"];
    let refused = env.daemon.windlass(&submit).unwrap();
    assert!(refused.text.contains("store-full"), "{}", refused.text);
    fs::remove_file(&filler).unwrap();
    runs_a_small_job(&env);
    assert!(fs::metadata(PathBuf::from(&disk.0).join("reserve")).is_ok(), "made again");
}
