//! Path filters, automatic deployment, and what people ask for in spite of them.

use super::{Bed, MAIN, SHOP, URL, job_of, moved};
use crate::fakes::id_of;
use windlass_model::{
    delivery::VerdictOutcome,
    event::Event,
    job::Stage,
    outcome::{Outcome, Stop},
};

fn filtered() -> String {
    SHOP.replace("[triggers.production]", "paths = [\"a/**\"]\n\n[triggers.production]")
}

/// Gives the commits `one` to `four` their trees: the first has all files, each other changes some.
fn trees(bed: &Bed) {
    let many: Vec<_> = (0..468).map(|number| format!("b/{number}")).collect();
    let tree = |commit: &str, a: &str, b: &str| {
        let mut files: Vec<(&str, &str)> = many.iter().map(|path| (&**path, b)).collect();
        files.push(("a/main", a));
        bed.world.remotes.tree(&id_of(commit), &files);
    };
    tree("one", "1", "1");
    tree("two", "2", "1");
    tree("three", "2", "2");
    tree("four", "2", "3");
}

/// Case 16: the change is counted from what serves, not from the push before.
#[tokio::test(start_paused = true)]
async fn a_change_that_failed_is_still_to_be_deployed() {
    let mut bed = Bed::new(&filtered()).await;
    trees(&bed);
    bed.starts();
    let first = bed.pushes(None, "one").await;
    let verdict = bed.verdict(&first).await;
    assert!(verdict.sentence.ends_with("nothing of the app serves yet"), "{verdict:?}");
    bed.succeed().await;
    // It touches `a` and fails.
    let second = bed.pushes(Some("one"), "two").await;
    let job = job_of(&bed.verdict(&second).await).to_owned();
    let why = Stop::Cancelled { by: "ann".into() };
    bed.world.append(&job, Event::Ended(Outcome::Stopped { at: Stage::Build, why })).await;
    // It touches 468 files of `b` only.
    let third = bed.pushes(Some("two"), "three").await;
    job_of(&bed.verdict(&third).await);
    bed.succeed().await;
    let fourth = bed.pushes(Some("three"), "four").await;
    let verdict = bed.verdict(&fourth).await;
    assert_eq!(verdict.outcome, VerdictOutcome::Nothing);
    assert!(verdict.sentence.starts_with("468 files changed since "), "{}", verdict.sentence);
    // A baseline that cannot be fetched deploys, and says so.
    let unknown = bed.pushes(Some("four"), "lost").await;
    let verdict = bed.verdict(&unknown).await;
    job_of(&verdict);
    assert!(verdict.sentence.contains("are not known: there is no commit"), "{verdict:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replay_deploys_what_a_filter_or_a_switch_kept_back() {
    let off = format!("{SHOP}\n[environments.production]\nauto-deploy = false\n");
    let mut bed = Bed::new(&off).await;
    bed.starts();
    let id = bed.pushes(None, "a").await;
    let verdict = bed.verdict(&id).await;
    assert_eq!(verdict.sentence, "`auto-deploy` is off in environment production");
    assert!(bed.jobs().await.is_empty());
    let replay = |id: String| {
        let (services, owner) = (bed.world.services.clone(), bed.owner.clone());
        async move { services.replay_delivery(&owner, &id).await.unwrap().id }
    };
    let first = replay(id.clone()).await;
    let first = bed.verdict(&first).await;
    let second = replay(id).await;
    let second = bed.verdict(&second).await;
    assert_ne!(job_of(&first), job_of(&second));
    let jobs = bed.jobs().await;
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[1].job.labels.get("windlass.sender").map(String::as_str), Some("owner"));
}

#[tokio::test(start_paused = true)]
async fn an_environment_without_a_cluster_is_a_verdict_with_a_fix() {
    let staging = format!("{SHOP}environment = \"staging\"\n");
    let mut bed = Bed::new(&staging).await;
    bed.starts();
    let id = bed.pushes(None, "a").await;
    let verdict = bed.verdict(&id).await;
    let VerdictOutcome::Failed { code, fix } = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(code, "no-cluster");
    assert!(fix.ends_with(&format!("windlass delivery replay {id}")), "{fix}");
}

#[tokio::test(start_paused = true)]
async fn a_test_says_what_a_push_would_deploy_and_changes_nothing() {
    let bed = Bed::new(&filtered()).await;
    trees(&bed);
    bed.world.remotes.push(URL, MAIN, &id_of("one"));
    bed.world.remotes.push(URL, "refs/heads/next", &id_of("two"));
    let services = &bed.world.services;
    let verdicts = services.test_hook(&bed.owner, "shop", "", "main").await.unwrap();
    let [verdict] = &*verdicts else { panic!("{verdicts:?}") };
    assert_eq!(job_of(verdict), "");
    let verdicts = services.test_hook(&bed.owner, "shop", "web", "refs/heads/next").await.unwrap();
    assert_eq!(verdicts[0].outcome, VerdictOutcome::Nothing);
    let error = services.test_hook(&bed.owner, "shop", "web", "other").await.unwrap_err();
    assert_eq!(error.to_string(), "ref: `other` is no branch and no tag of the repository");
    assert!(bed.jobs().await.is_empty() && bed.deliveries().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_project_that_was_deleted_is_a_verdict() {
    let mut bed = Bed::new(SHOP).await;
    let id = bed.pushes(None, "a").await;
    bed.world.services.delete_project(&bed.owner, "shop").await.unwrap();
    let other = bed.reports(vec![moved(MAIN, None, Some("a"))]).await;
    bed.starts();
    for id in [id, other] {
        assert_eq!(bed.verdict(&id).await.sentence, "project `shop` was deleted");
    }
}
