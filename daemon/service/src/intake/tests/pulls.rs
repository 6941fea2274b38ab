//! Pull requests: their previews, forks, and events that come late.

use super::{Bed, URL, commit_of, job_of, moved};
use crate::fakes::id_of;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use windlass_engine::queue::Message;
use windlass_model::{
    app::App,
    cluster::{RolloutOrder, Target, Targets},
    delivery::{Change, PullAction, PullMove, VerdictOutcome},
    job::{Removal, Source},
    outcome::Stop,
    preview::PreviewState,
};

pub(super) const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"
forge = { kind = "gitea", api = "https://git.example/api/v1", token = "forge" }

[apps.web]

[previews]
limit = 2
secrets = ["db-preview"]

[triggers.preview]
app = "web"
pull = { into = ["main"] }
"#;

pub(super) const HEAD: &str = "refs/pull/7/head";
const BRANCH: &str = "refs/heads/feature";

pub(super) fn app() -> App {
    App::new("shop", "web", "pr-7").unwrap()
}

async fn bed() -> Bed {
    bed_of(SHOP).await
}

/// A world with a project of this file, and a cluster for all environments.
pub(super) async fn bed_of(toml: &str) -> Bed {
    let mut bed = Bed::new(toml).await;
    let target = Target { name: "eu".into(), projects: Vec::new(), environments: Vec::new() };
    let targets = Targets { all: vec![target], order: RolloutOrder::Sequential };
    bed.world.services.targets = Arc::new(targets);
    bed.starts();
    bed
}

pub(super) fn pull(action: PullAction, head: &str) -> PullMove {
    PullMove {
        number: 7,
        action,
        head: id_of(head),
        into: "main".into(),
        draft: false,
        fork: false,
        title: "a feature".into(),
    }
}

impl Bed {
    /// Pushes a commit to the branch of the pull request.
    fn proposes(&self, commit: &str) {
        for name in [HEAD, BRANCH] {
            self.world.remotes.push(URL, name, &id_of(commit));
        }
    }

    /// Returns the state of the preview. `None` means that there was none.
    pub(super) async fn state(&self) -> Option<PreviewState> {
        let preview = self.world.services.previews.preview(&app()).await.unwrap();
        preview.map(|preview| preview.state)
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_request_has_a_preview_that_each_push_comes_to() {
    let mut bed = bed().await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    let verdict = bed.verdict(&id).await;
    assert_eq!(verdict.subject, "pull/7");
    let jobs = bed.jobs().await;
    let [record] = &*jobs else { panic!("{jobs:?}") };
    assert_eq!((&*record.job.id, &record.job.app), (job_of(&verdict), &app()));
    assert_eq!(commit_of(record), id_of("a"));
    assert_eq!(record.job.labels["windlass.pull"], "7");
    assert_eq!(record.job.preview.as_ref().unwrap().secrets, ["db-preview"]);
    // The same event once more, under another id.
    let id = bed.reports_change(Change::Pull(pull(PullAction::Updated, "a"))).await;
    assert!(matches!(bed.verdict(&id).await.outcome, VerdictOutcome::Already { .. }));
    bed.proposes("b");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Updated, "b"))).await;
    job_of(&bed.verdict(&id).await);
    assert_eq!(bed.commits().await, [id_of("a"), id_of("b")]);
    let draft = PullMove { draft: true, number: 8, ..pull(PullAction::Opened, "b") };
    let id = bed.reports_change(Change::Pull(draft)).await;
    assert!(bed.verdict(&id).await.sentence.contains("is a draft"));
}

/// Case 17: what is deployed while the pull request closes does not stay, and no late event brings it back.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_pull_request_leaves_nothing_and_a_late_event_does_not_revive_it() {
    let mut bed = bed().await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    let deploy = job_of(&bed.verdict(&id).await).to_owned();
    bed.world.queued();
    let id = bed.reports_change(Change::Pull(pull(PullAction::Closed, "a"))).await;
    let removal = job_of(&bed.verdict(&id).await).to_owned();
    let jobs = bed.jobs().await;
    let stopped = jobs.iter().find(|record| record.job.id == deploy).unwrap();
    assert!(matches!(stopped.stop, Some(Stop::Cancelled { .. })), "{:?}", stopped.stop);
    let removes = jobs.iter().find(|record| record.job.id == removal).unwrap();
    assert_eq!(removes.job.source, Source::Removal(Removal { data: true }));
    assert!(removal > deploy, "the removal comes after it in the app's queue");
    let queued = bed.world.queued();
    let [Message::Cancelled { id: cancelled }, Message::Submitted { id: submitted, .. }] = &*queued
    else {
        panic!("{queued:?}")
    };
    assert_eq!((cancelled, submitted), (&deploy, &removal));
    assert_eq!(bed.state().await, Some(PreviewState::Closed));
    // An event of before comes late; the forge keeps the refs.
    bed.proposes("b");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Updated, "b"))).await;
    let late = bed.verdict(&id).await;
    assert_eq!(late.outcome, VerdictOutcome::Nothing);
    assert!(late.sentence.contains("is closed"), "{late:?}");
    assert_eq!(bed.jobs().await.len(), 2);
    // The end is reported once more.
    let id = bed.reports_change(Change::Pull(pull(PullAction::Closed, "b"))).await;
    assert_eq!(bed.verdict(&id).await.outcome, VerdictOutcome::Nothing);
    // So does that of its very beginning: of that there is one alone.
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "b"))).await;
    assert_eq!(bed.verdict(&id).await.outcome, VerdictOutcome::Nothing);
    assert_eq!((bed.state().await, bed.jobs().await.len()), (Some(PreviewState::Closed), 2));
    let id = bed.reports_change(Change::Pull(pull(PullAction::Reopened, "b"))).await;
    job_of(&bed.verdict(&id).await);
    assert_eq!(bed.state().await, Some(PreviewState::Open));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_comes_before_its_beginning_is_remembered() {
    let mut bed = bed().await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Closed, "a"))).await;
    assert!(bed.verdict(&id).await.sentence.contains("has no preview"));
    for action in [PullAction::Opened, PullAction::Updated] {
        let id = bed.reports_change(Change::Pull(pull(action, "a"))).await;
        assert_eq!(bed.verdict(&id).await.outcome, VerdictOutcome::Nothing);
    }
    assert!(bed.jobs().await.is_empty());
}

/// Case 18: the repository says what is a fork, and not the body.
#[tokio::test(start_paused = true)]
async fn a_fork_is_never_deployed_whatever_the_forge_says_of_it() {
    let mut bed = bed().await;
    bed.world.remotes.push(URL, HEAD, &id_of("evil"));
    bed.world.remotes.push(URL, "refs/heads/main", &id_of("good"));
    for fork in [true, false] {
        let opened = PullMove { fork, ..pull(PullAction::Opened, "evil") };
        let id = bed.reports_change(Change::Pull(opened)).await;
        let verdict = bed.verdict(&id).await;
        assert_eq!(verdict.outcome, VerdictOutcome::Nothing);
        assert!(verdict.sentence.contains("of a fork, and `forks` is `never`"), "{verdict:?}");
    }
    assert!(bed.jobs().await.is_empty());
    assert_eq!(bed.state().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_pull_request_that_is_not_visible_yet_is_waited_for() {
    let mut bed = bed().await;
    let later = Duration::from_secs(20);
    for name in [HEAD, BRANCH] {
        bed.world.remotes.push_later(URL, name, &id_of("a"), later);
    }
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    job_of(&bed.verdict(&id).await);
    assert_eq!(bed.commits().await, [id_of("a")]);
}

#[tokio::test(start_paused = true)]
async fn too_many_previews_are_a_verdict_with_a_remedy() {
    let mut bed = bed().await;
    for number in 1..=3 {
        let name = format!("refs/pull/{number}/head");
        bed.world.remotes.push(URL, &name, &id_of("a"));
        bed.world.remotes.push(URL, BRANCH, &id_of("a"));
        let opened = PullMove { number, ..pull(PullAction::Opened, "a") };
        let id = bed.reports_change(Change::Pull(opened)).await;
        let verdict = bed.verdict(&id).await;
        match &verdict.outcome {
            VerdictOutcome::Job { .. } => assert!(number <= 2, "{verdict:?}"),
            VerdictOutcome::Failed { code, fix } => {
                assert_eq!((number, &**code), (3, "too-many-previews"));
                assert!(fix.contains("windlass previews shop"), "{fix}");
            }
            _ => panic!("{verdict:?}"),
        }
    }
}

/// The end of a pull request gets lost: its ref is gone, and nobody reported that.
#[tokio::test(start_paused = true)]
async fn a_preview_whose_pull_request_is_gone_is_removed() {
    let mut bed = bed().await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    job_of(&bed.verdict(&id).await);
    bed.world.remotes.delete(URL, HEAD);
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(bed.state().await, Some(PreviewState::Removed));
    let removals = bed.jobs().await.into_iter().filter(|record| !record.job.source.is_commit());
    assert_eq!(removals.count(), 1);
    // The server only lagged.
    bed.proposes("b");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Updated, "b"))).await;
    job_of(&bed.verdict(&id).await);
    assert_eq!(bed.state().await, Some(PreviewState::Open));
}

/// The end of a pull request gets lost, and the forge keeps its ref.
#[tokio::test(start_paused = true)]
async fn a_preview_whose_pull_request_the_forge_knows_to_have_ended_is_removed_as_by_its_event() {
    let mut bed = bed().await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    job_of(&bed.verdict(&id).await);
    bed.world.pulls.ends(7);
    // Nothing that is not known ends anything.
    bed.world.pulls.hides(true);
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(bed.state().await, Some(PreviewState::Open));
    let asked = bed.world.pulls.asked();
    assert!((1..=3).contains(&asked.len()), "it was asked every hour: {asked:?}");
    assert!(asked.iter().all(|numbers| *numbers == BTreeSet::from([7])), "{asked:?}");
    bed.world.pulls.hides(false);
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(bed.state().await, Some(PreviewState::Closed));
    let removals = bed.jobs().await.into_iter().filter(|record| !record.job.source.is_commit());
    assert_eq!(removals.count(), 1);
    let delivery = bed.deliveries().await.remove(0);
    assert_eq!((&*delivery.report.event, &*delivery.hook), ("poll", ""));
    assert_eq!(delivery.verdicts.len(), 1, "{delivery:?}");
    assert!(delivery.verdicts[0].sentence.contains("was closed"), "{delivery:?}");
    let count = bed.deliveries().await.len();
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(bed.deliveries().await.len(), count, "its end is known");
    // A late push does not bring it back, a new beginning does.
    bed.proposes("b");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Updated, "b"))).await;
    assert_eq!(bed.verdict(&id).await.outcome, VerdictOutcome::Nothing);
    let id = bed.reports_change(Change::Pull(pull(PullAction::Reopened, "b"))).await;
    job_of(&bed.verdict(&id).await);
    assert_eq!(bed.state().await, Some(PreviewState::Open));
}

/// Servers of one forge lag behind each other: one shows as closed what was opened again.
#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_a_pull_request_that_was_reported_a_moment_ago() {
    let mut bed = bed().await;
    let began = tokio::time::Instant::now();
    let at = |seconds| tokio::time::sleep_until(began + Duration::from_secs(seconds));
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    job_of(&bed.verdict(&id).await);
    at(3580).await;
    bed.proposes("b");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Reopened, "b"))).await;
    job_of(&bed.verdict(&id).await);
    bed.world.pulls.ends(7);
    at(3630).await;
    assert_eq!(bed.state().await, Some(PreviewState::Open));
    assert!(bed.world.pulls.asked().is_empty());
    // Whoever is asked an hour later lags no more.
    at(7300).await;
    assert_eq!(bed.state().await, Some(PreviewState::Closed));
    assert_eq!(bed.world.pulls.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forge_without_a_login_is_not_asked_for_its_pull_requests() {
    let mut bed = bed_of(&SHOP.replace(", token = \"forge\"", "")).await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    job_of(&bed.verdict(&id).await);
    bed.world.pulls.ends(7);
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(bed.state().await, Some(PreviewState::Open));
    assert!(bed.world.pulls.asked().is_empty());
}

/// Both would be in the namespace `shop--pr-7`.
#[tokio::test(start_paused = true)]
async fn the_same_number_of_two_repositories_has_one_preview_at_a_time() {
    let site = "https://git.example/site.git";
    let two = format!(
        "{SHOP}\n[repositories.site]\nurl = \"{site}\"\nforge = {{ kind = \"gitea\", api = \"https://git.example/api/v1\" }}\n\
         [apps.site]\nrepository = \"site\"\n[triggers.site]\napp = \"site\"\npull = {{ into = [\"main\"] }}\n"
    )
    .replace("[apps.web]\n", "[apps.web]\nrepository = \"web\"\n");
    let mut bed = bed_of(&two).await;
    bed.proposes("a");
    let id = bed.reports_change(Change::Pull(pull(PullAction::Opened, "a"))).await;
    job_of(&bed.verdict(&id).await);
    for name in [HEAD, BRANCH] {
        bed.world.remotes.push(site, name, &id_of("b"));
    }
    let opened = Change::Pull(pull(PullAction::Opened, "b"));
    let id = bed.reports_change_of("site", opened.clone()).await;
    let verdict = bed.verdict(&id).await;
    let VerdictOutcome::Failed { code, fix } = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(&**code, "preview-taken");
    assert!(verdict.sentence.contains("pull request 7 of repository `web`"), "{verdict:?}");
    assert!(fix.contains("windlass submit shop/site --preview NAME"), "{fix}");
    // The end of the first makes room.
    let id = bed.reports_change(Change::Pull(pull(PullAction::Closed, "a"))).await;
    job_of(&bed.verdict(&id).await);
    let id = bed.reports_change_of("site", opened).await;
    job_of(&bed.verdict(&id).await);
}

#[tokio::test(start_paused = true)]
async fn a_push_to_the_branch_of_a_pull_request_is_no_push_of_the_trigger() {
    let mut bed = bed().await;
    bed.proposes("a");
    let id = bed.reports(vec![moved(BRANCH, None, Some("a"))]).await;
    let verdict = bed.verdict(&id).await;
    assert!(verdict.sentence.contains("none of the pull requests"), "{verdict:?}");
    assert!(bed.jobs().await.is_empty());
}
