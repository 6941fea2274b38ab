//! Calls that a checkout and a compiler need: files, threads, and what is open already.
//!
//! Not in the lists, and so refused: to make or connect sockets, to start programs and processes, to trace or
//! signal others, to mount, to change namespaces, keys, modules and clocks, and `bpf`, `io_uring`, `userfaultfd`,
//! `perf_event_open`, `kexec`, `process_vm_*`.

use super::rule::{Rules, add_own, always, masked, one_of};
use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// Bits of `clone` that start something else than a thread of this process.
const NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Bits of a mode that open a file to other users, or give a program its owner's rights. Landlock has no rule for modes,
/// so that a path may be that of the daemon's key. A child's umask leaves none of the bits to its own files.
const OTHERS: u32 = 0o7077;

/// Commands of `ioctl` for files and pipes: `TCGETS` (whether it is a terminal), `FIONREAD`, `FIONBIO`,
/// `FIONCLEX`, `FIOCLEX`.
const IOCTLS: &[u32] = &[0x5401, 0x541b, 0x5421, 0x5450, 0x5451];

pub(super) fn rules() -> Result<Rules, BackendError> {
    let mut rules = always(ALLOWED);
    rules.extend(always(OF_OLDER_PROGRAMS));
    add_own(&mut rules)?;
    let thread = libc::CLONE_THREAD.unsigned_abs();
    let mask = thread | NAMESPACES.unsigned_abs();
    rules.insert(libc::SYS_clone, masked(0, mask, thread)?);
    rules.insert(libc::SYS_fchmodat, masked(2, OTHERS, 0)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_chmod, masked(1, OTHERS, 0)?);
    rules.insert(libc::SYS_ioctl, one_of(1, IOCTLS)?);
    // Not `F_SETOWN` and `F_SETSIG`, which send signals to any process.
    let commands = [
        libc::F_DUPFD,
        libc::F_DUPFD_CLOEXEC,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::F_GETLK,
        libc::F_SETLK,
        libc::F_SETLKW,
        libc::F_OFD_GETLK,
        libc::F_OFD_SETLK,
        libc::F_OFD_SETLKW,
    ];
    rules.insert(libc::SYS_fcntl, one_of(1, &commands.map(i32::unsigned_abs))?);
    // Names of threads. Not `PR_SET_PDEATHSIG`, which would undo the bond to the daemon.
    rules.insert(libc::SYS_prctl, one_of(0, &[libc::PR_SET_NAME.unsigned_abs()])?);
    // Limits are read, and not set.
    let reads = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![reads])?]);
    Ok(rules)
}

const ALLOWED: &[i64] = &[
    // What is open: files, pipes, and the socket to the daemon, if there is one.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_ftruncate,
    // Paths, beneath Landlock.
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmod,
    libc::SYS_utimensat,
    libc::SYS_truncate,
    libc::SYS_umask,
    // Memory.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_msync,
    libc::SYS_brk,
    libc::SYS_membarrier,
    // Threads. `clone3` never gets here; see `calls.rs`.
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Time and randomness.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_restart_syscall,
    // About the process and the machine.
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    // Its own handlers of signals.
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
];

/// Forms of the above that this architecture keeps for older programs, and libc still uses.
#[cfg(target_arch = "x86_64")]
const OF_OLDER_PROGRAMS: &[i64] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_getdents,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_sync_file_range,
    libc::SYS_time,
    libc::SYS_getrlimit,
];

#[cfg(not(target_arch = "x86_64"))]
const OF_OLDER_PROGRAMS: &[i64] = &[];
