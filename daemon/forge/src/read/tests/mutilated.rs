//! Bodies that were cut, bent and stuffed: an error or a sound report, and never a panic.

use super::{refs, report};
use crate::{
    error::Unreadable,
    fixtures::{Request, all, request},
};
use serde_json::{Value, json};
use windlass_model::delivery::{Change, MOST_REFS, Report};

/// Characters of the longest error: a field and a problem, each with a text of 200 and some words.
const LONGEST: usize = 700;

fn is_object(id: &str) -> bool {
    [40, 64].contains(&id.len()) && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= 200 && !text.contains(char::is_control)
}

fn check(request: &Request, result: Result<Report, Unreadable>) {
    let name = &request.name;
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            assert!(!error.field.is_empty() && !error.problem.is_empty(), "{name}: {error:?}");
            let sentence = error.to_string();
            assert!(!sentence.contains(char::is_control), "{name}: {sentence:?}");
            assert!(sentence.chars().count() < LONGEST, "{name}: {sentence}");
            return;
        }
    };
    for text in [&report.event, &report.repository_name, &report.sender, &report.repository_id] {
        assert!(is_text(text), "{name}: {report:?}");
    }
    match &report.change {
        Change::Ping => {}
        Change::Ignored(reason) => assert!(!reason.contains(char::is_control), "{name}: {reason}"),
        Change::Refs(refs) => {
            assert!((1..=MOST_REFS).contains(&refs.len()), "{name}");
            assert!(!report.repository_id.is_empty(), "{name}: {report:?}");
            for one in refs {
                let has_name = one.name.starts_with("refs/") && one.name.len() <= 255;
                assert!(has_name && is_text(&one.summary), "{name}: {one:?}");
                let mut ids = one.before.iter().chain(&one.after);
                assert!(ids.all(|id| is_object(id)), "{name}: {one:?}");
            }
        }
        Change::Pull(pull) => {
            assert!(is_text(&pull.title) && is_text(&pull.into), "{name}: {pull:?}");
            assert!((12..=64).contains(&pull.head.len()), "{name}: {pull:?}");
            assert!(!report.repository_id.is_empty(), "{name}: {report:?}");
        }
    }
}

/// Returns the pointers to all values of a body.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(list) => {
            for (index, one) in list.iter().enumerate() {
                pointers(one, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, one) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(one, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// Returns a list in a list, 100 deep: JSON of it can still be read.
fn nested() -> Value {
    (0..100).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

#[test]
fn a_body_that_ends_early_is_an_error() {
    for mut request in all() {
        let whole = std::mem::take(&mut request.body);
        let is_ignored = {
            request.body.clone_from(&whole);
            matches!(report(&request).unwrap().change, Change::Ignored(_) | Change::Ping)
        };
        for length in 0..whole.len() {
            request.body = whole[..length].to_vec();
            let result = report(&request);
            assert!(is_ignored || result.is_err(), "{}: {length} bytes", request.name);
            check(&request, result);
        }
    }
}

#[test]
fn each_value_may_be_anything() {
    let long = format!("refs/heads/{}", "\u{1b}[2J\n".repeat(1000));
    let others = [
        Value::Null,
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!(""),
        json!(long),
        json!("0".repeat(40)),
        json!([]),
        json!({}),
        nested(),
    ];
    for mut request in all() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let mut places = Vec::new();
        pointers(&body, "", &mut places);
        for place in places {
            for other in &others {
                let mut bent = body.clone();
                *bent.pointer_mut(&place).unwrap() = other.clone();
                request.body = serde_json::to_vec(&bent).unwrap();
                check(&request, report(&request));
            }
        }
    }
}

#[test]
fn each_value_may_be_missing() {
    for mut request in all() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let mut places = Vec::new();
        pointers(&body, "", &mut places);
        for place in places {
            let Some((parent, key)) = place.rsplit_once('/') else { continue };
            let mut bent = body.clone();
            match bent.pointer_mut(parent).unwrap() {
                Value::Object(map) => drop(map.remove(key)),
                Value::Array(list) => drop(list.remove(key.parse().unwrap())),
                other => panic!("{other}"),
            }
            request.body = serde_json::to_vec(&bent).unwrap();
            check(&request, report(&request));
        }
    }
}

#[test]
fn depth_and_garbage_are_errors_and_no_overflow() {
    let deep = "[".repeat(200_000);
    for mut request in all() {
        for body in [
            deep.clone(),
            format!("{{\"ref\":{deep}"),
            format!("{{\"push\":{{\"changes\":{deep}"),
            format!("{{\"unknown\":{deep}"),
            format!("{{\"repository\":{}", "{\"repository\":".repeat(100_000)),
            format!("{}{{}}", String::from_utf8_lossy(&request.body)),
            "null".to_owned(),
            "\u{feff}{}".to_owned(),
        ] {
            request.body = body.into_bytes();
            check(&request, report(&request));
        }
        for body in [&b"\xff\xfe"[..], b"{\"ref\":\"\xff\"}", b"{\"ref\":\"\\ud800\"}", b"\0"] {
            request.body = body.to_vec();
            check(&request, report(&request));
        }
    }
}

#[test]
fn a_deletion_is_none_of_a_body_without_the_new_id() {
    let mut push = request("github/push");
    let body = String::from_utf8(push.body.clone()).unwrap();
    let after = "\"after\":\"0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c\"";
    assert!(body.contains(after));
    push.body = body.replace(after, "\"after\":null").into_bytes();
    assert!(report(&push).is_err());
    push.body = body.replace(after, &format!("\"after\":\"{}\"", "0".repeat(40))).into_bytes();
    assert_eq!(refs(report(&push).unwrap())[0].after, None);
}
