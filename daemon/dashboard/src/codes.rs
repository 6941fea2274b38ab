//! Login links: codes that stand for a token once, for a minute.

use crate::sessions::hash;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time within which a code must be used.
const LIFETIME: Duration = Duration::from_secs(60);

/// Number of codes that are kept at most. A further one ends the oldest.
const MOST: usize = 64;

/// Codes of login links. Clones share the same codes.
#[derive(Clone, Default)]
pub struct LoginCodes(Arc<Mutex<HashMap<String, Waiting>>>);

/// A code that was not used yet.
struct Waiting {
    token_sha256: String,
    until: Instant,
}

impl LoginCodes {
    /// Makes a code for the principal with this token, given by the SHA-256 of the token in hex. The link is
    /// `/login?code=CODE`: it works once, within 60 seconds.
    #[must_use]
    pub fn issue(&self, token_sha256: &str) -> String {
        let code = hex::encode(rand::random::<[u8; 32]>());
        let now = Instant::now();
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, waiting| waiting.until > now);
        if codes.len() >= MOST {
            let oldest = codes.iter().min_by_key(|(_, waiting)| waiting.until);
            if let Some(oldest) = oldest.map(|(code, _)| code.clone()) {
                codes.remove(&oldest);
            }
        }
        let token_sha256 = token_sha256.to_ascii_lowercase();
        // The hash is the key, so that the time of a look-up says nothing about a code.
        codes.insert(hash(code.as_bytes()), Waiting { token_sha256, until: now + LIFETIME });
        code
    }

    /// Returns the hash of the code's token. `None` means that the code is unknown, used or too old.
    pub(crate) fn redeem(&self, code: &str) -> Option<String> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = codes.remove(&hash(code.as_bytes()))?;
        (waiting.until > Instant::now()).then_some(waiting.token_sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once() {
        let codes = LoginCodes::default();
        let code = codes.issue("AB12");
        assert_eq!(codes.redeem("another"), None);
        assert_eq!(codes.redeem(&code).as_deref(), Some("ab12"));
        assert_eq!(codes.redeem(&code), None);
    }

    #[test]
    fn an_old_code_opens_nothing() {
        let codes = LoginCodes::default();
        let code = codes.issue("ab");
        for waiting in codes.0.lock().unwrap().values_mut() {
            waiting.until = Instant::now();
        }
        assert_eq!(codes.redeem(&code), None);
    }

    #[test]
    fn no_number_of_codes_takes_more_than_its_room() {
        let codes = LoginCodes::default();
        let first = codes.issue("first");
        for number in 0..MOST {
            let _ = codes.issue(&number.to_string());
        }
        assert_eq!(codes.0.lock().unwrap().len(), MOST);
        assert_eq!(codes.redeem(&first), None);
    }
}
