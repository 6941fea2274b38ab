//! Rights that a worker takes from itself, before it runs anything of a plugin's.

use rustix::{
    process::{Resource, Rlimit, setrlimit},
    thread::{UnshareFlags, unshare_unsafe},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::{collections::BTreeMap, error::Error};

/// Most bytes of address space: eight memories and their guards, the code, and the process itself.
const ADDRESSES: u64 = 16 << 30;

/// Closes the files that the process inherited from whoever started the daemon.
pub(super) fn inherited() {
    // SAFETY: the process has just begun: it owns no file yet but the first three.
    let _ = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// Moves the process into an empty network, and forbids core dumps.
pub(super) fn namespaces() -> Result<(), Box<dyn Error>> {
    // Without the right to a network of its own, a user namespace gives it. Without either, the filter below
    // still forbids sockets.
    // SAFETY: this process has one thread, and no file descriptor but its socket and two of nothing.
    let alone = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
    if alone.is_err() {
        // SAFETY: as above.
        let _ = unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) };
    }
    none_of(Resource::Core)
}

/// Allows the system calls that a guest's instance needs: to read and write what is open, memory that is not
/// code, time, and waiting. The rest is refused: files, sockets, processes, and memory made executable.
pub(super) fn system_calls() -> Result<(), Box<dyn Error>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // The third argument of both is the protection.
    none_of(Resource::Fsize)?;
    let most = Some(ADDRESSES);
    setrlimit(Resource::As, Rlimit { current: most, maximum: most })?;
    let no_code = SeccompCondition::new(
        2,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64),
        0,
    )?;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![SeccompRule::new(vec![no_code.clone()])?]);
    }
    let is = |argument, value: i64| {
        let length = SeccompCmpArgLen::Dword;
        let value = u64::try_from(value)?;
        let condition = SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value)?;
        Ok::<_, Box<dyn Error>>(SeccompRule::new(vec![condition])?)
    };
    // Signals to itself alone: `abort`.
    let own = i64::from(rustix::process::getpid().as_raw_pid());
    rules.insert(libc::SYS_tgkill, vec![is(0, own)?]);
    let known = [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL];
    let known: Result<_, Box<dyn Error>> =
        known.map(|command| is(1, command.into())).into_iter().collect();
    rules.insert(libc::SYS_fcntl, known?);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?;
    let program: BpfProgram = filter.try_into()?;
    // Sets no_new_privs too; on the clock's thread as well.
    Ok(apply_filter_all_threads(&program)?)
}

fn none_of(resource: Resource) -> Result<(), Box<dyn Error>> {
    Ok(setrlimit(resource, Rlimit { current: Some(0), maximum: Some(0) })?)
}

const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
