//! Metrics that a real Prometheus reads, and traces that a collector gets.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository,
    daemon::{Config, get},
    install,
    layout::port,
    part::prometheus::{self, promtool},
    process::await_that,
};
use windlass_tests::{SMALL, TestEnv, bed};

/// Longest time until a trace comes: the daemon's pause for a collector that is away, and the pause of its loop.
const TRACE: Duration = Duration::from_secs(120);

/// Context of the trace to which the job belongs.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn the_alert_rules_are_sound() {
    let folder = prometheus::rules();
    for args in [["check", "rules", "rules.yaml"], ["test", "rules", "rules.test.yaml"]] {
        promtool(&bed().layout, &folder, &args).unwrap();
    }
}

#[test]
fn a_prometheus_reads_what_the_board_and_the_rules_show() {
    let layout = &bed().layout;
    let admin = port::METRICS;
    let mut config = Config::of(bed()).unwrap();
    // A queue whose broker is away: its metrics are there all the same.
    config.tables = format!(
        "[listen]\nadmin = \"127.0.0.1:{admin}\"\n[amqp]\nurl = \"amqp://127.0.0.1:1\"\nqueue = \"jobs\"\n\
         dead = \"dead\"\nprincipal = \"queue\"\nprojects = [\"t-metrics\"]\nuser = \"nobody\"\n\
         password-file = \"/dev/null\"\n"
    );
    let env = TestEnv::with("t-metrics", &config);
    let prometheus = prometheus::up(layout, admin).unwrap();
    let reaches = |expression: &str, expected: f64| {
        let is_so = || prometheus.value(expression).unwrap() == Some(expected);
        let found = || prometheus.value(expression);
        assert!(await_that(Duration::from_secs(30), is_so), "{expression}: {:?}", found());
    };
    reaches("up{job=\"windlass\"}", 1.0);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    let empty = Repository::new(layout, "t-metrics-empty", true).unwrap();
    empty.commit("nothing").unwrap();
    let _ = env.submit("empty", empty.url(), &[]).failed_with("clone", "tree-refused");
    for expression in [
        "windlass_jobs_total{cicd_pipeline_result=\"success\"}",
        "cicd_pipeline_run_duration_seconds_count{cicd_pipeline_result=\"failure\"}",
        "windlass_stage_duration_seconds_count{stage=\"release\"}",
        "cicd_pipeline_run_errors_total{error_type=\"tree-refused\", whose=\"app\"}",
    ] {
        reaches(expression, 1.0);
    }
    reaches("cicd_pipeline_run_active{cicd_pipeline_run_state=\"executing\"}", 0.0);
    reaches("windlass_queue_open", 0.0);
    let rules = prometheus.rules().unwrap();
    assert!(rules.len() >= 19, "{rules:?}");
    assert!(rules.iter().all(|(_, fault)| fault.is_empty()), "{rules:?}");

    let page = get("127.0.0.1", admin, "/metrics").unwrap();
    lint(&page);
    let families: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    for name in named_metrics() {
        let is_there = families.iter().any(|family| {
            let (family, kind) = family.split_once(' ').unwrap();
            let ends: &[&str] = match kind {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_count", "_sum"],
                _ => &[""],
            };
            ends.iter().any(|end| name == format!("{family}{end}"))
        });
        // A family without a series is not printed: nobody pushed.
        let is_empty = name == "windlass_delivery_verdicts_total";
        assert!(is_there || is_empty, "{name} is no metric: {families:?}");
    }
}

/// Returns the names of all metrics in the rules and in the board.
fn named_metrics() -> Vec<String> {
    let mut names = Vec::new();
    for file in ["rules.yaml", "board.json"] {
        let text = fs::read_to_string(prometheus::rules().join(file)).unwrap();
        let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
        let words = text.split(|c: char| !is_part(c) && c != ':');
        let is_name = |word: &&str| {
            let is_label = ["cicd_pipeline_run_state", "cicd_pipeline_result"].contains(word);
            let is_ours = word.starts_with("windlass_") || word.starts_with("cicd_pipeline_");
            is_ours && !is_label && !word.contains(':')
        };
        names.extend(words.filter(is_name).map(str::to_owned));
    }
    names.sort();
    names.dedup();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// Has `promtool` look at the page. It reads the older text format, in which the family of a counter has the name of its
/// series; Prometheus itself has read the page as it is.
fn lint(page: &str) {
    let counters: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut older = String::new();
    for line in page.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let mut words: Vec<_> = line.splitn(4, ' ').map(str::to_owned).collect();
        if words[0] == "#" && counters.contains(&&*words[2]) {
            words[2].push_str("_total");
        }
        older.push_str(&words.join(" "));
        older.push('\n');
    }
    let program = install::prometheus(&bed().layout).unwrap().join("promtool");
    let mut command = Command::new(program);
    command.args(["check", "metrics"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(older.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.trim().is_empty(), "{text}\n{older}");
}

/// The collector is away when the job ends, and the daemon is killed before the collector comes back.
#[test]
fn a_collector_gets_the_trace_of_a_job_though_it_and_the_daemon_were_away() {
    // Below the ports that the system gives to connections: one of them would be taken while the collector is away.
    let port = port::COLLECTOR;
    let mut config = Config::of(bed()).unwrap();
    config.tables = format!("[traces]\nendpoint = \"http://127.0.0.1:{port}\"\n");
    let mut env = TestEnv::with("t-traces", &config);
    let repository = env.repository();
    repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
    repository.write("index.html", "one\n").unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    let commit = repository.commit("one").unwrap();
    let label = format!("traceparent={CALLER}");
    let ended = env.submit("app", repository.url(), &["--label", &label]);
    ended.succeeded();
    let is_away = || env.daemon.log().contains("traces are not sent");
    assert!(await_that(TRACE, is_away), "{}", env.daemon.log());
    env.daemon.kill();

    let collector = TcpListener::bind(("127.0.0.1", port)).unwrap();
    env.daemon.restart().unwrap();
    let (head, body) = request(&collector);
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    let service = &body["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(service["value"]["stringValue"], "windlassd");
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let run = &spans[0];
    assert_eq!(run["name"], "RUN t-traces/app");
    assert_eq!(run["parentSpanId"], "00f067aa0ba902b7");
    assert!(spans.iter().all(|span| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"));
    for (key, expected) in [
        ("cicd.pipeline.run.id", &*ended.id),
        ("cicd.pipeline.result", "success"),
        ("vcs.ref.head.revision", &*commit),
    ] {
        assert_eq!(attribute(run, key), expected, "{key}");
    }
    let expected = ["wait", "clone", "detect", "build", "test", "push", "release"];
    let parts = spans.iter().filter(|span| span["parentSpanId"] == run["spanId"]);
    let mut names: Vec<_> = parts.map(|span| span["name"].as_str().unwrap()).collect();
    names.retain(|name| expected.contains(name));
    assert_eq!(names, expected);
    let release = spans.iter().find(|span| span["name"] == "release").unwrap();
    let steps = spans.iter().filter(|span| span["parentSpanId"] == release["spanId"]).count();
    assert!(steps > 0, "{spans:#?}");
    for span in spans {
        let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
    }
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a str {
    let mut all = span["attributes"].as_array().unwrap().iter();
    let found = all.find(|attribute| attribute["key"] == key);
    found.and_then(|found| found["value"]["stringValue"].as_str()).unwrap_or_default()
}

/// Waits for one request, answers it, and returns its head and body.
fn request(listener: &TcpListener) -> (String, Value) {
    let stream = accepted(listener);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    reader.get_mut().write_all(answer).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

fn accepted(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let began = Instant::now();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            return stream;
        }
        assert!(began.elapsed() < TRACE, "no trace came");
        sleep(Duration::from_millis(50));
    }
}
