//! Doors: a push at a real forge deploys, its commit gets a status, and an endpoint hears of the end.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};
use windlass_bed::{daemon::Config, part::gitea};
use windlass_tests::{
    SMALL, TestEnv, bed, dockerfile, forge,
    forge_project::{Endpoint, ForgeProject, KEY, SOON, within},
};

fn project(name: &'static str, hooks: u16, more: &str) -> ForgeProject {
    ForgeProject::new(name, hooks, Config::of(bed()).unwrap(), "", more)
}

#[test]
fn a_push_at_the_forge_deploys_and_everybody_hears_of_it() {
    let name = "t-doors";
    let chat = Endpoint::start();
    let more = format!(
        "paths = [\"!docs/**\"]\n\
         [triggers.production]\napp = \"web\"\npush = {{ branches = [\"main\"] }}\n\
         [triggers.tagged]\napp = \"web\"\nenvironment = \"staging\"\ntag = {{ pattern = \"v*\" }}\n\
         [environments.staging]\nauto-deploy = false\n\
         {}",
        chat.table()
    );
    let project = project(name, 21_310, &more);
    project.env.put_secret("chat-key", KEY);
    let repository = project.env.repository();
    repository.write("Dockerfile", &dockerfile()).unwrap();
    repository.write("index.html", "one\n").unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    let push = |refspec: &str| project.push(&repository, refspec);
    let commit = repository.commit("one").unwrap();
    push("HEAD:refs/heads/main");

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
    let status = project.final_status(&commit);
    assert_eq!(status["context"], "windlass/web/production", "{status}");

    // The endpoint has the signed end.
    let body = chat.hear().verified(KEY);
    assert_eq!(
        (&body["type"], &body["data"]["job"]),
        (&"job.succeeded".into(), &id.into()),
        "{body}"
    );

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
    push("HEAD:refs/heads/main");
    let verdict = &project.verdicts("refs/heads/main", 2)[0];
    assert_eq!(verdict["outcome"], "nothing", "{verdict}");

    // An annotated tag, of which the environment deploys nothing by itself; a branch that nobody asked for; and its end.
    repository.git(&["tag", "--annotate", "--message", "first", "v1"]).unwrap();
    push("refs/tags/v1");
    let verdicts = project.verdicts("refs/tags/v1", 0);
    let tagged = verdicts.iter().find(|one| one["trigger"] == "tagged").unwrap();
    assert_eq!(tagged["outcome"], "nothing", "{tagged}");
    push("HEAD:refs/heads/other");
    assert_eq!(project.verdicts("refs/heads/other", 0)[0]["outcome"], "nothing");
    push(":refs/heads/other");
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
    let project = project(name, hooks, more);
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

/// Tries a login with an unknown token by way of a proxy, and returns the status of the answer.
fn log_in(port: u16, forwarded_for: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let body = "{\"token\":\"unknown\"}";
    let head = format!(
        "POST /login HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nx-forwarded-for: {forwarded_for}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(&answer)
}

#[test]
fn who_fails_to_log_in_behind_a_proxy_stops_nobody_else() {
    for (name, port, proxies, other) in [
        ("t-proxy", 21_312, "\"127.0.0.0/8\"", 401),
        // Of a stranger the header is not read: all have one address.
        ("t-no-proxy", 21_313, "\"10.0.0.0/8\"", 429),
    ] {
        let mut config = Config::of(bed()).unwrap();
        config.tables =
            format!("[listen]\ntcp = \"127.0.0.1:{port}\"\ntrusted-proxies = [{proxies}]\n");
        let env = TestEnv::with(name, &config);
        for try_ in 0..5 {
            // The left part is the client's own invention.
            let forwarded_for = format!("192.0.2.{try_}, 198.51.100.1");
            assert_eq!(log_in(port, &forwarded_for), 401, "{}", env.daemon.log());
        }
        assert_eq!(log_in(port, "192.0.2.9, 198.51.100.1"), 429);
        assert_eq!(log_in(port, "198.51.100.2"), other);
        let is_logged = env.daemon.log().contains("198.51.100.1");
        assert_eq!(is_logged, other == 401, "{}", env.daemon.log());
    }
}

/// An endpoint that only fails for half a day is in the tests of the outbox: here it says at once that it is no more.
#[test]
fn the_other_endpoints_hear_that_one_is_off() {
    let name = "t-endpoint-off";
    let gone = Endpoint::answering("410 Gone");
    let ops = Endpoint::start();
    let mut config = Config::of(bed()).unwrap();
    config.tables = "[outgoing]\nallow = [\"127.0.0.0/8\"]\n".to_owned();
    let env = TestEnv::with(name, &config);
    let text = |endpoint: &str, port: u16| {
        format!("[endpoints.{endpoint}]\nurl = \"http://127.0.0.1:{port}/\"\nsecret = \"key\"\n")
    };
    let file =
        format!("project = \"{name}\"\n{}{}", text("chat", gone.port), text("ops", ops.port));
    let file = env.spec_file("project", &file);
    env.put_secret("key", KEY);
    let applied = env.daemon.windlass(&["project", "apply", "--file", &file]).unwrap();
    assert_eq!(applied.code, 0, "{}", applied.text);
    let list = || {
        let answer = env.daemon.windlass(&["--output", "json", "outbox", "list", name]).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
        let lines = answer.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.collect::<Vec<_>>()
    };
    let repository = env.repository();
    repository.write("notes.txt", "nothing that is an app\n").unwrap();
    repository.commit("one").unwrap();
    let fails = |app: &str| {
        let _ = env.submit(app, repository.url(), &[]).failed_with("detect", "nothing-detected");
    };
    fails("one");
    within("the end of the first", || {
        list().into_iter().find(|one| one["receiver"] == "chat" && one["state"] == "dead")
    });
    let first = ops.hear().verified(KEY);
    assert_eq!(first["type"], "job.failed", "{first}");

    // The next message to it is not sent, and the other one hears why: once.
    fails("two");
    fails("three");
    let got: Vec<_> = (0..3).map(|_| ops.hear().verified(KEY)).collect();
    let off: Vec<_> = got.iter().filter(|one| one["type"] == "endpoint.disabled").collect();
    assert_eq!(off.len(), 1, "{got:#?}");
    assert_eq!(
        (&off[0]["data"]["endpoint"], &off[0]["data"]["project"]),
        (&"chat".into(), &name.into())
    );
    assert!(ops.hear_within(Duration::from_secs(3)).is_none(), "a storm");
    let listed = list();
    let unwell = listed.iter().find(|one| one["unwell"].is_object());
    assert_eq!(unwell.unwrap()["unwell"]["health"], "disabled", "{listed:#?}");
    let notices = listed.iter().filter(|one| one["kind"] == "notice").count();
    assert_eq!(notices, 1, "{listed:#?}");
}
