//! Debian packages.

use crate::{
    Result,
    layout::Existing,
    process::{ending_with_us, run},
};
use std::{os::unix::process::CommandExt, path::Path, process::Command};

/// A file of a package, and the package.
type Package = (&'static str, &'static str);

/// Packages for the registries and the git servers.
const ALWAYS: &[Package] = &[
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/usr/bin/htpasswd", "apache2-utils"),
    ("/usr/sbin/ip", "iproute2"),
];

/// Packages for BuildKit and base images.
const BUILDER: &[Package] = &[("/usr/sbin/runc", "runc"), ("/usr/sbin/debootstrap", "debootstrap")];

/// Packages for a node.
const NODE: &[Package] = &[
    ("/usr/bin/containerd", "containerd"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/sbin/iptables", "iptables"),
    ("/usr/sbin/conntrack", "conntrack"),
    ("/usr/bin/setpriv", "util-linux"),
];

/// Returns the packages that are not installed. `None` means that all are.
pub(super) fn missing(existing: &Existing) -> Option<Vec<&'static str>> {
    let mut wanted = Vec::new();
    if !existing.is_whole() {
        wanted.extend(ALWAYS);
    }
    if existing.buildkit.is_none() {
        wanted.extend(BUILDER);
    }
    if existing.kubeconfig.is_none() {
        wanted.extend(NODE);
    }
    let absent = wanted.iter().filter(|(file, _)| !is_there(file));
    let mut missing: Vec<_> = absent.map(|(_, package)| *package).collect();
    missing.sort_unstable();
    missing.dedup();
    (!missing.is_empty()).then_some(missing)
}

/// Returns whether a file exists. Docker's own packages have runc in another folder than Debian's.
fn is_there(file: &str) -> bool {
    Path::new(file).exists() || Path::new(&file.replace("/sbin/", "/bin/")).exists()
}

pub(super) fn install(packages: &[&str]) -> Result<()> {
    let apt = |args: &[&str]| {
        // The plugins' build may be installing its own compiler at the same moment.
        let wait = ["-o", "DPkg::Lock::Timeout=600"];
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(wait).args(args);
        command
    };
    run(&mut ending_with_us(&apt(&["update", "-q"]), "TERM"))?;
    // A package of this machine that conflicts with one of ours makes apt fail, and is not removed.
    let install = ["install", "-q", "-y", "--no-install-recommends", "--no-remove"];
    // Killed in the middle, dpkg needs a person to repair it: this command runs to its end, also after Ctrl-C.
    run(apt(&[&install, packages].concat()).process_group(0))?;
    for service in ["containerd", "docker-registry"] {
        if packages.contains(&service) {
            // The package starts the service, the registry on all addresses and without a login. Only the one that
            // the keeper starts is wanted. Where no systemd runs, nothing was started.
            let _ = run(Command::new("systemctl").args(["disable", "--now", service]));
        }
    }
    Ok(())
}
