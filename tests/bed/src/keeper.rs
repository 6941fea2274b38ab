//! The process that owns a bed's parts. The parts end with the keeper, also when it is killed.

use crate::{
    Layout, Result,
    layout::{Existing, port},
    part::{
        buildkit,
        control_plane::Plane,
        git, images,
        node::{self, Node},
        registry,
    },
    process::Running,
};
use rustix::fs::{FlockOperation, flock};
use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io::Write,
    thread::sleep,
    time::{Duration, Instant},
};

/// Time that a bed stays up after its last user ended.
const LINGER: Duration = Duration::from_secs(600);

/// Brings all parts up, then waits until `down` is requested or no user is left. The last line of the file
/// `progress` in the bed's folder is `ready`, or begins with `failed`.
pub fn keep(layout: &Layout) -> Result<()> {
    fs::create_dir_all(&layout.root)?;
    let lock = OpenOptions::new().create(true).append(true).open(layout.at("keeper.lock"))?;
    // A command that asks whether a bed is up holds this lock for an instant.
    let asked = Instant::now();
    while flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        if asked.elapsed() > Duration::from_secs(1) {
            return Err("another keeper owns this bed".into());
        }
        sleep(Duration::from_millis(10));
    }
    fs::write(layout.at("keeper.pid"), std::process::id().to_string())?;
    let progress = RefCell::new(File::create(layout.at("progress"))?);
    let report = |line: &str| {
        let _ = writeln!(progress.borrow_mut(), "{line}");
    };
    let existing = fs::read(layout.at("existing.json")).ok();
    let existing = existing.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    match bring_up(layout, &existing, &report) {
        Ok(mut parts) => {
            report("ready");
            let end = watch(layout, &mut parts);
            if let Err(error) = &end {
                report(&format!("failed: {error}"));
            }
            parts.into_iter().rev().for_each(drop);
            remove_traces(&existing);
            end
        }
        Err(error) => {
            report(&format!("failed: {error}"));
            remove_traces(&existing);
            Err(error)
        }
    }
}

fn bring_up(layout: &Layout, existing: &Existing, report: &dyn Fn(&str)) -> Result<Vec<Running>> {
    let started = Instant::now();
    let mut parts = Vec::new();
    report("starting the registries, BuildKit and the git servers");
    if !existing.is_whole() {
        node::bridge()?;
        if existing.registry.is_none() {
            parts.push(registry::up(layout, "registry", port::REGISTRY, false)?);
        }
        parts.push(registry::up(layout, "private-registry", port::PRIVATE_REGISTRY, true)?);
    }
    if existing.buildkit.is_none() {
        let tcp = format!("tcp://127.0.0.1:{}", port::BUILDKIT);
        parts.push(buildkit::up(layout, "buildkit", Some(&tcp))?);
    }
    parts.extend(git::up(layout)?);
    // A builder of the user's own pulls the real base images.
    if existing.buildkit.is_none() {
        let registry = existing.registry.clone().unwrap_or_else(|| layout.registry());
        images::up(layout, &layout.buildkit(), &registry, report)?;
    }
    if existing.kubeconfig.is_none() {
        report("starting Kubernetes");
        parts.extend(Plane(1).up(layout)?);
        parts.push(Node(1).up(layout)?);
    }
    report(&format!("all parts ready after {:.1} s", started.elapsed().as_secs_f32()));
    Ok(parts)
}

fn remove_traces(existing: &Existing) {
    if !existing.is_whole() {
        node::remove_traces();
    }
}

fn watch(layout: &Layout, parts: &mut [Running]) -> Result<()> {
    let users = OpenOptions::new().create(true).append(true).open(layout.at("users.lock"))?;
    let mut last_used = Instant::now();
    loop {
        sleep(Duration::from_millis(500));
        if layout.at("down").exists() {
            return Ok(());
        }
        for part in parts.iter_mut() {
            if let Some(status) = part.ended() {
                return Err(
                    format!("{} ended: {status}; see `bed logs {}`", part.name, part.name).into()
                );
            }
        }
        match flock(&users, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => flock(&users, FlockOperation::Unlock)?,
            Err(_) => last_used = Instant::now(),
        }
        if last_used.elapsed() > LINGER {
            return Ok(());
        }
    }
}
