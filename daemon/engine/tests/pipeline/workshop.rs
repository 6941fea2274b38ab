//! The pretend builder.

use crate::world::World;
use async_trait::async_trait;
use std::sync::Arc;
use windlass_engine::{ports::*, recorder::Recorder};
use windlass_model::error::BuildError;
use windlass_model::{
    job::{Image, Stage},
    testing::{LastWords, TestOutput, TestRun},
};

struct Building(Arc<Inner>, ImageConfig, String);
struct Inner {
    failing_test: bool,
    hanging_test: bool,
    fail: (bool, bool),
    push: Box<dyn Fn(String) + Send + Sync>,
}

/// Builds into the world that it belongs to.
pub(crate) struct Workshop(pub(crate) Arc<World>);

#[async_trait]
impl Builder for Workshop {
    async fn open(
        &self,
        order: BuildRequest,
        _: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError> {
        let world = self.0.clone();
        if world.call() {
            return Err(BuildError::Unreachable { address: "b".into(), message: "gone".into() });
        }
        assert!(match &order.dockerfile {
            Dockerfile::Text(text) => text.contains("`go`"),
            Dockerfile::Path(path) => path == "Dockerfile",
        });
        let _ = recorder.log_line(Stage::Build, "step", "building").await;
        *world.built.lock().unwrap() += 1;
        let pushing = world.clone();
        let push = Box::new(move |reference| {
            *pushing.pushed.lock().unwrap().entry(reference).or_insert(0) += 1;
        });
        let (failing_test, hanging_test) = (world.failing_test, world.hanging_test);
        let inner = Inner { failing_test, hanging_test, fail: (world.call(), world.call()), push };
        let config = ImageConfig { user: Some(10001), ..ImageConfig::default() };
        Ok(Box::new(Building(Arc::new(inner), config, order.reference)))
    }
}

#[async_trait]
impl Build for Building {
    fn config(&self) -> &ImageConfig {
        &self.1
    }
    async fn test(
        &self,
        test: &TestRun,
        last: &LastWords,
        _: &Recorder,
    ) -> Result<TestOutput, BuildError> {
        if self.0.fail.0 {
            return Err(BuildError::Other { message: "container".into() });
        }
        if self.0.hanging_test {
            last.keep("test_waits_for_the_bank, hunter22 ... ".into());
            return std::future::pending().await;
        }
        let exit = u32::from(self.0.failing_test);
        let (command, tail) = (test.command.clone(), vec!["1 failed".into()]);
        Ok(TestOutput { command, exit, tail, ..TestOutput::default() })
    }
    async fn push(&mut self, _: &Recorder) -> Result<Image, BuildError> {
        if self.0.fail.1 {
            return Err(BuildError::Denied { host: "r".into(), message: "401".into() });
        }
        (self.0.push)(self.2.clone());
        Ok(Image { reference: self.2.clone(), digest: "new".into(), bytes: Some(62_345_678) })
    }
}
