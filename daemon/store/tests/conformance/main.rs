//! The promises of the storage port, one function each, kept by every store.
//!
//! A new store adds a variant to [`Place`] and a line at the end of this file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say by panicking what is wrong"
)]

mod claims;
mod data;
mod due;
mod jobs;
mod journal;
mod releases;
mod secrets;

use std::sync::Arc;
use windlass_engine::ports::store::Store;
use windlass_store::{Key, SqliteStore};

/// A kind of store, and the place where its data outlives one life of a daemon.
enum Place {
    Sqlite(tempfile::TempDir),
    Memory(windlass_store::MemoryStore),
}

impl Place {
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    fn memory() -> Self {
        Self::Memory(windlass_store::MemoryStore::default())
    }

    /// Opens the store as a new life of its daemon does. The store of the life before must be closed and
    /// dropped.
    async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(folder) => {
                let key = Key::file(&folder.path().join("key")).unwrap();
                Arc::new(SqliteStore::open(&folder.path().join("journal"), key).await.unwrap())
            }
            Self::Memory(store) => Arc::new(store.reopened()),
        }
    }
}

/// Makes a test of each promise for one kind of store.
macro_rules! keeps {
    ($store:ident: $($file:ident::$promise:ident),* $(,)?) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    crate::$file::$promise(crate::Place::$store()).await;
                }
            )*
        }
    };
}

/// The list of all promises.
macro_rules! promises {
    ($store:ident) => {
        keeps! {
            $store:
            jobs::a_request_is_one_job_however_often_it_comes,
            jobs::jobs_are_listed_newest_first_and_as_they_are_filtered,
            jobs::a_list_has_no_specs,
            jobs::what_is_set_aside_is_listed_as_unreadable,
            jobs::a_job_that_is_to_stop_keeps_the_first_reason,
            jobs::a_job_knows_when_it_began_and_ended,
            jobs::a_restart_does_not_put_a_job_back_to_its_first_stage,
            jobs::what_has_not_ended_is_unfinished_oldest_first,
            journal::numbers_have_no_gap_across_lives,
            journal::lines_are_stored_before_the_next_event,
            journal::events_come_in_pieces,
            journal::nothing_follows_the_end,
            journal::a_refused_append_leaves_nothing,
            journal::what_is_replayed_is_without_lines,
            journal::any_prefix_of_a_journal_can_be_replayed,
            journal::whoever_listens_hears_of_each_stored_event,
            claims::one_daemon_has_a_job,
            claims::of_many_daemons_one_gets_a_job,
            claims::a_later_claim_fences_those_before,
            claims::what_has_ended_is_not_claimed,
            claims::a_new_life_ends_the_claims_of_the_one_before,
            due::what_is_due_comes_once,
            due::what_is_taken_and_not_finished_comes_again,
            due::the_earliest_is_taken_first_and_no_more_than_asked_for,
            due::of_two_times_the_earlier_stays,
            due::what_is_scheduled_while_it_is_taken_comes_again,
            due::a_new_life_takes_what_the_one_before_had_taken,
            due::what_is_old_is_forgotten_when_it_is_due,
            due::what_is_hastened_is_due_now,
            due::a_long_log_is_forgotten_while_others_are_written,
            releases::releases_are_listed_newest_first,
            releases::the_last_release_is_that_of_a_cluster,
            releases::what_serves_is_the_newest_release_of_each_app_and_cluster,
            secrets::secrets_have_versions,
            secrets::a_version_never_comes_back,
            secrets::a_project_does_not_see_the_secrets_of_another,
        }
    };
}

promises!(sqlite);
promises!(memory);
