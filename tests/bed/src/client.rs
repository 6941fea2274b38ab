//! Using a bed: bring it up or join it, and hold it while in use.

use crate::{
    Layout, Result, doctor,
    layout::{Existing, PASSWORD, port},
    process::tail,
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A bed that is up, held as long as this lives.
pub struct Bed {
    /// Where everything is.
    pub layout: Layout,
    /// What is used in place of our own parts.
    pub existing: Existing,
    _held: File,
}

impl Bed {
    /// Joins the bed, or brings it up. `say` is told each step.
    ///
    /// # Errors
    /// What the doctor finds missing, or what a part said.
    pub fn up(existing: Option<Existing>, say: &dyn Fn(&str)) -> Result<Self> {
        let layout = Layout::main();
        fs::create_dir_all(&layout.root)?;
        let held = OpenOptions::new().create(true).append(true).open(layout.at("users.lock"))?;
        // The keeper takes this lock for an instant, to see whether anybody is left.
        flock(&held, FlockOperation::LockShared)?;
        let ours = !is_up(&layout);
        if ours {
            let lacks = doctor::examine();
            if !lacks.is_empty() {
                let lacks: Vec<_> = lacks
                    .iter()
                    .map(|lack| format!("missing: {}\n  cure: {}", lack.what, lack.cure))
                    .collect();
                return Err(lacks.join("\n").into());
            }
            let existing = existing.clone().unwrap_or_default();
            fs::write(layout.at("existing.json"), serde_json::to_vec(&existing)?)?;
            let _ = fs::remove_file(layout.at("progress"));
            start_keeper(&layout)?;
        }
        // Of a bed that is up already there is nothing to tell.
        await_ready(&layout, if ours { say } else { &|_| {} })?;
        let existing = fs::read(layout.at("existing.json")).ok();
        let existing = existing.and_then(|json| serde_json::from_slice(&json).ok());
        Ok(Self { layout, existing: existing.unwrap_or_default(), _held: held })
    }

    /// The cluster's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> std::path::PathBuf {
        self.existing.kubeconfig.clone().unwrap_or_else(|| self.layout.kubeconfig())
    }

    /// BuildKit's address.
    #[must_use]
    pub fn buildkit(&self) -> String {
        self.existing.buildkit.clone().unwrap_or_else(|| self.layout.buildkit())
    }

    /// The open registry.
    #[must_use]
    pub fn registry(&self) -> String {
        self.existing.registry.clone().unwrap_or_else(|| self.layout.registry())
    }

    /// What `bed env` prints.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KUBECONFIG", self.kubeconfig().display().to_string()),
            ("BUILDKIT_HOST", self.buildkit()),
            ("BED_BUILDKIT_TCP", format!("tcp://127.0.0.1:{}", port::BUILDKIT)),
            ("BED_REGISTRY", self.registry()),
            ("BED_PRIVATE_REGISTRY", self.layout.private_registry()),
            ("BED_PRIVATE_REGISTRY_USER", "bed".into()),
            ("BED_PASSWORD", PASSWORD.into()),
            ("BED_GIT_HTTP", format!("http://127.0.0.1:{}", port::GIT_HTTP)),
            ("BED_GIT", format!("git://127.0.0.1:{}", port::GIT)),
        ]
    }
}

/// Whether a keeper owns the bed.
#[must_use]
pub fn is_up(layout: &Layout) -> bool {
    let Ok(lock) = File::open(layout.at("keeper.lock")) else { return false };
    flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
}

/// Tells the keeper to go, and waits until it has.
///
/// # Errors
/// When it does not within 30 s.
pub fn down(layout: &Layout) -> Result<()> {
    if !is_up(layout) {
        return Ok(());
    }
    fs::write(layout.at("down"), "")?;
    let started = Instant::now();
    while is_up(layout) {
        if started.elapsed() > Duration::from_secs(30) {
            return Err("the keeper does not go; see `bed logs keeper`".into());
        }
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn start_keeper(layout: &Layout) -> Result<()> {
    fs::create_dir_all(layout.at("log"))?;
    let log = File::create(layout.at("log/keeper.log"))?;
    Command::new(bed_program()?)
        .arg("keep")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Of no terminal and no process group: Ctrl-C at the demo is not the bed's.
        .process_group(0)
        .spawn()?;
    Ok(())
}

/// `bed` stands beside whatever program of this workspace is running, tests included.
pub(crate) fn bed_program() -> Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    let found =
        own.ancestors().skip(1).take(2).map(|folder| folder.join("bed")).find(|bed| bed.exists());
    found.ok_or_else(|| "the program `bed` is not built: cargo build --package windlass-bed".into())
}

fn await_ready(layout: &Layout, say: &dyn Fn(&str)) -> Result<()> {
    let (mut told, started) = (0, Instant::now());
    loop {
        let text = fs::read_to_string(layout.at("progress")).unwrap_or_default();
        for line in text.lines().skip(told) {
            told += 1;
            if line == "ready" {
                return Ok(());
            }
            if line.starts_with("failed: ") {
                let rest: Vec<_> = text.lines().skip(told).collect();
                return Err(format!("the bed {line}\n{}", rest.join("\n")).into());
            }
            say(line);
        }
        if !is_up(layout) && started.elapsed() > Duration::from_secs(10) {
            return Err(
                format!("the keeper ended\n{}", tail(&layout.at("log/keeper.log"), 10)).into()
            );
        }
        sleep(Duration::from_millis(100));
    }
}
