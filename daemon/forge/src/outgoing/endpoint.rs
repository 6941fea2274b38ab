//! Webhooks to endpoints of projects, by Standard Webhooks.

use super::{
    app::EventApp,
    call::{Answer, Call, Exchange, Meaning, Single, Unsendable, time},
    preview::PreviewData,
    text::cut,
};
use crate::standard_webhooks::{Key, sign};
use http::{HeaderName, HeaderValue, Method};
use serde::Serialize;
use std::fmt;
use url::Url;
use windlass_model::{
    diagnosis::Diagnosis,
    outbox::{EndpointHealth, PreviewChange},
};

/// Body of a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// `job.succeeded`, `preview.ready`, `endpoint.failing`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Time of the event: RFC 3339 in UTC.
    pub timestamp: String,
    pub data: Data,
}

/// Data of a webhook.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Data {
    Job(Box<EventData>),
    Preview(Box<PreviewData>),
    Endpoint(EndpointData),
}

/// Data of a webhook about another endpoint of the project, which takes no messages.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointData {
    pub project: String,
    /// Name of the endpoint in the project's file.
    pub endpoint: String,
    /// Id of a job of which the endpoint did not hear.
    pub job: String,
    /// Page of that job. `None` means that the operator configured no public address.
    pub url: Option<String>,
}

/// Data of a webhook about a job.
#[derive(Clone, Debug, Serialize)]
pub struct EventData {
    /// Id of the job.
    pub job: String,
    pub app: EventApp,
    /// Id of the commit. Empty for a job that removes its app.
    pub commit: String,
    /// `succeeded`, `removed`, `failed`, `cancelled`, `superseded`, `timed-out`, `rejected`, `aborted`, `not-approved`.
    /// `None` means that the job has not ended.
    pub outcome: Option<String>,
    /// Wait for an approval, or its end. `None` means that the message is about another moment.
    pub approval: Option<EventApproval>,
    /// Explanation of a failure, without its evidence.
    pub diagnosis: Option<Diagnosis>,
    /// Release of a job that succeeded.
    pub release: Option<EventRelease>,
    /// Page of the job. `None` means that the operator configured no public address.
    pub url: Option<String>,
    /// Number of the job's event, by which receivers can sort.
    pub seq: u64,
}

/// Wait of a job for an approval, or the approval that it got.
#[derive(Clone, Debug, Serialize)]
pub struct EventApproval {
    /// `clone` or `release`: the place in the job's course.
    pub gate: String,
    /// Name of exactly what is approved.
    pub digest: String,
    /// End of the wait: RFC 3339 in UTC. `None` means that the wait has ended.
    pub until: Option<String>,
    /// Principal who approved. `None` means that nobody has.
    pub by: Option<String>,
    /// Note of the approval. `None` means that there is none.
    pub note: Option<String>,
}

impl EventApproval {
    /// Makes the wait of a job, until `until_ms` in milliseconds since 1970.
    #[must_use]
    pub fn held(gate: &str, digest: &str, until_ms: u64) -> Self {
        let until = Some(humantime::format_rfc3339_millis(time(until_ms)).to_string());
        Self { gate: gate.into(), digest: digest.into(), until, by: None, note: None }
    }

    /// Makes an approval by a principal. The empty note means that there is none.
    #[must_use]
    pub fn given(gate: &str, digest: &str, by: &str, note: &str) -> Self {
        let note = Some(note.to_owned()).filter(|note| !note.is_empty());
        let by = Some(by.to_owned());
        Self { gate: gate.into(), digest: digest.into(), until: None, by, note }
    }
}

/// Release of a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct EventRelease {
    pub id: String,
    /// Image by digest.
    pub image: String,
}

/// A message to an endpoint, at one attempt.
pub struct Notice<'a> {
    /// Address of the endpoint.
    pub url: &'a Url,
    /// Newest key, and the one before it where there is one.
    pub keys: &'a [Key],
    /// Id of the message, the same at each attempt.
    pub id: &'a str,
    /// Time of the attempt, in milliseconds since 1970.
    pub now_ms: u64,
    pub event: &'a Event,
}

/// Returns the conversation that delivers a message.
///
/// # Errors
/// [`Unsendable`] if it cannot be written as JSON, or its id is no header.
pub fn endpoint(notice: &Notice<'_>) -> Result<Box<dyn Exchange>, Unsendable> {
    let fail = |error: &dyn fmt::Display| Unsendable(error.to_string());
    let body = serde_json::to_vec(notice.event).map_err(|error| fail(&error))?;
    let seconds = notice.now_ms / 1000;
    let signature = sign(notice.keys, notice.id, seconds, &body);
    let header = |text: &str| HeaderValue::from_str(text).map_err(|error| fail(&error));
    let json = HeaderValue::from_static("application/json");
    let (method, url) = (Method::POST, notice.url.clone());
    let call = Call { method, url, headers: http::HeaderMap::new(), body }
        .with((http::header::CONTENT_TYPE, json))
        .with((HeaderName::from_static("webhook-id"), header(notice.id)?))
        .with((HeaderName::from_static("webhook-timestamp"), HeaderValue::from(seconds)))
        .with((HeaderName::from_static("webhook-signature"), header(&signature)?));
    Ok(Box::new(Single { call, meaning }))
}

/// Returns the meaning of an answer. Whoever runs the endpoint mends it, so that all but 410 is tried again.
fn meaning(answer: &Answer, now_ms: u64) -> Meaning {
    match Meaning::of(answer, now_ms) {
        Meaning::Refused(why) if answer.status != 410 => {
            Meaning::Retry { after: answer.retry_after(now_ms), why }
        }
        Meaning::RateLimited { why, .. } => {
            Meaning::Retry { after: answer.retry_after(now_ms), why }
        }
        meaning => meaning,
    }
}

impl Event {
    /// Makes the body of a message about a moment at `at_ms`, in milliseconds since 1970. `moment` is its stored word.
    #[must_use]
    pub fn new(moment: &str, at_ms: u64, mut data: EventData) -> Self {
        if let Some(diagnosis) = &mut data.diagnosis {
            diagnosis.evidence.clear();
            diagnosis.why = cut(&diagnosis.why, LONGEST);
            diagnosis.what = cut(&diagnosis.what, LONGEST);
        }
        let timestamp = humantime::format_rfc3339_millis(time(at_ms)).to_string();
        Self { kind: format!("job.{moment}"), timestamp, data: Data::Job(Box::new(data)) }
    }

    /// Makes the body of a message about a preview, at `at_ms` in milliseconds since 1970.
    #[must_use]
    pub fn of_preview(change: PreviewChange, at_ms: u64, data: PreviewData) -> Self {
        let timestamp = humantime::format_rfc3339_millis(time(at_ms)).to_string();
        let kind = format!("preview.{}", change.as_str());
        Self { kind, timestamp, data: Data::Preview(Box::new(data)) }
    }

    /// Makes the body of a message about another endpoint, at `at_ms` in milliseconds since 1970.
    #[must_use]
    pub fn of_endpoint(health: EndpointHealth, at_ms: u64, data: EndpointData) -> Self {
        let timestamp = humantime::format_rfc3339_millis(time(at_ms)).to_string();
        let kind = format!("endpoint.{}", health.as_str());
        Self { kind, timestamp, data: Data::Endpoint(data) }
    }
}

/// Characters of a sentence of a diagnosis. The whole one is behind the link.
const LONGEST: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{
        call::{Next, tests::answer},
        preview::EventPull,
    };

    const KEYS: [&str; 2] =
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

    fn event() -> Event {
        Event::new("failed", 1_700_000_000_123, data())
    }

    fn data() -> EventData {
        let app = EventApp {
            project: "shop".into(),
            name: "web".into(),
            environment: "production".into(),
        };
        let diagnosis = Diagnosis { evidence: vec!["a line".into()], ..Diagnosis::default() };
        EventData {
            job: "7".into(),
            app,
            commit: "a".repeat(40),
            outcome: Some("failed".into()),
            approval: None,
            diagnosis: Some(diagnosis),
            release: None,
            url: None,
            seq: 12,
        }
    }

    #[test]
    fn a_message_is_signed_by_both_keys_with_its_own_id() {
        let keys = KEYS.map(|key| Key::parse(key.as_bytes()).unwrap());
        let url = Url::parse("https://hooks.example/in?x=1").unwrap();
        let (id, now_ms, event) = ("msg_1", 1_700_000_001_999, event());
        let notice = Notice { url: &url, keys: &keys, id, now_ms, event: &event };
        let call = endpoint(&notice).unwrap().first();
        assert_eq!(call.headers["webhook-id"], "msg_1");
        assert_eq!(call.headers["webhook-timestamp"], "1700000001");
        let signature = call.headers["webhook-signature"].to_str().unwrap();
        assert_eq!(signature.split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body["type"], "job.failed");
        assert_eq!(body["timestamp"], "2023-11-14T22:13:20.123Z");
        assert_eq!(body["data"]["app"]["environment"], "production");
        assert_eq!(body["data"]["diagnosis"]["evidence"], serde_json::json!([]));
        assert_eq!(body["data"]["release"], serde_json::Value::Null);
        assert_eq!(body["data"]["approval"], serde_json::Value::Null);
    }

    #[test]
    fn a_wait_has_its_end_and_an_approval_who_gave_it() {
        let of = |approval| {
            let data = EventData { approval: Some(approval), ..data() };
            serde_json::to_value(Event::new("held", 0, data)).unwrap()
        };
        let held = of(EventApproval::held("release", "a", 1_700_000_000_123));
        assert_eq!(held["type"], "job.held");
        let expected = serde_json::json!({
            "gate": "release",
            "digest": "a",
            "until": "2023-11-14T22:13:20.123Z",
            "by": null,
            "note": null,
        });
        assert_eq!(held["data"]["approval"], expected);
        let given = of(EventApproval::given("clone", "a", "ann", ""));
        let approval = &given["data"]["approval"];
        assert_eq!(
            (&approval["by"], &approval["until"]),
            (&"ann".into(), &serde_json::Value::Null)
        );
        assert_eq!(approval["note"], serde_json::Value::Null);
    }

    #[test]
    fn a_preview_is_named_with_its_address_and_its_pull_request() {
        let url = Some("https://git.example/shop/web/pulls/7".into());
        let ready = PreviewData {
            job: "7".into(),
            app: EventApp { environment: "pr-7".into(), ..data().app },
            commit: "c1".into(),
            address: Some("https://web-pr-7.example/".into()),
            pull_request: Some(EventPull { repository: "web".into(), number: 7, url }),
            url: None,
            seq: 12,
        };
        let removed = PreviewData { address: None, pull_request: None, ..ready.clone() };
        let of = |change, data| {
            serde_json::to_value(Event::of_preview(change, 1_700_000_000_123, data)).unwrap()
        };
        let body = of(PreviewChange::Ready, ready);
        let expected = serde_json::json!({
            "type": "preview.ready",
            "timestamp": "2023-11-14T22:13:20.123Z",
            "data": {
                "job": "7",
                "app": { "project": "shop", "name": "web", "environment": "pr-7" },
                "commit": "c1",
                "address": "https://web-pr-7.example/",
                "pull_request": {
                    "repository": "web",
                    "number": 7,
                    "url": "https://git.example/shop/web/pulls/7",
                },
                "url": null,
                "seq": 12,
            },
        });
        assert_eq!(body, expected);
        let body = of(PreviewChange::Removed, removed);
        assert_eq!(body["type"], "preview.removed");
        assert_eq!(body["data"]["address"], serde_json::Value::Null);
        assert_eq!(body["data"]["pull_request"], serde_json::Value::Null);
    }

    #[test]
    fn a_message_about_an_endpoint_names_it_and_no_app() {
        let data = EndpointData {
            project: "shop".into(),
            endpoint: "chat".into(),
            job: "7".into(),
            url: None,
        };
        let event = Event::of_endpoint(EndpointHealth::Failing, 1_700_000_000_123, data);
        let body = serde_json::to_value(&event).unwrap();
        let expected = serde_json::json!({
            "type": "endpoint.failing",
            "timestamp": "2023-11-14T22:13:20.123Z",
            "data": { "project": "shop", "endpoint": "chat", "job": "7", "url": null },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn all_answers_but_success_and_gone_are_tried_again() {
        let keys = [Key::parse(KEYS[0].as_bytes()).unwrap()];
        let url = Url::parse("https://hooks.example/").unwrap();
        let event = event();
        let notice = Notice { url: &url, keys: &keys, id: "msg_1", now_ms: 0, event: &event };
        let mut exchange = endpoint(&notice).unwrap();
        let mut read = |status: u16| match exchange.read(&answer(status, &[], ""), 0) {
            Next::End(meaning) => meaning,
            Next::Send(call) => panic!("{call:?}"),
        };
        assert_eq!(read(204), Meaning::Done);
        assert!(matches!(read(410), Meaning::Refused(_)));
        for status in [302, 400, 401, 404, 422, 429, 500, 502] {
            assert!(matches!(read(status), Meaning::Retry { .. }), "{status}");
        }
    }
}
