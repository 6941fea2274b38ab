//! Fake of the registry, and of the places in it.

use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex};
use windlass_engine::ports::ImagePlaces;
use windlass_model::{
    error::{BuildError, LoginError, PluginError},
    job::Image,
};

/// Images by reference, and how often each was pushed.
#[derive(Default)]
pub(crate) struct FakeRegistry {
    pushed: Mutex<BTreeMap<String, u32>>,
    /// Place of the project's own. `None` means the operator's registry.
    own: Mutex<Option<Result<String, LoginError>>>,
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

    /// Gives the project a place of its own, or one that is refused.
    pub(crate) fn brings(&self, place: Result<&str, &str>) {
        let refused = |message: &str| PluginError {
            plugin: String::new(),
            call: "login".into(),
            message: message.into(),
            hint: Some("ask the operator".into()),
        };
        let refused = |message: &str| LoginError::Own(Box::new(refused(message)));
        *self.own.lock().unwrap() = Some(place.map(str::to_owned).map_err(refused));
    }

    /// Lets the store of registries be away.
    pub(crate) fn cannot_be_read(&self) {
        let message = "another process holds the lock".into();
        *self.own.lock().unwrap() = Some(Err(LoginError::Unavailable { message }));
    }
}

#[async_trait]
impl ImagePlaces for FakeRegistry {
    async fn place(&self, project: &str) -> Result<String, BuildError> {
        match self.own.lock().unwrap().clone() {
            None => Ok(format!("r/{project}")),
            Some(own) => {
                own.map_err(|error| BuildError::Login { host: "own.example".into(), error })
            }
        }
    }

    async fn renewal(&self, project: &str, host: &str) -> Option<String> {
        let is_own = matches!(&*self.own.lock().unwrap(), Some(Ok(_)));
        is_own.then(|| format!("windlass registry put {project} {host}"))
    }

    async fn withheld(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}
