//! Webhooks as GitHub sends them: signed pushes of a commit that is there, for hooks of a daemon on the bed.

use crate::{
    TestEnv,
    http::{Connection, Reply},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::{fmt::Write, sync::Arc};
use windlass_bed::{Daemon, Result};

/// A push by GitHub's documentation.
const PUSH: &str = include_str!("../../daemon/forge/fixtures/github/push.json");

/// Commits of a push. With them a body has some seven KiB, as those of people's pushes have.
const COMMITS: usize = 20;

/// A hook of the daemon, with the body that it is sent.
pub struct Hook {
    /// Path of the address: `/hooks/…`.
    pub path: String,
    body: Arc<str>,
    signature: String,
}

/// Applies a project with one repository, whose forge is GitHub's kind, and with a trigger for its branch `main`.
pub fn project(env: &TestEnv, name: &str, url: &str) {
    let text = format!(
        "project = \"{name}\"\n[repositories.web]\nurl = \"{url}\"\n\
         [repositories.web.forge]\nkind = \"github\"\n[apps.web]\n\
         [triggers.production]\napp = \"web\"\npush = {{ branches = [\"main\"] }}\n"
    );
    let file = env.spec_file(&format!("project-{name}"), &text);
    let answer = env.daemon.windlass(&["project", "apply", "--file", &file]).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
}

/// Returns the body that GitHub sends for a push of `commit` to `branch`.
#[must_use]
pub fn push(branch: &str, commit: &str) -> Arc<str> {
    let mut body: Value = serde_json::from_str(PUSH).expect("the fixture is JSON");
    body["ref"] = format!("refs/heads/{branch}").into();
    body["after"] = commit.into();
    body["head_commit"]["id"] = commit.into();
    let one = body["commits"][0].clone();
    body["commits"] = vec![one; COMMITS].into();
    body.to_string().into()
}

/// Returns the HMAC-SHA256 of a body, in hexadecimal digits.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = mac.expect("a key may have any length");
    mac.update(body);
    let mut digits = String::new();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Makes hooks of a project's only repository, each of which is sent `body`.
///
/// # Errors
/// The client refuses: its output.
pub fn hooks(daemon: &Daemon, project: &str, count: usize, body: &Arc<str>) -> Result<Vec<Hook>> {
    let make = |_: usize| -> Result<Hook> {
        let answer = daemon.windlass(&["--output", "json", "hook", "create", project])?;
        if answer.code != 0 {
            return Err(answer.text.into());
        }
        let mut values = serde_json::Deserializer::from_str(&answer.text).into_iter::<Value>();
        let made = values.next().ok_or("`hook create` printed nothing")??;
        let text = |at: &str| {
            let text = made.pointer(at).and_then(Value::as_str);
            text.ok_or_else(|| format!("`hook create` printed no {at}"))
        };
        let (path, secret) = (text("/hook/path")?.to_owned(), text("/secret")?);
        let signature = signature(secret, body.as_bytes());
        Ok(Hook { path, body: body.clone(), signature })
    };
    (0..count).map(make).collect()
}

impl Hook {
    /// Sends a delivery with this id, and returns its answer.
    ///
    /// # Errors
    /// The connection ends before the answer does.
    pub fn deliver(&self, connection: &mut Connection, id: &str) -> Result<Reply> {
        let headers = format!(
            "content-type: application/json\r\nuser-agent: GitHub-Hookshot/044aadd\r\n\
             x-github-event: push\r\nx-github-delivery: {id}\r\nx-hub-signature-256: sha256={}\r\n",
            self.signature
        );
        connection.post(&self.path, &headers, self.body.as_bytes())
    }
}
