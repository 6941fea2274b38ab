//! Checks what this machine lacks, with the cure, before anything is started.

use crate::{Layout, layout::Existing};
use std::{fmt, fs, path::Path, process::Command};

/// One thing that is missing and that a bed cannot install by itself.
pub struct Lack {
    what: String,
    cure: String,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing: {}\n  cure: {}", self.what, self.cure)
    }
}

/// Returns everything that is missing for a bed that uses `existing` in place of parts of its own.
#[must_use]
pub fn examine(layout: &Layout, existing: &Existing) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut need = |there: bool, what: &str, cure: &str| {
        if !there {
            lacks.push(Lack { what: what.into(), cure: cure.into() });
        }
    };
    need(runs("git", "--version"), "git", "apt-get install git");
    need(runs("cc", "--version"), "a C compiler", "apt-get install gcc libc6-dev");
    for program in ["make", "perl"] {
        let cure = format!("apt-get install {program}: OpenSSL is compiled with it");
        need(runs(program, "--version"), program, &cure);
    }
    let cure = "apt-get install util-linux: programs are started with it";
    need(runs("setpriv", "--version"), "setpriv of util-linux", cure);
    if let Some(kubeconfig) = &existing.kubeconfig {
        let cure = "name the file that kubectl uses, often ~/.kube/config";
        need(kubeconfig.is_file(), &format!("the file {}", kubeconfig.display()), cure);
        let cure = "install kubectl: the demo looks at its apps with it";
        need(runs("kubectl", "help"), "kubectl", cure);
    }
    if existing.is_whole() && !rustix::process::geteuid().is_root() {
        // Root gets Debian's compiler installed instead.
        let cure = "rustup target add wasm32-unknown-unknown: plugins are compiled for it";
        need(compiles_plugins(), "Rust's target wasm32-unknown-unknown", cure);
    }
    if !existing.is_whole() {
        own_parts(existing, &mut need);
    }
    let gib = if existing.is_whole() { 6 } else { 16 };
    let folder = layout.root.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let room = rustix::fs::statvfs(folder).map_or(0, |fs| (fs.f_bavail * fs.f_frsize) >> 30);
    let what = format!("{gib} GiB of disk under {} ({room} are free)", folder.display());
    need(
        room >= gib,
        &what,
        "free some; `cargo demo down --caches` removes what this project keeps",
    );
    lacks
}

/// Oldest release of Go 1 that compiles the parts and the forge.
const GO: u32 = 25;

/// Returns whether a Go is there that compiles the parts and the forge.
#[must_use]
pub fn has_go() -> bool {
    let version = Command::new("go").args(["env", "GOVERSION"]).output();
    version.is_ok_and(|output| is_new_enough(&String::from_utf8_lossy(&output.stdout)))
}

/// Returns whether Go's name of its version, such as `go1.25.4`, is of [`GO`] or newer.
fn is_new_enough(version: &str) -> bool {
    let mut words = version.split_whitespace();
    let release = words.find_map(|word| word.strip_prefix("go1."));
    let digits = release.and_then(|release| release.split(|c: char| !c.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|minor| minor >= GO)
}

fn own_parts(existing: &Existing, need: &mut impl FnMut(bool, &str, &str)) {
    need(
        rustix::process::geteuid().is_root(),
        "the rights of root",
        "run as root: the node needs namespaces, mounts and a bridge; or give a cluster, a builder and \
         a registry of your own: cargo demo --kubeconfig FILE --buildkit ADDRESS --registry HOST",
    );
    need(Path::new("/usr/bin/apt-get").exists(), "apt-get", "use Debian 12");
    if existing.kubeconfig.is_some() && existing.buildkit.is_some() {
        return;
    }
    need(has_go(), "Go 1.25 or newer", "install it from go.dev, or Debian backports");
    need(
        fs::read_to_string("/proc/filesystems").is_ok_and(|text| text.contains("overlay")),
        "the file system overlay",
        "modprobe overlay",
    );
    if existing.kubeconfig.is_some() {
        return;
    }
    for controller in ["memory", "pids", "cpu"] {
        let of_v1 = fs::read_to_string("/proc/cgroups").is_ok_and(|text| {
            text.lines().any(|line| line.starts_with(controller) && line.ends_with('1'))
        });
        let of_v2 = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers")
            .is_ok_and(|text| text.contains(controller));
        let what = format!("the cgroup controller {controller}");
        need(of_v1 || of_v2, &what, "enable it on the kernel's command line");
    }
}

/// Returns whether plugins can be compiled with what is installed, by the rule of `windlass-plugin-build`.
fn compiles_plugins() -> bool {
    let target = ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"];
    let folder = Command::new("rustc").args(target).output();
    let has_target = folder
        .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir());
    let debian =
        Command::new("dpkg").args(["-s", "rust-web-src", "cargo-web", "rustc-web"]).output();
    has_target || debian.is_ok_and(|output| output.status.success())
}

fn runs(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn an_old_go_is_as_good_as_none() {
        for version in ["go1.25.4\n", "go1.26rc1", "devel go1.27-0a1b2c Mon"] {
            assert!(is_new_enough(version), "{version}");
        }
        for version in ["go1.19.8\n", "go1.x", "", "bash: go: not found"] {
            assert!(!is_new_enough(version), "{version}");
        }
    }
}
