//! A forge that really calls: Gitea, with repositories over HTTP, signed webhooks and commit statuses. The demo starts
//! one, and the tests that need a forge share one.

use crate::{
    Layout, Report, Result, install,
    layout::{PASSWORD, port},
    process::{Running, await_ready, listens, run, start},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

/// Account that owns all repositories. The password is [`PASSWORD`].
pub const USER: &str = "bed";

/// Time in which the forge answers a request.
const ANSWER: Duration = Duration::from_secs(30);

/// A forge that runs, without repositories at first.
pub struct Gitea {
    _running: Running,
    token: String,
    port: u16,
}

/// Starts the forge of the tests in an empty folder, with the account [`USER`]. The first call builds it, which takes
/// minutes.
pub fn up(layout: &Layout, report: &Report) -> Result<Gitea> {
    up_at(layout, "gitea", layout.port(port::GITEA), report)
}

/// Starts a forge of another name at a port of its own, so that it may be up beside others.
pub fn up_at(layout: &Layout, name: &'static str, port: u16, report: &Report) -> Result<Gitea> {
    let files = install::gitea(layout, report)?;
    let folder = layout.at(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let config = folder.join("app.ini");
    let work = folder.display();
    // Gitea refuses root unless this says so. Beside parts of the user's own the bed has no root.
    let root = "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\nRUN_USER = root\n";
    let user = if rustix::process::geteuid().is_root() { root } else { "" };
    let text = format!(
        "{user}WORK_PATH = {work}\n\
         [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = {}/\nDISABLE_SSH = true\nOFFLINE_MODE = true\n\
         STATIC_ROOT_PATH = {}\n\
         [database]\nDB_TYPE = sqlite3\nPATH = {work}/gitea.db\n\
         [repository]\nROOT = {work}/repositories\nDEFAULT_BRANCH = main\n\
         [security]\nINSTALL_LOCK = true\nSECRET_KEY = bed\n\
         [webhook]\nALLOWED_HOST_LIST = loopback\nDELIVER_TIMEOUT = 30\n\
         [log]\nMODE = console\nLEVEL = Warn\nROOT_PATH = {work}/log\n\
         [indexer]\nISSUE_INDEXER_TYPE = db\n\
         [cron]\nENABLED = false\n[actions]\nENABLED = false\n",
        url(port),
        files.display(),
    );
    fs::write(&config, text)?;
    let program = layout.program("gitea");
    let gitea = |args: &[&str]| {
        let mut command = Command::new(&program);
        run(command.env("HOME", &folder).args(["--config"]).arg(&config).args(args))
    };
    gitea(&["migrate"])?;
    let mail = format!("{USER}@bed.invalid");
    let account = ["--username", USER, "--password", PASSWORD, "--email", &mail];
    let more = ["--admin", "--must-change-password=false"];
    gitea(&[&["admin", "user", "create"][..], &account, &more].concat())?;
    let scopes = ["--scopes", "all", "--token-name", "bed", "--raw"];
    let made = gitea(
        &[&["admin", "user", "generate-access-token", "--username", USER][..], &scopes].concat(),
    )?;
    let token = made.lines().last().unwrap_or_default().trim().to_owned();
    let log = layout.at(&format!("log/{name}.log"));
    let args = ["--config".into(), config, PathBuf::from("web")];
    let mut running = start(name, &log, &program, args)?;
    await_ready(&mut running, &log, Duration::from_secs(60), || listens("127.0.0.1", port))?;
    Ok(Gitea { _running: running, token, port })
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Gitea {
    /// Returns the token of [`USER`].
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the forge's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Returns the host and port, as `[egress] allow` has them.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the base address of the API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v1", self.url())
    }

    /// Makes a private repository without a commit, and returns its URL.
    pub fn create_repository(&self, name: &str) -> Result<String> {
        self.api(
            "POST",
            "/user/repos",
            &json!({ "name": name, "private": true, "auto_init": false }),
        )?;
        Ok(format!("{}/{USER}/{name}.git", self.url()))
    }

    /// Returns a repository's URL with a login, for `git push`.
    #[must_use]
    pub fn push_url(&self, name: &str) -> String {
        format!("http://{USER}:{PASSWORD}@{}/{USER}/{name}.git", self.authority())
    }

    /// Makes a webhook for pushes, tags, deletions and pull requests, signed with `secret`.
    pub fn create_hook(&self, repository: &str, to: &str, secret: &str) -> Result<Value> {
        let hook = json!({
            "type": "gitea",
            "active": true,
            "events": ["push", "create", "delete", "pull_request", "pull_request_sync"],
            "config": { "url": to, "content_type": "json", "secret": secret },
        });
        self.api("POST", &format!("/repos/{USER}/{repository}/hooks"), &hook)
    }

    /// Deletes the webhooks of a repository: of what happens there then nobody hears.
    pub fn delete_hooks(&self, repository: &str) -> Result<()> {
        let path = format!("/repos/{USER}/{repository}/hooks");
        let hooks = self.api("GET", &path, &Value::Null)?;
        for hook in hooks.as_array().into_iter().flatten() {
            let id = hook.get("id").and_then(Value::as_u64);
            let id = id.ok_or_else(|| format!("gitea: a webhook without an id: {hook}"))?;
            self.api("DELETE", &format!("{path}/{id}"), &Value::Null)?;
        }
        Ok(())
    }

    /// Makes another account, and its fork of a repository, which it may only read. Returns the fork's URL with the login,
    /// for `git push`.
    pub fn fork(&self, repository: &str, user: &str) -> Result<String> {
        self.await_commits(repository)?;
        let account = json!({
            "username": user,
            "password": PASSWORD,
            "email": format!("{user}@bed.invalid"),
            "must_change_password": false,
        });
        self.api("POST", "/admin/users", &account)?;
        let reads = format!("/repos/{USER}/{repository}/collaborators/{user}");
        self.api("PUT", &reads, &json!({ "permission": "read" }))?;
        self.api("POST", &format!("/repos/{USER}/{repository}/forks?sudo={user}"), &json!({}))?;
        Ok(format!("http://{user}:{PASSWORD}@{}/{user}/{repository}.git", self.authority()))
    }

    /// Waits until the forge has seen the first push to a repository. Before, forks of it have no branch, and no pull
    /// request is taken.
    fn await_commits(&self, repository: &str) -> Result<()> {
        let path = format!("/repos/{USER}/{repository}");
        let began = Instant::now();
        while self.api("GET", &path, &Value::Null)?.get("empty") != Some(&Value::Bool(false)) {
            if began.elapsed() > ANSWER {
                return Err(format!("gitea: {repository} is still empty after a push").into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Opens a pull request of a fork's branch into `main`, as its owner, and returns the number.
    pub fn propose(&self, repository: &str, user: &str, branch: &str) -> Result<u64> {
        self.await_commits(repository)?;
        let pull = json!({ "head": format!("{user}:{branch}"), "base": "main", "title": branch });
        let path = format!("/repos/{USER}/{repository}/pulls?sudo={user}");
        let opened = self.api("POST", &path, &pull)?;
        let number = opened.get("number").and_then(Value::as_u64);
        number.ok_or_else(|| format!("gitea: a pull request without a number: {opened}").into())
    }

    /// Closes a pull request.
    pub fn close(&self, repository: &str, number: u64) -> Result<Value> {
        let path = format!("/repos/{USER}/{repository}/pulls/{number}");
        self.api("PATCH", &path, &json!({ "state": "closed" }))
    }

    /// Returns the statuses of a commit, the newest first.
    pub fn statuses(&self, repository: &str, commit: &str) -> Result<Value> {
        self.api(
            "GET",
            &format!("/repos/{USER}/{repository}/commits/{commit}/statuses"),
            &Value::Null,
        )
    }

    /// Sends a request to the API. An answer of another status than 2xx is an error with its body.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        // HTTP/1.0: the answer ends with the connection, and is not chunked.
        write!(
            stream,
            "{method} /api/v1{path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: token {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        if !status.starts_with('2') {
            return Err(format!("gitea: {method} {path}: {status}: {body}").into());
        }
        if body.trim().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(body)?) }
    }
}
