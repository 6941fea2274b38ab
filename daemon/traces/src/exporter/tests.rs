//! Traces, sent to a collector of the test's own.

use super::*;
use crate::samples::{JOB, OneJob, replay, succeeded};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use windlass_engine::ports::store::Replay;
use windlass_model::event::Event;

/// Returns the journal of a job that ended a moment ago.
fn ended() -> Replay {
    let claimed = Event::Claimed { daemon: "one".into() };
    let mut replay = replay(vec![(1, claimed), (2, Event::Ended(succeeded()))]);
    replay.record.ended_ms = Some(now_ms());
    replay
}

fn exporter(endpoint: &str) -> Exporter {
    Exporter::new(TraceSettings::new(endpoint, None, None).unwrap()).unwrap()
}

/// Answers one request with this head, and returns the request's head and body.
async fn answer(listener: &TcpListener, head: &str) -> (String, Value) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "the request ended early");
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((request, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(body) = serde_json::from_str(body) {
            let text = format!("HTTP/1.1 {head}\r\ncontent-length: 2\r\n\r\n{{}}");
            stream.write_all(text.as_bytes()).await.unwrap();
            return (request.to_owned(), body);
        }
    }
}

#[tokio::test]
async fn a_trace_is_one_request_by_otlp_over_http() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let exporter = exporter(&format!("http://{address}"));
    let store = OneJob(Ok(Some(ended())));
    let (sent, (head, body)) =
        tokio::join!(exporter.send(&store, JOB), answer(&listener, "200 OK"));
    assert_eq!(sent, Ok(None));
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains(&format!("host: {address}")), "{head}");
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!((spans.len(), &spans[0]["name"]), (2, &Value::from("RUN shop/web")));
    let (checked, (_, body)) = tokio::join!(exporter.check(), answer(&listener, "200 OK"));
    assert_eq!(checked, Ok(()));
    assert_eq!(body["resourceSpans"][0]["scopeSpans"][0]["spans"], serde_json::json!([]));
}

#[tokio::test]
async fn a_collector_that_is_away_is_asked_once_and_later_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let exporter = exporter(&format!("http://{}", listener.local_addr().unwrap()));
    let store = OneJob(Ok(Some(ended())));
    let busy = answer(&listener, "503 Service Unavailable\r\nretry-after: 40");
    let (sent, _) = tokio::join!(exporter.send(&store, JOB), busy);
    let next = sent.unwrap().unwrap();
    assert!(next > now_ms() + 30_000 && next <= now_ms() + 40_000, "{next}");
    // No one answers now, and no one is asked.
    let again = exporter.send(&store, JOB).await.unwrap().unwrap();
    assert!(again.abs_diff(next) < 1000, "{again} {next}");
    exporter.away.end();
    let sent = tokio::join!(exporter.send(&store, JOB), answer(&listener, "400 Bad Request")).0;
    assert_eq!(sent, Ok(None), "it is refused for good");
}

#[tokio::test]
async fn what_cannot_be_sent_is_dropped_or_tried_again() {
    // Nobody listens on port 9 of loopback.
    let exporter = exporter("http://127.0.0.1:9");
    let mut old = ended();
    old.record.ended_ms = Some(now_ms() - KEPT_MS - 1000);
    let unreadable = StoreError::Unreadable { what: "event 1".into(), why: "it is torn".into() };
    for gone in [Ok(None), Ok(Some(old)), Err(unreadable)] {
        assert_eq!(exporter.send(&OneJob(gone), JOB).await, Ok(None));
    }
    let busy = StoreError::Busy("another holds the lock".into());
    assert_eq!(exporter.send(&OneJob(Err(busy.clone())), JOB).await, Err(busy));
    let later = exporter.send(&OneJob(Ok(Some(ended()))), JOB).await.unwrap();
    assert!(later.is_some_and(|next| next > now_ms()));
    assert!(exporter.check().await.unwrap_err().contains("127.0.0.1:9"));
}
