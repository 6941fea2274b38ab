//! The promises of the storage port, one function each, kept by every store.
//!
//! A new store adds a variant to [`Place`] and a line at the end of this file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say by panicking what is wrong"
)]

mod approvals;
mod claims;
mod collection;
mod data;
mod deliveries;
mod due;
mod hooks;
mod jobs;
mod journal;
mod messages;
mod outbox;
mod own_clusters;
mod own_registries;
mod pauses;
mod previews;
mod projects;
mod releases;
mod secrets;
mod sessions;

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
            approvals::a_job_waits_until_an_event_says_that_it_goes_on,
            approvals::an_approval_is_of_exactly_what_waits,
            approvals::a_wait_ends_at_its_time_unless_somebody_approved,
            approvals::nobody_approves_after_the_end_of_the_wait,
            approvals::a_repeat_after_the_end_of_the_job_is_answered_as_the_first,
            approvals::a_job_is_rejected_only_while_it_waits,
            approvals::an_approval_outlives_the_daemon_and_ends_with_its_job,
            approvals::each_wait_for_an_approval_is_heard_of_once,
            approvals::a_release_under_way_is_approved_and_rejected_while_it_waits,
            approvals::a_wait_in_the_middle_of_a_release_ends_after_its_own_time,
            pauses::a_pause_lasts_until_somebody_resumes,
            pauses::what_goes_on_is_paused_and_a_release_under_way_is_aborted,
            pauses::nobody_aborts_a_release_that_takes_its_last_step,
            pauses::a_job_that_is_to_stop_is_paused_no_more,
            pauses::a_pause_outlasts_a_gate_before_the_plan,
            pauses::a_pause_outlives_the_daemon_and_ends_with_its_job,
            pauses::a_job_ends_for_a_newer_one_unless_it_is_to_stop_already,
            due::what_is_due_comes_once,
            due::what_is_taken_and_not_finished_comes_again,
            due::the_earliest_is_taken_first_and_no_more_than_asked_for,
            due::of_two_times_the_earlier_stays,
            due::what_is_scheduled_while_it_is_taken_comes_again,
            due::a_new_life_takes_what_the_one_before_had_taken,
            due::what_is_old_is_forgotten_when_it_is_due,
            due::what_is_hastened_is_due_now,
            due::what_is_hastened_may_be_of_one_project,
            due::a_long_log_is_forgotten_while_others_are_written,
            releases::releases_are_listed_newest_first,
            releases::the_last_release_is_that_of_a_cluster,
            releases::what_serves_is_the_newest_release_of_each_app_and_cluster,
            releases::a_migration_is_done_until_its_app_is_removed,
            releases::the_last_contraction_stays_until_its_app_is_removed,
            releases::what_was_removed_serves_no_more_and_can_be_released_again,
            collection::what_is_collected_is_gone_and_remembered,
            collection::what_serves_in_a_cluster_is_never_collected,
            collection::images_of_what_was_collected_are_tried_until_nobody_does,
            collection::an_image_that_is_pushed_again_is_left_alone,
            collection::a_kept_release_outlives_its_job,
            collection::so_many_collected_releases_are_remembered,
            secrets::secrets_have_versions,
            secrets::a_version_never_comes_back,
            secrets::a_project_does_not_see_the_secrets_of_another,
            projects::a_project_has_versions_with_who_and_when,
            projects::a_version_that_was_not_seen_is_not_replaced,
            projects::the_same_file_is_no_new_version,
            projects::versions_go_on_after_a_deletion,
            projects::what_triggers_deployed_ends_with_the_project,
            projects::projects_are_listed_by_name_and_versions_newest_first,
            hooks::a_hook_opens_with_its_secret,
            hooks::the_secret_before_ends_at_its_time,
            hooks::a_hook_remembers_its_use_and_its_first_repository,
            hooks::hooks_are_listed_by_project_and_end_with_it,
            sessions::a_session_is_there_until_it_is_closed,
            sessions::sessions_end_with_their_token,
            sessions::old_and_unused_sessions_are_closed,
            sessions::a_token_has_so_many_sessions_and_no_more,
            deliveries::a_delivery_comes_once_and_answers_with_its_verdicts,
            deliveries::what_the_forge_gives_no_id_is_new_each_time,
            deliveries::many_at_once_are_each_stored_once,
            deliveries::the_newest_of_a_hook_are_kept,
            deliveries::deliveries_are_listed_newest_first_and_as_they_are_filtered,
            deliveries::what_is_undecided_comes_oldest_first_until_it_is_decided,
            deliveries::what_is_undecided_is_of_all_projects_in_turn,
            deliveries::the_last_commit_of_each_ref_is_known,
            deliveries::what_is_old_and_decided_is_forgotten,
            outbox::acceptance_and_events_add_a_message_for_each_receiver,
            outbox::a_repeated_request_and_a_refused_event_add_none,
            outbox::a_job_that_nobody_hears_of_adds_none,
            outbox::a_job_begins_once_for_its_receivers,
            outbox::nothing_follows_a_final_message,
            outbox::a_newer_message_voids_older_ones_of_its_partition,
            outbox::what_is_taken_is_answered_before_the_next,
            outbox::what_would_be_tried_again_gives_way_to_a_newer_one,
            outbox::the_newer_job_owns_the_partition,
            outbox::what_a_killed_sender_took_comes_again,
            outbox::a_new_life_sends_what_the_one_before_had_taken,
            outbox::the_earliest_message_is_taken_first_and_no_more_than_asked_for,
            outbox::of_many_senders_one_gets_a_message,
            outbox::an_attempt_is_recorded,
            outbox::a_message_is_replayed_under_its_id,
            outbox::an_older_state_is_never_replayed_after_a_newer_one,
            outbox::what_is_dropped_is_sent_no_more,
            outbox::what_is_dropped_on_its_way_is_not_overtaken,
            messages::messages_are_listed_newest_first_and_as_they_are_filtered,
            messages::a_notice_is_added_once_for_its_receiver,
            messages::ends_of_deployments_and_previews_come_with_success_alone,
            messages::the_end_of_a_deployment_takes_the_place_of_its_earlier_states,
            messages::messages_are_counted_by_state_in_all_projects,
            messages::messages_outlive_their_job_and_waiting_ones_their_time,
            messages::what_waits_for_a_time_of_another_clock_is_sent,
            outbox::whoever_listens_hears_of_new_messages,
            outbox::what_is_put_off_comes_again_at_its_time,
            previews::a_push_opens_a_preview_and_schedules_its_end,
            previews::a_project_has_as_many_open_previews_as_it_may,
            previews::what_is_closed_stays_so_until_it_is_opened_again,
            previews::previews_that_ended_are_forgotten,
            own_clusters::a_cluster_has_versions_and_opens_with_its_newest_kubeconfig,
            own_clusters::a_cluster_that_was_removed_is_known_as_removed,
            own_clusters::a_project_has_so_many_clusters_and_no_more,
            own_clusters::names_that_were_removed_are_forgotten_beyond_a_number,
            own_clusters::clusters_are_of_one_project_and_end_with_it,
            own_registries::a_registry_opens_with_its_secrets_and_is_listed_without,
            own_registries::a_rotation_is_a_version_and_forgets_the_secrets_before,
            own_registries::a_removal_is_a_version_and_numbers_go_on,
            own_registries::one_registry_of_a_project_has_the_place_for_images,
            own_registries::a_project_has_so_many_registries_and_no_more,
            own_registries::registries_end_with_their_project,
            own_registries::removed_registries_do_not_pile_up,
        }
    };
}

promises!(sqlite);
promises!(memory);
