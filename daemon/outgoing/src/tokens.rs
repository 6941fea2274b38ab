//! Tokens of GitHub Apps' installations, kept until shortly before their end.
//!
//! Messages of one installation are sent one after the other, and a repository is asked for its pull requests once at a
//! time: no two ask for the same token.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use windlass_forge::outgoing::{AppToken, Permission};
use windlass_model::secret::Secret;

/// Milliseconds before its end from which a token is not used.
const BEFORE_MS: u64 = 5 * 60_000;

/// Tokens that are kept.
const MOST: usize = 1000;

/// A token's App, installation, repository and right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenKey {
    /// Project whose secret signs for the App.
    pub(crate) project: String,
    pub(crate) api: String,
    pub(crate) app: String,
    pub(crate) installation: u64,
    pub(crate) repository: String,
    pub(crate) permission: Permission,
}

/// Tokens that are valid.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<BTreeMap<TokenKey, AppToken>>);

impl Tokens {
    /// Returns a token that is still valid for a while. `None` means that a new one is needed.
    pub(crate) fn get(&self, key: &TokenKey, now_ms: u64) -> Option<Secret> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(key).filter(|token| is_valid(token, now_ms)).map(|token| token.token.clone())
    }

    /// Keeps a token.
    pub(crate) fn put(&self, key: TokenKey, token: AppToken, now_ms: u64) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| is_valid(token, now_ms));
        if tokens.len() < MOST {
            tokens.insert(key, token);
        }
    }

    /// Forgets a token that its forge refused.
    pub(crate) fn forget(&self, key: &TokenKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn is_valid(token: &AppToken, now_ms: u64) -> bool {
    token.until_ms.saturating_sub(BEFORE_MS) > now_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_used_until_five_minutes_before_its_end() {
        let key = TokenKey {
            project: "shop".into(),
            api: "https://api.github.com".into(),
            app: "1".into(),
            installation: 2,
            repository: "acme/shop".into(),
            permission: Permission::Statuses,
        };
        let tokens = Tokens::default();
        let token = AppToken { token: Secret::new(b"ghs_x".to_vec()), until_ms: 3_600_000 };
        tokens.put(key.clone(), token, 0);
        assert!(tokens.get(&key, 3_299_999).is_some());
        assert!(tokens.get(&key, 3_300_000).is_none());
        let other = TokenKey { permission: Permission::Deployments, ..key.clone() };
        assert!(tokens.get(&other, 0).is_none());
        tokens.forget(&key);
        assert!(tokens.get(&key, 0).is_none());
    }
}
