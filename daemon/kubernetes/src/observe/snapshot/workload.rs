//! Converts the objects of a workload to the part of the snapshot that the judge reads.

use crate::{
    observe::{
        blocked::in_the_way,
        expected::Expected,
        facts::{annotation, applied, is_ready, named, number},
        observed::Observed,
    },
    render::JOB,
};
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, DeploymentCondition, StatefulSet},
    batch::v1::Job,
    core::v1::Pod as K8sPod,
};
use windlass_rollout::snapshot::Workload;

/// The API server's default of `progressDeadlineSeconds`.
const DEADLINE: i32 = 600;
/// Seconds by which the clocks of the API server and of its controllers may differ.
const SKEW: i64 = 10;

impl Observed {
    /// Converts a workload and its pods. An empty revision means that the workload does not exist.
    pub(super) fn workload(&self, expected: &Expected, pods: &[(&K8sPod, String)]) -> Workload {
        let mut found = match &*expected.kind {
            "Deployment" => {
                named(&self.deployments, &expected.name).map(|one| self.of_deployment(one))
            }
            "StatefulSet" => {
                named(&self.stateful_sets, &expected.name).map(|one| self.of_stateful_set(one))
            }
            "DaemonSet" => {
                named(&self.daemon_sets, &expected.name).map(|one| self.of_daemon_set(one))
            }
            _ => named(&self.jobs, &expected.name)
                .map(|job| Workload { refused: self.refusal_of_job(job), ..of_job(job) }),
        }
        .unwrap_or_default();
        found.kind.clone_from(&expected.kind);
        found.name.clone_from(&expected.name);
        found.process.clone_from(&expected.process);
        if found.kind != "Job" {
            let ready = pods.iter().filter(|(pod, owner)| *owner == expected.name && is_ready(pod));
            found.ready = u32::try_from(ready.count()).unwrap_or_default();
        }
        found
    }

    fn of_deployment(&self, deployment: &Deployment) -> Workload {
        let metadata = &deployment.metadata;
        let status = deployment.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
        let progressing = condition("Progressing");
        let available = condition("Available").is_some_and(|one| one.status == "True");
        // Without a deadline (`HasProgressDeadline` of the controller) there is no such condition.
        let is_rolled_out =
            progressing.is_none_or(|one| one.reason.as_deref() == Some("NewReplicaSetAvailable"));
        let late = progressing.filter(|one| is_late(deployment, one));
        Workload {
            revision: annotation(metadata, JOB),
            observed: status.and_then(|status| status.observed_generation) >= metadata.generation,
            wanted: number(deployment.spec.as_ref().and_then(|spec| spec.replicas)),
            total: number(status.and_then(|status| status.replicas)),
            updated: number(status.and_then(|status| status.updated_replicas)),
            available: number(status.and_then(|status| status.available_replicas)),
            is_complete: available && is_rolled_out,
            failed: late.map(|one| {
                (one.reason.clone().unwrap_or_default(), one.message.clone().unwrap_or_default())
            }),
            refused: self.new_set(deployment).and_then(|set| self.refusal_of_set(set)),
            paused: deployment.spec.as_ref().and_then(|spec| spec.paused) == Some(true),
            ..Workload::default()
        }
    }

    fn of_stateful_set(&self, set: &StatefulSet) -> Workload {
        let metadata = &set.metadata;
        let status = set.status.as_ref();
        let wanted = number(set.spec.as_ref().and_then(|spec| spec.replicas));
        let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let rolling = strategy.and_then(|one| one.rolling_update.as_ref());
        // With `OnDelete`, or below `partition`, somebody else replaces the pods.
        let by_hand = match strategy.and_then(|one| one.type_.as_deref()) {
            Some("OnDelete") => wanted,
            _ => number(rolling.and_then(|one| one.partition)).min(wanted),
        };
        let updated = number(status.and_then(|status| status.updated_replicas));
        let updated = (updated + by_hand).min(wanted);
        let current = status.and_then(|status| status.current_revision.as_ref());
        let update = status.and_then(|status| status.update_revision.as_ref());
        let total = number(status.map(|status| status.replicas));
        Workload {
            revision: annotation(metadata, JOB),
            observed: status.and_then(|status| status.observed_generation) >= metadata.generation,
            wanted,
            total,
            updated,
            available: number(status.and_then(|status| status.available_replicas)),
            is_complete: current == update || updated >= wanted,
            refused: self.refusal(metadata).filter(|_| total < wanted),
            blocked: in_the_way(set, &self.pods).and_then(|pod| pod.metadata.name.clone()),
            ..Workload::default()
        }
    }

    /// Converts a DaemonSet, which wants as many pods as there are nodes for them.
    fn of_daemon_set(&self, set: &DaemonSet) -> Workload {
        let metadata = &set.metadata;
        let status = set.status.clone().unwrap_or_default();
        let wanted = number(Some(status.desired_number_scheduled));
        let updated = number(status.updated_number_scheduled);
        let total = number(Some(status.current_number_scheduled));
        let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let by_hand = strategy.is_some_and(|one| one.type_.as_deref() == Some("OnDelete"));
        Workload {
            revision: annotation(metadata, JOB),
            observed: status.observed_generation >= metadata.generation,
            wanted,
            total,
            // With `OnDelete` somebody else replaces the pods.
            updated: if by_hand { total.max(wanted) } else { updated },
            available: number(status.number_available),
            is_complete: by_hand || updated >= wanted,
            refused: self.refusal(metadata).filter(|_| total < wanted),
            ..Workload::default()
        }
    }
}

/// Returns whether a Deployment's `progressDeadlineSeconds` have passed since its last apply.
///
/// The controller keeps the `ProgressDeadlineExceeded` of an earlier rollout until there is progress, also for
/// the same pods again or a ReplicaSet that is taken up again (`syncRolloutStatus` of
/// pkg/controller/deployment). Until then the controller counts from the beginning of that earlier rollout.
fn is_late(deployment: &Deployment, progressing: &DeploymentCondition) -> bool {
    if progressing.reason.as_deref() != Some("ProgressDeadlineExceeded") {
        return false;
    }
    let since = progressing.last_update_time.as_ref().or(progressing.last_transition_time.as_ref());
    let (Some(applied), Some(since)) = (applied(&deployment.metadata), since) else {
        // The judge's progress deadline decides.
        return false;
    };
    let deadline = deployment.spec.as_ref().and_then(|spec| spec.progress_deadline_seconds);
    let least = i64::from(deadline.unwrap_or(DEADLINE)) - SKEW;
    since.0.as_second() >= applied.as_second().saturating_add(least.max(0))
}

fn of_job(job: &Job) -> Workload {
    let status = job.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is = |kinds: &[&str]| {
        let mut all = conditions.iter().filter(|condition| condition.status == "True");
        all.find(|condition| kinds.contains(&&*condition.type_))
    };
    Workload {
        revision: annotation(&job.metadata, JOB),
        observed: true,
        wanted: 1,
        ready: number(status.and_then(|status| status.succeeded)),
        is_complete: is(&["Complete"]).is_some(),
        failed: is(&["Failed", "FailureTarget"]).map(|failed| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (text(&failed.reason), text(&failed.message))
        }),
        paused: job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true),
        ..Workload::default()
    }
}
