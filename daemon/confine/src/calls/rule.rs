//! Rules of a filter, and those that all filters have.

use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
use std::collections::BTreeMap;

/// Rules of a filter: system calls, each with the conditions of which one must hold. No condition means always.
pub(super) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Returns rules that allow these calls with any arguments.
pub(super) fn always(calls: &[i64]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

/// Returns rules of which one must hold: an argument of four bytes is one of these values.
pub(super) fn one_of(argument: u8, values: &[u32]) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value: &u32| {
        let length = SeccompCmpArgLen::Dword;
        let value = u64::from(*value);
        let condition = SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value)?;
        SeccompRule::new(vec![condition])
    };
    values.iter().map(rule).collect()
}

/// Returns a rule for an argument of four bytes: of the bits of `mask`, those of `value` alone are set.
pub(super) fn masked(
    argument: u8,
    mask: u32,
    value: u32,
) -> Result<Vec<SeccompRule>, BackendError> {
    let compare = SeccompCmpOp::MaskedEq(u64::from(mask));
    let length = SeccompCmpArgLen::Dword;
    let condition = SeccompCondition::new(argument, length, compare, u64::from(value))?;
    Ok(vec![SeccompRule::new(vec![condition])?])
}

/// Adds what both lists have: memory that is not code, and signals to this process alone (`abort`).
pub(super) fn add_own(rules: &mut Rules) -> Result<(), BackendError> {
    // The third argument of both is the protection.
    let no_code = masked(2, libc::PROT_EXEC.unsigned_abs(), 0)?;
    rules.insert(libc::SYS_mmap, no_code.clone());
    rules.insert(libc::SYS_mprotect, no_code);
    let own = rustix::process::getpid().as_raw_pid().unsigned_abs();
    rules.insert(libc::SYS_tgkill, one_of(0, &[own])?);
    Ok(())
}
