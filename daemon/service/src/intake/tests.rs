//! Tests of the worker as a whole: a store in memory, repositories that behave, and time that is wound forward.

use super::{Key, pass::Passed, pass::Work};
use crate::{
    caller::Caller,
    fakes::{World, caller, id_of, release},
    projects::ApplyProject,
    quota::JobQuota,
    verb::Verb,
};
use std::{collections::BTreeSet, time::Duration};
use tokio::task::JoinHandle;
use windlass_engine::{
    ports::store::{DeliveryFilter, HookRecord, JobRecord},
    queue::Message,
};
use windlass_model::{
    delivery::{Change, Delivery, RefMove, Report, Verdict, VerdictOutcome},
    job::{Release, Source},
};

mod filters;
mod forks;
mod polls;
mod pulls;
mod pushes;

pub(super) const URL: &str = "https://git.example/web.git";
pub(super) const MAIN: &str = "refs/heads/main";

/// A project with one repository, one app, and a trigger for `main`.
pub(super) const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"

[apps.web]
repository = "web"

[triggers.production]
app = "web"
push = { branches = ["main"] }
"#;

/// A world with a project, where the worker runs.
pub(super) struct Bed {
    pub(super) world: World,
    pub(super) owner: Caller,
    worker: Option<JoinHandle<()>>,
    sent: u32,
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.abort();
        }
    }
}

impl Bed {
    pub(super) async fn new(toml: &str) -> Self {
        let owner = caller("owner", &["shop"], &[Verb::Projects, Verb::Read]);
        let bed = Self { world: World::new(), owner, worker: None, sent: 0 };
        bed.apply(toml).await;
        bed
    }

    pub(super) async fn apply(&self, toml: &str) {
        let request = ApplyProject { toml: toml.into(), expected: None, dry_run: false };
        self.world.services.apply_project(&self.owner, request).await.unwrap();
    }

    /// Starts the worker, as a daemon does.
    pub(super) fn starts(&mut self) {
        self.worker = Some(tokio::spawn(self.world.services.clone().take_in()));
    }

    /// Lets a forge report moves of refs, and returns the delivery's id.
    pub(super) async fn reports(&mut self, moves: Vec<RefMove>) -> String {
        self.reports_change(Change::Refs(moves)).await
    }

    /// Lets a forge report a change, and returns the delivery's id.
    pub(super) async fn reports_change(&mut self, change: Change) -> String {
        self.reports_change_of("web", change).await
    }

    /// Lets the forge of a repository report a change, and returns the delivery's id.
    pub(super) async fn reports_change_of(&mut self, repository: &str, change: Change) -> String {
        self.sent += 1;
        let report = Report {
            event: "push".into(),
            forge_id: format!("g{}", self.sent),
            repository_id: "7".into(),
            repository_name: "acme/web".into(),
            sender: "ann".into(),
            change,
        };
        let hook = HookRecord {
            id: "abcdefghijklmnopqrstuvwxyz".into(),
            project: "shop".into(),
            repository: repository.into(),
            created_ms: 1,
            by: "owner".into(),
            previous_until_ms: None,
            seen_ms: None,
            repository_id: None,
        };
        self.world.services.accept_delivery(&hook, report, String::new()).await.unwrap().id
    }

    /// Pushes a commit to `main`, and lets the forge report it.
    pub(super) async fn pushes(&mut self, before: Option<&str>, after: &str) -> String {
        self.world.remotes.push(URL, MAIN, &id_of(after));
        self.reports(vec![moved(MAIN, before, Some(after))]).await
    }

    /// Waits until a delivery is decided, and returns its verdicts.
    pub(super) async fn verdicts(&self, id: &str) -> Vec<Verdict> {
        for _ in 0..2000 {
            let delivery = self.world.services.deliveries.delivery(id).await.unwrap().unwrap();
            if !delivery.verdicts.is_empty() {
                return delivery.verdicts;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("delivery {id} is not decided after 200 s")
    }

    /// Waits until a delivery is decided, and returns its only verdict.
    pub(super) async fn verdict(&self, id: &str) -> Verdict {
        let mut verdicts = self.verdicts(id).await;
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        verdicts.remove(0)
    }

    /// Returns the jobs that have not ended, the oldest first.
    pub(super) async fn jobs(&self) -> Vec<JobRecord> {
        self.world.accepted().await
    }

    /// Returns the commits of the jobs that have not ended.
    pub(super) async fn commits(&self) -> Vec<String> {
        self.jobs().await.iter().map(commit_of).collect()
    }

    /// Ends all jobs with releases of their commits.
    pub(super) async fn succeed(&self) {
        for record in self.jobs().await {
            let commit = commit_of(&record);
            let release = Release { commit, ..release(&record.job.id, "new", &["eu", "us"]) };
            self.world.succeeds(release).await;
        }
    }

    /// Returns all deliveries of the project, newest first.
    pub(super) async fn deliveries(&self) -> Vec<Delivery> {
        let project = "shop".to_owned();
        let filter = DeliveryFilter { project, limit: 100, ..DeliveryFilter::default() };
        self.world.services.deliveries.deliveries(&filter).await.unwrap()
    }
}

pub(super) fn commit_of(record: &JobRecord) -> String {
    let Source::Commit(commit) = &record.job.source else { panic!("it is no commit") };
    commit.id.clone()
}

/// Returns a move between commits with these names.
pub(super) fn moved(name: &str, before: Option<&str>, after: Option<&str>) -> RefMove {
    RefMove {
        name: name.into(),
        before: before.map(id_of),
        after: after.map(id_of),
        summary: String::new(),
        skips_checks: false,
    }
}

/// Returns the job of a verdict.
pub(super) fn job_of(verdict: &Verdict) -> &str {
    let VerdictOutcome::Job { id, .. } = &verdict.outcome else { panic!("{verdict:?}") };
    id
}

/// Returns the work of a pass in which nothing is waited for.
pub(super) fn work(deliveries: Vec<Delivery>) -> Work {
    Work {
        key: Key { project: "shop".into(), repository: "web".into() },
        deliveries,
        patient: BTreeSet::new(),
        gives_up: false,
        polls: false,
        reconciles: false,
        fresh: BTreeSet::new(),
        is_known_to_fail: false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_job_and_verdict_is_one_job() {
    let mut bed = Bed::new(SHOP).await;
    let id = bed.pushes(None, "a").await;
    let services = &bed.world.services;
    let undecided = || async { services.deliveries.undecided(10).await.unwrap() };
    assert_eq!(services.pass(work(undecided().await)).await, Passed::Done);
    let first = bed.verdict(&id).await;
    // The verdict is lost, and the branch leads on by the next start.
    services.deliveries.decide(&id, &[]).await.unwrap();
    bed.world.remotes.push(URL, MAIN, &id_of("b"));
    assert_eq!(services.pass(work(undecided().await)).await, Passed::Done);
    let again = bed.verdict(&id).await;
    assert_eq!(job_of(&again), job_of(&first));
    assert_eq!(bed.commits().await, [id_of("a")]);
    let queued = bed.world.queued();
    assert!(matches!(&*queued, [Message::Submitted { .. }]), "{queued:?}");
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_does_not_answer_is_a_verdict_after_a_minute() {
    let mut bed = Bed::new(SHOP).await;
    bed.world.remotes.breaks(URL, true);
    bed.starts();
    let began = tokio::time::Instant::now();
    let id = bed.pushes(None, "a").await;
    let verdict = bed.verdict(&id).await;
    assert!(began.elapsed() >= Duration::from_secs(60), "{:?}", began.elapsed());
    let VerdictOutcome::Failed { code, fix } = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!((&**code, &**fix), ("repository-unreachable", "check the host's name and port"));
    // One that came late has its own minute.
    let early = bed.reports(vec![moved(MAIN, None, Some("a"))]).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    let began = tokio::time::Instant::now();
    let late = bed.reports(vec![moved(MAIN, None, Some("a"))]).await;
    bed.verdict(&early).await;
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
    bed.verdict(&late).await;
    assert!(began.elapsed() >= Duration::from_secs(60), "{:?}", began.elapsed());
    // One that is back in time loses nothing.
    let id = bed.pushes(Some("a"), "b").await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    bed.world.remotes.breaks(URL, false);
    job_of(&bed.verdict(&id).await);
    assert_eq!(bed.commits().await, [id_of("b")]);
}

#[tokio::test(start_paused = true)]
async fn a_full_project_keeps_the_newest_push_until_there_is_room() {
    let mut bed = Bed::new(SHOP).await;
    bed.world.services.quota = JobQuota::new(1, 10);
    bed.starts();
    let first = bed.pushes(None, "a").await;
    job_of(&bed.verdict(&first).await);
    let second = bed.pushes(Some("a"), "b").await;
    let third = bed.pushes(Some("b"), "c").await;
    let overtaken = bed.verdict(&second).await;
    assert!(overtaken.sentence.contains("a newer delivery of the ref"), "{overtaken:?}");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let waiting = bed.world.services.deliveries.delivery(&third).await.unwrap().unwrap();
    assert!(waiting.verdicts.is_empty());
    bed.succeed().await;
    job_of(&bed.verdict(&third).await);
    assert_eq!(bed.commits().await, [id_of("c")]);
}
