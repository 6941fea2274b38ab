//! Gets the parts: Debian packages, and Go programs built once and cached by version.

use crate::{Layout, Result, build, process::run};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// What Debian has, as a file that shows it is there and the package that brings it.
const PACKAGES: &[(&str, &str)] = &[
    ("/usr/bin/containerd", "containerd"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/sbin/iptables", "iptables"),
    ("/usr/sbin/ip", "iproute2"),
    ("/usr/sbin/conntrack", "conntrack"),
    ("/usr/sbin/debootstrap", "debootstrap"),
    ("/usr/bin/htpasswd", "apache2-utils"),
    ("/usr/bin/setpriv", "util-linux"),
];

/// A Go module under `go/` and what it builds.
struct Module {
    folder: &'static str,
    version: &'static str,
    flags: &'static [&'static str],
    stamps: &'static str,
    packages: &'static [&'static str],
}

const MODULES: &[Module] = &[
    Module {
        folder: "buildkit",
        version: "v0.33.1",
        flags: &["-tags", "netgo osusergo static_build seccomp"],
        stamps: "-X github.com/moby/buildkit/version.Version=v0.33.1",
        packages: &[
            "github.com/moby/buildkit/cmd/buildctl",
            "github.com/moby/buildkit/cmd/buildkitd",
        ],
    },
    Module {
        folder: "etcd",
        version: "v3.6.16",
        flags: &[],
        stamps: "",
        packages: &["windlass.bed/etcd"],
    },
    Module {
        folder: "kubernetes",
        version: "v1.34.4",
        flags: &[],
        // Without these the server calls itself v0.0.0-master and clients misjudge it.
        stamps: "-X k8s.io/component-base/version.gitVersion=v1.34.4 \
                 -X k8s.io/component-base/version.gitMajor=1 \
                 -X k8s.io/component-base/version.gitMinor=34 \
                 -X k8s.io/client-go/pkg/version.gitVersion=v1.34.4",
        packages: &[
            "k8s.io/kubernetes/cmd/kube-apiserver",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-scheduler",
            "k8s.io/kubernetes/cmd/kubelet",
            "k8s.io/kubernetes/cmd/kube-proxy",
            "k8s.io/kubernetes/cmd/kubectl",
        ],
    },
];

/// The gateway, for tests that send requests through one.
const GATEWAY: Module = Module {
    folder: "traefik",
    version: "v3.6.0",
    flags: &[],
    stamps: "-X github.com/traefik/traefik/v3/pkg/version.Version=v3.6.0",
    packages: &["github.com/traefik/traefik/v3/cmd/traefik"],
};

/// Builds the gateway, and says where the Gateway API's definitions are.
///
/// # Errors
/// What Go said.
pub fn gateway(layout: &Layout, say: &dyn Fn(&str)) -> Result<PathBuf> {
    go(layout, &GATEWAY, say)?;
    Ok(sources(GATEWAY.folder, "sigs.k8s.io/gateway-api")?.join("config/crd/standard"))
}

/// Where Go keeps the sources of a module that is built in `folder`, or that it uses.
fn sources(folder: &str, module: &str) -> Result<PathBuf> {
    let folder = build::root().join("tests/bed/go").join(folder);
    let list = ["list", "-m", "-f", "{{.Dir}}", module];
    let found = run(Command::new("go").current_dir(folder).args(list))?;
    Ok(PathBuf::from(found.trim()))
}

/// What kwok is to do of nodes and pods: both are ready at once, and nodes keep saying so.
///
/// # Errors
/// What Go said.
pub fn kwok_stages() -> Result<Vec<PathBuf>> {
    let stages = sources("kwok", "sigs.k8s.io/kwok")?.join("kustomize/stage");
    let files = [
        "node/fast/node-initialize.yaml",
        "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "pod/fast/pod-ready.yaml",
        "pod/fast/pod-complete.yaml",
        "pod/fast/pod-delete.yaml",
    ];
    Ok(files.map(|file| stages.join(file)).into())
}

/// What benches compare with, or need, beyond the bed.
const FOR_BENCHES: &[Module] = &[
    Module {
        folder: "helm",
        version: "v4.3.1",
        flags: &[],
        stamps: "-X helm.sh/helm/v4/internal/version.version=v4.3.1 \
                 -X helm.sh/helm/v4/pkg/chart/common.k8sVersionMajor=1 \
                 -X helm.sh/helm/v4/pkg/chart/common.k8sVersionMinor=34",
        packages: &["helm.sh/helm/v4/cmd/helm"],
    },
    Module {
        folder: "kwok",
        version: "v0.8.0",
        flags: &[],
        stamps: "-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0",
        packages: &["sigs.k8s.io/kwok/cmd/kwok"],
    },
];

/// Builds what benches need beyond the bed.
///
/// # Errors
/// What Go said.
pub fn for_benches(layout: &Layout, say: &dyn Fn(&str)) -> Result<()> {
    FOR_BENCHES.iter().try_for_each(|module| go(layout, module, say))
}

/// Installs what is missing. `say` is told what is being done and how long it took last time.
///
/// # Errors
/// What apt or Go said.
pub fn install(layout: &Layout, say: &dyn Fn(&str)) -> Result<()> {
    debian(say)?;
    for module in MODULES {
        go(layout, module, say)?;
    }
    Ok(())
}

/// The Python packages that tests use, as a folder for `PYTHONPATH`; installed once.
///
/// # Errors
/// What pip said.
pub fn python(layout: &Layout) -> Result<PathBuf> {
    let wanted = build::root().join("tests/bed/python/requirements.txt");
    let text = fs::read_to_string(&wanted)?;
    let (folder, stamp) = (layout.cache.join("python"), layout.cache.join("python.installed"));
    fs::create_dir_all(&layout.cache)?;
    // Tests that run side by side install once.
    let lock = fs::File::create(layout.cache.join("python.lock"))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    let quiet = ["-m", "pip", "install", "-q", "--no-warn-script-location", "--target"];
    run(Command::new("python3").args(quiet).arg(&folder).arg("-r").arg(wanted))?;
    fs::write(stamp, text)?;
    Ok(folder)
}

fn debian(say: &dyn Fn(&str)) -> Result<()> {
    let missing: Vec<_> =
        PACKAGES.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, p)| *p).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("installing Debian packages: {}", missing.join(", ")));
    let apt = |args: &[&str]| {
        run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(args))
    };
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], &*missing].concat())?;
    Ok(())
}

fn go(layout: &Layout, module: &Module, say: &dyn Fn(&str)) -> Result<()> {
    let bin = layout.cache.join("bin");
    fs::create_dir_all(&bin)?;
    let go_version = run(Command::new("go").args(["env", "GOVERSION"]))?;
    let stamp = format!("{} {}", module.version, go_version.trim());
    let stamp_file = bin.join(format!("{}.built", module.folder));
    let there = module
        .packages
        .iter()
        .all(|package| package.rsplit('/').next().is_some_and(|name| bin.join(name).exists()));
    if there && fs::read_to_string(&stamp_file).is_ok_and(|built| built == stamp) {
        return Ok(());
    }
    let times = layout.cache.join(format!("{}.seconds", module.folder));
    let last = fs::read_to_string(&times).unwrap_or_else(|_| "several hundred".into());
    say(&format!("building {} {} (took {last} s last time)", module.folder, module.version));
    let started = Instant::now();
    let mut command = Command::new("go");
    command
        .current_dir(build::root().join("tests/bed/go").join(module.folder))
        .env("CGO_ENABLED", "0")
        .args(["build", "-trimpath"])
        .args(module.flags)
        .arg("-ldflags")
        .arg(format!("-s -w {}", module.stamps))
        .arg("-o")
        .arg(format!("{}/", bin.display()))
        .args(module.packages);
    run(&mut command)?;
    fs::write(stamp_file, stamp)?;
    fs::write(times, Duration::as_secs(&started.elapsed()).to_string())?;
    Ok(())
}
