//! Sessions of the dashboard.

use crate::Place;
use windlass_engine::ports::store::{SESSIONS_OF_A_TOKEN, SessionRecord, Store};

fn session(id: &str, token: &str, created_ms: u64) -> SessionRecord {
    SessionRecord {
        id: id.into(),
        token_sha256: token.into(),
        principal: "ops".into(),
        created_ms,
        seen_ms: created_ms,
    }
}

/// Returns which of these sessions are open.
async fn open(store: &dyn Store, ids: &[&str]) -> Vec<String> {
    let mut open = Vec::new();
    for id in ids {
        open.extend(store.session(id).await.unwrap().map(|session| session.id));
    }
    open
}

pub(crate) async fn a_session_is_there_until_it_is_closed(place: Place) {
    {
        let store = place.open().await;
        assert_eq!(store.session("a").await.unwrap(), None);
        store.open_session(&session("a", "t", 10)).await.unwrap();
        store.open_session(&session("a", "u", 10)).await.unwrap_err();
        for (at_ms, seen_ms) in [(20, 20), (15, 20)] {
            store.saw_session("a", at_ms).await.unwrap();
            let expected = SessionRecord { seen_ms, ..session("a", "t", 10) };
            assert_eq!(store.session("a").await.unwrap(), Some(expected), "at {at_ms}");
        }
        store.saw_session("b", 20).await.unwrap();
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(open(&*store, &["a", "b"]).await, ["a"]);
    for _ in 0..2 {
        store.close_session("a").await.unwrap();
        assert!(open(&*store, &["a"]).await.is_empty());
    }
}

/// The operator took the token away.
pub(crate) async fn sessions_end_with_their_token(place: Place) {
    let store = place.open().await;
    for (id, token) in [("a", "t"), ("b", "u"), ("c", "t")] {
        store.open_session(&session(id, token, 10)).await.unwrap();
    }
    store.close_sessions_of("t").await.unwrap();
    assert_eq!(open(&*store, &["a", "b", "c"]).await, ["b"]);
}

pub(crate) async fn a_token_has_so_many_sessions_and_no_more(place: Place) {
    let store = place.open().await;
    store.open_session(&session("other", "u", 0)).await.unwrap();
    let most = u64::try_from(SESSIONS_OF_A_TOKEN).unwrap();
    for number in 0..most {
        store.open_session(&session(&number.to_string(), "t", number)).await.unwrap();
    }
    store.saw_session("0", most).await.unwrap();
    store.open_session(&session("one more", "t", most)).await.unwrap();
    let open = open(&*store, &["other", "0", "1", "2", "one more"]).await;
    assert_eq!(open, ["other", "0", "2", "one more"]);
}

pub(crate) async fn old_and_unused_sessions_are_closed(place: Place) {
    let store = place.open().await;
    for (id, created_ms, seen_ms) in [("a", 10, 90), ("b", 20, 90), ("c", 20, 40), ("d", 20, 50)] {
        store.open_session(&session(id, "t", created_ms)).await.unwrap();
        store.saw_session(id, seen_ms).await.unwrap();
    }
    store.close_old_sessions(20, 50).await.unwrap();
    assert_eq!(open(&*store, &["a", "b", "c", "d"]).await, ["b", "d"]);
}
