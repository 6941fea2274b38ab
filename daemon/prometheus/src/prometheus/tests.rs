//! Measurements, answered by a server of the test's own.

use super::*;
use std::path::PathBuf;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use windlass_model::clock::now_ms;

/// Longest time of a measurement whose server answers.
const ENOUGH: Duration = Duration::from_secs(30);

/// A server that a test answers for, and an adapter that asks it for the cluster `eu`.
struct Fake {
    listener: TcpListener,
    metrics: Prometheus,
}

impl Fake {
    async fn new(limit: Duration, token_file: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/prom", listener.local_addr().unwrap());
        let settings = PrometheusSettings::new(&address, token_file, None).unwrap();
        let metrics = Prometheus::with_limit(BTreeMap::from([("eu".into(), settings)]), limit);
        Self { listener, metrics: metrics.unwrap() }
    }

    /// Takes one request, and returns it whole with its connection.
    async fn asked(&self) -> (TcpStream, String) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await.unwrap();
            assert!(count > 0, "the request ended early");
            bytes.extend_from_slice(&part[..count]);
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                return (stream, text);
            }
        }
    }

    /// Measures once, answers with a status and a body, and returns both what was measured and the request.
    async fn measured(
        &self,
        status: &str,
        body: &str,
    ) -> (Result<Option<f64>, MetricsError>, String) {
        let answer = async {
            let (mut stream, request) = self.asked().await;
            let length = body.len();
            let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
            request
        };
        tokio::join!(self.metrics.measure("eu", "sum(up) > 1"), answer)
    }
}

async fn measured(status: &str, body: &str) -> Result<Option<f64>, MetricsError> {
    Fake::new(ENOUGH, None).await.measured(status, body).await.0
}

/// Returns an answer with one number in each of these series, all of the same age.
fn vector(numbers: &[&str], age_seconds: u64) -> String {
    let at = now_ms() / 1000 - age_seconds;
    let series =
        numbers.iter().map(|one| format!("{{\"metric\":{{}},\"value\":[{at},\"{one}\"]}}"));
    let series = series.collect::<Vec<_>>().join(",");
    format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{series}]}}}}"
    )
}

/// Returns the sentence of a refusal.
fn refused(answer: Result<Option<f64>, MetricsError>) -> String {
    match answer {
        Err(MetricsError::Refused { message }) => message,
        other => panic!("it is not refused: {other:?}"),
    }
}

/// Returns the reason why a server counts as away.
fn away(answer: Result<Option<f64>, MetricsError>) -> String {
    match answer {
        Err(MetricsError::Unreachable { address, message }) => {
            assert!(address.starts_with("http://127.0.0.1:"), "{address}");
            message
        }
        other => panic!("it counts as reached: {other:?}"),
    }
}

#[tokio::test]
async fn a_measurement_is_one_request_below_the_address() {
    let fake = Fake::new(ENOUGH, None).await;
    let (answer, request) = fake.measured("200 OK", &vector(&["0.25"], 0)).await;
    assert!(matches!(answer, Ok(Some(number)) if number == 0.25), "{answer:?}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /prom/api/v1/query HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert!(head.contains(&format!("host: {}", fake.listener.local_addr().unwrap())), "{head}");
    assert!(!head.contains("authorization"), "{head}");
    assert_eq!(body, "query=sum%28up%29+%3E+1&timeout=30000ms&lookback_delta=90s");
}

#[tokio::test]
async fn a_scalar_is_a_value_too() {
    let at = now_ms() / 1000;
    let data = format!("{{\"resultType\":\"scalar\",\"result\":[{at},\"7\"]}}");
    let answer = measured("200 OK", &format!("{{\"status\":\"success\",\"data\":{data}}}")).await;
    assert!(matches!(answer, Ok(Some(number)) if number == 7.0), "{answer:?}");
}

#[tokio::test]
async fn no_series_nan_and_a_late_sample_are_no_value() {
    for body in [vector(&[], 0), vector(&["NaN"], 0), vector(&["+Inf"], 0), vector(&["1"], 400)] {
        let answer = measured("200 OK", &body).await;
        assert!(matches!(answer, Ok(None)), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn several_series_are_refused_with_what_to_do() {
    let why = refused(measured("200 OK", &vector(&["1", "2", "3"], 0)).await);
    assert_eq!(why, "the expression has 3 series, one is needed: aggregate it");
}

#[tokio::test]
async fn an_error_is_quoted() {
    let body = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:4: parse error\"}";
    let why = refused(measured("400 Bad Request", body).await);
    assert_eq!(why, "bad_data: 1:4: parse error");
}

#[tokio::test]
async fn a_server_that_is_overloaded_is_away_and_its_words_are_shortened() {
    let why = away(measured("503 Service Unavailable", &"busy\n".repeat(1000)).await);
    assert!(
        why.starts_with("503 Service Unavailable, and no answer") && why.ends_with('…'),
        "{why}"
    );
    assert!(why.chars().count() <= 301 && !why.contains('\n'), "{why}");
}

#[tokio::test]
async fn what_is_no_prometheus_is_refused() {
    let why = refused(measured("200 OK", "<html>Log in</html>").await);
    assert!(why.ends_with("no answer of a Prometheus: <html>Log in</html>"), "{why}");
}

#[tokio::test]
async fn a_body_without_an_end_is_left() {
    let fake = Fake::new(ENOUGH, None).await;
    let answer = async {
        let (mut stream, _) = fake.asked().await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("10000\r\n{}\r\n", "[".repeat(1 << 16));
        // Until the client has read enough, and closes the connection.
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    };
    let (answer, ()) = tokio::join!(fake.metrics.measure("eu", "up"), answer);
    let why = refused(answer);
    assert!(why.starts_with("more than 1 MiB came"), "{why}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_at_the_limit() {
    let fake = Fake::new(Duration::from_millis(200), None).await;
    let silent = async {
        let (mut stream, _) = fake.asked().await;
        // The client goes.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    };
    let (answer, ()) = tokio::join!(fake.metrics.measure("eu", "up"), silent);
    assert_eq!(away(answer), "no answer within 0.2 s");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let settings = PrometheusSettings::new("http://127.0.0.1:9", None, None).unwrap();
    let metrics = Prometheus::new(BTreeMap::from([("eu".into(), settings)])).unwrap();
    let why = away(metrics.measure("eu", "up").await);
    assert!(why.contains("127.0.0.1:9"), "{why}");
}

#[tokio::test]
async fn a_token_is_read_for_each_request_and_never_quoted() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "first-t0ken\n").unwrap();
    let fake = Fake::new(ENOUGH, Some(file.path().to_owned())).await;
    let (_, request) = fake.measured("200 OK", &vector(&["1"], 0)).await;
    assert!(request.contains("authorization: Bearer first-t0ken\r\n"), "{request}");
    std::fs::write(file.path(), "second-t0ken").unwrap();
    let (answer, request) = fake.measured("401 Unauthorized", "no right: second-t0ken").await;
    assert!(request.contains("authorization: Bearer second-t0ken\r\n"), "{request}");
    let why = refused(answer);
    assert!(why.contains("401") && why.contains("no right") && !why.contains("t0ken"), "{why}");
    std::fs::remove_file(file.path()).unwrap();
    let why = away(fake.metrics.measure("eu", "up").await);
    assert!(why.starts_with("token-file: /"), "{why}");
}

#[tokio::test]
async fn a_cluster_without_one_is_named() {
    let fake = Fake::new(ENOUGH, None).await;
    assert!(fake.metrics.knows("eu") && !fake.metrics.knows("us"));
    match fake.metrics.measure("us", "up").await {
        Err(MetricsError::NotConfigured { cluster }) => assert_eq!(cluster, "us"),
        other => panic!("it is configured: {other:?}"),
    }
}

#[tokio::test]
async fn a_check_names_a_clock_that_is_behind() {
    let fake = Fake::new(ENOUGH, None).await;
    for (age, is_well) in [(0, true), (3600, false)] {
        let answer = async {
            let (mut stream, request) = fake.asked().await;
            let body = vector(&["1"], age);
            let length = body.len();
            let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
            request
        };
        let (checked, request) = tokio::join!(fake.metrics.check("eu"), answer);
        assert!(request.contains("query=vector%281%29"), "{request}");
        match checked {
            Ok(()) => assert!(is_well),
            Err(error) => {
                let error = error.to_string();
                assert!(!is_well && error.contains("clock"), "{error}");
            }
        }
    }
}
