//! Children of the daemon: a checkout is confined, and ends with the daemon, however that ends.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    time::Duration,
};
use windlass_bed::process::{await_that, children_of, has_ended};
use windlass_tests::TestEnv;

/// Longest wait for what takes milliseconds, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a connection.
fn accepted(server: &TcpListener) -> TcpStream {
    let mut found = None;
    let came = await_that(PATIENCE, || {
        found = server.accept().ok();
        found.is_some()
    });
    assert!(came, "nobody connects");
    found.unwrap().0
}

/// Returns the checkout that runs, once it has confined itself. The daemon connects before it is there.
fn checkout(env: &TestEnv) -> u32 {
    let daemon = env.daemon.id().unwrap();
    let mut children = Vec::new();
    let confined = await_that(PATIENCE, || {
        children = children_of(daemon, "checkout");
        let status = |child: &u32| fs::read_to_string(format!("/proc/{child}/status"));
        children.first().is_some_and(|child| {
            status(child).is_ok_and(|status| status.lines().any(|line| line == "Seccomp:\t2"))
        })
    });
    assert!(confined && children.len() == 1, "{children:?}\n{}", env.daemon.log());
    children[0]
}

fn workspaces(env: &TestEnv) -> Vec<PathBuf> {
    let entries = fs::read_dir(env.daemon.data().join("workspaces")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The server accepts connections and says nothing, so that each checkout hangs.
#[test]
fn a_checkout_is_confined_and_ends_with_a_killed_daemon() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = server.local_addr().unwrap();
    let mut env = TestEnv::new("t-children");
    let file = env.daemon.config_file();
    let text = fs::read_to_string(&file).unwrap();
    let allowed = text.replace("\"127.0.0.1:9\"", &format!("\"{address}\""));
    assert_ne!(allowed, text, "the bed's daemons have another egress policy");
    fs::write(&file, allowed).unwrap();
    env.daemon.restart().unwrap();
    assert!(env.daemon.log().contains("children"), "what is enforced: {}", env.daemon.log());

    let url = format!("http://{address}/silent.git");
    let commit = "0123456789012345678901234567890123456789";
    let id = env.submit_detached("app", &url, &["--revision", commit]);
    let _silent = accepted(&server);
    let first = checkout(&env);
    let status = fs::read_to_string(format!("/proc/{first}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().to_owned()
    };
    assert_eq!((&*of("Seccomp:"), &*of("NoNewPrivs:"), &*of("Umask:")), ("2", "1", "0077"));
    // Of root's capabilities, those to pass the folders of other users.
    let capabilities = u64::from_str_radix(&of("CapEff:"), 16).unwrap();
    assert_eq!(capabilities & !0b110, 0, "{status}");
    let network = |of: &str| fs::read_link(format!("/proc/{of}/ns/net")).unwrap();
    assert_ne!(network(&first.to_string()), network("self"));

    let before = workspaces(&env);
    assert_eq!(before.len(), 1, "{before:?}");
    env.daemon.kill();
    assert!(await_that(PATIENCE, || has_ended(first)), "the checkout outlives its daemon");

    // The job goes on in a folder of its own, and nothing writes into that of the killed daemon.
    env.daemon.restart().unwrap();
    let _silent = accepted(&server);
    let second = checkout(&env);
    let after = workspaces(&env);
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    assert_eq!(env.daemon.windlass(&["cancel", &id]).unwrap().code, 0);
    assert_eq!(env.watch(&id).outcome, "stopped");
    assert!(await_that(PATIENCE, || has_ended(second)), "the checkout outlives its job");
}
