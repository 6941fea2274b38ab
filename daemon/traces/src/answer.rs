//! Meaning of a collector's answer, by OTLP over HTTP.

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use std::time::Duration;

/// Longest pause that a collector may ask for.
const LONGEST: Duration = Duration::from_secs(3600);

/// Most characters of an answer that are logged.
const QUOTED: usize = 200;

/// Meaning of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// All spans were taken.
    Taken,
    /// Some spans were refused, for this reason. They are not to be sent again.
    PartlyTaken(String),
    /// The trace was refused for good.
    Refused(String),
    /// The trace is to be sent later, in this time at the soonest. `None` means that the collector gives none.
    Later(String, Option<Duration>),
}

/// Body of an answer.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    partial_success: Partial,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Partial {
    /// A number, or a number as text.
    rejected_spans: serde_json::Value,
    error_message: String,
}

/// Returns what an answer means.
pub(crate) fn meaning(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Meaning {
    if status.is_success() {
        // A collector may answer with nothing, or in protobuf.
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let Partial { rejected_spans, error_message } = body.partial_success;
        let count = rejected_spans.as_u64().or_else(|| rejected_spans.as_str()?.parse().ok());
        return match count {
            Some(count) if count > 0 => {
                Meaning::PartlyTaken(format!("{count} spans refused: {}", quoted(&error_message)))
            }
            _ => Meaning::Taken,
        };
    }
    let text = String::from_utf8_lossy(body);
    let why = format!("it answered {status}: {}", quoted(&text));
    // The only ones that may pass, by the protocol.
    if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        return Meaning::Later(why, retry_after(headers));
    }
    Meaning::Refused(why)
}

/// Returns the pause of the header, in seconds there. A date is left out: the pause is then the daemon's own.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

fn quoted(text: &str) -> String {
    let shown = text.chars().take(QUOTED);
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, retry: &str, body: &str) -> Meaning {
        let mut headers = HeaderMap::new();
        if !retry.is_empty() {
            headers.insert(RETRY_AFTER, retry.parse().unwrap());
        }
        meaning(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn a_success_may_be_a_partial_one() {
        for body in ["", "{}", "{\"partialSuccess\":{}}", "\u{0}\u{1}", "{\"partialSuccess\":null}"]
        {
            assert_eq!(of(200, "", body), Meaning::Taken, "{body}");
        }
        for count in ["\"3\"", "3"] {
            let body = format!(
                "{{\"partialSuccess\":{{\"rejectedSpans\":{count},\"errorMessage\":\"too old\"}}}}"
            );
            assert_eq!(of(200, "", &body), Meaning::PartlyTaken("3 spans refused: too old".into()));
        }
    }

    #[test]
    fn what_may_pass_is_sent_again_and_the_rest_is_not() {
        for status in [429, 502, 503, 504] {
            let Meaning::Later(why, after) = of(status, "7", "busy\n") else { panic!("{status}") };
            assert!(why.ends_with(": busy"), "{why}");
            assert_eq!(after, Some(Duration::from_secs(7)));
        }
        assert!(matches!(of(503, "Fri, 31 Dec 1999 23:59:59 GMT", ""), Meaning::Later(_, None)));
        let Meaning::Later(_, after) = of(503, "999999", "") else { panic!("it may pass") };
        assert_eq!(after, Some(LONGEST));
        for status in [301, 400, 401, 404, 413, 500] {
            assert!(matches!(of(status, "", "no"), Meaning::Refused(_)), "{status}");
        }
    }
}
