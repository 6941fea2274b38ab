//! Turns of migrations that have a lock in common. Each is a `Job` that is made suspended and labelled; the oldest one that
//! has not ended may begin. So whoever has the lock can be seen in the cluster, also after a restart, and by every daemon.

use super::{
    action::stop,
    job::{self, Begun, LOCK},
};
use crate::{
    client::{Client, limited},
    render::{INSTANCE, JOB},
};
use k8s_openapi::{
    api::batch::v1::{Job, JobCondition},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::api::ListParams;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use windlass_engine::{ports::Migration, recorder::Recorder};
use windlass_model::{error::ClusterError, hook::ActionResult, job::Release};

/// Time between two looks. Longer than a second, in which two Jobs may be equally old: who has made one has a list with
/// the other one then.
const LOOK: Duration = Duration::from_secs(2);

/// Time for which a turn is waited for.
const LONGEST: Duration = Duration::from_secs(3600);

/// The place of a Job among those with the same lock.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// It has begun, or is gone.
    Begun,
    /// It was let begin, and its controller has not seen that yet.
    Begins,
    /// It is the next one.
    First,
    /// Another Job is before it.
    Behind(String),
}

/// Waits until it is a Job's turn, and lets it begin. Returns the result of one whose turn did not come, or whose release is
/// to end before it came: it gives the lock back. `None` means that it has begun.
pub(super) async fn take(
    client: &Client,
    release: &Release,
    begun: &Begun<'_>,
    lock: &str,
    migration: &Migration,
    recorder: &Recorder,
) -> Result<Option<ActionResult>, ClusterError> {
    let api = client.api::<Job>(&release.app.namespace());
    let head = job::head(release, begun.name);
    let since = Instant::now();
    let mut named = String::new();
    loop {
        sleep(LOOK).await;
        let params = ListParams::default().labels(&format!("{LOCK}={lock}"));
        let all = limited(api.list(&params), "jobs with the lock").await?.items;
        for abandoned in left(&all, begun.name) {
            stop(client, release, abandoned).await?;
        }
        match place(&all, begun.name) {
            Place::Begun => return Ok(None),
            Place::Begins => {}
            Place::First | Place::Behind(_) if migration.is_ending() => {
                stop(client, release, begun.name).await?;
                return Ok(Some(ActionResult::Waited));
            }
            Place::First => client.merge(&head, &json!({ "spec": { "suspend": false } })).await?,
            Place::Behind(other) if since.elapsed() > LONGEST => {
                stop(client, release, begun.name).await?;
                let minutes = LONGEST.as_secs() / 60;
                let why = format!("Job {other} has had the lock `{lock}` for {minutes} min");
                return Ok(Some(ActionResult::Denied(why)));
            }
            Place::Behind(other) => {
                if other != named {
                    let line = format!("waits for its turn: Job {other} has the lock `{lock}`");
                    recorder.log_line(begun.stage, begun.source, &line).await;
                    named = other;
                }
            }
        }
    }
}

/// Waits for a Job of the app's migrations that its run left to itself, as where the cluster was away for long: it may
/// change the data still. Returns the result of a part that does not begin, since that Job does not end or the release is
/// to end. `None` means that no such Job runs.
pub(super) async fn await_left(
    client: &Client,
    release: &Release,
    begun: &Begun<'_>,
    migration: &Migration,
    recorder: &Recorder,
) -> Result<Option<ActionResult>, ClusterError> {
    let api = client.api::<Job>(&release.app.namespace());
    let of_app = format!("{INSTANCE}={}", job::instance(release));
    let since = Instant::now();
    let mut named = String::new();
    loop {
        let all =
            limited(api.list(&ListParams::default().labels(&of_app)), "the app's jobs").await?;
        if migration.is_ending() {
            return Ok(Some(ActionResult::Waited));
        }
        let Some(other) = running(&all.items, release, &migration.job) else { return Ok(None) };
        if since.elapsed() > LONGEST {
            let minutes = LONGEST.as_secs() / 60;
            let why = format!("Job {other} of an earlier job has not ended for {minutes} min");
            return Ok(Some(ActionResult::Denied(why)));
        }
        if other != named {
            let line = format!("waits for Job {other} of an earlier job: it still runs");
            recorder.log_line(begun.stage, begun.source, &line).await;
            other.clone_into(&mut named);
        }
        sleep(LOOK).await;
    }
}

/// Returns a Job of the app's migrations that runs, of another job. `None` means that there is none. Contractions of one
/// release are different jobs.
fn running<'a>(all: &'a [Job], release: &Release, job: &str) -> Option<&'a str> {
    let prefix = format!("{}-migrate-", release.app.name);
    let runs = all.iter().filter(|job| !is_suspended(job) && !has_ended(job));
    let is_own = |one: &&Job| {
        let made_by = one.metadata.annotations.as_ref().and_then(|all| all.get(JOB));
        made_by.is_some_and(|made_by| made_by == job)
    };
    let of_others = runs.filter(|one| !is_own(one));
    let mut names = of_others.filter_map(|job| job.metadata.name.as_deref());
    names.find(|name| name.starts_with(&prefix))
}

/// Returns whether a Job waits for its turn.
pub(super) fn waits(job: &Job) -> bool {
    let has_lock = job.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(LOCK));
    has_lock && is_suspended(job) && !has_ended(job)
}

/// Returns the place of a Job among all Jobs with its lock.
fn place(all: &[Job], name: &str) -> Place {
    let is = |job: &&Job| job.metadata.name.as_deref() == Some(name);
    let Some(own) = all.iter().find(is) else { return Place::Begun };
    if !is_suspended(own) {
        return if has(own, "Suspended") { Place::Begins } else { Place::Begun };
    }
    let others = || all.iter().filter(move |job| !is(job) && !has_ended(job));
    let before = others()
        .find(|job| !is_suspended(job))
        .or_else(|| others().find(|job| is_before(job, own)));
    match before {
        Some(before) => Place::Behind(before.metadata.name.clone().unwrap_or_default()),
        None => Place::First,
    }
}

/// Returns the Jobs of the same app that wait while this one does: nobody waits for their turn any more, since one run
/// at a time works on an app. They would be before all younger ones for ever.
fn left<'a>(all: &'a [Job], name: &str) -> Vec<&'a str> {
    let is_own = |job: &&Job| job.metadata.name.as_deref() == Some(name);
    let Some(own) = all.iter().find(is_own) else { return Vec::new() };
    let of_app = all.iter().filter(|job| !is_own(job) && waits(job) && app(job) == app(own));
    of_app.filter_map(|job| job.metadata.name.as_deref()).collect()
}

fn app(job: &Job) -> Option<&str> {
    job.metadata.labels.as_ref()?.get(INSTANCE).map(String::as_str)
}

/// Returns whether one waiting Job is before another: the older one, unless it has waited for longer than anybody does.
/// The answer is the same whichever of the two asks.
fn is_before(job: &Job, other: &Job) -> bool {
    if second(job).abs_diff(second(other)) > LONGEST.as_secs() {
        return age(job) > age(other);
    }
    age(job) < age(other)
}

/// Returns the second in which a Job was made, since 1970.
fn second(job: &Job) -> i64 {
    job.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second())
}

/// Returns what sorts Jobs by age, and those of one second by name.
fn age(job: &Job) -> (Option<&Time>, Option<&str>) {
    (job.metadata.creation_timestamp.as_ref(), job.metadata.name.as_deref())
}

fn is_suspended(job: &Job) -> bool {
    job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true))
}

/// Returns whether a Job has succeeded.
pub(super) fn has_succeeded(job: &Job) -> bool {
    has(job, "Complete")
}

fn has_ended(job: &Job) -> bool {
    job.metadata.deletion_timestamp.is_some() || has_succeeded(job) || has(job, "Failed")
}

fn has(job: &Job, kind: &str) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    let is = |condition: &JobCondition| condition.type_ == kind && condition.status == "True";
    conditions.into_iter().flatten().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::FakeServer;
    use std::sync::{Arc, atomic::AtomicBool};
    use tokio::sync::watch;
    use windlass_engine::{journal::NullJournal, run::Run};
    use windlass_model::{job::Stage, runtime::MigrationPhase, samples};

    /// Returns a Job that was made in this second.
    fn made(name: &str, second: u32, suspend: bool, condition: Option<&str>) -> Job {
        let conditions: Vec<_> =
            condition.iter().map(|kind| json!({ "type": kind, "status": "True" })).collect();
        serde_json::from_value(json!({
            "metadata": {
                "name": name,
                "creationTimestamp": format!("2025-11-25T17:53:{second:02}Z"),
                "labels": { LOCK: "shop-db" },
            },
            "spec": { "suspend": suspend, "template": {} },
            "status": { "conditions": conditions },
        }))
        .unwrap()
    }

    #[test]
    fn the_oldest_job_is_the_first_and_then_by_name() {
        let all = [made("b", 1, true, None), made("a", 1, true, None), made("0", 2, true, None)];
        assert_eq!(place(&all, "a"), Place::First);
        assert_eq!(place(&all, "b"), Place::Behind("a".into()));
        assert!(matches!(place(&all, "0"), Place::Behind(_)));
    }

    #[test]
    fn a_job_that_runs_is_waited_for_by_older_ones_too() {
        let all = [made("own", 1, true, None), made("other", 2, false, None)];
        assert_eq!(place(&all, "own"), Place::Behind("other".into()));
    }

    #[test]
    fn a_job_that_has_ended_has_no_lock() {
        for end in ["Complete", "Failed"] {
            let all = [made("other", 1, false, Some(end)), made("own", 2, true, None)];
            assert_eq!(place(&all, "own"), Place::First, "{end}");
        }
    }

    /// The daemon of such a Job failed while it waited: nobody lets it begin.
    #[test]
    fn a_job_that_nobody_waits_for_holds_nobody_up_for_ever() {
        let mut old = made("old", 1, true, Some("Suspended"));
        let own = made("own", 2, true, None);
        assert_eq!(left(&[old.clone(), own.clone()], "own"), ["old"], "it is of the same app");
        let of_other: Job = {
            let labels = old.metadata.labels.as_mut().unwrap();
            labels.insert(INSTANCE.into(), "api--hook".into());
            old
        };
        assert!(left(&[of_other.clone(), own.clone()], "own").is_empty());
        assert_eq!(place(&[of_other.clone(), own.clone()], "own"), Place::Behind("old".into()));
        let mut late = serde_json::to_value(&own).unwrap();
        late["metadata"]["creationTimestamp"] = json!("2025-11-25T19:53:02Z");
        let late: Job = serde_json::from_value(late).unwrap();
        let all = [of_other, late];
        assert_eq!(place(&all, "own"), Place::First);
        assert_eq!(place(&all, "old"), Place::Behind("own".into()), "both see the same");
        let runs = [made("old", 1, false, None), own];
        assert!(left(&runs, "own").is_empty(), "it has begun, and is waited for");
    }

    #[test]
    fn a_job_that_was_left_to_itself_is_waited_for_while_it_runs() {
        let release = samples::release();
        let name = |part: &str| format!("{}-{part}", release.app.name);
        let (migrates, hook) = (name("migrate-expand-13"), name("warm-13"));
        let runs = |name: &str, suspend, condition| {
            running(&[made(name, 1, suspend, condition)], &release, "job-2").is_some()
        };
        assert!(runs(&migrates, false, None));
        assert!(!runs(&migrates, false, Some("Complete")));
        assert!(!runs(&migrates, false, Some("Failed")));
        assert!(!runs(&migrates, true, None), "it waits for its turn, or was stopped");
        assert!(!runs(&hook, false, None), "it migrates nothing");
        let mut own = made(&migrates, 1, false, None);
        own.metadata.annotations = Some([(JOB.to_owned(), "job-2".to_owned())].into());
        let all = [own];
        assert!(running(&all, &release, "job-2").is_none(), "its own part before was waited for");
        // Such as another contraction of the same release.
        assert!(running(&all, &release, "job-3").is_some());
    }

    /// Otherwise it would be before all younger ones, and nobody would let it begin.
    #[tokio::test]
    async fn a_job_whose_release_is_to_end_gives_its_turn_back() {
        let server = Arc::new(FakeServer::default());
        let release = samples::release();
        let jobs = format!("/apis/batch/v1/namespaces/{}/jobs", release.app.namespace());
        let own = serde_json::to_value(made("own", 2, true, Some("Suspended"))).unwrap();
        let all = [serde_json::to_value(made("other", 1, false, None)).unwrap(), own.clone()];
        let list =
            json!({ "apiVersion": "batch/v1", "kind": "JobList", "metadata": {}, "items": all });
        server.put(&jobs, list);
        server.put(&format!("{jobs}/own"), own);
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let ending = Arc::new(AtomicBool::new(true));
        let migration = Migration {
            phase: MigrationPhase::Expand,
            job: release.id.clone(),
            key: "k".into(),
            ending,
        };
        let begun =
            Begun { name: "own", source: "migrate", stage: Stage::Release, timeout_ms: 1000 };
        let client = server.client();
        let ended = take(&client, &release, &begun, "shop-db", &migration, run.recorder()).await;
        assert_eq!(ended.unwrap(), Some(ActionResult::Waited));
        let own = server.get(&format!("{jobs}/own"));
        assert!(own["metadata"]["labels"][LOCK].is_null(), "{own}");
        assert_eq!(own["spec"]["suspend"], true);
    }

    #[test]
    fn a_job_begins_once_its_controller_has_seen_it() {
        let seen = |condition| place(&[made("own", 1, false, condition)], "own");
        assert_eq!(seen(Some("Suspended")), Place::Begins);
        assert_eq!(seen(None), Place::Begun);
        assert_eq!(place(&[], "own"), Place::Begun);
        assert!(waits(&made("own", 1, true, Some("Suspended"))));
        assert!(!waits(&made("own", 1, false, None)));
    }
}
