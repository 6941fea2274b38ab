//! Shows operators the builder and the clusters that the daemon is connected to, and the use of its slots.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use std::{collections::BTreeMap, fmt::Display, time::Duration};
use tokio::{task::JoinSet, time::timeout};
use windlass_engine::queue::Usage;
use windlass_model::cluster::Target;

/// Time in which a builder or a cluster answers. A person waits for it.
const WITHIN: Duration = Duration::from_secs(5);

/// Parts that jobs run on, as they answer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Infrastructure {
    pub builder: BuilderState,
    /// Clusters in the operator's order.
    pub clusters: Vec<ClusterState>,
    pub usage: Usage,
}

/// The builder now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuilderState {
    /// Address of the operator's configuration.
    pub address: String,
    /// Version, or the reason for which the builder is not reached. The empty version means that it gives none.
    pub version: Result<String, String>,
}

/// A cluster now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterState {
    pub target: Target,
    /// Version of the API server, or the reason for which it is not reached.
    pub version: Result<String, String>,
}

impl Services {
    /// Returns the parts that jobs run on. All are asked at once, and one that is away is no error.
    ///
    /// # Errors
    /// [`ServiceError::NotOperator`] for a caller of some projects only.
    pub async fn infrastructure(&self, caller: &Caller) -> Result<Infrastructure, ServiceError> {
        caller.may_operate(Verb::Read)?;
        let mut asked = JoinSet::new();
        for target in &self.targets.operators().all {
            let (inspection, name) = (self.inspection.clone(), target.name.clone());
            asked.spawn(async move {
                let version = within(inspection.version(&name)).await;
                (name, version)
            });
        }
        let version = within(self.builder.version()).await;
        let builder = BuilderState { address: self.builder.address(), version };
        let mut versions = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            versions.extend(answer.ok());
        }
        let cluster = |target: &Target| ClusterState {
            target: target.clone(),
            version: versions.remove(&target.name).unwrap_or_else(|| {
                Err("the question to it ended by a defect: see the daemon's log".into())
            }),
        };
        let clusters = self.targets.operators().all.iter().map(cluster).collect();
        let names: Vec<_> =
            self.targets.operators().all.iter().map(|target| target.name.clone()).collect();
        Ok(Infrastructure { builder, clusters, usage: self.waits.usage(&names) })
    }
}

/// Waits for an answer, for a bounded time.
async fn within<T, E: Display>(answer: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match timeout(WITHIN, answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller};

    #[tokio::test]
    async fn operators_see_what_answers_and_why_something_does_not() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Read, Verb::Deploy]);
        let error = world.services.infrastructure(&ci).await.unwrap_err();
        assert_eq!(error.to_string(), "ci is no operator of all projects");
        let operator = caller("operator", &["*"], &[Verb::Read]);
        let shown = world.services.infrastructure(&operator).await.unwrap();
        assert_eq!(shown.builder.version.as_deref(), Ok("v0.25.0"));
        let clusters: Vec<_> =
            shown.clusters.iter().map(|one| (&*one.target.name, one.version.is_ok())).collect();
        assert_eq!(clusters, [("eu", true), ("us", false)]);
        let why = shown.clusters[1].version.as_ref().unwrap_err();
        assert!(why.contains("connection refused"), "{why}");
        let places: Vec<_> =
            shown.usage.slots.iter().filter_map(|slot| slot.cluster.as_deref()).collect();
        assert_eq!(places, ["eu", "us"]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_part_that_does_not_answer() {
        let silent = std::future::pending::<Result<(), String>>();
        assert_eq!(within(silent).await.unwrap_err(), "no answer within 5 s");
    }
}
