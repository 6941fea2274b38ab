//! `[amqp]`: the broker, the queue, and whose jobs are in it.

use crate::address;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use windlass_model::app::label;

/// Number of messages that may be held at once, at most. Each may have 1 MiB.
const MOST_PREFETCH: u16 = 300;

/// Bytes of the longest name of a queue or exchange, by the protocol.
const LONGEST_NAME: usize = 255;

/// Jobs from a queue of RabbitMQ, and results to an exchange. A queue belongs to one daemon: two journals on one queue
/// would deploy a message twice that the broker delivers again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Amqp {
    /// `amqps://host:port/vhost`, without a user. `amqp://`, without TLS, leads to this machine alone. Without a port it
    /// is 5671, or 5672; without a path the virtual host is `/`.
    pub url: String,
    /// Queue of the jobs.
    pub queue: String,
    /// Exchange that gets a copy of each message that cannot become a job, with the reason in its headers. A queue must
    /// be bound to it: while it takes no copy, the message stays in `queue`.
    pub dead: String,
    /// Queue that keeps what is published to `dead`, for `windlass queue dead`. By default it has the name of `dead`. A
    /// delivery limit of its own must be 5 or more.
    pub dead_queue: Option<String>,
    /// Exchange of type `topic` that gets what became of each message, by `<project>.<app>.<outcome>`. Without it nothing
    /// is published.
    pub results: Option<String>,
    /// Name that is recorded with each job. It is that of one of `[[principals]]`, whose projects and verbs count, unless
    /// `projects` is set.
    pub principal: String,
    /// Projects of the queue's jobs; `*` for all. With it, nothing of `[[principals]]` counts: the queue deploys and
    /// cancels in these projects, and nobody else can call by its name.
    #[serde(default)]
    pub projects: Vec<String>,
    /// Number of messages that the daemon takes before it has acknowledged them. Those that must wait, for a quota or
    /// for the journal, count.
    #[serde(default = "prefetch")]
    pub prefetch: u16,
    /// PEM file with a certificate authority that is trusted for the broker beside those of the system.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate, by which the broker knows the daemon (`EXTERNAL`).
    pub certificate: Option<PathBuf>,
    /// PEM file with the key of `certificate`.
    pub key: Option<PathBuf>,
    /// User of the broker, where it knows the daemon by a password.
    pub user: Option<String>,
    /// File with the password of `user`. It is read at each connection.
    pub password_file: Option<PathBuf>,
    /// Declares the queue (`quorum`, a single active consumer, dead letters at least once, delivered 20 times at most),
    /// both exchanges, and `dead-queue` for what is published to `dead`. By default they must be there: the
    /// broker's operator makes them.
    #[serde(default)]
    pub declare: bool,
}

fn prefetch() -> u16 {
    16
}

impl Amqp {
    /// Checks the rules that the types do not hold.
    ///
    /// # Errors
    /// Names the key, what is expected and what to do.
    pub fn check(&self) -> Result<(), String> {
        let uri = address::uri(&self.url).map_err(|error| format!("url: {error}"))?;
        let results = self.results.as_deref().map(|results| ("results", results));
        let dead_queue = self.dead_queue.as_deref().map(|queue| ("dead-queue", queue));
        let names = [("queue", &*self.queue), ("dead", &*self.dead)];
        for (key, name) in names.into_iter().chain(dead_queue).chain(results) {
            if name.trim().is_empty() || name.len() > LONGEST_NAME || name.starts_with("amq.") {
                return Err(format!(
                    "{key}: `{name}` must be a name of 1 to {LONGEST_NAME} bytes that does not begin with `amq.`"
                ));
            }
        }
        if self.results.as_ref() == Some(&self.dead) {
            return Err(format!(
                "results: `{}` is that of `dead` too; each has its own exchange",
                self.dead
            ));
        }
        if self.dead_queue.as_ref() == Some(&self.queue) {
            return Err(format!(
                "dead-queue: `{}` is that of `queue` too; a refused message would come again for ever",
                self.queue
            ));
        }
        if self.queue == self.dead_queue() {
            return Err(format!(
                "dead: `{}` is that of `queue` too, and so is the queue of dead messages then; choose another, or name that queue by `dead-queue`",
                self.dead
            ));
        }
        if self.principal.trim().is_empty() {
            return Err(
                "principal: is empty; expected a name that is recorded with each job".into()
            );
        }
        // With `projects` nobody else may have the name, or the queue could cancel that one's requests.
        if !self.projects.is_empty() && self.principal.contains(':') {
            return Err(format!(
                "principal: `{}` has a `:`, as names of the daemon's own have (`uid:0`, `trigger:…`); choose one without",
                self.principal
            ));
        }
        for project in self.projects.iter().filter(|project| *project != "*") {
            label("projects", project, 30).map_err(|error| error.to_string())?;
        }
        if self.prefetch == 0 || self.prefetch > MOST_PREFETCH {
            return Err(format!("prefetch: `{}` must be 1 to {MOST_PREFETCH}", self.prefetch));
        }
        self.check_login(address::is_encrypted(&uri))
    }

    /// Returns the name of the queue that keeps dead messages.
    pub(crate) fn dead_queue(&self) -> &str {
        self.dead_queue.as_deref().unwrap_or(&self.dead)
    }

    fn check_login(&self, is_encrypted: bool) -> Result<(), String> {
        if self.certificate.is_some() != self.key.is_some() {
            return Err("certificate: belongs together with `key`".into());
        }
        if self.user.is_some() != self.password_file.is_some() {
            return Err("user: belongs together with `password-file`".into());
        }
        if self.certificate.is_some() == self.user.is_some() {
            return Err(
                "user: expected either `user` with `password-file`, or `certificate` with `key`: the broker must know who connects"
                    .into(),
            );
        }
        for (key, file) in [("ca", &self.ca), ("certificate", &self.certificate)] {
            if file.is_some() && !is_encrypted {
                return Err(format!("{key}: needs an `amqps://` address"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "url = \"amqps://mq.example/deploy\"\nqueue = \"jobs\"\ndead = \"dead\"\n\
                         principal = \"controller\"\n";
    const LOGIN: &str = "user = \"windlass\"\npassword-file = \"/p\"\n";

    fn checked(text: &str) -> Result<Amqp, String> {
        let read: Amqp = toml::from_str(text).map_err(|error| error.to_string())?;
        read.check().map(|()| read)
    }

    #[test]
    fn a_little_is_enough() {
        let read = checked(&format!("{LEAST}{LOGIN}")).unwrap();
        assert_eq!((read.prefetch, read.declare, &read.results), (16, false, &None));
        assert_eq!(read.dead_queue(), "dead");
        let named = checked(&format!("{LEAST}{LOGIN}dead-queue = \"kept\"\n")).unwrap();
        assert_eq!(named.dead_queue(), "kept");
        let alike = LEAST.replace("\"dead\"", "\"jobs\"") + LOGIN + "dead-queue = \"kept\"\n";
        assert_eq!(checked(&alike).unwrap().dead_queue(), "kept");
        checked(&format!("{LEAST}certificate = \"/c\"\nkey = \"/k\"\nca = \"/a\"\n")).unwrap();
    }

    #[test]
    fn a_mistake_is_named_by_its_key() {
        let plain = LEAST.replace("amqps://mq.example/deploy", "amqp://127.0.0.1");
        for (text, expected) in [
            (LEAST.to_owned(), "user: expected either"),
            (format!("{LEAST}user = \"u\"\n"), "user: belongs together"),
            (format!("{LEAST}{LOGIN}key = \"/k\"\n"), "certificate: belongs together"),
            (
                format!("{LEAST}{LOGIN}certificate = \"/c\"\nkey = \"/k\"\n"),
                "user: expected either",
            ),
            (format!("{plain}{LOGIN}ca = \"/a\"\n"), "ca: needs an `amqps://` address"),
            (format!("{LEAST}{LOGIN}prefetch = 0\n"), "prefetch: `0` must be 1 to 300"),
            (format!("{LEAST}{LOGIN}results = \"dead\"\n"), "results: `dead` is that of `dead`"),
            (format!("{LEAST}{LOGIN}projects = [\"Shop\"]\n"), "projects: `Shop`"),
            (format!("{LEAST}{LOGIN}quue = \"x\"\n"), "unknown field `quue`"),
            (LEAST.replace("\"jobs\"", "\"amq.jobs\"") + LOGIN, "queue: `amq.jobs` must be"),
            (
                LEAST.replace("\"dead\"", "\"jobs\"") + LOGIN + "declare = true\n",
                "dead: `jobs` is that of `queue`",
            ),
            // `windlass queue dead drop` would delete jobs that nobody has taken yet.
            (LEAST.replace("\"dead\"", "\"jobs\"") + LOGIN, "dead: `jobs` is that of `queue`"),
            (
                format!("{LEAST}{LOGIN}dead-queue = \"jobs\"\n"),
                "dead-queue: `jobs` is that of `queue` too",
            ),
            (format!("{LEAST}{LOGIN}dead-queue = \"\"\n"), "dead-queue: `` must be a name"),
            (
                LEAST.replace("controller", "uid:0") + LOGIN + "projects = [\"shop\"]\n",
                "principal: `uid:0` has a `:`",
            ),
            (LEAST.replace("amqps", "amqp") + LOGIN, "url: `amqp://` leads to"),
        ] {
            let error = checked(&text).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
