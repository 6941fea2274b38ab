//! Pull requests of forks: nothing of them is fetched before somebody approves the very commit, and they get no secret.

use super::{
    Bed, URL, commit_of, job_of,
    pulls::{HEAD, SHOP, app, bed_of, pull},
};
use crate::{
    approvals::ApproveRequest,
    caller::Caller,
    fakes::{caller, id_of},
    verb::Verb,
};
use std::time::Duration;
use windlass_engine::{ports::store::JobRecord, queue::Message};
use windlass_model::{
    delivery::{Change, PullAction, PullMove, Verdict, VerdictOutcome},
    event::Event,
    job::{Gate, Source},
    outcome::Stop,
    preview::{Preview, PreviewState},
};

/// Rule of the trigger, with an app whose files are filtered.
const APPROVAL: &str = "pull = { into = [\"main\"], forks = \"approval\" }\n";

async fn bed() -> Bed {
    let toml = SHOP.replace("pull = { into = [\"main\"] }\n", APPROVAL);
    assert!(toml.contains(APPROVAL));
    bed_of(&toml.replace("[apps.web]\n", "[apps.web]\npaths = [\"src/**\"]\n")).await
}

fn approver() -> Caller {
    caller("ann", &["shop"], &[Verb::Approve, Verb::Read])
}

impl Bed {
    /// Lets a forge report a change of the fork's pull request, whose ref leads to `commit`.
    async fn forked(&mut self, action: PullAction, commit: &str) -> Verdict {
        self.world.remotes.push(URL, HEAD, &id_of(commit));
        self.world.remotes.push(URL, "refs/heads/main", &id_of("good"));
        let change = PullMove { fork: true, ..pull(action, commit) };
        let id = self.reports_change(Change::Pull(change)).await;
        self.verdict(&id).await
    }

    async fn job(&self, id: &str) -> JobRecord {
        self.world.services.jobs.job(id).await.unwrap().unwrap()
    }

    /// Lets a job come to its gate.
    async fn holds(&self, id: &str) -> String {
        let digest = commit_of(&self.job(id).await);
        let held = Event::Held { gate: Gate::Clone, digest: digest.clone(), until_ms: u64::MAX };
        self.world.append(id, held).await;
        digest
    }
}

fn approve(id: &str, digest: &str) -> ApproveRequest {
    ApproveRequest { id: id.into(), digest: digest.into(), note: String::new() }
}

/// Case 18.
#[tokio::test(start_paused = true)]
async fn a_forks_job_is_held_before_its_clone_and_gets_no_secret() {
    let mut bed = bed().await;
    let verdict = bed.forked(PullAction::Opened, "evil").await;
    let id = job_of(&verdict).to_owned();
    assert!(verdict.sentence.contains("is of a fork"), "{verdict:?}");
    assert!(verdict.sentence.contains(&format!("windlass approve {id}")), "{verdict:?}");
    let job = bed.job(&id).await.job;
    assert_eq!((&job.gates[..], &job.app), (&[Gate::Clone][..], &app()));
    assert_eq!(job.preview, Some(Preview { host: None, secrets: Vec::new(), fork: true }));
    let Source::Commit(commit) = job.source else { panic!("it is no commit") };
    assert_eq!((&*commit.repository, &*commit.id), (URL, &*id_of("evil")));
    assert_eq!((&*commit.branch, &*commit.revision), ("", HEAD), "of the configured repository");
    assert_eq!(bed.world.remotes.compared(), 0, "nothing of it is fetched");
    assert_eq!(bed.state().await, Some(PreviewState::Open));
    // The forge says it again, and nobody approves it twice.
    let again = bed.forked(PullAction::Updated, "evil").await;
    assert_eq!(again.outcome, VerdictOutcome::Already { job: id });
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_of_one_commit_and_a_newer_one_is_held_anew() {
    let mut bed = bed().await;
    let first = job_of(&bed.forked(PullAction::Opened, "a").await).to_owned();
    let digest = bed.holds(&first).await;
    let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
    let error = bed.world.services.approve(&ci, approve(&first, &digest)).await.unwrap_err();
    assert_eq!(error.reason(), "permission-denied");
    let second = job_of(&bed.forked(PullAction::Updated, "b").await).to_owned();
    let newer = bed.holds(&second).await;
    assert_eq!((&*digest, &*newer), (&*id_of("a"), &*id_of("b")));
    let ann = approver();
    let error = bed.world.services.approve(&ann, approve(&second, &digest)).await.unwrap_err();
    assert_eq!(error.reason(), "digest-changed");
    bed.world.services.approve(&ann, approve(&second, &newer)).await.unwrap();
    let queued = bed.world.queued();
    assert_eq!(queued.last(), Some(&Message::Approved { id: second }));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_pull_request_ends_the_job_that_waits() {
    let mut bed = bed().await;
    let id = job_of(&bed.forked(PullAction::Opened, "a").await).to_owned();
    let digest = bed.holds(&id).await;
    bed.world.queued();
    let closed = bed.forked(PullAction::Closed, "a").await;
    job_of(&closed);
    let why = bed.job(&id).await.stop;
    assert!(matches!(why, Some(Stop::Cancelled { .. })), "{why:?}");
    assert!(bed.world.queued().contains(&Message::Cancelled { id: id.clone() }));
    let late = bed.world.services.approve(&approver(), approve(&id, &digest)).await.unwrap_err();
    assert_eq!(late.reason(), "not-held");
    assert_eq!(bed.state().await, Some(PreviewState::Closed));
}

/// Also once the trigger lets no fork in any more.
#[tokio::test(start_paused = true)]
async fn a_forks_job_that_is_submitted_again_is_held_and_without_secrets_again() {
    let mut bed = bed().await;
    let id = job_of(&bed.forked(PullAction::Opened, "a").await).to_owned();
    bed.apply(SHOP).await;
    let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
    let again = bed.world.services.submit_again(&ci, "again".into(), &id).await.unwrap().job;
    let first = bed.job(&id).await.job;
    assert_eq!((again.gates, again.preview), (first.gates, first.preview));
    // Whoever approves it sees that it is of a fork.
    assert_eq!(again.source, first.source);
    bed.apply("project = \"shop\"\n").await;
    let refused = bed.world.services.submit_again(&ci, "more".into(), &id).await.unwrap_err();
    assert_eq!(refused.reason(), "no-previews", "nothing of a fork runs without limits");
}

/// Strangers open as many pull requests as they like.
#[tokio::test(start_paused = true)]
async fn forks_leave_half_of_the_places_to_the_projects_own_pull_requests() {
    let mut bed = bed().await;
    job_of(&bed.forked(PullAction::Opened, "a").await);
    bed.world.remotes.push(URL, "refs/pull/8/head", &id_of("b"));
    let eight = PullMove { number: 8, fork: true, ..pull(PullAction::Opened, "b") };
    let id = bed.reports_change(Change::Pull(eight.clone())).await;
    let verdict = bed.verdict(&id).await;
    assert_eq!(verdict.outcome.word(), "failed", "{verdict:?}");
    assert!(verdict.sentence.contains("forks open no more than 1"), "{verdict:?}");
    // The same commit in a branch of the repository is of somebody who may push.
    bed.world.remotes.push(URL, "refs/heads/feature", &id_of("b"));
    let id = bed.reports_change(Change::Pull(PullMove { fork: false, ..eight })).await;
    let own = bed.job(job_of(&bed.verdict(&id).await)).await.job;
    assert!(own.gates.is_empty());
    assert_eq!(bed.world.remotes.compared(), 1, "its files are compared");
    assert_eq!(own.preview.unwrap().secrets, ["db-preview"]);
}

/// The end of the pull request gets lost.
#[tokio::test(start_paused = true)]
async fn a_fork_whose_ref_is_gone_waits_no_more() {
    let mut bed = bed().await;
    let id = job_of(&bed.forked(PullAction::Opened, "a").await).to_owned();
    bed.holds(&id).await;
    bed.world.remotes.delete(URL, HEAD);
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(bed.state().await, Some(PreviewState::Removed));
    assert!(bed.job(&id).await.stop.is_some());
}
