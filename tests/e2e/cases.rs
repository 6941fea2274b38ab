//! A test for each folder of `cases/`. `tests/README.md` says how to add one.

use crate::case::{self, Case};
use std::{collections::BTreeSet, fs};

macro_rules! cases {
    ($($name:ident)*) => {
        /// Folders of `cases/`, with a test for each.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                case::run(stringify!($name));
            }
        )*
    };
}

cases! {
    account_missing
    app_crashes
    app_returns
    autoscaler_blind
    autoscaler_lost
    claim_missing
    command_not_found
    config_key_missing
    config_missing
    config_unusable
    crash_beside_a_sidecar
    crash_once
    exec_format
    health_path_missing
    health_refused
    health_slow
    health_unwell
    image_name_invalid
    image_never_pulled
    image_not_found
    image_not_pulled
    init_awaits_database
    init_fails
    init_of_other_labels
    job_failed
    kind_missing
    limit_range
    liveness_ends_politely
    liveness_kills
    liveness_once
    memory_once
    mount_missing
    native_crash
    no_address
    no_http_answer
    no_node_matches
    no_progress_deadline
    no_room_on_nodes
    node_pressure
    not_executable
    not_listening
    not_listening_after_init
    not_ready_in_time
    out_of_memory
    pod_security
    policy_denies
    port_taken
    pull_denied
    pull_rate_limit
    pull_unauthorized
    quota_must_specify
    quota_refuses_a_job
    registry_fails
    registry_hangs
    registry_not_trusted
    registry_speaks_http
    registry_unknown
    sidecar_returns
    spread_impossible
    startup_probe_failed
    taint
    two_crash_once
    user_refused
    user_zero_refused
    volume_elsewhere
    volume_unbound
    web_awaits_database
    webhook_down
    wrong_platform
}

#[test]
fn each_folder_has_its_line_and_can_be_read() {
    let entries = fs::read_dir(case::folder()).unwrap().flatten();
    let folders: BTreeSet<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let lines: BTreeSet<_> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(folders, lines, "each folder of tests/e2e/cases has a line in tests/e2e/cases.rs");
    let wrong: Vec<_> = NAMES.iter().filter_map(|name| Case::read(name).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
