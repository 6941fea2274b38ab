//! Notifies a URL, signed as in Standard Webhooks (github.com/standard-webhooks/standard-webhooks, specification
//! 1.0.0). `webhook-id` is the same for each try, so that a receiver recognises a repeat.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use windlass_plugin_sdk::{
    Action, ActionResult, Context, Error, ErrorKind, HookStep, Moment, clock, deploy_hook,
    hook::{act, failed, fine},
    http::{HeaderValue, Part, Request, send},
    secrets, utc,
};

/// Milliseconds before the second and the third try.
const WAITS: [u32; 2] = [2_000, 10_000];

fn start(context: Context) -> Result<HookStep, Error> {
    notify(&context, 0)
}

/// Tries again. `state` is the number of tries so far.
fn resume(context: Context, state: Vec<u8>, _: Vec<ActionResult>) -> Result<HookStep, Error> {
    notify(&context, state.first().copied().unwrap_or_default())
}

fn notify(context: &Context, tries: u8) -> Result<HookStep, Error> {
    let settings: Value = serde_json::from_str(&context.settings).unwrap_or_default();
    let url = settings["url"].as_str().unwrap_or_default();
    let now = clock::now();
    let body = body(context);
    let id = format!("windlass/{}", context.key);
    let timestamp = (now / 1000).to_string();
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.clone()),
        ("webhook-timestamp", timestamp.clone()),
    ];
    if settings["sign"].as_bool().unwrap_or(true) {
        // Behind its prefix the key is base64. The signature is made with the decoded bytes.
        let key = secrets::open("signing")?.decode("whsec_", secrets::Encoding::Base64)?;
        let mac = key.hmac_sha256(format!("{id}.{timestamp}.{body}").as_bytes())?;
        headers.push(("webhook-signature", format!("v1,{}", STANDARD.encode(mac))));
    }
    let headers: Vec<_> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), HeaderValue::Text(value)))
        .collect();
    let body = [Part::Text(body)];
    let answer = send(&Request {
        method: "POST".into(),
        url: url.into(),
        headers,
        body: body.into(),
        timeout_ms: 15_000,
        max_response: 64 << 10,
    });
    let why = match answer {
        Ok(answer) => match answer.status() {
            200..300 => return Ok(fine(&format!("notified {url}"))),
            status @ (429 | 500..600) => format!("{url} answered {status}"),
            410 => {
                let why = format!("{url} answered 410: it wants no more; remove this hook");
                return Ok(failed(why));
            }
            status => {
                let text = String::from_utf8_lossy(&answer.body()).into_owned();
                let text: String = text.chars().take(200).collect();
                return Ok(failed(format!("{url} answered {status}\n{text}")));
            }
        },
        Err(error) if matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout) => {
            error.message
        }
        Err(error) => return Err(error),
    };
    match WAITS.get(usize::from(tries)) {
        Some(ms) => Ok(act(vec![Action::WaitMs(*ms)], vec![tries + 1])),
        None => Ok(failed(format!("{why}, and so it did {tries} times before"))),
    }
}

fn body(context: &Context) -> String {
    let kind = match context.moment {
        Moment::BeforeTraffic => "release.starting",
        Moment::AfterRelease => "release.succeeded",
        Moment::AfterFailure => "release.failed",
        Moment::AfterRollback => "release.rolled_back",
    };
    let failure = context.failure.as_ref().map(|failure| {
        json!({
            "stage": failure.stage, "code": failure.code, "what": failure.what, "fix": failure.fix,
        })
    });
    json!({
        "type": kind,
        "timestamp": utc(clock::now()),
        "data": {
            "job": context.job,
            "project": context.project,
            "app": context.app,
            "environment": context.environment,
            "commit": context.commit,
            "image": context.image,
            "failure": failure,
        },
    })
    .to_string()
}

deploy_hook!(start: start, resume: resume);
