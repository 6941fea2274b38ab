//! Doors: a push at a real forge deploys, its commit gets a status, and an endpoint hears of the end.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread::{sleep, spawn},
    time::{Duration, Instant},
};
use windlass_bed::{
    daemon::Config,
    layout::{PASSWORD, port},
    part::gitea,
};
use windlass_tests::{SMALL, TestEnv, bed, dockerfile, forge};

/// Time in which a push has its verdict, and a message its receiver.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
pub(super) fn within<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
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
pub(super) struct Project {
    pub(super) env: TestEnv,
    hook: Value,
}

impl Project {
    /// Starts the daemon, and applies the project with `more` tables, of which the forge calls the only hook.
    pub(super) fn new(name: &'static str, hooks: u16, more: &str) -> Self {
        let mut config = Config::of(bed()).unwrap();
        config.egress.push(format!("127.0.0.1:{}", port::GITEA));
        config.tables = format!(
            "[listen]\nhooks = \"127.0.0.1:{hooks}\"\nhooks-url = \"http://127.0.0.1:{hooks}\"\n\
             [outgoing]\nallow = [\"127.0.0.0/8\"]\n"
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
    fn windlass(&self, args: &[&str]) -> Value {
        self.all(args).into_iter().next().unwrap_or_default()
    }

    fn all(&self, args: &[&str]) -> Vec<Value> {
        let args = [&["--output", "json"][..], args].concat();
        let answer = self.env.daemon.windlass(&args).unwrap();
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.text);
        let values = serde_json::Deserializer::from_str(&answer.text).into_iter();
        values
            .map(|value| value.unwrap_or_else(|error| panic!("{error}: {}", answer.text)))
            .collect()
    }

    /// Waits until the newest delivery whose subject is `subject` has verdicts, and returns them.
    pub(super) fn verdicts(&self, subject: &str, after: usize) -> Vec<Value> {
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
}

/// A request that an endpoint got: its head and its body.
pub(super) struct Got {
    head: String,
    pub(super) body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no {name}: {}", self.head)).1.trim()
    }
}

/// Starts an endpoint that answers each request with 204.
pub(super) fn endpoint() -> (u16, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, got) = channel();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = send.send(read(stream));
        }
    });
    (port, got)
}

fn read(stream: TcpStream) -> Got {
    let mut reader = BufReader::new(stream);
    let mut got = Got { head: String::new(), body: String::new() };
    while reader.read_line(&mut got.head).unwrap() > 2 {}
    let mut body = vec![0; got.header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    got.body = String::from_utf8(body).unwrap();
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    reader.into_inner().write_all(answer).unwrap();
    got
}

#[test]
fn a_push_at_the_forge_deploys_and_everybody_hears_of_it() {
    let name = "t-doors";
    let (at, heard) = endpoint();
    let more = format!(
        "paths = [\"!docs/**\"]\n\
         [triggers.production]\napp = \"web\"\npush = {{ branches = [\"main\"] }}\n\
         [triggers.tagged]\napp = \"web\"\nenvironment = \"staging\"\ntag = {{ pattern = \"v*\" }}\n\
         [environments.staging]\nauto-deploy = false\n\
         [endpoints.chat]\nurl = \"http://127.0.0.1:{at}/hear\"\nsecret = \"chat-key\"\n"
    );
    let project = Project::new(name, 21_310, &more);
    project.env.put_secret("chat-key", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    let repository = project.env.repository();
    repository.write("Dockerfile", &dockerfile()).unwrap();
    repository.write("index.html", "one\n").unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    let push =
        |refspec: &str| repository.git(&["push", "--quiet", &forge().push_url(name), refspec]);
    let commit = repository.commit("one").unwrap();
    push("HEAD:refs/heads/main").unwrap();

    // The push is a delivery, whose verdict is a job of exactly this commit.
    let verdict = &project.verdicts("refs/heads/main", 0)[0];
    assert_eq!(
        (&verdict["outcome"], &verdict["commit"]),
        (&"job".into(), &commit.clone().into()),
        "{verdict}"
    );
    let id = verdict["job"].as_str().unwrap();
    project.env.watch(id).succeeded();
    project.env.serves("web", "one");

    // The commit has one context, whose last state is success.
    let status = within("a status", || {
        let all = forge().statuses(name, &commit).unwrap();
        all.as_array()?.iter().find(|one| one["status"] == "success").cloned()
    });
    assert_eq!(status["context"], format!("windlass/web/production"), "{status}");
    let all = forge().statuses(name, &commit).unwrap();
    assert_eq!(all[0]["status"], "success", "the newest is the last: {all}");

    // The endpoint has the signed end.
    let got = heard.recv_timeout(SOON).unwrap();
    let body: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["job"]),
        (&"job.succeeded".into(), &id.into()),
        "{}",
        got.body
    );
    assert!(got.header("webhook-signature").starts_with("v1,"), "{}", got.head);
    assert!(!got.header("webhook-id").is_empty());

    // A redelivery deploys nothing twice.
    let hooks =
        forge().api("GET", &format!("/repos/{}/{name}/hooks", gitea::USER), &Value::Null).unwrap();
    let hook = &hooks[0]["id"];
    let path = format!("/repos/{}/{name}/hooks/{hook}/tests", gitea::USER);
    forge().api("POST", &path, &Value::Null).unwrap();
    let verdict = &project.verdicts("refs/heads/main", 1)[0];
    assert_eq!(verdict["outcome"], "already", "{verdict}");

    // A change of files that the app leaves out deploys nothing, and says so.
    repository.write("docs/a.md", "text\n").unwrap();
    repository.commit("docs").unwrap();
    push("HEAD:refs/heads/main").unwrap();
    let verdict = &project.verdicts("refs/heads/main", 2)[0];
    assert_eq!(verdict["outcome"], "nothing", "{verdict}");

    // An annotated tag, of which the environment deploys nothing by itself; a branch that nobody asked for; and its end.
    repository.git(&["tag", "--annotate", "--message", "first", "v1"]).unwrap();
    push("refs/tags/v1").unwrap();
    let verdicts = project.verdicts("refs/tags/v1", 0);
    let tagged = verdicts.iter().find(|one| one["trigger"] == "tagged").unwrap();
    assert_eq!(tagged["outcome"], "nothing", "{tagged}");
    push("HEAD:refs/heads/other").unwrap();
    assert_eq!(project.verdicts("refs/heads/other", 0)[0]["outcome"], "nothing");
    push(":refs/heads/other").unwrap();
    assert_eq!(project.verdicts("refs/heads/other", 1)[0]["outcome"], "nothing");

    // All of it made one job, and no secret is on the disk.
    assert_eq!(project.all(&["jobs", "--project", name]).len(), 1);
    let secret = project.hook["secret"].as_str().unwrap();
    project.env.keeps_nothing_of(secret);
    project.env.keeps_nothing_of(forge().token());
}

/// Sends a request to the listener for webhooks, and returns the answer.
fn post(hooks: u16, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", hooks)).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Signs a body as Gitea does.
fn signature(secret: &str, body: &str) -> String {
    let program = "import hmac, sys; \
                   print(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), 'sha256').hexdigest())";
    let output = Command::new("python3").args(["-c", program, secret, body]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn whoever_does_not_sign_learns_and_changes_nothing() {
    let name = "t-doors-hostile";
    let hooks = 21_311;
    let more = "[triggers.production]\napp = \"web\"\npush = { branches = [\"main\"] }\n";
    let project = Project::new(name, hooks, more);
    let path = project.hook["hook"]["path"].as_str().unwrap();
    let body = r#"{"ref":"refs/heads/main","after":"067f1fe93c2d4a5b6c7d8e9f00112233445566ff","repository":{"id":7}}"#;
    let kind = "content-type: application/json\r\nx-gitea-event: push\r\n";
    let wrong = format!("{kind}x-gitea-signature: {}\r\n", "0".repeat(64));
    let unknown = format!("/hooks/{}", "a".repeat(26));
    let answers: Vec<_> = [(path, kind), (path, &*wrong), (&*unknown, &*wrong)]
        .map(|(path, headers)| {
            let answer = post(hooks, path, headers, body);
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
            answer.split_once("\r\n\r\n").unwrap().1.to_owned()
        })
        .into();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // Nothing else is served there.
    for path in ["/", "/metrics", "/api/jobs", "/windlass.v1.Jobs/List"] {
        assert!(post(hooks, path, "", "").starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(project.all(&["deliveries", name]).is_empty());
    // A secret that was replaced at once is worth nothing any more.
    let id = project.hook["hook"]["id"].as_str().unwrap();
    let rotated = project.windlass(&["hook", "rotate", name, id, "--keep", "0s"]);
    let send = |secret: &str| {
        let headers = format!("{kind}x-gitea-signature: {}\r\n", signature(secret, body));
        post(hooks, path, &headers, body)
    };
    let (old, new) =
        (project.hook["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    let answer = send(old);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let listed = project.windlass(&["hook", "list", name]);
    assert!(listed["seen"].is_null(), "{listed}");
    let answer = send(new);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(project.all(&["deliveries", name]).len(), 1);
    for secret in [old, new] {
        project.env.keeps_nothing_of(secret);
    }
}
