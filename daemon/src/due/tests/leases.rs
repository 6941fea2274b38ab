//! Due work while another daemon works on the app.

use super::{app, due_loop_and_cluster, kept, pruned};
use crate::due::AGAIN_MS;
use async_trait::async_trait;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use windlass_engine::ports::{Acquired, LeaseHolder, Leases, Renewed};
use windlass_model::{clock::now_ms, error::ClusterError, job::Release, runtime::StrategyKind};
use windlass_store::MemoryStore;

/// Another daemon works on each app until it ends.
#[derive(Default)]
struct Elsewhere {
    has_ended: AtomicBool,
    given_back: AtomicBool,
}

#[async_trait]
impl Leases for Elsewhere {
    async fn acquire(
        &self,
        _: &Release,
        holder: &LeaseHolder,
        over: Option<&str>,
        makes_namespace: bool,
    ) -> Result<Acquired, ClusterError> {
        assert_eq!((over, makes_namespace), (None, false), "what is kept is no reason for either");
        if self.has_ended.load(Ordering::Relaxed) {
            assert_eq!(holder.daemon, "bed");
            return Ok(Acquired::Held("1".into()));
        }
        Ok(Acquired::By { holder: "other/job-9".into(), version: "1".into() })
    }

    async fn renew_lease(
        &self,
        _: &Release,
        _: &LeaseHolder,
        version: &str,
    ) -> Result<Renewed, ClusterError> {
        Ok(Renewed::Held(version.into()))
    }

    async fn give_back(&self, _: &Release, _: &LeaseHolder) -> Result<(), ClusterError> {
        self.given_back.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn nothing_that_was_kept_is_deleted_while_another_daemon_works_on_the_app() {
    let store = MemoryStore::default();
    kept(&store, "1", StrategyKind::BlueGreen, 0).await;
    let (due, cluster) = due_loop_and_cluster(&store);
    let leases = Arc::new(Elsewhere::default());
    let due = due.with_leases(leases.clone(), "bed");
    let before = now_ms();
    let next = due.end_keep(&app()).await.unwrap().unwrap();
    assert!(next >= before + AGAIN_MS && next <= now_ms() + AGAIN_MS, "{next}");
    assert!(pruned(&cluster).is_empty());
    leases.has_ended.store(true, Ordering::Relaxed);
    assert_eq!(due.end_keep(&app()).await, Ok(None));
    assert_eq!(pruned(&cluster), ["1 in default"]);
    assert!(leases.given_back.load(Ordering::Relaxed));
}
