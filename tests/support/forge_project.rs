//! A project at the bed's forge: a push is deployed, its commit gets statuses, and an endpoint hears of the end.

use crate::{TestEnv, dockerfile, forge};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread::{sleep, spawn},
    time::{Duration, Instant},
};
use windlass_bed::{Repository, daemon::Config, layout::PASSWORD, part::gitea, process::run};

/// Time in which a push has its verdict, and a message its receiver.
pub const SOON: Duration = Duration::from_secs(60);

/// A key of an endpoint, by Standard Webhooks.
pub const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Prints whether a signature is of a message, by Standard Webhooks: id, time and body are signed together.
const VERIFY: &str = "import base64, hashlib, hmac, sys
key, id, time, body, header = sys.argv[1:]
key = base64.b64decode(key.removeprefix('whsec_'))
code = hmac.new(key, f'{id}.{time}.{body}'.encode(), hashlib.sha256).digest()
print('v1,' + base64.b64encode(code).decode() in header.split(' '))";

/// Asks again and again until there is an answer.
pub fn within<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < SOON, "{what}: nothing came within {} s", SOON.as_secs());
        sleep(Duration::from_millis(100));
    }
}

/// A daemon with a listener for webhooks, and its project at the forge.
pub struct ForgeProject {
    pub env: TestEnv,
    /// The hook with its secret, as the client prints it.
    pub hook: Value,
}

impl ForgeProject {
    /// Starts the daemon with a listener for webhooks at a port, and sets project, repository and hook up. The repository
    /// is `web`, and so is the app. `listen` is further lines of `[listen]`, and `more` of the project's file from
    /// `[apps.web]` on.
    #[must_use]
    pub fn new(
        name: &'static str,
        hooks: u16,
        mut config: Config,
        listen: &str,
        more: &str,
    ) -> Self {
        config.egress.push(forge().authority());
        config.tables = format!(
            "[listen]\nhooks = \"127.0.0.1:{hooks}\"\nhooks-url = \"http://127.0.0.1:{hooks}\"\n{listen}\n\
             [outgoing]\nallow = [\"127.0.0.0/8\"]\n{}",
            config.tables
        );
        let env = TestEnv::with(name, &config);
        let url = forge().create_repository(name).unwrap();
        let file = env.spec_file(
            "project",
            &format!(
                "project = \"{name}\"\n[repositories.web]\nurl = \"{url}\"\ncredential = \"forge-read\"\n\
                 [repositories.web.forge]\nkind = \"gitea\"\napi = \"{}\"\ntoken = \"forge-write\"\n\
                 [apps.web]\n{more}",
                forge().api_url()
            ),
        );
        env.put_secret("forge-read", &format!("{}:{PASSWORD}", gitea::USER));
        env.put_secret("forge-write", forge().token());
        let this = Self { env, hook: Value::Null };
        this.windlass(&["project", "apply", "--file", &file]);
        let made = this.windlass(&["hook", "create", name]);
        let secret = made["secret"].as_str().unwrap();
        let at = made["hook"]["url"].as_str().unwrap();
        forge().create_hook(name, at, secret).unwrap();
        Self { hook: made, ..this }
    }

    /// Runs the client, and returns its JSON: the value, or the first of several.
    pub fn windlass(&self, args: &[&str]) -> Value {
        self.all(args).into_iter().next().unwrap_or_default()
    }

    /// Runs the client, and returns all values of its JSON.
    pub fn all(&self, args: &[&str]) -> Vec<Value> {
        let args = [&["--output", "json"][..], args].concat();
        let answer = self.env.daemon.windlass(&args).unwrap();
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.text);
        let values = serde_json::Deserializer::from_str(&answer.text).into_iter();
        values
            .map(|value| value.unwrap_or_else(|error| panic!("{error}: {}", answer.text)))
            .collect()
    }

    /// Pushes to the forge, as `git push` does with this refspec.
    pub fn push(&self, repository: &Repository, refspec: &str) {
        let to = forge().push_url(self.env.name);
        repository.git(&["push", "--quiet", &to, refspec]).unwrap();
    }

    /// Waits until the newest delivery whose subject is `subject` has verdicts, and returns them. `after` is the number
    /// of such deliveries that came before.
    #[must_use]
    pub fn verdicts(&self, subject: &str, after: usize) -> Vec<Value> {
        within(subject, || {
            let deliveries = self.all(&["deliveries", self.env.name]);
            let of_ref: Vec<_> = deliveries
                .iter()
                .filter(|one| {
                    one["subjects"].as_array().unwrap().iter().any(|name| name == subject)
                })
                .collect();
            let newest = of_ref.first().filter(|_| of_ref.len() > after)?;
            let verdicts = newest["verdicts"].as_array()?;
            (!verdicts.is_empty()).then(|| verdicts.clone())
        })
    }

    /// Waits until the forge shows the release as a success at the commit, and returns that status. It is the newest.
    #[must_use]
    pub fn final_status(&self, commit: &str) -> Value {
        let all = || forge().statuses(self.env.name, commit).unwrap();
        let status = within("a status", || {
            all().as_array()?.iter().find(|one| one["status"] == "success").cloned()
        });
        let all = all();
        assert_eq!(all[0]["status"], "success", "the newest is the last: {all}");
        status
    }
}

/// An endpoint that answers each request alike.
pub struct Endpoint {
    pub port: u16,
    heard: Receiver<Got>,
}

impl Endpoint {
    /// Starts an endpoint that answers each request with 204, and runs until the program ends.
    #[must_use]
    pub fn start() -> Self {
        Self::answering("204 No Content")
    }

    /// Starts an endpoint that answers each request with a status, and runs until the program ends.
    #[must_use]
    pub fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, heard) = channel();
        spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = send.send(Got::read(stream, status));
            }
        });
        Self { port, heard }
    }

    /// Returns the table of a project's file that names the endpoint. Its key is the secret `chat-key`.
    #[must_use]
    pub fn table(&self) -> String {
        let port = self.port;
        format!("[endpoints.chat]\nurl = \"http://127.0.0.1:{port}/hear\"\nsecret = \"chat-key\"\n")
    }

    /// Waits for the next message.
    #[must_use]
    pub fn hear(&self) -> Got {
        self.heard.recv_timeout(SOON).expect("a message")
    }

    /// Returns the message that comes within a time. `None` means that none does.
    #[must_use]
    pub fn hear_within(&self, time: Duration) -> Option<Got> {
        self.heard.recv_timeout(time).ok()
    }
}

/// A request that an endpoint got: its head and its body.
pub struct Got {
    pub head: String,
    pub body: String,
}

impl Got {
    fn read(stream: TcpStream, status: &str) -> Self {
        let mut reader = BufReader::new(stream);
        let mut got = Self { head: String::new(), body: String::new() };
        while reader.read_line(&mut got.head).unwrap() > 2 {}
        let mut body = vec![0; got.header("content-length").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        got.body = String::from_utf8(body).unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        reader.into_inner().write_all(answer.as_bytes()).unwrap();
        got
    }

    /// Returns a header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no {name}: {}", self.head)).1.trim()
    }

    /// Returns the body of a message that is signed by a key, as a receiver verifies it: by its own code, and not by the
    /// daemon's.
    #[must_use]
    pub fn verified(&self, key: &str) -> Value {
        assert!(!is_signed(self, key, &format!("{} ", self.body)), "a body that was changed");
        assert!(is_signed(self, key, &self.body), "{}\n{}", self.head, self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

fn is_signed(got: &Got, key: &str, body: &str) -> bool {
    let [id, time, signature] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| got.header(name));
    let answer = run(Command::new("python3").args(["-c", VERIFY, key, id, time, body, signature]));
    let answer = answer.unwrap();
    match answer.trim() {
        "True" => true,
        "False" => false,
        odd => panic!("{odd}"),
    }
}

/// Makes a repository of the bed with the small app, whose build prints a line that no command has: `pushed-42`.
#[must_use]
pub fn printing_app(env: &TestEnv) -> Repository {
    let repository = env.small_app();
    let step = "RUN echo pushed-$((40+2))\nUSER 10001\n";
    repository.write("Dockerfile", &dockerfile().replace("USER 10001\n", step)).unwrap();
    repository
}
