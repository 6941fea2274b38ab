//! All problems, in the order in which they are looked for: the surer first.

use super::Problem;
use windlass_model::error::ClusterError;

/// All problems, in the order in which they are looked for.
pub const KNOWN: &[&Problem] = &[
    super::image::wrong_platform::PROBLEM,
    super::image::image_not_found::PROBLEM,
    super::image::pull_rate_limit::PROBLEM,
    super::image::registry_not_trusted::PROBLEM,
    super::image::pull_denied::PROBLEM,
    super::image::registry_unreachable::PROBLEM,
    super::image::pull_unauthorized::PROBLEM,
    super::image::image_name_invalid::PROBLEM,
    super::image::image_never_pulled::PROBLEM,
    super::config::config_not_synced::PROBLEM,
    super::config::config_key_missing::PROBLEM,
    super::config::user_refused::PROBLEM,
    super::config::config_missing::PROBLEM,
    super::container::exec_format::PROBLEM,
    super::container::not_executable::PROBLEM,
    super::container::command_not_found::PROBLEM,
    super::container::init_fails::PROBLEM,
    super::container::out_of_memory::PROBLEM,
    super::container::startup_probe::PROBLEM,
    super::container::liveness_kills::PROBLEM,
    super::container::native_crash::PROBLEM,
    super::container::app_returns::PROBLEM,
    super::container::app_crashes::PROBLEM,
    super::storage::mount_missing::PROBLEM,
    super::storage::volume_in_use::PROBLEM,
    super::scheduling::no_sandbox::PROBLEM,
    super::scheduling::port_taken::PROBLEM,
    super::storage::volume_elsewhere::PROBLEM,
    super::storage::volume_unbound::PROBLEM,
    super::scheduling::no_node_matches::PROBLEM,
    super::scheduling::no_room::PROBLEM,
    super::scheduling::spread::PROBLEM,
    super::scheduling::taint::PROBLEM,
    super::admission::quota_must_specify::PROBLEM,
    super::admission::quota::PROBLEM,
    super::admission::pod_security::PROBLEM,
    super::admission::limit_range::PROBLEM,
    super::admission::account_missing::PROBLEM,
    super::admission::webhook_down::PROBLEM,
    super::admission::webhook_denies::PROBLEM,
    super::scheduling::node_pressure::PROBLEM,
    super::probe::health_path_missing::PROBLEM,
    super::probe::health_unwell::PROBLEM,
    super::probe::health_slow::PROBLEM,
    super::probe::not_listening::PROBLEM,
    super::probe::health_refused::PROBLEM,
    super::probe::no_http_answer::PROBLEM,
    super::routing::no_endpoints::PROBLEM,
    super::routing::no_address::PROBLEM,
    super::routing::route_refused::PROBLEM,
    super::autoscaling::autoscaler_lost::PROBLEM,
    super::autoscaling::autoscaler_blind::PROBLEM,
    // The cluster calls these failures, in words that no problem above knows.
    super::config::container_config::PROBLEM,
    super::container::container_not_started::PROBLEM,
    super::image::image_not_pulled::PROBLEM,
    super::scheduling::not_scheduled::PROBLEM,
    super::container::job_failed::PROBLEM,
    super::not_ready_in_time::PROBLEM,
    super::api::cluster_forbids::PROBLEM,
    super::api::field_of_another::PROBLEM,
    super::api::immutable::PROBLEM,
    super::api::kind_missing::PROBLEM,
    super::api::namespace_terminating::PROBLEM,
];

/// The one that an answer of the API server is.
#[must_use]
pub fn of_answer(error: &ClusterError) -> Option<&'static Problem> {
    KNOWN.iter().copied().find(|problem| (problem.matches_error)(error))
}

/// Returns the problem of a rollout that ran out of time without another one.
#[must_use]
pub fn stalled() -> &'static Problem {
    super::not_ready_in_time::PROBLEM
}

/// Returns the problem of an account that lacks a right.
#[must_use]
pub fn forbidden() -> &'static Problem {
    super::api::cluster_forbids::PROBLEM
}

/// Returns the problem of an object that belongs to somebody else.
#[must_use]
pub fn conflict() -> &'static Problem {
    super::api::field_of_another::PROBLEM
}

/// Returns the problem of a Job that failed.
#[must_use]
pub fn of_a_job() -> &'static Problem {
    super::container::job_failed::PROBLEM
}

/// Rows of problems that are the same failure, with a message that changes from one attempt to the next: a
/// registry answers 429 and then 503, a probe gets 500 and then nothing in time.
const ALIKE: &[&[&Problem]] = &[
    &[
        super::image::image_not_pulled::PROBLEM,
        super::image::pull_rate_limit::PROBLEM,
        super::image::registry_unreachable::PROBLEM,
    ],
    &[
        super::probe::health_unwell::PROBLEM,
        super::probe::health_path_missing::PROBLEM,
        super::probe::health_slow::PROBLEM,
        super::probe::not_listening::PROBLEM,
        super::probe::health_refused::PROBLEM,
        super::probe::no_http_answer::PROBLEM,
    ],
];

/// Returns the number under which the time is kept that a problem has lasted: one for each row of
/// `ALIKE`, so that a change of the message does not begin that time again.
pub(crate) fn lasting(problem: &Problem) -> u16 {
    let has = |row: &&&[&Problem]| row.iter().any(|one| one.number == problem.number);
    let first = ALIKE.iter().find(has).and_then(|row| row.first());
    first.map_or(problem.number, |first| first.number)
}
