//! Masks of one job: its secrets, and the redactor that is made of them.

use std::sync::{Arc, PoisonError, RwLock};
use windlass_model::{redact::Redactor, secret::Secret};

/// Number of bytes of secrets that are read in some milliseconds.
const LARGE: usize = 32 << 10;

/// Secrets of one job, and the redactor that is made of them. Clones share both.
#[derive(Clone, Default)]
pub(crate) struct Masks {
    secrets: Arc<RwLock<Vec<Secret>>>,
    redactor: Arc<RwLock<Redactor>>,
}

impl Masks {
    pub(crate) fn redactor(&self) -> Redactor {
        self.redactor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds secrets, and makes the redactor again if there are any that were not known.
    pub(crate) fn add(&self, more: impl IntoIterator<Item = Secret>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        if insert(&mut secrets, more) {
            self.replace(Redactor::new(secrets.iter()));
        }
    }

    /// Adds secrets, as [`Masks::add`] does. Many bytes are read by a thread of their own.
    pub(crate) async fn add_all(&self, more: Vec<Secret>) {
        if !insert(&mut self.secrets.write().unwrap_or_else(PoisonError::into_inner), more) {
            return;
        }
        loop {
            let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone();
            let count = secrets.len();
            let bytes: usize = secrets.iter().map(|secret| secret.reveal().len()).sum();
            let redactor = if bytes < LARGE {
                Redactor::new(secrets.iter())
            } else {
                let copies = secrets.clone();
                let made = tokio::task::spawn_blocking(move || Redactor::new(copies.iter())).await;
                // The thread does not start while the daemon ends.
                made.unwrap_or_else(|_| Redactor::new(secrets.iter()))
            };
            let known = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
            // A redactor of fewer secrets than are known by now would unmask some.
            if known.len() == count {
                self.replace(redactor);
                return;
            }
        }
    }

    fn replace(&self, redactor: Redactor) {
        *self.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }
}

/// Adds secrets that are not known yet, and returns whether there are any: a secret that a hundred variables
/// name is one.
fn insert(known: &mut Vec<Secret>, more: impl IntoIterator<Item = Secret>) -> bool {
    let before = known.len();
    for secret in more {
        if !known.iter().any(|one| one.reveal() == secret.reveal()) {
            known.push(secret);
        }
    }
    known.len() > before
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole job's output is searched by one redactor, which is made for all of its secrets.
    #[tokio::test]
    async fn many_secrets_are_masked_at_once() {
        let masks = Masks::default();
        masks.add([Secret::new(b"sesame-of-apps".to_vec())]);
        let large = (0..LARGE / 8).map(|number| format!("{number:07} ")).collect::<String>();
        let more = vec![Secret::new(large.clone().into()), Secret::new(b"hunter22".into())];
        masks.add_all(more).await;
        let redactor = masks.redactor();
        assert_eq!(redactor.mask(&format!("sesame-of-apps {large}")), "*** *** ");
        assert_eq!(redactor.mask("hunter22"), "***");
    }
}
