//! Deliveries of forges, and the commits that triggers deployed last.

use crate::Place;
use windlass_engine::ports::store::{Accepted, Arrival, DELIVERIES_KEPT, DeliveryFilter, Store};
use windlass_model::delivery::{
    Change, Delivery, PullAction, PullMove, RefMove, Report, Verdict, VerdictOutcome,
};

/// A delivery of hook `h` to project `shop`, with an id of the forge.
fn delivery(id: &str, forge_id: &str) -> Delivery {
    let main = RefMove {
        name: "refs/heads/main".into(),
        before: Some("a".repeat(40)),
        after: Some("b".repeat(40)),
        summary: "it's 100 % ready".into(),
        skips_checks: true,
    };
    let report = Report {
        event: "push".into(),
        forge_id: forge_id.into(),
        repository_id: "7".into(),
        repository_name: "acme/shop".into(),
        sender: "me".into(),
        change: Change::Refs(vec![main]),
    };
    Delivery {
        id: id.into(),
        hook: "h".into(),
        project: "shop".into(),
        repository: "code".into(),
        report,
        body_sha256: "00".into(),
        at_ms: 1000,
        verdicts: Vec::new(),
    }
}

fn verdict(sentence: &str) -> Verdict {
    Verdict {
        subject: "refs/heads/main".into(),
        trigger: "production".into(),
        outcome: VerdictOutcome::Nothing,
        sentence: sentence.into(),
    }
}

fn ids(deliveries: Vec<Delivery>) -> Vec<String> {
    deliveries.into_iter().map(|delivery| delivery.id).collect()
}

async fn arrives(store: &dyn Store, delivery: &Delivery) {
    assert_eq!(store.add_delivery(delivery).await.unwrap(), Arrival::New, "{}", delivery.id);
}

pub(crate) async fn a_delivery_comes_once_and_answers_with_its_verdicts(place: Place) {
    let pull = PullMove {
        number: 7,
        action: PullAction::Updated,
        head: "c".repeat(40),
        into: "main".into(),
        draft: false,
        fork: true,
        title: "A change".into(),
    };
    let mut first = delivery("1", "f1");
    first.report.change = Change::Pull(pull);
    {
        let store = place.open().await;
        assert_eq!(store.delivery("1").await.unwrap(), None);
        arrives(&*store, &first).await;
        let again = store.add_delivery(&delivery("2", "f1")).await.unwrap();
        assert_eq!(again, Arrival::Known(Box::new(first.clone())));
        store.decide("1", &[verdict("one"), verdict("two")]).await.unwrap();
        store.close().await;
    }
    let store = place.open().await;
    let again = store.add_delivery(&delivery("3", "f1")).await.unwrap();
    let decided = Delivery { verdicts: vec![verdict("one"), verdict("two")], ..first };
    assert_eq!(again, Arrival::Known(Box::new(decided.clone())));
    assert_eq!(store.delivery("1").await.unwrap(), Some(decided));
    assert_eq!(store.delivery("3").await.unwrap(), None);
    // The same id by another hook is another delivery.
    arrives(&*store, &Delivery { hook: "other".into(), ..delivery("4", "f1") }).await;
}

pub(crate) async fn what_the_forge_gives_no_id_is_new_each_time(place: Place) {
    let store = place.open().await;
    for id in ["1", "2"] {
        arrives(&*store, &delivery(id, "")).await;
        arrives(&*store, &Delivery { hook: String::new(), ..delivery(&format!("{id}p"), "") })
            .await;
    }
    store.add_delivery(&delivery("2", "")).await.unwrap_err();
    assert_eq!(ids(store.undecided(9).await.unwrap()), ["1", "1p", "2", "2p"]);
}

/// A forge sends a flood, and each of it twice.
pub(crate) async fn many_at_once_are_each_stored_once(place: Place) {
    let store = place.open().await;
    let flood = (0..400).map(|number: u32| {
        let delivery = delivery(&format!("{number:03}"), &format!("f{}", number / 2));
        let store = store.clone();
        tokio::spawn(async move { store.add_delivery(&delivery).await.unwrap() })
    });
    let flood: Vec<_> = flood.collect();
    let mut new = 0;
    for arrival in flood {
        new += usize::from(arrival.await.unwrap() == Arrival::New);
    }
    assert_eq!(new, 200);
    assert_eq!(store.undecided(999).await.unwrap().len(), 200);
}

pub(crate) async fn the_newest_of_a_hook_are_kept(place: Place) {
    let store = place.open().await;
    arrives(&*store, &Delivery { hook: "other".into(), ..delivery("0", "f0") }).await;
    let all: Vec<_> = (1..=DELIVERIES_KEPT + 3)
        .map(|number| delivery(&format!("{number:06}"), &format!("f{number}")))
        .collect();
    for part in all.chunks(400) {
        let stored = part.iter().map(|delivery| store.add_delivery(delivery));
        for arrival in futures::future::join_all(stored).await {
            assert_eq!(arrival.unwrap(), Arrival::New);
        }
    }
    let kept = store.undecided(u32::MAX).await.unwrap();
    assert_eq!(u64::try_from(kept.len()).unwrap(), DELIVERIES_KEPT + 1);
    for (id, is_kept) in [("000003", false), ("000004", true), ("010003", true), ("0", true)] {
        assert_eq!(store.delivery(id).await.unwrap().is_some(), is_kept, "{id}");
    }
    // What was pushed out is no longer known.
    arrives(&*store, &delivery("010004", "f1")).await;
}

pub(crate) async fn deliveries_are_listed_newest_first_and_as_they_are_filtered(place: Place) {
    let store = place.open().await;
    for (id, project, repository) in
        [("1", "shop", "code"), ("2", "shop", "docs"), ("3", "blog", "code"), ("4", "shop", "code")]
    {
        let (project, repository) = (project.into(), repository.into());
        arrives(&*store, &Delivery { project, repository, ..delivery(id, id) }).await;
    }
    let all = DeliveryFilter { project: "shop".into(), limit: 9, ..DeliveryFilter::default() };
    let code = DeliveryFilter { repository: Some("code".into()), ..all.clone() };
    let before = DeliveryFilter { before: Some("4".into()), ..all.clone() };
    let one = DeliveryFilter { limit: 1, ..all.clone() };
    let none = DeliveryFilter { project: "other".into(), ..all.clone() };
    for (filter, expected) in [
        (all, vec!["4", "2", "1"]),
        (code, vec!["4", "1"]),
        (before, vec!["2", "1"]),
        (one, vec!["4"]),
        (none, Vec::new()),
    ] {
        assert_eq!(ids(store.deliveries(&filter).await.unwrap()), expected, "{filter:?}");
    }
}

pub(crate) async fn what_is_undecided_comes_oldest_first_until_it_is_decided(place: Place) {
    let store = place.open().await;
    for id in ["2", "3", "1"] {
        arrives(&*store, &delivery(id, id)).await;
    }
    let undecided = async |limit| ids(store.undecided(limit).await.unwrap());
    assert_eq!(undecided(2).await, ["1", "2"]);
    store.decide("1", &[verdict("first")]).await.unwrap();
    store.decide("unknown", &[verdict("first")]).await.unwrap();
    assert_eq!(undecided(9).await, ["2", "3"]);
    store.decide("1", &[verdict("second")]).await.unwrap();
    let decided = store.delivery("1").await.unwrap().unwrap();
    assert_eq!(decided.verdicts, [verdict("second")], "in the place of the first");
    store.decide("1", &[]).await.unwrap();
    assert_eq!(undecided(9).await, ["1", "2", "3"], "it is to be decided again");
}

/// One project has more that waits than is read at once.
pub(crate) async fn what_is_undecided_is_of_all_projects_in_turn(place: Place) {
    let store = place.open().await;
    for id in ["1", "2", "3", "4"] {
        arrives(&*store, &delivery(id, id)).await;
    }
    for id in ["5", "6"] {
        arrives(&*store, &Delivery { project: "blog".into(), ..delivery(id, id) }).await;
    }
    assert_eq!(ids(store.undecided(3).await.unwrap()), ["1", "5", "2"]);
    assert_eq!(ids(store.undecided(9).await.unwrap()), ["1", "5", "2", "6", "3", "4"]);
}

pub(crate) async fn the_last_commit_of_each_ref_is_known(place: Place) {
    let store = place.open().await;
    let accepted = |trigger: &str, name: &str, commit: &str, at_ms| Accepted {
        project: "shop".into(),
        trigger: trigger.into(),
        name: name.into(),
        commit: commit.into(),
        job: format!("job-{commit}"),
        at_ms,
    };
    let last = async |trigger: &str, name: &str| {
        let last = store.last_accepted("shop", trigger, name).await.unwrap();
        last.map(|accepted| (accepted.commit, accepted.job))
    };
    assert_eq!(last("release", "refs/tags/v1").await, None);
    for (trigger, name, commit, at_ms) in [
        ("release", "refs/tags/v1", "a", 1),
        ("release", "refs/tags/v2", "b", 2),
        ("main", "refs/heads/main", "c", 3),
        ("release", "refs/tags/v1", "d", 4),
    ] {
        store.accept(&accepted(trigger, name, commit, at_ms)).await.unwrap();
    }
    let known = |commit: &str| Some((commit.to_owned(), format!("job-{commit}")));
    assert_eq!(last("release", "refs/tags/v1").await, known("d"), "moved");
    assert_eq!(last("main", "refs/heads/main").await, known("c"));
    assert_eq!(last("main", "refs/tags/v1").await, None, "of another trigger");
    assert_eq!(store.last_accepted("blog", "main", "refs/heads/main").await.unwrap(), None);
    let all = store.accepted_by("shop", "release").await.unwrap();
    let expected =
        [accepted("release", "refs/tags/v1", "d", 4), accepted("release", "refs/tags/v2", "b", 2)];
    assert_eq!(all, expected, "the newest first");
    store.forget_ref("shop", "release", "refs/tags/v1").await.unwrap();
    store.forget_ref("shop", "release", "refs/tags/unknown").await.unwrap();
    assert_eq!(last("release", "refs/tags/v1").await, None, "it was deleted");
    assert_eq!(last("release", "refs/tags/v2").await, known("b"));
}

pub(crate) async fn what_is_old_and_decided_is_forgotten(place: Place) {
    let store = place.open().await;
    for (id, at_ms) in [("1", 10), ("2", 10), ("3", 20)] {
        arrives(&*store, &Delivery { at_ms, ..delivery(id, id) }).await;
    }
    for id in ["1", "3"] {
        store.decide(id, &[verdict("nothing")]).await.unwrap();
    }
    store.forget_deliveries(20).await.unwrap();
    for (id, is_kept) in [("1", false), ("2", true), ("3", true)] {
        assert_eq!(store.delivery(id).await.unwrap().is_some(), is_kept, "{id}");
    }
}
