//! A hook that misbehaves as its settings say, and tells what it came to. For the tests of the host.

use serde_json::Value;
use windlass_plugin_sdk::{
    Action, ActionResult, Context, Error, HookStep, Level, PodExec, RunJob, deploy_hook,
    hook::{act, fine},
    http::{HeaderValue, Part, Request, Response, send},
    log, secrets,
};

fn start(context: Context) -> Result<HookStep, Error> {
    let settings: Value = serde_json::from_str(&context.settings).unwrap_or_default();
    let text = |name: &str| settings[name].as_str().unwrap_or_default();
    match text("mode") {
        "send" => {
            let answer = request(&settings)?;
            let head = answer.header("x-echo").unwrap_or_default();
            let body = String::from_utf8_lossy(&answer.body()).into_owned();
            log(Level::Info, &format!("{head} {body}"));
            let told = format!("{} {head} {body}", answer.status());
            // Also where the host keeps it for later.
            if settings["keep"].as_bool().unwrap_or_default() {
                Ok(act(vec![Action::WaitMs(1)], told.into_bytes()))
            } else {
                Ok(fine(&told))
            }
        }
        "fail-with-answer" => {
            let body = request(&settings)?.body();
            Err(windlass_plugin_sdk::invalid(String::from_utf8_lossy(&body).into_owned(), "no"))
        }
        "public" => Ok(fine(&secrets::open("key")?.public_field(text("pointer"))?)),
        "guess" => {
            let key = secrets::open("key")?;
            let prefix = key.decode("hunter", secrets::Encoding::Base64);
            let part = key.split("-", secrets::Part::Before);
            let words = [prefix.err(), part.err()]
                .map(|error| error.map_or_else(String::new, |e| e.message));
            Ok(fine(&words.join("; ")))
        }
        "many" => {
            for _ in 0..100 {
                request(&settings)?;
            }
            Ok(fine("sent a hundred"))
        }
        "handles" => {
            let mut held = Vec::new();
            loop {
                held.push(secrets::open("key")?);
            }
        }
        "endless" => Ok(act(vec![Action::WaitMs(0)], Vec::new())),
        "state" => Ok(act(vec![Action::WaitMs(0)], vec![1; 100 << 10])),
        "actions" => Ok(act(vec![Action::WaitMs(0); 30], Vec::new())),
        "other" => {
            let attrs = vec![("kind".to_owned(), "rm".to_owned())];
            Ok(act(vec![Action::Other(attrs)], Vec::new()))
        }
        "exec" | "job" => {
            let words = settings["command"].as_array().cloned().unwrap_or_default();
            let command =
                words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect();
            let timeout_ms = u32::MAX;
            let attrs = Vec::new();
            let action = match text("mode") {
                "exec" => Action::PodExec(PodExec { command, timeout_ms, once: false, attrs }),
                _ => Action::RunJob(RunJob { command, timeout_ms, attrs }),
            };
            Ok(act(vec![action], Vec::new()))
        }
        _ => Ok(fine("nothing")),
    }
}

fn request(settings: &Value) -> Result<Response, Error> {
    let text = |name: &str| settings[name].as_str().unwrap_or_default().to_owned();
    let key = if settings["secret"].as_bool().unwrap_or_default() {
        Some(secrets::open("key")?)
    } else {
        None
    };
    let mut headers = Vec::new();
    if let Some(header) = settings["header"].as_str() {
        headers.push((header.to_owned(), HeaderValue::Text(text("value"))));
    }
    let mut body = vec![Part::Text(text("body"))];
    if let Some(key) = &key {
        body.push(Part::Secret(key));
        headers.push(("x-key".into(), HeaderValue::Parts(vec![Part::Secret(key)])));
    }
    let method = settings["method"].as_str().unwrap_or("POST").to_owned();
    send(&Request {
        method,
        url: text("url"),
        headers,
        body,
        timeout_ms: settings["timeout"].as_u64().unwrap_or(5_000) as u32,
        max_response: 100_000,
    })
}

fn resume(context: Context, state: Vec<u8>, results: Vec<ActionResult>) -> Result<HookStep, Error> {
    let settings: Value = serde_json::from_str(&context.settings).unwrap_or_default();
    match settings["mode"].as_str() {
        Some("endless") => Ok(act(vec![Action::WaitMs(0)], state)),
        _ => Ok(fine(&format!("{} results, {}", results.len(), String::from_utf8_lossy(&state)))),
    }
}

deploy_hook!(start: start, resume: resume);
