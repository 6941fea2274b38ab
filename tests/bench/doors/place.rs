//! The daemon that is measured, with all its doors open, and the session of a page.

use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windlass_bed::{
    daemon::Config,
    layout::port,
    process::{await_that, listens},
};
use windlass_tests::{TestEnv, bed, hash_of, http::Connection};

/// Ports of the page, of the door for webhooks, and of health and metrics.
pub(crate) const PAGE: u16 = 21_340;
pub(crate) const HOOKS: u16 = 21_341;
pub(crate) const ADMIN: u16 = 21_342;

/// Token of a caller who may read all projects.
pub(crate) const TOKEN: &str = "7e9b1a4386c05d7f1e2a9b8c3e5f2c0d";

/// Starts the daemon. It has room for the pages of the bench, which all come from one address.
pub(crate) fn daemon() -> TestEnv {
    let mut config = Config::of(bed()).unwrap();
    config.egress.push(format!("127.0.0.1:{}", port::GITEA));
    config.tables = format!(
        "[listen]\ntcp = \"127.0.0.1:{PAGE}\"\nhooks = \"127.0.0.1:{HOOKS}\"\n\
         hooks-url = \"http://127.0.0.1:{HOOKS}\"\nadmin = \"127.0.0.1:{ADMIN}\"\n\
         max-connections = 8000\nmax-connections-per-peer = 2000\n\
         [outgoing]\nallow = [\"127.0.0.0/8\"]\n\
         [[principals]]\nname = \"reader\"\ntoken-sha256 = \"{}\"\nprojects = [\"*\"]\nverbs = [\"read\"]\n",
        hash_of(TOKEN)
    );
    let env = TestEnv::with("bench-doors", &config);
    // The socket, which is waited for, may be open before the ports are.
    let are_open = || [PAGE, HOOKS, ADMIN].into_iter().all(|port| listens("127.0.0.1", port));
    assert!(await_that(Duration::from_secs(30), are_open), "{}", env.daemon.log());
    env
}

/// Returns the origin of the page.
pub(crate) fn origin() -> String {
    format!("http://127.0.0.1:{PAGE}")
}

/// Logs in as a page does, and returns the session's cookie, as requests send it.
pub(crate) fn cookie() -> String {
    let headers = format!("origin: {}\r\ncontent-type: application/json\r\n", origin());
    let proof = json!({ "token": TOKEN }).to_string();
    let mut connection = Connection::open(PAGE).unwrap();
    let reply = connection.post("/login", &headers, proof.as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let cookie = reply.header("set-cookie").expect("a login sets a cookie");
    cookie.split(';').next().unwrap().to_owned()
}

/// Asks the API of the page by the token.
pub(crate) fn ask(connection: &mut Connection, path: &str) -> Value {
    let login = format!("authorization: Bearer {TOKEN}\r\n");
    let reply = connection.get(path, &login).unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

/// Returns the time in seconds since 1970, as events have it.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}
