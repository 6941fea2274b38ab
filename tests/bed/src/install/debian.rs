//! Debian packages.

use crate::{
    Result,
    layout::Existing,
    process::{ending_with_us, run},
};
use std::{os::unix::process::CommandExt, path::Path, process::Command};

/// A file that shows a package is there, and the package that brings it.
type Package = (&'static str, &'static str);

/// For the registries and the git servers.
const ALWAYS: &[Package] = &[
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/usr/bin/htpasswd", "apache2-utils"),
    ("/usr/sbin/ip", "iproute2"),
];

/// For BuildKit and base images.
const BUILDER: &[Package] = &[("/usr/sbin/runc", "runc"), ("/usr/sbin/debootstrap", "debootstrap")];

/// For a node.
const NODE: &[Package] = &[
    ("/usr/bin/containerd", "containerd"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/sbin/iptables", "iptables"),
    ("/usr/sbin/conntrack", "conntrack"),
    ("/usr/bin/setpriv", "util-linux"),
];

/// Returns the packages that are not here, or nothing if all are.
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

/// Docker's own packages have runc in another folder than Debian's.
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
    // A package of this machine that would have to go for one of ours is an error of apt's, not a loss.
    let install = ["install", "-q", "-y", "--no-install-recommends", "--no-remove"];
    // Killed in the middle, dpkg wants a person to mend it: this one goes on to its end, also after Ctrl-C.
    run(apt(&[&install, packages].concat()).process_group(0))?;
    for service in ["containerd", "docker-registry"] {
        if packages.contains(&service) {
            // Its package starts it, the registry on all addresses and without a login. Only the keeper's own
            // is wanted. Where no systemd runs, nothing was started.
            let _ = run(Command::new("systemctl").args(["disable", "--now", service]));
        }
    }
    Ok(())
}
