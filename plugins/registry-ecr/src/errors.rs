//! Errors of AWS, explained by what to change. ECR answers with JSON, and STS with XML.

use crate::xml::between;
use serde_json::Value;
use std::time::UNIX_EPOCH;
use windlass_plugin_sdk::{Error, ErrorKind, clock, http::Response};

/// Age in seconds up to which AWS accepts a signature.
const SKEW: i64 = 300;

/// Explains the error of an action, which is named as in policies.
pub(crate) fn explain(answer: &Response, action: &str) -> Error {
    let status = answer.status();
    let body = answer.body();
    let text = String::from_utf8_lossy(&body);
    let (code, message) = read(&text);
    let (kind, hint) = match &*code {
        "UnrecognizedClientException" | "InvalidClientTokenId" => (
            ErrorKind::Denied,
            "AWS does not know this key: see `access_key_id` in the secret `aws`; it may be deleted, or of another partition".to_owned(),
        ),
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" => {
            (ErrorKind::Denied, signature(answer))
        }
        "AccessDenied" | "AccessDeniedException" => (
            ErrorKind::Denied,
            format!("allow `{action}` in a policy of this user or role, and for a role its trust policy"),
        ),
        "ExpiredToken" | "ExpiredTokenException" => (
            ErrorKind::Denied,
            "the token has expired: renew the file that the secret is read from".into(),
        ),
        "InvalidIdentityToken" | "IDPRejectedClaim" => (
            ErrorKind::Denied,
            "the role does not take this identity: see its trust policy, issuer and audience".into(),
        ),
        "IDPCommunicationError" => {
            (ErrorKind::Unavailable, "AWS cannot reach the identity provider; try again".into())
        }
        _ if status == 429 || status >= 500 || code.contains("Throttling") => {
            (ErrorKind::Unavailable, "AWS is busy; try again".into())
        }
        _ => (ErrorKind::Failed, format!("see what `{action}` needs, and the endpoint")),
    };
    let message = format!("{action}: {status} {code}: {}", message.trim());
    Error { kind, message, hint: Some(hint) }
}

fn read(text: &str) -> (String, String) {
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        // `com.amazonaws.ecr#AccessDeniedException`
        let code = json["__type"].as_str().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        let message = json["message"].as_str().or(json["Message"].as_str()).unwrap_or_default();
        return (code.into(), message.into());
    }
    let of = |tag: &str| between(text, &format!("<{tag}>"), &format!("</{tag}>"));
    (of("Code").unwrap_or_default().into(), of("Message").unwrap_or_default().into())
}

/// Returns the hint for a signature that AWS refused. AWS has one error for a wrong key and a wrong clock, and the
/// answer's `date` tells them apart.
fn signature(answer: &Response) -> String {
    let now = i64::try_from(clock::now() / 1000).unwrap_or_default();
    let theirs = answer.header("date").and_then(|date| seconds(&date));
    match theirs.map(|theirs| now - theirs).filter(|off| off.abs() > SKEW) {
        Some(off) => format!("this host's clock is off by {off} s: set it"),
        None => "the key does not fit its id: see `secret_access_key` in the secret `aws`".into(),
    }
}

/// Reads `Sun, 22 Nov 2026 17:00:00 GMT` as seconds since 1970.
fn seconds(date: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(date).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 22 Nov 2026 17:00:00 GMT"), Some(1_795_366_800));
        assert_eq!(seconds("nonsense"), None);
    }

    #[test]
    fn errors_are_read_from_json_and_xml() {
        let json = r#"{"__type":"com.amazonaws.ecr#AccessDeniedException","message":"no"}"#;
        assert_eq!(read(json), ("AccessDeniedException".into(), "no".into()));
        let xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        assert_eq!(read(xml), ("AccessDenied".into(), "no".into()));
    }
}
