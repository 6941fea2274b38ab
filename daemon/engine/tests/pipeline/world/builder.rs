//! Fake of the builder.

use super::{
    fault::{Fault, Faults},
    registry::FakeRegistry,
};
use async_trait::async_trait;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use windlass_engine::{
    ports::{Build, BuildRequest, Builder, Dockerfile, ImageConfig, Tree},
    recorder::Recorder,
};
use windlass_model::{
    error::BuildError,
    job::{Image, Stage},
    testing::{LastWords, TestOutput, TestRun},
};

/// Builder that builds every request, and pushes to its world's registry.
pub(crate) struct FakeBuilder {
    faults: Faults,
    registry: Arc<FakeRegistry>,
    built: Mutex<u32>,
    /// Text and folder of the last build. `None` means that a Dockerfile of the tree was built, or the app's folder.
    last: Mutex<(Option<String>, Option<PathBuf>)>,
    caches: Mutex<String>,
}

impl FakeBuilder {
    pub(super) fn new(faults: &Faults, registry: &Arc<FakeRegistry>) -> Self {
        Self {
            faults: faults.clone(),
            registry: registry.clone(),
            built: Mutex::default(),
            last: Mutex::default(),
            caches: Mutex::default(),
        }
    }

    /// Returns the Dockerfile of the last build, and the folder of its context.
    pub(crate) fn last(&self) -> (Option<String>, Option<PathBuf>) {
        self.last.lock().unwrap().clone()
    }

    /// Returns the name of the caches of the last build.
    pub(crate) fn caches(&self) -> String {
        self.caches.lock().unwrap().clone()
    }

    /// Returns the number of builds.
    pub(crate) fn built(&self) -> u32 {
        *self.built.lock().unwrap()
    }
}

#[async_trait]
impl Builder for FakeBuilder {
    async fn open(
        &self,
        request: BuildRequest,
        _: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError> {
        if self.faults.call() {
            return Err(BuildError::Unreachable {
                address: "b".into(),
                message: "connection refused".into(),
            });
        }
        assert!(match &request.dockerfile {
            Dockerfile::Text(text) => {
                text.contains("found by `") || text.starts_with("# build.command")
            }
            Dockerfile::Path(path) => path == "Dockerfile",
        });
        recorder.log_line(Stage::Build, "step", "building").await;
        if self.faults.has(&Fault::StepFails) {
            return Err(BuildError::Step {
                file: "Dockerfile".into(),
                line: 6,
                source_line: "RUN [\"make\", \"image\"]".into(),
                exit: 3,
                tail: vec!["no rule".into()],
            });
        }
        let time = self.faults.build_time();
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        *self.built.lock().unwrap() += 1;
        let text = match request.dockerfile {
            Dockerfile::Text(text) => Some(text),
            Dockerfile::Path(_) => None,
        };
        *self.last.lock().unwrap() = (text, request.folder);
        *self.caches.lock().unwrap() = request.caches;
        Ok(Box::new(FakeBuild {
            faults: self.faults.clone(),
            registry: self.registry.clone(),
            config: ImageConfig { user: Some(10001), ..ImageConfig::default() },
            reference: request.reference,
        }))
    }
}

/// An image that one job built.
struct FakeBuild {
    faults: Faults,
    registry: Arc<FakeRegistry>,
    config: ImageConfig,
    reference: String,
}

#[async_trait]
impl Build for FakeBuild {
    fn config(&self) -> &ImageConfig {
        &self.config
    }

    async fn test(
        &self,
        test: &TestRun,
        last: &LastWords,
        recorder: &Recorder,
    ) -> Result<TestOutput, BuildError> {
        if self.faults.call() {
            return Err(BuildError::Other { message: "container".into() });
        }
        for line in ["testing", "tested"] {
            recorder.log_line(Stage::Test, "test", line).await;
        }
        if self.faults.has(&Fault::TestsHang) {
            last.keep("test_waits_for_the_bank, hunter22 ... ".into());
            return std::future::pending().await;
        }
        Ok(TestOutput {
            command: test.command.clone(),
            exit: u32::from(self.faults.has(&Fault::TestsFail)),
            tail: vec!["1 failed".into()],
            ..TestOutput::default()
        })
    }

    async fn push(&mut self, recorder: &Recorder) -> Result<Image, BuildError> {
        if self.faults.call() {
            return Err(BuildError::Denied { host: "r".into(), message: "401".into() });
        }
        if self.faults.has(&Fault::RegistryAway) {
            self.faults.remove(|fault| *fault == Fault::RegistryAway);
            let (host, message) = ("r".into(), "refused".into());
            return Err(BuildError::Registry { host, message, is_own: false });
        }
        recorder.log_line(Stage::Push, "push", "pushing").await;
        let image = self.registry.push(&self.reference);
        recorder.log_line(Stage::Push, "push", "pushed").await;
        Ok(image)
    }
}
