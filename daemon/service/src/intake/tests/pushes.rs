//! Pushes, tags and deletions, as forges report them.

use super::{Bed, MAIN, SHOP, URL, commit_of, job_of, moved};
use crate::fakes::id_of;
use std::time::Duration;
use windlass_engine::queue::Message;
use windlass_model::{
    delivery::{RefMove, VerdictOutcome},
    job::Source,
};

const TAGS: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"

[apps.web]
repository = "web"

[triggers.versions]
app = "web"
tag = { pattern = "v*", only-newer = true }
"#;

#[tokio::test(start_paused = true)]
async fn a_push_becomes_a_job_that_says_where_it_is_from() {
    let mut bed = Bed::new(SHOP).await;
    bed.starts();
    let id = bed.pushes(None, "a").await;
    let verdict = bed.verdict(&id).await;
    assert_eq!((&*verdict.subject, &*verdict.trigger), (MAIN, "production"));
    let jobs = bed.jobs().await;
    assert_eq!((jobs.len(), &*jobs[0].job.id), (1, job_of(&verdict)));
    let job = &jobs[0].job;
    assert_eq!(job.principal, "trigger:shop/production");
    let label = |key: &str| job.labels.get(key).map(String::as_str);
    assert_eq!(label("windlass.delivery"), Some(&*id));
    assert_eq!(label("windlass.ref"), Some(MAIN));
    assert_eq!(label("windlass.sender"), Some("ann"));
    let Source::Commit(commit) = &job.source else { panic!("it is no commit") };
    assert_eq!((&*commit.repository, &*commit.branch, &*commit.revision), (URL, "main", MAIN));
}

/// Case 3: the zero id of a deletion is no commit, and nothing is fetched.
#[tokio::test(start_paused = true)]
async fn a_deleted_branch_makes_no_job_and_stops_those_that_wait() {
    let mut bed = Bed::new(SHOP).await;
    bed.starts();
    let id = bed.pushes(None, "a").await;
    let job = job_of(&bed.verdict(&id).await).to_owned();
    bed.world.queued();
    bed.world.remotes.delete(URL, MAIN);
    let id = bed.reports(vec![moved(MAIN, Some("a"), None)]).await;
    let verdict = bed.verdict(&id).await;
    assert_eq!(verdict.outcome, VerdictOutcome::Nothing);
    assert!(verdict.sentence.contains("its waiting job was stopped"), "{}", verdict.sentence);
    assert_eq!(bed.world.queued(), [Message::Cancelled { id: job }]);
    // One of the same name is a new branch, also at the commit whose job was stopped.
    let id = bed.pushes(None, "a").await;
    job_of(&bed.verdict(&id).await);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_tag_is_no_newer_version() {
    let mut bed = Bed::new(TAGS).await;
    bed.starts();
    let (mistake, name) = ("refs/tags/v10.0.0", "refs/tags/v1.0.1");
    bed.world.remotes.push(URL, mistake, &id_of("a"));
    let id = bed.reports(vec![moved(mistake, None, Some("a"))]).await;
    job_of(&bed.verdict(&id).await);
    bed.world.remotes.delete(URL, mistake);
    let id = bed.reports(vec![moved(mistake, Some("a"), None)]).await;
    assert_eq!(bed.verdict(&id).await.outcome, VerdictOutcome::Nothing);
    bed.world.remotes.push(URL, name, &id_of("b"));
    let id = bed.reports(vec![moved(name, None, Some("b"))]).await;
    job_of(&bed.verdict(&id).await);
}

/// Case 4: the forge names the tag's object, and the repository its commit.
#[tokio::test(start_paused = true)]
async fn an_annotated_tag_deploys_the_commit_that_it_was_made_for() {
    let mut bed = Bed::new(TAGS).await;
    bed.starts();
    bed.world.remotes.push(URL, "refs/tags/v1.0.0", &id_of("commit"));
    let id = bed.reports(vec![moved("refs/tags/v1.0.0", None, Some("object"))]).await;
    let verdict = bed.verdict(&id).await;
    let VerdictOutcome::Job { commit, .. } = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(*commit, id_of("commit"));
    assert_eq!(bed.commits().await, [id_of("commit")]);
}

#[tokio::test(start_paused = true)]
async fn an_old_tag_does_not_replace_a_newer_one() {
    let mut bed = Bed::new(TAGS).await;
    bed.starts();
    for (tag, word) in [("v1.1.0", "job"), ("v1.0.9", "nothing"), ("v1.10.0", "job")] {
        let name = format!("refs/tags/{tag}");
        bed.world.remotes.push(URL, &name, &id_of(tag));
        let id = bed.reports(vec![moved(&name, None, Some(tag))]).await;
        let verdict = bed.verdict(&id).await;
        assert_eq!(verdict.outcome.word(), word, "{verdict:?}");
    }
    assert_eq!(bed.commits().await, [id_of("v1.1.0"), id_of("v1.10.0")]);
}

/// Case 5: several refs in one delivery, one of them deleted.
#[tokio::test(start_paused = true)]
async fn each_ref_of_a_delivery_has_its_verdict() {
    let toml = SHOP.replace("[\"main\"]", "[\"main\", \"next\"]");
    let mut bed = Bed::new(&toml).await;
    bed.starts();
    let next = "refs/heads/next";
    bed.world.remotes.push(URL, MAIN, &id_of("a"));
    bed.world.remotes.push(URL, next, &id_of("b"));
    let moves = vec![
        moved(MAIN, None, Some("a")),
        moved("refs/heads/old", Some("x"), None),
        moved(next, None, Some("b")),
    ];
    let id = bed.reports(moves).await;
    let words: Vec<_> = bed.verdicts(&id).await.iter().map(|v| v.outcome.word()).collect();
    assert_eq!(words, ["job", "nothing", "job"]);
    assert_eq!(bed.commits().await, [id_of("a"), id_of("b")]);
}

/// Case 9: Gitea reports a tag twice, or once.
#[tokio::test(start_paused = true)]
async fn a_tag_that_is_reported_twice_is_one_job() {
    let mut bed = Bed::new(TAGS).await;
    bed.starts();
    let name = "refs/tags/v1.0.0";
    bed.world.remotes.push(URL, name, &id_of("a"));
    let first = bed.reports(vec![moved(name, None, Some("a"))]).await;
    let second = bed.reports(vec![moved(name, None, Some("a"))]).await;
    let job = job_of(&bed.verdict(&first).await).to_owned();
    assert_eq!(bed.verdict(&second).await.outcome, VerdictOutcome::Already { job });
    assert_eq!(bed.jobs().await.len(), 1);
}

/// Case 11: the forge shows the commit 20 s after it reported it.
#[tokio::test(start_paused = true)]
async fn a_commit_that_is_not_visible_yet_is_waited_for() {
    let mut bed = Bed::new(SHOP).await;
    bed.starts();
    bed.world.remotes.push(URL, MAIN, &id_of("a"));
    bed.world.remotes.push_later(URL, MAIN, &id_of("b"), Duration::from_secs(20));
    let began = tokio::time::Instant::now();
    let id = bed.reports(vec![moved(MAIN, Some("a"), Some("b"))]).await;
    job_of(&bed.verdict(&id).await);
    assert!(began.elapsed() >= Duration::from_secs(20));
    assert_eq!(bed.commits().await, [id_of("b")]);
    // One that never comes is believed after a minute.
    let id = bed.reports(vec![moved(MAIN, Some("b"), Some("c"))]).await;
    assert_eq!(bed.verdict(&id).await.outcome.word(), "already");
}

/// Case 12: the body decides nothing.
#[tokio::test(start_paused = true)]
async fn an_old_delivery_deploys_nothing_and_a_forced_push_back_deploys() {
    let mut bed = Bed::new(SHOP).await;
    bed.starts();
    for (before, after) in [(None, "a"), (Some("a"), "b")] {
        let id = bed.pushes(before, after).await;
        job_of(&bed.verdict(&id).await);
    }
    let replayed = bed.reports(vec![moved(MAIN, None, Some("a"))]).await;
    assert_eq!(bed.verdict(&replayed).await.outcome.word(), "already");
    let back = bed.pushes(Some("b"), "a").await;
    job_of(&bed.verdict(&back).await);
    assert_eq!(bed.commits().await, [id_of("a"), id_of("b"), id_of("a")]);
}

/// Case 15: a mark is a wish only in the first line, and only where the trigger takes it for one.
#[tokio::test(start_paused = true)]
async fn a_mark_in_the_first_line_is_a_wish_that_triggers_may_take() {
    let marked = |after: &str, summary: &str| RefMove {
        summary: summary.into(),
        ..moved(MAIN, None, Some(after))
    };
    let mut bed = Bed::new(&format!("{SHOP}skip-marks = true\n")).await;
    bed.starts();
    for (after, summary, word) in [
        ("a", "mend it [skip ci]", "nothing"),
        ("b", "mend it (#7)", "job"),
        // It serves already.
        ("b", "mend it [skip ci]", "already"),
    ] {
        bed.world.remotes.push(URL, MAIN, &id_of(after));
        let id = bed.reports(vec![marked(after, summary)]).await;
        assert_eq!(bed.verdict(&id).await.outcome.word(), word, "{summary}");
    }
    bed.world.remotes.push(URL, MAIN, &id_of("d"));
    let trailer = RefMove { skips_checks: true, ..marked("d", "mend it") };
    let id = bed.reports(vec![trailer]).await;
    let verdict = bed.verdict(&id).await;
    assert_eq!(verdict.outcome.word(), "nothing");
    assert!(verdict.sentence.contains("`skip-checks: true`"), "{verdict:?}");
    bed.apply(SHOP).await;
    bed.world.remotes.push(URL, MAIN, &id_of("c"));
    let id = bed.reports(vec![marked("c", "mend it [skip ci]")]).await;
    job_of(&bed.verdict(&id).await);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_come_together_ask_the_repository_once() {
    let quiet = SHOP.replace("[apps.web]", "poll = false\n\n[apps.web]");
    let mut bed = Bed::new(&quiet).await;
    bed.starts();
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(bed.pushes(None, &format!("c{number}")).await);
    }
    for id in &ids {
        bed.verdict(id).await;
    }
    assert_eq!(bed.world.remotes.asked(URL), 1);
    let jobs = bed.jobs().await;
    assert_eq!(jobs.iter().map(commit_of).collect::<Vec<_>>(), [id_of("c19")]);
}

#[tokio::test(start_paused = true)]
async fn two_triggers_of_one_push_are_two_jobs() {
    let more = "
[apps.worker]
repository = \"web\"
folder = \"worker\"

[triggers.worker]
app = \"worker\"
push = { branches = [\"*\"] }
";
    let mut bed = Bed::new(&format!("{SHOP}{more}")).await;
    bed.starts();
    let id = bed.pushes(None, "a").await;
    let verdicts = bed.verdicts(&id).await;
    let triggers: Vec<_> = verdicts.iter().map(|verdict| &*verdict.trigger).collect();
    assert_eq!(triggers, ["production", "worker"]);
    let jobs = bed.jobs().await;
    let apps: Vec<_> = jobs.iter().map(|record| record.job.app.to_string()).collect();
    assert_eq!(apps, ["shop/web/production", "shop/worker/production"]);
    let other = "refs/heads/feature";
    bed.world.remotes.push(URL, other, &id_of("b"));
    let id = bed.reports(vec![moved(other, None, Some("b"))]).await;
    assert_eq!(bed.verdict(&id).await.trigger, "worker");
}

#[tokio::test(start_paused = true)]
async fn a_push_that_no_trigger_is_for_says_why() {
    let mut bed = Bed::new(SHOP).await;
    bed.starts();
    bed.world.remotes.push(URL, "refs/heads/feature", &id_of("a"));
    let id = bed.reports(vec![moved("refs/heads/feature", None, Some("a"))]).await;
    let verdict = bed.verdict(&id).await;
    assert_eq!(verdict.outcome, VerdictOutcome::Nothing);
    assert!(verdict.sentence.starts_with("no trigger matches: production: "), "{verdict:?}");
    assert!(bed.jobs().await.is_empty());
}
