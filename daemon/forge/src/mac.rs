//! HMAC-SHA256, compared in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key, ready for a message.
pub(crate) type Keyed = Hmac<Sha256>;

/// Returns the keys of those secrets that are not empty: an empty one proves nothing.
pub(crate) fn keyed(secrets: &[&[u8]]) -> Vec<Keyed> {
    let there = secrets.iter().filter(|secret| !secret.is_empty());
    there.filter_map(|secret| Keyed::new_from_slice(secret).ok()).collect()
}

/// Returns the code of a message that comes in parts.
pub(crate) fn code(key: &Keyed, message: &[&[u8]]) -> Vec<u8> {
    with(key, message).finalize().into_bytes().to_vec()
}

/// Returns whether one of the codes is that of the message by one of the keys. All are computed and compared, so that
/// the time does not show which.
pub(crate) fn is_signed(keys: &[Keyed], message: &[&[u8]], codes: &[Vec<u8>]) -> bool {
    let mut is_found = false;
    for key in keys {
        let mac = with(key, message);
        for code in codes {
            is_found |= mac.clone().verify_slice(code).is_ok();
        }
    }
    is_found
}

fn with(key: &Keyed, message: &[&[u8]]) -> Keyed {
    let mut mac = key.clone();
    for part in message {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_and_any_code_will_do_and_no_empty_one() {
        let code = |secret: &str, text: &str| {
            let key = Keyed::new_from_slice(secret.as_bytes()).unwrap();
            code(&key, &[text.as_bytes()])
        };
        let keys = keyed(&[b"", b"old", b"new"]);
        assert_eq!(keys.len(), 2);
        let message: [&[u8]; 2] = [b"te", b"xt"];
        assert!(is_signed(&keys, &message, &[code("old", "text")]));
        assert!(is_signed(&keys, &message, &[vec![], code("new", "text")]));
        let wrong = [code("other", "text"), code("old", "tex"), code("old", "text")[1..].to_vec()];
        assert!(!is_signed(&keys, &message, &wrong));
        assert!(!is_signed(&keyed(&[b""]), &message, &[code("", "text"), code("old", "text")]));
    }
}
