//! Go programs, built once for each version of the program and of Go.

use crate::{
    Layout, Result, build,
    layout::Existing,
    process::{ending_with_us, run},
};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A Go module under `tests/bed/go/` and the programs that it builds.
pub struct Module {
    /// Folder of the module, and its name in reports.
    pub(crate) folder: &'static str,
    pub(super) version: &'static str,
    flags: &'static [&'static str],
    stamps: &'static str,
    packages: &'static [&'static str],
    /// The programs hold code in C: a compiler of C is needed.
    cgo: bool,
}

static BUILDKIT: Module = Module {
    folder: "buildkit",
    version: "v0.33.1",
    flags: &["-tags", "netgo osusergo static_build seccomp"],
    stamps: "-X github.com/moby/buildkit/version.Version=v0.33.1",
    packages: &["github.com/moby/buildkit/cmd/buildctl", "github.com/moby/buildkit/cmd/buildkitd"],
    cgo: false,
};

static ETCD: Module = Module {
    folder: "etcd",
    version: "v3.6.16",
    flags: &[],
    stamps: "",
    packages: &["windlass.bed/etcd"],
    cgo: false,
};

static KUBERNETES: Module = Module {
    folder: "kubernetes",
    version: "v1.34.4",
    flags: &[],
    // Without these the server's version is v0.0.0-master, and clients misjudge it.
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
    cgo: false,
};

/// The gateway, for tests that send requests through one.
pub static GATEWAY: Module = Module {
    folder: "traefik",
    version: "v3.6.0",
    flags: &[],
    stamps: "-X github.com/traefik/traefik/v3/pkg/version.Version=v3.6.0",
    packages: &["github.com/traefik/traefik/v3/cmd/traefik"],
    cgo: false,
};

/// The forge, for the demo, and for tests of webhooks and commit statuses.
pub static GITEA: Module = Module {
    folder: "gitea",
    version: "v1.26.0",
    // Its only database that is a file.
    flags: &["-tags", "sqlite sqlite_unlock_notify"],
    stamps: "-X main.Version=1.26.0",
    packages: &["code.gitea.io/gitea"],
    cgo: true,
};

/// The bundler of the dashboard's page.
pub(super) static PAGE: Module = Module {
    folder: "page",
    version: "v0.28.2",
    flags: &[],
    stamps: "",
    packages: &["windlass.bed/page"],
    cgo: false,
};

/// Programs that benches compare with, or need, beyond the bed.
pub(super) static FOR_BENCHES: &[Module] = &[
    Module {
        folder: "helm",
        version: "v4.3.1",
        flags: &[],
        stamps: "-X helm.sh/helm/v4/internal/version.version=v4.3.1 \
                 -X helm.sh/helm/v4/pkg/chart/common.k8sVersionMajor=1 \
                 -X helm.sh/helm/v4/pkg/chart/common.k8sVersionMinor=34",
        packages: &["helm.sh/helm/v4/cmd/helm"],
        cgo: false,
    },
    Module {
        folder: "kwok",
        version: "v0.8.0",
        flags: &[],
        stamps: "-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0",
        packages: &["sigs.k8s.io/kwok/cmd/kwok"],
        cgo: false,
    },
];

/// Returns the modules to compile for a bed that uses `existing`.
pub(super) fn missing(layout: &Layout, existing: &Existing) -> Result<Vec<&'static Module>> {
    let wanted: [(&'static Module, bool); 3] = [
        (&BUILDKIT, existing.buildkit.is_none()),
        (&ETCD, existing.kubeconfig.is_none()),
        (&KUBERNETES, existing.kubeconfig.is_none()),
    ];
    let mut missing = Vec::new();
    for (module, wanted) in wanted {
        if wanted && !is_built(layout, module)? {
            missing.push(module);
        }
    }
    Ok(missing)
}

/// Returns the names of those modules that are not built.
pub fn absent_programs(layout: &Layout, wanted: &[&'static Module]) -> Result<Vec<&'static str>> {
    let mut absent = Vec::new();
    for module in wanted {
        if !is_built(layout, module)? {
            absent.push(module.folder);
        }
    }
    Ok(absent)
}

/// Returns the stages of kwok by which nodes and pods are ready at once, and nodes renew their leases.
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

/// Returns the folder of the sources of a module that `folder` uses. Missing sources are fetched.
pub(super) fn sources(folder: &str, module: &str) -> Result<PathBuf> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Download {
        dir: PathBuf,
    }
    let folder = source(folder);
    let download = ["mod", "download", "-json", module];
    let found = run(Command::new("go").current_dir(folder).args(download))?;
    Ok(serde_json::from_str::<Download>(&found)?.dir)
}

fn source(folder: &str) -> PathBuf {
    build::root().join("tests/bed/go").join(folder)
}

/// Returns whether a module is built, from its present files and by the installed Go.
pub(super) fn is_built(layout: &Layout, module: &Module) -> Result<bool> {
    let bin = bin(layout);
    let mut programs = module.packages.iter().filter_map(|package| package.rsplit('/').next());
    Ok(programs.all(|name| bin.join(name).exists())
        && fs::read_to_string(stamp_file(&bin, module))
            .is_ok_and(|built| stamp(module).is_ok_and(|stamp| stamp == built)))
}

/// Returns the folder of the programs that are built.
pub(super) fn bin(layout: &Layout) -> PathBuf {
    layout.cache.join("bin")
}

fn stamp_file(bin: &Path, module: &Module) -> PathBuf {
    bin.join(format!("{}.built", module.folder))
}

/// Returns everything that decides what is built: the module's files, flags and Go's version.
fn stamp(module: &Module) -> Result<String> {
    let go = run(Command::new("go").args(["env", "GOVERSION"]))?;
    let mut stamp =
        format!("{} {}\n{:?} {}\n", module.version, go.trim(), module.flags, module.stamps);
    for file in ["go.mod", "go.sum", "main.go"] {
        stamp.push_str(&fs::read_to_string(source(module.folder).join(file)).unwrap_or_default());
    }
    Ok(stamp)
}

/// Builds a module.
pub(super) fn build(layout: &Layout, module: &Module) -> Result<()> {
    let bin = bin(layout);
    fs::create_dir_all(&bin)?;
    let mut command = Command::new("go");
    command
        .current_dir(source(module.folder))
        .env("CGO_ENABLED", if module.cgo { "1" } else { "0" })
        .args(["build", "-trimpath"])
        .args(module.flags)
        .arg("-ldflags")
        .arg(format!("-s -w {}", module.stamps))
        .arg("-o")
        .arg(format!("{}/", bin.display()))
        .args(module.packages);
    run(&mut ending_with_us(&command, "TERM"))?;
    Ok(fs::write(stamp_file(&bin, module), stamp(module)?)?)
}
