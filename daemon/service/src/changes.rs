//! Compares what a job released, or would release, with the release before it.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use std::collections::BTreeMap;
use windlass_engine::{
    pipeline::release_digest,
    ports::{ChangeVerb, ObjectChange},
};
use windlass_model::{
    event::Event,
    job::{Job, Release, Source},
    plan::{Change, Plan, Step},
};

/// Number of objects that are shown of one cluster, at most.
const OBJECTS: usize = 100;

/// Number of lines that are shown of one object, at most.
const LINES: usize = 200;

/// Number of lines that are shown of one cluster, at most.
const ALL_LINES: usize = 2000;

/// Number of characters that are shown of one line, at most.
const LONGEST: usize = 400;

/// Changes of a job, by cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobChanges {
    /// Digest of what is released, as a gate has it. Empty means that the job has built nothing yet, or removes its app.
    pub digest: String,
    pub clusters: Vec<ClusterChanges>,
}

/// Changes of a job in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterChanges {
    pub cluster: String,
    /// Id of the release that is compared with. `None` means that the journal has none: all objects are new.
    pub before: Option<String>,
    /// Objects that differ.
    pub changes: Vec<ObjectChange>,
    /// Number of objects that stay as they are.
    pub kept: usize,
    /// Number of objects and lines that are not shown, since there are too many.
    pub left_out: usize,
    /// Reason for which nothing is compared. `None` means that it is.
    pub why: Option<String>,
}

impl Services {
    /// Returns the changes from the release before to that of a job, as both are rendered. Before its plan a job is compared
    /// with what serves by now, and afterwards with what served then. A change shows values of the environment: it takes
    /// the right to deploy or to approve.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn job_changes(&self, caller: &Caller, id: &str) -> Result<JobChanges, ServiceError> {
        let job = self.get_job(caller, id).await?.job;
        if caller.may(Verb::Approve, &job.app.project).is_err() {
            caller.may(Verb::Deploy, &job.app.project)?;
        }
        let replay = self.runs.replay(id).await?;
        let events = replay.map(|replay| replay.events).unwrap_or_default();
        let events = events.into_iter().map(|recorded| recorded.event);
        let Some(Reached { release, plan }) = reached(&job, events) else {
            return Ok(JobChanges::default());
        };
        let mut clusters = Vec::new();
        for release in release.each() {
            let before = match &plan {
                Some(plan) => previous(plan).remove(release.cluster()),
                None => self.releases.last_release(&job.app, release.cluster()).await?,
            };
            let mut shown = ClusterChanges {
                cluster: release.cluster().to_owned(),
                before: before.as_ref().map(|before| before.id.clone()),
                ..ClusterChanges::default()
            };
            let before = before.map(|before| before.at(&release.clusters));
            match self.inspection.compare(before.as_ref(), &release).await {
                Ok(changes) => shown.take(changes),
                Err(error) => shown.why = Some(error.to_string()),
            }
            clusters.push(shown);
        }
        // One that cannot be named equals no digest of a gate.
        Ok(JobChanges { digest: release_digest(&release).unwrap_or_default(), clusters })
    }
}

/// A release of a job, as far as the job came.
struct Reached {
    release: Release,
    /// `None` means that the job has no plan yet.
    plan: Option<Box<Plan>>,
}

/// Returns the last release that a job has made. `None` means that it has made none, or that it is to make
/// none.
fn reached(job: &Job, events: impl Iterator<Item = Event>) -> Option<Reached> {
    let clusters = &job.clusters.names;
    let mut last = match &job.source {
        Source::Contract(_) | Source::Removal(_) => return None,
        Source::Commit(_) => None,
        Source::Release(earlier) => {
            Some(Reached { release: earlier.again(&job.id, clusters), plan: None })
        }
    };
    for event in events {
        match event {
            Event::Pushed(release) => {
                last = Some(Reached { release: release.at(clusters), plan: None });
            }
            Event::Planned(plan) => {
                last = Some(Reached { release: plan.release.at(clusters), plan: Some(plan) });
            }
            _ => {}
        }
    }
    last
}

/// Returns the releases that a rollback of a plan leads to, by cluster.
fn previous(plan: &Plan) -> BTreeMap<String, Release> {
    let mut found = BTreeMap::new();
    gather(&plan.rollback, &mut found);
    found
}

fn gather(steps: &[Step], found: &mut BTreeMap<String, Release>) {
    for step in steps {
        match step {
            Step::Change(Change::Restore(release) | Change::SwitchBack(release)) => {
                found.insert(release.cluster().to_owned(), (**release).clone());
            }
            Step::Parallel(steps) | Step::Sequence(steps) => gather(steps, found),
            Step::Change(_)
            | Step::Hook { .. }
            | Step::Migrate { .. }
            | Step::AwaitHealthy { .. }
            | Step::Check { .. }
            | Step::Hold { .. }
            | Step::Gate { .. }
            | Step::Keep { .. } => {}
        }
    }
}

impl ClusterChanges {
    /// Takes changes over, as many as are shown.
    fn take(&mut self, changes: Vec<ObjectChange>) {
        let mut room = ALL_LINES;
        for mut change in changes {
            if change.verb == ChangeVerb::Keep {
                self.kept += 1;
                continue;
            }
            if self.changes.len() == OBJECTS {
                self.left_out += 1;
                continue;
            }
            let most = LINES.min(room);
            self.left_out += change.lines.len().saturating_sub(most);
            change.lines.truncate(most);
            room -= change.lines.len();
            for line in &mut change.lines {
                if let Some((at, _)) = line.char_indices().nth(LONGEST) {
                    line.truncate(at);
                    line.push('…');
                }
            }
            self.changes.push(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release, submit};

    fn changed(object: &str, verb: ChangeVerb, lines: usize) -> ObjectChange {
        let lines = (0..lines).map(|number| format!("+ {number}")).collect();
        ObjectChange { object: object.into(), verb, lines }
    }

    #[tokio::test]
    async fn what_waits_is_compared_with_what_serves_and_named_by_its_digest() {
        let world = World::new();
        world.released(release("0001", "old", &["us"])).await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        let none = world.services.job_changes(&ci, &id).await.unwrap();
        assert_eq!(none, JobChanges::default(), "nothing is built");
        let built = release(&id, "new", &["eu", "us"]);
        let digest = release_digest(&built).unwrap();
        world.append(&id, Event::Pushed(Box::new(built))).await;
        let ann = caller("ann", &["shop"], &[Verb::Approve, Verb::Read]);
        let shown = world.services.job_changes(&ann, &id).await.unwrap();
        assert_eq!(shown.digest, digest);
        let [eu, us] = &*shown.clusters else { panic!("{shown:?}") };
        assert_eq!((&*eu.cluster, eu.before.as_deref(), eu.kept), ("eu", None, 1));
        assert_eq!(eu.changes[0].verb, ChangeVerb::Create);
        assert_eq!((&*us.cluster, us.before.as_deref()), ("us", Some("0001")));
        assert_eq!(us.changes[0].lines, ["- image: old", "+ image: new"]);
    }

    #[tokio::test]
    async fn what_was_released_is_compared_with_what_served_then() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        let built = release(&id, "new", &["eu"]);
        let before = Box::new(release("0001", "old", &["eu"]));
        let rollback = vec![Step::Parallel(vec![Step::Change(Change::Restore(before))])];
        let plan = Plan { forward: Vec::new(), rollback, release: built.clone() };
        world.append(&id, Event::Planned(Box::new(plan))).await;
        world.succeeds(built).await;
        let shown = world.services.job_changes(&ci, &id).await.unwrap();
        assert_eq!(shown.clusters[0].before.as_deref(), Some("0001"));
        assert_eq!(shown.clusters[0].changes[0].lines, ["- image: old", "+ image: new"]);
    }

    #[tokio::test]
    async fn whoever_may_only_read_sees_no_values() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let error = world.services.job_changes(&reader, &id).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        let error = world.services.job_changes(&ci, "none").await.unwrap_err();
        assert_eq!(error.reason(), "not-found");
    }

    #[tokio::test]
    async fn a_rollback_is_compared_before_its_plan_and_a_removal_never() {
        let world = World::new();
        world.released(release("0001", "old", &["eu"])).await;
        let job = world.services.get_job(&Caller::with_all_rights("x".into()), "0001").await;
        let job = job.unwrap().job;
        let found = reached(&job, std::iter::empty()).unwrap();
        assert_eq!((found.release.id.as_str(), found.plan), ("0001", None));
        let removal = Job { source: Source::Removal(Default::default()), ..job };
        let plan = Plan {
            forward: Vec::new(),
            rollback: Vec::new(),
            release: Release::bare("0001", &app("shop"), &["eu".into()]),
        };
        let events = [Event::Planned(Box::new(plan))].into_iter();
        assert!(reached(&removal, events).is_none());
    }

    #[test]
    fn an_answer_is_bounded_and_counts_what_it_leaves_out() {
        let mut shown = ClusterChanges::default();
        shown.take(vec![
            changed("Deployment web", ChangeVerb::Update, LINES + 3),
            changed("Service web", ChangeVerb::Keep, 0),
            ObjectChange {
                lines: vec!["é".repeat(LONGEST + 1)],
                ..changed("ConfigMap web", ChangeVerb::Create, 0)
            },
        ]);
        assert_eq!((shown.changes[0].lines.len(), shown.left_out, shown.kept), (LINES, 3, 1));
        assert_eq!(shown.changes[1].lines, [format!("{}…", "é".repeat(LONGEST))]);
        let many = (0..OBJECTS + 7).map(|_| changed("ConfigMap x", ChangeVerb::Create, LINES));
        let mut shown = ClusterChanges::default();
        shown.take(many.collect());
        assert_eq!(shown.changes.len(), OBJECTS);
        let lines: usize = shown.changes.iter().map(|change| change.lines.len()).sum();
        assert_eq!(lines, ALL_LINES);
        assert_eq!(shown.left_out, OBJECTS * LINES - ALL_LINES + 7);
    }
}
