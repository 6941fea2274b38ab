//! Messages of the live connection, `windlass.v1`: text frames with JSON.

use crate::problem::Problem;
use serde::Deserialize;
use serde_json::json;

/// Message of a page.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum FromPage {
    /// `{"sub": "job/ID", "after": 12}` or `{"sub": "jobs"}`.
    Sub {
        sub: Topic,
        /// Number of the last event that the page has.
        #[serde(default)]
        after: u64,
    },
    /// `{"unsub": "jobs"}`.
    Unsub { unsub: Topic },
}

/// Subject of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Topic {
    /// Events of one job.
    Job(String),
    /// Changes of all jobs that the caller may see.
    Jobs,
}

impl TryFrom<String> for Topic {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once('/') {
            None if text == "jobs" => Ok(Self::Jobs),
            Some(("job", id)) if !id.is_empty() => Ok(Self::Job(id.to_owned())),
            _ => Err("expected `jobs` or `job/ID`"),
        }
    }
}

impl Topic {
    /// Returns the topic's name in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Job(id) => format!("job/{id}"),
            Self::Jobs => "jobs".into(),
        }
    }
}

/// Reads a message as the live connection does, and returns it as the page would have written it.
///
/// # Errors
/// The text is no message of a page.
pub fn reread(text: &str) -> Result<String, serde_json::Error> {
    let message = match serde_json::from_str(text)? {
        FromPage::Sub { sub, after } => json!({ "sub": sub.name(), "after": after }),
        FromPage::Unsub { unsub } => json!({ "unsub": unsub.name() }),
    };
    Ok(message.to_string())
}

/// Returns the message with a batch of events, each as JSON.
pub(super) fn events(on: &str, events: &[String]) -> String {
    list(on, "events", events)
}

/// Returns the message with jobs that changed, each as JSON.
pub(super) fn jobs(on: &str, jobs: &[String]) -> String {
    list(on, "jobs", jobs)
}

fn list(on: &str, key: &str, items: &[String]) -> String {
    format!(r#"{{"on":{},"{key}":[{}]}}"#, json!(on), items.join(","))
}

/// Returns the message after the last event of a job.
pub(super) fn ended(on: &str) -> String {
    json!({ "on": on, "ended": true }).to_string()
}

/// Returns the message to a page that reads too slowly: it reads on by itself after `from`, and subscribes again.
pub(super) fn gap(on: &str, from: u64) -> String {
    json!({ "on": on, "gap": true, "from": from }).to_string()
}

/// Returns the message for a subscription that cannot be.
pub(super) fn error(on: &str, problem: &Problem) -> String {
    let error = json!({ "reason": problem.reason(), "message": problem.message() });
    json!({ "on": on, "error": error }).to_string()
}

/// Message that says only that the connection lives: a page sees no ping.
pub(super) const BEAT: &str = r#"{"beat":true}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_subscribes_and_ends_it() {
        let read = |text: &str| serde_json::from_str::<FromPage>(text);
        let sub = read(r#"{"sub":"job/0197","after":12}"#).unwrap();
        assert_eq!(sub, FromPage::Sub { sub: Topic::Job("0197".into()), after: 12 });
        let sub = read(r#"{"sub":"jobs"}"#).unwrap();
        assert_eq!(sub, FromPage::Sub { sub: Topic::Jobs, after: 0 });
        let unsub = read(r#"{"unsub":"jobs"}"#).unwrap();
        assert_eq!(unsub, FromPage::Unsub { unsub: Topic::Jobs });
        for bad in ["", "[]", r#"{"sub":"job/"}"#, r#"{"sub":"all"}"#, r#"{"sub":1}"#, "{}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_that_was_read_is_written_with_all_its_fields() {
        let read = reread(r#"{"sub":"jobs"}"#).unwrap();
        let value: serde_json::Value = serde_json::from_str(&read).unwrap();
        assert_eq!(value, json!({ "sub": "jobs", "after": 0 }));
        assert_eq!(reread(&read).unwrap(), read);
        assert_eq!(reread(r#"{"unsub":"job/7"}"#).unwrap(), r#"{"unsub":"job/7"}"#);
        reread(r#"{"sub":"jobs","unsub":"jobs"}"#).unwrap_err();
    }

    #[test]
    fn a_batch_is_one_message() {
        let items = [r#"{"seq":1}"#.to_owned(), r#"{"seq":2}"#.to_owned()];
        let text = events(&Topic::Job("a\"b".into()).name(), &items);
        assert_eq!(text, r#"{"on":"job/a\"b","events":[{"seq":1},{"seq":2}]}"#);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}
