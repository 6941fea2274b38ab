//! What this machine lacks, with the cure, before anything is started.

use std::{fs, path::Path, process::Command};

/// Something that is missing.
pub struct Lack {
    /// What.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// Everything that a bed needs and that it cannot install by itself.
#[must_use]
pub fn examine() -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut need = |there: bool, what: &str, cure: &str| {
        if !there {
            lacks.push(Lack { what: what.into(), cure: cure.into() });
        }
    };
    need(
        rustix::process::geteuid().is_root(),
        "the rights of root",
        "run as root: the node needs namespaces, mounts and a bridge",
    );
    need(
        fs::read_to_string("/proc/filesystems").is_ok_and(|text| text.contains("overlay")),
        "the file system overlay",
        "modprobe overlay",
    );
    for controller in ["memory", "pids", "cpu"] {
        need(
            fs::read_to_string("/proc/cgroups").is_ok_and(|text| {
                text.lines().any(|line| line.starts_with(controller) && line.ends_with('1'))
            }) || fs::read_to_string("/sys/fs/cgroup/cgroup.controllers")
                .is_ok_and(|text| text.contains(controller)),
            &format!("the cgroup controller {controller}"),
            "enable it on the kernel's command line",
        );
    }
    need(runs("go", "version"), "Go 1.25 or newer", "install it from go.dev, or Debian backports");
    need(runs("git", "--version"), "git", "apt-get install git");
    need(runs("cc", "--version"), "a C compiler", "apt-get install gcc libc6-dev");
    need(Path::new("/usr/bin/apt-get").exists(), "apt-get", "use Debian 12");
    let room = rustix::fs::statvfs("/").map_or(0, |fs| (fs.f_bavail * fs.f_frsize) >> 30);
    need(room >= 12, &format!("12 GiB of disk ({room} are free)"), "free some");
    lacks
}

fn runs(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}
