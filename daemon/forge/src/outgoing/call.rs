//! Requests, answers, and what answers mean whoever gave them.

use super::text::{cut, one_line};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::Url;
use windlass_model::text::readable;

/// Longest time that a receiver may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Characters of an answer that stand in an error. Whoever shows them masks secrets first and cuts then: a secret that
/// is cut is no longer found.
const EXCERPT: usize = 4096;

/// A message that no request can say, with the reason and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsendable(pub String);

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    /// Headers beside `Host`, `Content-Length` and `User-Agent`.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    /// Makes a request without a body.
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// Makes a request with a body of JSON.
    pub(crate) fn json(method: Method, url: Url, body: &serde_json::Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        let call = Self { method, url, headers: HeaderMap::new(), body: body.to_string().into() };
        call.with((header::CONTENT_TYPE, json))
    }

    /// Returns the request with a header.
    pub(crate) fn with(mut self, (name, value): (HeaderName, HeaderValue)) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// The beginning of the body, at least.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns whether the status is one of success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the body as JSON. `Null` means that it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns a header as text. `None` means that the answer has none, or that it is no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the time that the receiver asks to wait, at most a day. `None` means that it asks for none.
    pub(crate) fn retry_after(&self, now_ms: u64) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        let wait = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => {
                let at = httpdate::parse_http_date(text).ok()?;
                at.duration_since(time(now_ms)).unwrap_or_default()
            }
        };
        Some(wait.min(LONGEST_WAIT))
    }

    /// Returns the time at which a rate limit ends, in milliseconds since 1970. `None` means that the answer names
    /// none.
    pub(crate) fn limited_until(&self, now_ms: u64) -> Option<u64> {
        let latest = now_ms.saturating_add(millis(LONGEST_WAIT));
        if let Some(wait) = self.retry_after(now_ms) {
            return Some(now_ms.saturating_add(millis(wait)));
        }
        let names = ["x-ratelimit-reset", "ratelimit-reset"];
        let reset =
            names.into_iter().find_map(|name| self.header(name)?.trim().parse::<u64>().ok())?;
        Some(reset.saturating_mul(1000).clamp(now_ms, latest))
    }

    /// Returns the status and the beginning of what the receiver wrote, in one line.
    pub(crate) fn excerpt(&self) -> String {
        let json = self.json();
        let field = ["/message", "/error/message", "/error", "/errors/0/message"];
        let field = field.into_iter().find_map(|at| match json.pointer(at)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Null => None,
            other => Some(other.to_string()),
        });
        let text = field.unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned());
        let text = cut(&one_line(&readable(text)), EXCERPT);
        let status = self.status;
        if text.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {text}") }
    }
}

/// Meaning of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The receiver has the message.
    Done,
    /// The message makes no sense to the receiver, and never will.
    Void(String),
    /// It may succeed later.
    Retry {
        /// Time that the receiver asks to wait. `None` means that it asks for none.
        after: Option<Duration>,
        why: String,
    },
    /// The receiver takes nothing more from this login for a time.
    RateLimited {
        /// End of the time, in milliseconds since 1970. `None` means that the receiver names none.
        until_ms: Option<u64>,
        why: String,
    },
    /// The receiver refuses it, and will do so again unless somebody changes something.
    Refused(String),
}

impl Meaning {
    /// Returns the meaning that an answer has at any forge.
    pub(crate) fn of(answer: &Answer, now_ms: u64) -> Self {
        let why = answer.excerpt();
        match answer.status {
            200..=299 => Self::Done,
            429 => Self::RateLimited { until_ms: answer.limited_until(now_ms), why },
            300..=399 => {
                let to = answer.header("location").unwrap_or("another address");
                let to = cut(&one_line(&readable(to.to_owned())), EXCERPT);
                Self::Refused(format!(
                    "HTTP {}: it redirects to {to}; redirects are not followed: has it moved?",
                    answer.status
                ))
            }
            408 | 425 | 500..=599 => Self::Retry { after: answer.retry_after(now_ms), why },
            401 => {
                Self::Refused(format!("{why}; the token is wrong or has expired: put a new one"))
            }
            _ => Self::Refused(why),
        }
    }
}

/// Next step of a conversation.
#[derive(Debug)]
pub enum Next {
    /// Send this request, and show its answer.
    Send(Box<Call>),
    End(Meaning),
}

/// A conversation about one message. It ends after a few requests.
pub trait Exchange: Send {
    /// Returns the first request.
    fn first(&self) -> Call;
    /// Reads the answer to the last request.
    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next;
}

/// A conversation of one request.
pub(crate) struct Single {
    pub(crate) call: Call,
    pub(crate) meaning: fn(&Answer, u64) -> Meaning,
}

impl Exchange for Single {
    fn first(&self) -> Call {
        self.call.clone()
    }

    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next {
        Next::End((self.meaning)(answer, now_ms))
    }
}

/// Converts milliseconds since 1970.
pub(crate) fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An answer of tests.
    pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let pairs = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        Answer { status, headers: pairs.collect(), body: body.into() }
    }

    const NOW: u64 = 1_700_000_000_000;

    #[test]
    fn the_time_to_wait_is_read_in_each_form_and_bounded() {
        for (text, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999", Some(24 * 3600)),
            ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60)),
            ("Tue, 14 Nov 2023 22:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let wait = answer(503, &[("retry-after", text)], "").retry_after(NOW);
            assert_eq!(wait.map(|wait| wait.as_secs()), expected, "{text}");
        }
        let limited = answer(429, &[("x-ratelimit-reset", "1700000060")], "");
        assert_eq!(limited.limited_until(NOW), Some(NOW + 60_000));
        assert_eq!(answer(429, &[("x-ratelimit-reset", "5")], "").limited_until(NOW), Some(NOW));
    }

    #[test]
    fn each_class_of_statuses_has_a_meaning() {
        let meaning =
            |status| Meaning::of(&answer(status, &[("location", "http://10.0.0.1/")], ""), NOW);
        assert_eq!(meaning(201), Meaning::Done);
        assert!(matches!(meaning(302), Meaning::Refused(why) if why.contains("http://10.0.0.1/")));
        assert!(matches!(meaning(401), Meaning::Refused(why) if why.contains("expired")));
        assert!(matches!(meaning(404), Meaning::Refused(_)));
        assert!(matches!(meaning(429), Meaning::RateLimited { until_ms: None, .. }));
        assert!(matches!(meaning(503), Meaning::Retry { after: None, .. }));
    }

    #[test]
    fn an_error_shows_what_the_receiver_wrote_in_one_short_line() {
        for (body, expected) in [
            (r#"{"message":"Not Found","documentation_url":"x"}"#, "HTTP 404: Not Found"),
            (r#"{"type":"error","error":{"message":"no such\nkey"}}"#, "HTTP 404: no such key"),
            (r#"{"errors":[{"message":"a build"}]}"#, "HTTP 404: a build"),
            (r#"{"message":{"name":["is too long"]}}"#, r#"HTTP 404: {"name":["is too long"]}"#),
            ("\u{1b}[2Jcleared", "HTTP 404: \\u{1b}[2Jcleared"),
            ("", "HTTP 404"),
        ] {
            assert_eq!(answer(404, &[], body).excerpt(), expected);
        }
        assert!(answer(500, &[], &"é".repeat(9000)).excerpt().chars().count() < 4200);
    }
}
