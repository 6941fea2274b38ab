//! Checks of a migration, and how it is resolved.

use super::MigrateSpec;
use crate::{
    runtime::{Backup, Migrate},
    spec::{
        Spec,
        error::{Checked, fail, within},
        names::is_name,
    },
};

/// Milliseconds of the longest `lock_timeout`: ten minutes.
const LONGEST_LOCK_TIMEOUT: u32 = 600_000;
/// Seconds of the longest command, and of the longest statement: six hours.
const LONGEST: u32 = 6 * 3600;
/// Seconds of the longest time before a contraction: thirty days.
const LONGEST_WINDOW: u32 = 30 * 86_400;
/// Seconds before a contraction, where nothing is said.
const WINDOW: u32 = 86_400;
/// The largest number of characters of a lock's name: it is a label's value.
const LONGEST_LOCK: usize = 50;

/// Checks the migration of a spec.
pub(in crate::spec) fn check(spec: &Spec) -> Checked {
    let requested = &spec.migrate;
    if *requested == MigrateSpec::default() {
        return Ok(());
    }
    if requested.expand.is_empty() && requested.contract.is_empty() {
        let problem = "is missing: name the command that changes the data, or remove `migrate`";
        return fail("migrate.expand", "", problem);
    }
    if requested.expand.is_empty() && !requested.plan.is_empty() {
        let problem = "shows what `migrate.expand` would do, and there is none";
        return fail("migrate.plan", &requested.plan.join(" "), problem);
    }
    if requested.contract.is_empty()
        && let Some(seconds) = requested.contract_after_seconds
    {
        let problem = "stands without `migrate.contract`: name the command, or remove this";
        return fail("migrate.contract-after-seconds", &seconds.to_string(), problem);
    }
    for (field, command) in [
        ("migrate.plan", &requested.plan),
        ("migrate.backup", &requested.backup),
        ("migrate.expand", &requested.expand),
        ("migrate.contract", &requested.contract),
    ] {
        if command.first().is_some_and(String::is_empty) {
            return fail(field, "", "begins with an empty word; name a program of the image");
        }
    }
    if requested.point_in_time == Some(true) && !requested.backup.is_empty() {
        let problem = "stands beside `migrate.backup`; say one";
        return fail("migrate.point-in-time", "true", problem);
    }
    if let Some(lock) = requested.lock.as_deref().filter(|lock| !is_name(lock, LONGEST_LOCK)) {
        let problem = "must be 1 to 50 lower-case letters, digits and `-`, from a letter";
        return fail("migrate.lock", lock, problem);
    }
    let hands_over =
        requested.lock_timeout_ms != Some(0) || requested.statement_timeout_seconds != Some(0);
    if hands_over && spec.secrets.contains_key("PGOPTIONS") {
        let problem = "is set by `migrate.lock-timeout-ms` and `migrate.statement-timeout-seconds`; put further options into `env`";
        return fail("secrets", "PGOPTIONS", problem);
    }
    // 0 hands none over: a pooler may refuse all options.
    within("migrate.lock-timeout-ms", requested.lock_timeout_ms, 0, LONGEST_LOCK_TIMEOUT)?;
    within("migrate.statement-timeout-seconds", requested.statement_timeout_seconds, 0, LONGEST)?;
    within("migrate.contract-after-seconds", requested.contract_after_seconds, 0, LONGEST_WINDOW)?;
    within("migrate.timeout-seconds", requested.timeout_seconds, 1, LONGEST)
}

/// Resolves the migration of a spec. `None` means that a release migrates nothing.
pub(in crate::spec) fn resolve(requested: &MigrateSpec) -> Option<Migrate> {
    let backup = if !requested.backup.is_empty() {
        Backup::Command(requested.backup.clone())
    } else if requested.point_in_time == Some(true) {
        Backup::PointInTime
    } else {
        Backup::None
    };
    let is_there = !requested.expand.is_empty() || !requested.contract.is_empty();
    is_there.then(|| Migrate {
        plan: requested.plan.clone(),
        backup,
        expand: requested.expand.clone(),
        contract: requested.contract.clone(),
        contract_after_seconds: requested.contract_after_seconds.unwrap_or(WINDOW),
        lock: requested.lock.clone(),
        lock_timeout_ms: requested.lock_timeout_ms.unwrap_or(5000),
        statement_timeout_seconds: requested.statement_timeout_seconds.unwrap_or(600),
        retry_lock_timeouts: requested.retry_lock_timeouts.unwrap_or(false),
        timeout_seconds: requested.timeout_seconds.unwrap_or(900),
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        runtime::{Backup, Runtime},
        spec::{Detected, Spec},
    };

    fn resolved(keys: &str) -> Runtime {
        let spec = Spec::from_toml(&format!("[migrate]\n{keys}"));
        spec.unwrap_or_else(|error| panic!("{error}")).resolve(&Detected::default(), Vec::new())
    }

    #[test]
    fn a_command_is_enough() {
        let migrate = resolved("expand = [\"./manage\", \"migrate\"]\n").migrate.unwrap();
        assert_eq!(migrate.backup, Backup::None);
        let numbers =
            (migrate.lock_timeout_ms, migrate.statement_timeout_seconds, migrate.timeout_seconds);
        assert_eq!(numbers, (5000, 600, 900));
        assert!(!migrate.retry_lock_timeouts && migrate.lock.is_none());
        assert_eq!(Spec::default().resolve(&Detected::default(), Vec::new()).migrate, None);
    }

    /// A pooler that refuses options gets none, and those of a secret stay.
    #[test]
    fn timeouts_of_zero_are_taken() {
        let none = "expand = [\"up\"]\nlock-timeout-ms = 0\nstatement-timeout-seconds = 0\n";
        let migrate = resolved(none).migrate.unwrap();
        assert_eq!((migrate.lock_timeout_ms, migrate.statement_timeout_seconds), (0, 0));
        let own = resolved(&format!("{none}[secrets]\nPGOPTIONS = \"options\"\n"));
        assert!(own.migrate.is_some_and(|migrate| migrate.options().is_empty()));
    }

    #[test]
    fn a_time_is_a_backup_where_the_database_has_all_times() {
        let migrate = resolved("expand = [\"up\"]\npoint-in-time = true\n").migrate.unwrap();
        assert_eq!(migrate.backup, Backup::PointInTime);
    }

    #[test]
    fn what_only_earlier_versions_need_goes_a_day_later() {
        let migrate = resolved("contract = [\"drop\"]\n").migrate.unwrap();
        assert_eq!((migrate.contract_after_seconds, migrate.phases().count()), (86_400, 0));
        let now = resolved("contract = [\"drop\"]\ncontract-after-seconds = 0\n").migrate;
        assert_eq!(now.unwrap().contract_after_seconds, 0);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        for (keys, expected) in [
            ("backup = [\"dump\"]", "migrate.expand: `` is missing"),
            (
                "contract = [\"drop\"]\nplan = [\"show\"]",
                "migrate.plan: `show` shows what `migrate.expand` would do",
            ),
            (
                "expand = [\"up\"]\ncontract-after-seconds = 60",
                "migrate.contract-after-seconds: `60` stands without `migrate.contract`",
            ),
            (
                "contract = [\"drop\"]\ncontract-after-seconds = 2592001",
                "migrate.contract-after-seconds: `2592001`",
            ),
            ("contract = [\"\"]", "migrate.contract: `` begins with an empty word"),
            ("expand = [\"\"]", "migrate.expand: `` begins with an empty word"),
            (
                "expand = [\"up\"]\nbackup = [\"dump\"]\npoint-in-time = true",
                "migrate.point-in-time: `true` stands beside `migrate.backup`",
            ),
            ("expand = [\"up\"]\nlock = \"Shop DB\"", "migrate.lock: `Shop DB` must be"),
            (
                "expand = [\"up\"]\nlock-timeout-ms = 600001",
                "migrate.lock-timeout-ms: `600001` must be",
            ),
            (
                "expand = [\"up\"]\nstatement-timeout-seconds = 21601",
                "migrate.statement-timeout-seconds: `21601` must be",
            ),
            ("expand = [\"up\"]\ntimeout-seconds = 90000", "migrate.timeout-seconds: `90000`"),
            ("expand = [\"up\"]\n[secrets]\nPGOPTIONS = \"o\"", "secrets: `PGOPTIONS` is set by"),
            (
                "expand = [\"up\"]\nlock-timeout-ms = 0\n[secrets]\nPGOPTIONS = \"o\"",
                "secrets: `PGOPTIONS` is set by",
            ),
        ] {
            let error = Spec::from_toml(&format!("[migrate]\n{keys}\n")).unwrap_err().to_string();
            assert!(error.contains(expected), "{keys}: {error}");
        }
    }
}
