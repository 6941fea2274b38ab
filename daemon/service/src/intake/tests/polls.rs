//! Changes that nobody reports.

use super::{Bed, MAIN, SHOP, URL, moved};
use crate::fakes::id_of;
use std::time::Duration;
use windlass_model::delivery::VerdictOutcome;

/// Waits for the poll after this one.
async fn a_poll() {
    tokio::time::sleep(Duration::from_secs(11 * 60)).await;
}

/// Case 6: the forge sent no webhook.
#[tokio::test(start_paused = true)]
async fn a_push_without_a_webhook_is_found_and_the_first_look_deploys_nothing() {
    let mut bed = Bed::new(SHOP).await;
    bed.world.remotes.push(URL, MAIN, &id_of("a"));
    bed.starts();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(bed.jobs().await.is_empty());
    let deliveries = bed.deliveries().await;
    assert_eq!((deliveries.len(), &*deliveries[0].report.event), (1, "poll"));
    let sentence = &deliveries[0].verdicts[0].sentence;
    assert!(sentence.contains("1 branch or tag is taken as it is"), "{sentence}");
    bed.world.remotes.push(URL, MAIN, &id_of("b"));
    a_poll().await;
    assert_eq!(bed.commits().await, [id_of("b")]);
    let deliveries = bed.deliveries().await;
    assert_eq!((deliveries.len(), &*deliveries[0].hook), (2, ""));
    assert_eq!(deliveries[0].verdicts[0].outcome.word(), "job");
    // Nothing moved: nothing is recorded.
    a_poll().await;
    assert_eq!(bed.deliveries().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_changed_trigger_has_a_first_look_of_its_own() {
    let mut bed = Bed::new(SHOP).await;
    bed.world.remotes.push(URL, MAIN, &id_of("a"));
    for number in 0..5 {
        let name = format!("refs/heads/release-{number}");
        bed.world.remotes.push(URL, &name, &id_of(&name));
    }
    bed.starts();
    a_poll().await;
    bed.apply(&SHOP.replace("[\"main\"]", "[\"main\", \"release-*\"]")).await;
    a_poll().await;
    assert!(bed.jobs().await.is_empty());
    // A branch that is made later is deployed.
    bed.world.remotes.push(URL, "refs/heads/release-9", &id_of("nine"));
    a_poll().await;
    assert_eq!(bed.commits().await, [id_of("nine")]);
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_is_not_to_be_polled_is_left_alone() {
    let quiet = SHOP.replace("[apps.web]", "poll = false\n\n[apps.web]");
    let mut bed = Bed::new(&quiet).await;
    bed.world.remotes.push(URL, MAIN, &id_of("a"));
    bed.starts();
    a_poll().await;
    assert_eq!(bed.world.remotes.asked(URL), 0);
    let id = bed.reports(vec![moved(MAIN, None, Some("a"))]).await;
    assert_eq!(bed.verdict(&id).await.outcome.word(), "job");
}

#[tokio::test(start_paused = true)]
async fn polls_that_fail_are_recorded_once() {
    let mut bed = Bed::new(SHOP).await;
    bed.world.remotes.breaks(URL, true);
    bed.starts();
    for _ in 0..4 {
        a_poll().await;
    }
    let deliveries = bed.deliveries().await;
    assert_eq!(deliveries.len(), 1);
    let VerdictOutcome::Failed { code, .. } = &deliveries[0].verdicts[0].outcome else {
        panic!("{deliveries:?}")
    };
    assert_eq!(code, "repository-unreachable");
}
