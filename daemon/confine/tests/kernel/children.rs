//! Children of the tests. Each prints a line for each thing that it tried: its name, `=`, and `ok` or the error.

use rustix::process::Signal;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
use std::{
    collections::BTreeMap,
    env::consts::ARCH,
    fmt::Display,
    fs::{self, File, OpenOptions},
    hint::black_box,
    io::{self, BufRead, Read, Write},
    net::{TcpListener, UdpSocket},
    os::unix::{
        fs::{FileExt, PermissionsExt, symlink},
        net::UnixStream,
    },
    path::Path,
    process::Command,
    thread,
    time::Duration,
};
use windlass_confine::{Confinement, Enforced, SystemCalls, begin, confine};

/// Plays a role. The first argument after the parent is a folder of the test's, for those that need one.
pub(crate) fn run(role: &str, arguments: &[String]) {
    let folder = arguments.get(2).map(Path::new);
    match role {
        "files" => files(folder.unwrap()),
        "compute" => compute(),
        "computing" => computing(),
        "old-kernel" => old_kernel(),
        "bare" => bare(),
        "bound" => bound(folder.unwrap()),
        "echo" => echo(),
        "probe" => {
            let _ = windlass_confine::probe_main();
        }
        "daemon" => crate::tests::daemon(),
        other => panic!("no child `{other}`"),
    }
}

fn tried<T, E: Display>(what: &str, result: Result<T, E>) {
    match result {
        Ok(_) => println!("{what} = ok"),
        Err(error) => println!("{what} = {error}"),
    }
}

/// Rights of nothing, with the limits of a child that works with files.
fn nothing(calls: SystemCalls) -> Confinement {
    Confinement {
        readable: Vec::new(),
        writable: Vec::new(),
        memory: 1 << 30,
        cpu_seconds: 60,
        file_bytes: 1 << 20,
        open_files: 40,
        calls,
    }
}

fn files(folder: &Path) {
    begin(&[]).unwrap();
    let own = folder.join("own");
    let enforced = confine(&Confinement {
        readable: vec![folder.join("shown"), folder.join("is-not-there"), "/dev/urandom".into()],
        writable: vec![own.clone()],
        ..nothing(SystemCalls::Files)
    });
    println!("enforced = {}", serde_json::to_string(&enforced.unwrap()).unwrap());
    needed(folder, &own);
    let hidden = folder.join("hidden/secret");
    tried("read outside", fs::read(&hidden));
    tried("list outside", fs::read_dir(folder));
    tried("write outside", fs::write(folder.join("new"), "x"));
    tried("write shown", OpenOptions::new().append(true).open(folder.join("shown/text")));
    tried("truncate outside", OpenOptions::new().write(true).truncate(true).open(&hidden));
    tried("remove outside", fs::remove_file(&hidden));
    tried("link outside", fs::hard_link(&hidden, own.join("linked")));
    let of_all = fs::Permissions::from_mode(0o644);
    tried("show to all", fs::set_permissions(&hidden, of_all));
    symlink(&hidden, own.join("symlink")).unwrap();
    tried("follow a symlink", fs::read(own.join("symlink")));
    tried("read /etc/passwd", fs::read("/etc/passwd"));
    tried("read /proc/self/environ", fs::read("/proc/self/environ"));
    tried("listen", TcpListener::bind("127.0.0.1:0"));
    tried("datagrams", UdpSocket::bind("127.0.0.1:0"));
    tried("pair", UnixStream::pair());
    tried("unix", UnixStream::connect(folder.join("socket")));
    tried("program", Command::new("/bin/true").status());
    for (name, call) in CALLS {
        // SAFETY: all of them are refused, or fail for their arguments.
        let result =
            unsafe { libc::syscall(*call, 0_usize, 0_usize, 0_usize, 0_usize, 0_usize, 0_usize) };
        tried(name, if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) });
    }
    tried("undo the bond", rustix::process::set_parent_process_death_signal(None));
    let parent = rustix::process::getppid().unwrap();
    tried("signal the parent", rustix::process::kill_process(parent, Signal::CONT));
    tried("own the signals of a pipe", set_owner(&File::open("/dev/urandom").unwrap()));
    limits(&own);
}

/// Does what a checkout does.
fn needed(folder: &Path, own: &Path) {
    tried("read shown", fs::read(folder.join("shown/text")));
    tried("random", File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut [0; 8])));
    tried("make a folder", fs::create_dir_all(own.join("a/b")));
    tried("write", fs::write(own.join("a/b/file"), "text"));
    tried("read", fs::read(own.join("a/b/file")));
    tried("rename across folders", fs::rename(own.join("a/b/file"), own.join("a/file")));
    tried("hard link", fs::hard_link(own.join("a/file"), own.join("a/again")));
    tried("make a symlink", symlink("file", own.join("a/link")));
    tried("list", fs::read_dir(own.join("a")));
    let executable = fs::Permissions::from_mode(0o700);
    tried("change the mode", fs::set_permissions(own.join("a/file"), executable));
    tried("remove", fs::remove_dir_all(own.join("a")));
    let named = thread::Builder::new().name("named".into());
    tried("thread", named.spawn(|| black_box(1 + 1)).map(|thread| thread.join().unwrap()));
    tried("count processors", thread::available_parallelism());
}

fn limits(own: &Path) {
    let mut large = Vec::<u8>::new();
    tried("memory", large.try_reserve_exact(2 << 30));
    let file = File::create(own.join("large")).unwrap();
    tried("within the largest file", file.write_all_at(b"x", (1 << 20) - 1));
    tried("beyond the largest file", file.write_all_at(b"x", 1 << 20));
    let raised = rustix::process::Rlimit { current: Some(99), maximum: Some(99) };
    tried("raise a limit", rustix::process::setrlimit(rustix::process::Resource::Nofile, raised));
    let files: io::Result<Vec<_>> = (0..60).map(|_| File::open(own.join("large"))).collect();
    tried("open files", files);
    // SAFETY: memory of the kernel's choice, which nothing else uses.
    let code = unsafe {
        let protection = libc::PROT_READ | libc::PROT_EXEC;
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        libc::mmap(std::ptr::null_mut(), 4096, protection, private, -1, 0)
    };
    let code = if code == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) };
    tried("memory of code", code);
}

/// Asks for the signals of a file to be sent to the parent.
fn set_owner(file: &File) -> io::Result<()> {
    let parent = rustix::process::getppid().unwrap().as_raw_pid();
    // SAFETY: the descriptor is open, and the argument is a number.
    let result =
        unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(file), libc::F_SETOWN, parent) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Calls that no child may make, whatever the arguments.
pub(crate) const CALLS: &[(&str, libc::c_long)] = &[
    ("socket", libc::SYS_socket),
    ("socketpair", libc::SYS_socketpair),
    ("connect", libc::SYS_connect),
    ("bind", libc::SYS_bind),
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("ptrace", libc::SYS_ptrace),
    ("mount", libc::SYS_mount),
    ("keyctl", libc::SYS_keyctl),
    ("bpf", libc::SYS_bpf),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("kexec_load", libc::SYS_kexec_load),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("setns", libc::SYS_setns),
    ("unshare", libc::SYS_unshare),
    ("memfd_create", libc::SYS_memfd_create),
    ("pidfd_open", libc::SYS_pidfd_open),
];

fn compute() {
    begin(&[]).unwrap();
    let enforced = confine(&nothing(SystemCalls::Compute)).unwrap();
    println!("enforced = {}", serde_json::to_string(&enforced).unwrap());
    tried("open", File::open("/dev/null"));
    tried("thread", thread::Builder::new().spawn(|| ()));
    tried("memory", Vec::<u8>::new().try_reserve_exact(64 << 20));
    let mut line = String::new();
    tried("read what is open", io::stdin().read_line(&mut line));
}

/// Computes until it is killed.
fn computing() {
    begin(&[]).unwrap();
    confine(&Confinement { cpu_seconds: 1, ..nothing(SystemCalls::Compute) }).unwrap();
    loop {
        black_box(0);
    }
}

/// Confines itself on a kernel that has none of the features.
fn old_kernel() {
    let features = [
        (libc::SYS_landlock_create_ruleset, libc::ENOSYS),
        (libc::SYS_unshare, libc::EPERM),
        (libc::SYS_capset, libc::EPERM),
        (libc::SYS_close_range, libc::ENOSYS),
        (libc::SYS_seccomp, libc::ENOSYS),
    ];
    for (call, error) in features {
        let rules = BTreeMap::from([(call, Vec::new())]);
        let arch = TargetArch::try_from(ARCH).unwrap();
        let absent = SeccompAction::Errno(error.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, absent, arch).unwrap();
        let program = BpfProgram::try_from(filter).unwrap();
        apply_filter(&program).unwrap();
    }
    begin(&[]).unwrap();
    let enforced: Enforced = confine(&nothing(SystemCalls::Files)).unwrap();
    println!("enforced = {}", serde_json::to_string(&enforced).unwrap());
    tried("thread", thread::Builder::new().spawn(|| ()).map(|thread| thread.join().unwrap()));
}

/// Begins, and says whether it may.
fn bare() {
    tried("begin", begin(&[]));
}

/// Begins, and shows what it has of its parent.
fn bound(folder: &Path) {
    begin(&[]).unwrap();
    println!("variables = {}", std::env::vars_os().count());
    for file in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let target = fs::read_link(file.path()).unwrap_or_default();
        println!("file {} = {}", file.file_name().display(), target.display());
    }
    File::create(folder.join("private")).unwrap();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    println!("core = {:?}", limit.maximum);
}

/// Sends each line back, until its input ends.
fn echo() {
    begin(&[]).unwrap();
    for line in io::stdin().lock().lines() {
        println!("{}", line.unwrap());
        io::stdout().flush().unwrap();
    }
    // The daemon has ended: the kernel ends this, or the test fails.
    thread::sleep(Duration::from_secs(300));
}
