//! Standard Webhooks: an id, a time and a body are signed together. GitLab's signing tokens are of this scheme, and so
//! are webhooks to a project's own endpoints.

use crate::{
    error::{BadKey, Unverified},
    headers::{WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, one},
    mac::{Keyed, code, is_signed},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::KeyInit;
use http::HeaderMap;
use std::{fmt, time::Duration};

/// Beginning of a key's text.
pub const PREFIX: &str = "whsec_";
/// Time by which a signature may be older or newer than this machine's clock.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Lengths that a key may have, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;
/// Beginning of a signature by HMAC-SHA256.
const VERSION: &str = "v1,";
/// Number of signatures of one request that are looked at. A sender has two while a key is replaced.
const MOST_SIGNATURES: usize = 8;

/// A signing key.
#[derive(Clone)]
pub struct Key(Keyed);

impl Key {
    /// Reads a key: `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// Says what the text is instead, and never shows it.
    pub fn parse(text: &[u8]) -> Result<Self, BadKey> {
        let text = text.strip_prefix(PREFIX.as_bytes());
        let text = text.ok_or(BadKey("does not begin with `whsec_`"))?;
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| BadKey("has no base64"))?;
        if !LENGTHS.contains(&bytes.len()) {
            return Err(BadKey("is too short or too long"));
        }
        Keyed::new_from_slice(&bytes).map(Self).map_err(|_| BadKey("cannot be used"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Returns the value of `webhook-signature`: a signature by each key. `seconds` is the value of `webhook-timestamp`, the
/// time of the attempt in seconds since 1970. No keys give an empty value, which nobody accepts.
#[must_use]
pub fn sign(keys: &[Key], id: &str, seconds: u64, body: &[u8]) -> String {
    let seconds = seconds.to_string();
    let message = message(id, &seconds, body);
    let signatures = keys.iter().map(|Key(key)| {
        let code = code(key, &message);
        format!("{VERSION}{}", BASE64_STANDARD.encode(code))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// Verifies a request: one of its signatures is by one of the keys, and its time is close to `now_ms`.
///
/// # Errors
/// Names the header. [`Unverified::Stale`] says that the signature is right and its time is not.
pub fn verify(
    keys: &[Key],
    headers: &HeaderMap,
    body: &[u8],
    now_ms: u64,
) -> Result<(), Unverified> {
    let id = required(headers, WEBHOOK_ID)?;
    // Else a part of the id could be taken for the time, and an old signature be used again.
    if id.contains('.') {
        let problem = "has a full stop, which separates what is signed";
        return Err(Unverified::Malformed { header: WEBHOOK_ID, problem });
    }
    let timestamp = required(headers, WEBHOOK_TIMESTAMP)?;
    let seconds = Some(timestamp).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let problem = "is no number of seconds";
    let seconds = seconds.and_then(|text| text.parse::<u64>().ok());
    let seconds = seconds.ok_or(Unverified::Malformed { header: WEBHOOK_TIMESTAMP, problem })?;
    let codes = codes(required(headers, WEBHOOK_SIGNATURE)?);
    if codes.is_empty() {
        let problem = "has no signature `v1,` with base64";
        return Err(Unverified::Malformed { header: WEBHOOK_SIGNATURE, problem });
    }
    let keys: Vec<_> = keys.iter().map(|Key(key)| key.clone()).collect();
    if !is_signed(&keys, &message(id, timestamp, body), &codes) {
        return Err(Unverified::Mismatch { header: WEBHOOK_SIGNATURE });
    }
    let distance = (now_ms / 1000).abs_diff(seconds);
    let most = TOLERANCE.as_secs();
    if distance > most {
        return Err(Unverified::Stale { seconds: distance, most });
    }
    Ok(())
}

fn message<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

/// Returns the signatures that can be read. Those of other versions are left out.
fn codes(signatures: &str) -> Vec<Vec<u8>> {
    let texts = signatures.split_ascii_whitespace().take(MOST_SIGNATURES);
    let texts = texts.filter_map(|text| text.strip_prefix(VERSION));
    texts.filter_map(|text| BASE64_STANDARD.decode(text).ok()).collect()
}

fn required<'a>(headers: &'a HeaderMap, header: &'static str) -> Result<&'a str, Unverified> {
    let value = one(headers, header);
    let value = value.map_err(|problem| Unverified::Malformed { header, problem })?;
    value.ok_or(Unverified::Unsigned { header })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, id, time, body and signature that the libraries of Standard Webhooks are tested with.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: u64 = 1_614_265_330;
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn key(text: &str) -> Key {
        Key::parse(text.as_bytes()).unwrap()
    }

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(WEBHOOK_ID, id.parse().unwrap());
        headers.insert(WEBHOOK_TIMESTAMP, timestamp.parse().unwrap());
        headers.insert(WEBHOOK_SIGNATURE, signature.parse().unwrap());
        headers
    }

    fn verified(id: &str, timestamp: &str, signature: &str) -> Result<(), Unverified> {
        let headers = headers(id, timestamp, signature);
        verify(&[key(OTHER), key(KEY)], &headers, BODY, SECONDS * 1000)
    }

    #[test]
    fn the_known_message_gets_the_known_signature() {
        assert_eq!(sign(&[key(KEY)], ID, SECONDS, BODY), SIGNATURE);
        assert_eq!(verified(ID, "1614265330", SIGNATURE), Ok(()));
    }

    #[test]
    fn two_keys_sign_while_one_is_replaced() {
        let both = sign(&[key(OTHER), key(KEY)], ID, SECONDS, BODY);
        assert_eq!(both.split(' ').nth(1), Some(SIGNATURE));
        let headers = headers(ID, "1614265330", &both);
        for receiver in [KEY, OTHER] {
            assert_eq!(verify(&[key(receiver)], &headers, BODY, SECONDS * 1000), Ok(()));
        }
        assert_eq!(sign(&[], ID, SECONDS, BODY), "");
    }

    #[test]
    fn what_was_changed_is_refused() {
        let mismatch = Err(Unverified::Mismatch { header: WEBHOOK_SIGNATURE });
        assert_eq!(verified("msg_other", "1614265330", SIGNATURE), mismatch);
        assert_eq!(verified(ID, "1614265331", SIGNATURE), mismatch);
        let headers = headers(ID, "1614265330", SIGNATURE);
        assert_eq!(verify(&[key(KEY)], &headers, b"{}", SECONDS * 1000), mismatch);
        assert_eq!(verify(&[key(OTHER)], &headers, BODY, SECONDS * 1000), mismatch);
        assert_eq!(verify(&[], &headers, BODY, SECONDS * 1000), mismatch);
    }

    #[test]
    fn headers_that_cannot_be_are_named() {
        for (id, timestamp, signature, header) in [
            // The known message, cut elsewhere.
            ("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330", "1", SIGNATURE, WEBHOOK_ID),
            (ID, "+1614265330", SIGNATURE, WEBHOOK_TIMESTAMP),
            (ID, "", SIGNATURE, WEBHOOK_TIMESTAMP),
            (ID, "99999999999999999999", SIGNATURE, WEBHOOK_TIMESTAMP),
            (ID, "1614265330", "", WEBHOOK_SIGNATURE),
            (ID, "1614265330", "v1a,abcd v1,*", WEBHOOK_SIGNATURE),
        ] {
            match verified(id, timestamp, signature) {
                Err(Unverified::Malformed { header: named, .. }) => assert_eq!(named, header),
                other => panic!("{id} {timestamp} {signature}: {other:?}"),
            }
        }
        for missing in [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE] {
            let mut headers = headers(ID, "1614265330", SIGNATURE);
            headers.remove(missing);
            let result = verify(&[key(KEY)], &headers, BODY, SECONDS * 1000);
            assert_eq!(result, Err(Unverified::Unsigned { header: missing }));
        }
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_both_ways() {
        let headers = headers(ID, "1614265330", SIGNATURE);
        for (now, is_good) in [
            (SECONDS - 301, false),
            (SECONDS - 300, true),
            (SECONDS + 300, true),
            (SECONDS + 301, false),
            (0, false),
        ] {
            let result = verify(&[key(KEY)], &headers, BODY, now * 1000 + 999);
            assert_eq!(result.is_ok(), is_good, "{now}: {result:?}");
            assert!(is_good || matches!(result, Err(Unverified::Stale { .. })), "{result:?}");
        }
    }

    #[test]
    fn keys_are_of_one_form_and_are_not_shown() {
        for text in [
            "",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_",
            "whsec_AAAA",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*",
        ] {
            let error = Key::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("must be `whsec_`"), "{error}");
            assert!(text.len() < 8 || !error.contains(text), "{error}");
        }
        assert_eq!(format!("{:?}", key(KEY)), "***");
    }
}
