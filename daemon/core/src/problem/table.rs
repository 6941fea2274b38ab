//! All problems, in the order in which they are looked for: the surer first.

use super::Problem;

/// All, in the order in which they are looked for.
pub const KNOWN: &[&Problem] = &[
    super::wrong_platform::PROBLEM,
    super::image_not_found::PROBLEM,
    super::pull_rate_limit::PROBLEM,
    super::registry_not_trusted::PROBLEM,
    super::pull_denied::PROBLEM,
    super::registry_unreachable::PROBLEM,
    super::pull_unauthorized::PROBLEM,
    super::image_name_invalid::PROBLEM,
    super::image_never_pulled::PROBLEM,
    super::config_not_synced::PROBLEM,
    super::config_key_missing::PROBLEM,
    super::user_refused::PROBLEM,
    super::config_missing::PROBLEM,
    super::exec_format::PROBLEM,
    super::not_executable::PROBLEM,
    super::command_not_found::PROBLEM,
    super::init_fails::PROBLEM,
    super::out_of_memory::PROBLEM,
    super::startup_probe::PROBLEM,
    super::liveness_kills::PROBLEM,
    super::native_crash::PROBLEM,
    super::app_returns::PROBLEM,
    super::app_crashes::PROBLEM,
    super::mount_missing::PROBLEM,
    super::volume_in_use::PROBLEM,
    super::no_sandbox::PROBLEM,
    super::port_taken::PROBLEM,
    super::volume_elsewhere::PROBLEM,
    super::volume_unbound::PROBLEM,
    super::no_node_matches::PROBLEM,
    super::no_room::PROBLEM,
    super::spread::PROBLEM,
    super::taint::PROBLEM,
    super::quota_must_specify::PROBLEM,
    super::quota::PROBLEM,
    super::pod_security::PROBLEM,
    super::limit_range::PROBLEM,
    super::account_missing::PROBLEM,
    super::webhook_down::PROBLEM,
    super::webhook_denies::PROBLEM,
    super::node_pressure::PROBLEM,
    super::health_path_missing::PROBLEM,
    super::health_unwell::PROBLEM,
    super::health_slow::PROBLEM,
    super::not_listening::PROBLEM,
    super::health_refused::PROBLEM,
    super::no_http_answer::PROBLEM,
    super::no_endpoints::PROBLEM,
    super::no_address::PROBLEM,
    super::route_refused::PROBLEM,
    super::autoscaler_lost::PROBLEM,
    super::autoscaler_blind::PROBLEM,
    // The cluster calls these failures, in words that no problem above knows.
    super::container_config::PROBLEM,
    super::container_not_started::PROBLEM,
    super::image_not_pulled::PROBLEM,
    super::not_scheduled::PROBLEM,
    super::job_failed::PROBLEM,
    super::not_ready_in_time::PROBLEM,
    super::cluster_forbids::PROBLEM,
    super::field_of_another::PROBLEM,
    super::immutable::PROBLEM,
    super::kind_missing::PROBLEM,
    super::namespace_terminating::PROBLEM,
];

pub(super) const STALLED: &Problem = super::not_ready_in_time::PROBLEM;

/// Problems of one row are the same failure in words that change from one attempt to the next: a registry
/// answers 429 and then 503, a probe gets 500 and then nothing in time.
const ALIKE: &[&[&Problem]] = &[
    &[
        super::image_not_pulled::PROBLEM,
        super::pull_rate_limit::PROBLEM,
        super::registry_unreachable::PROBLEM,
    ],
    &[
        super::health_unwell::PROBLEM,
        super::health_path_missing::PROBLEM,
        super::health_slow::PROBLEM,
        super::not_listening::PROBLEM,
        super::health_refused::PROBLEM,
        super::no_http_answer::PROBLEM,
    ],
];

/// Returns the number under which the time is kept that a problem has lasted: one for each row of
/// `ALIKE`, so that a change of words does not begin it anew.
pub(crate) fn lasting(problem: &Problem) -> u16 {
    let has = |row: &&&[&Problem]| row.iter().any(|one| one.number == problem.number);
    let first = ALIKE.iter().find(has).and_then(|row| row.first());
    first.map_or(problem.number, |first| first.number)
}
