//! Login links: codes that stand for a token once, for a minute.

use crate::sessions::hash;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use windlass_model::clock::now_ms;
use windlass_service::{LoginLink, LoginLinks};

/// Time within which a code must be used.
const LIFETIME: Duration = Duration::from_secs(60);

/// Number of codes that are kept at most. A further one ends the oldest.
const MOST: usize = 64;

/// Number of codes of one token that are kept at most. A further one ends the oldest of the same token: nobody who asks
/// again and again ends the codes of others.
const MOST_OF_ONE: usize = 8;

/// Codes of login links. Clones share the same codes.
#[derive(Clone, Default)]
pub struct LoginCodes(Arc<Mutex<HashMap<String, Waiting>>>);

/// A code that was not used yet.
struct Waiting {
    token_sha256: String,
    until: Instant,
}

impl LoginCodes {
    /// Makes a code for the principal with this token, given by the SHA-256 of the token in hex. It works once, within
    /// [`LIFETIME`].
    fn issue(&self, token_sha256: &str) -> String {
        let code = hex::encode(rand::random::<[u8; 32]>());
        let now = Instant::now();
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, waiting| waiting.until > now);
        let token_sha256 = token_sha256.to_ascii_lowercase();
        let own = codes.values().filter(|waiting| waiting.token_sha256 == token_sha256).count();
        if own >= MOST_OF_ONE {
            drop_oldest(&mut codes, |waiting| waiting.token_sha256 == token_sha256);
        } else if codes.len() >= MOST {
            drop_oldest(&mut codes, |_| true);
        }
        // The hash is the key, so that the time of a look-up says nothing about a code.
        codes.insert(hash(code.as_bytes()), Waiting { token_sha256, until: now + LIFETIME });
        code
    }

    /// Returns the hash of the code's token, and leaves the code as it is. `None` means that the code is unknown, used or
    /// too old.
    pub(crate) fn token_of(&self, code: &str) -> Option<String> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = codes.get(&hash(code.as_bytes()))?;
        (waiting.until > Instant::now()).then(|| waiting.token_sha256.clone())
    }

    /// Returns the hash of the code's token. `None` means that the code is unknown, used or too old.
    pub(crate) fn redeem(&self, code: &str) -> Option<String> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = codes.remove(&hash(code.as_bytes()))?;
        (waiting.until > Instant::now()).then_some(waiting.token_sha256)
    }
}

impl LoginLinks for LoginCodes {
    fn login_link(&self, token_sha256: &str) -> LoginLink {
        let expires_ms = now_ms() + u64::try_from(LIFETIME.as_millis()).unwrap_or_default();
        LoginLink { path: format!("/login?code={}", self.issue(token_sha256)), expires_ms }
    }
}

fn drop_oldest(codes: &mut HashMap<String, Waiting>, is_of: impl Fn(&Waiting) -> bool) {
    let all = codes.iter().filter(|(_, waiting)| is_of(waiting));
    let oldest = all.min_by_key(|(_, waiting)| waiting.until).map(|(code, _)| code.clone());
    if let Some(oldest) = oldest {
        codes.remove(&oldest);
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
        assert_eq!(codes.token_of(&code).as_deref(), Some("ab12"));
        assert_eq!(codes.redeem(&code).as_deref(), Some("ab12"));
        assert_eq!((codes.redeem(&code), codes.token_of(&code)), (None, None));
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

    #[test]
    fn nobody_ends_the_codes_of_others_by_asking() {
        let codes = LoginCodes::default();
        let other = codes.issue("other");
        let all: Vec<_> = (0..MOST).map(|_| codes.issue("greedy")).collect();
        assert_eq!(codes.0.lock().unwrap().len(), MOST_OF_ONE + 1);
        assert_eq!(codes.redeem(&other).as_deref(), Some("other"));
        assert_eq!(codes.redeem(&all[0]), None);
        assert_eq!(codes.redeem(all.last().unwrap()).as_deref(), Some("greedy"));
    }

    #[test]
    fn a_link_is_the_path_of_the_page_with_a_code() {
        let codes = LoginCodes::default();
        let link = codes.login_link("ab");
        let code = link.path.strip_prefix("/login?code=").unwrap();
        assert_eq!(codes.redeem(code).as_deref(), Some("ab"));
        let left = link.expires_ms.saturating_sub(now_ms());
        assert!((1..=60_000).contains(&left), "{left}");
    }
}
