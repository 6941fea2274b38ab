//! Fake of the registry.

use std::{collections::BTreeMap, sync::Mutex};
use windlass_model::job::Image;

/// Images by reference, and how often each was pushed.
#[derive(Default)]
pub(crate) struct FakeRegistry {
    pushed: Mutex<BTreeMap<String, u32>>,
}

impl FakeRegistry {
    /// Takes an image in. Every image that is pushed has the digest `new`.
    pub(super) fn push(&self, reference: &str) -> Image {
        *self.pushed.lock().unwrap().entry(reference.into()).or_insert(0) += 1;
        Image { reference: reference.into(), digest: "new".into(), bytes: Some(62_345_678) }
    }

    pub(crate) fn pushed(&self) -> BTreeMap<String, u32> {
        self.pushed.lock().unwrap().clone()
    }
}
