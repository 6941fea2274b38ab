//! Masks of one job: its secrets, and the redactor that is made of them.

use std::sync::{Arc, PoisonError, RwLock};
use windlass_model::{redact::Redactor, secret::Secret};

/// Number of bytes of secrets that are read in some milliseconds.
const LARGE: usize = 32 << 10;

/// Secrets of one job, and the redactor that is made of them. Clones share both.
#[derive(Clone, Default)]
pub(crate) struct Masks {
    secrets: Arc<RwLock<Vec<Secret>>>,
    made: Arc<RwLock<Made>>,
}

/// The newest redactor.
#[derive(Default)]
struct Made {
    redactor: Redactor,
    /// Number of secrets, from the first, that the redactor knows.
    count: usize,
}

impl Masks {
    pub(crate) fn redactor(&self) -> Redactor {
        self.made.read().unwrap_or_else(PoisonError::into_inner).redactor.clone()
    }

    /// Adds secrets, and makes the redactor again if there are any that it does not know.
    pub(crate) fn add(&self, more: impl IntoIterator<Item = Secret>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        insert(&mut secrets, more);
        if self.known() < secrets.len() {
            self.replace(Redactor::new(secrets.iter()), secrets.len());
        }
    }

    /// Adds secrets, as [`Masks::add`] does. Many bytes are read by a thread of their own.
    pub(crate) async fn add_all(&self, more: Vec<Secret>) {
        insert(&mut self.secrets.write().unwrap_or_else(PoisonError::into_inner), more);
        loop {
            let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone();
            let count = secrets.len();
            // A call that was dropped at its await, or waits there, has left secrets that are not masked yet.
            if self.known() >= count {
                return;
            }
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
                self.replace(redactor, count);
                return;
            }
        }
    }

    /// Returns the number of secrets that the redactor knows.
    fn known(&self) -> usize {
        self.made.read().unwrap_or_else(PoisonError::into_inner).count
    }

    fn replace(&self, redactor: Redactor, count: usize) {
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = Made { redactor, count };
    }
}

/// Adds secrets that are not known yet: a secret that a hundred variables name is one.
fn insert(known: &mut Vec<Secret>, more: impl IntoIterator<Item = Secret>) {
    for secret in more {
        if !known.iter().any(|one| one.reveal() == secret.reveal()) {
            known.push(secret);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

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

    /// A job is stopped at any await, and may open the same secrets again.
    #[tokio::test]
    async fn a_secret_is_masked_though_the_first_call_was_dropped() {
        let masks = Masks::default();
        let large = (0..LARGE / 8).map(|number| format!("{number:07}-")).collect::<String>();
        let secrets = vec![Secret::new(large.clone().into())];
        let _ = masks.add_all(secrets.clone()).now_or_never();
        masks.add_all(secrets).await;
        assert_eq!(masks.redactor().mask(&large), "***");
    }
}
