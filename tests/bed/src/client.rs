//! Use of a bed: it is brought up or joined, and held while in use.

use crate::{
    Layout, Report, Result, build, doctor, install,
    install::{GATEWAY, GITEA, Missing, Module},
    lanes::{Lane, side_by_side},
    layout::{Existing, PASSWORD, port},
    part::{images, node},
    process::{run, tail},
    times,
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    thread::{self, sleep},
    time::{Duration, Instant},
};

/// Parts that a user of the bed asks for.
#[derive(Clone, Default)]
pub struct Wanted {
    /// Parts of the user's own. `None` takes the bed as it is.
    pub existing: Option<Existing>,
    /// The gateway's program is needed, which takes minutes to compile.
    pub gateway: bool,
    /// The forge's program is needed, which takes minutes to compile.
    pub forge: bool,
}

impl Wanted {
    /// Returns the programs that are compiled beside those of the parts.
    fn programs(&self) -> Vec<&'static Module> {
        let all: [(&'static Module, bool); 2] = [(&GATEWAY, self.gateway), (&GITEA, self.forge)];
        all.into_iter().filter_map(|(module, is_wanted)| is_wanted.then_some(module)).collect()
    }
}

/// A bed that is up, held as long as this lives.
pub struct Bed {
    pub layout: Layout,
    /// Parts of the user's that are used in place of the bed's.
    pub existing: Existing,
    _held: File,
}

impl Bed {
    /// Joins the bed, or prepares what is missing and brings the bed up, with progress on `report`.
    pub fn up(wanted: Wanted, report: &Report) -> Result<Self> {
        let layout = wanted.existing.as_ref().map_or_else(Layout::main, Layout::of);
        fs::create_dir_all(&layout.root)?;
        let held = OpenOptions::new().create(true).append(true).open(layout.at("users.lock"))?;
        // The keeper takes this lock for an instant, to see whether anybody is left.
        flock(&held, FlockOperation::LockShared)?;
        let lock = install::lock(&layout, report)?;
        let ours = !is_up(&layout);
        if ours {
            let existing = wanted.existing.clone().unwrap_or_default();
            require_nothing_missing(&layout, &existing)?;
            prepare(&layout, &existing, &wanted.programs(), report)?;
            fs::write(layout.at("existing.json"), serde_json::to_vec(&existing)?)?;
            for file in ["progress", "down"] {
                let _ = fs::remove_file(layout.at(file));
            }
            start_keeper(&layout)?;
        }
        let existing = fs::read(layout.at("existing.json")).ok();
        let existing: Existing =
            existing.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        let more = wanted.programs();
        let existing = match wanted.existing {
            // This bed is git servers alone: nothing of the user's parts is in it.
            Some(wanted) if layout.is_own() => wanted,
            Some(wanted) if wanted != existing => {
                return Err(format!(
                    "a bed is up with {existing}, and this command wants {wanted}: \
                     `cargo demo -- down` ends it"
                )
                .into());
            }
            _ => existing,
        };
        // A bed that is up already has no progress to show.
        let progress = if ours || !is_ready(&layout) { *report } else { Report::silent() };
        if more.is_empty() {
            drop(lock);
            await_ready(&layout, progress)?;
        } else {
            let parts = layout.clone();
            let programs = layout.clone();
            let report = *report;
            side_by_side(vec![
                Lane::new("parts", move || await_ready(&parts, progress)),
                // Built in the middle of the tests, they would take the processors from all others.
                Lane::new("gateway and forge", move || {
                    let _lock = lock;
                    let mut more = more.into_iter();
                    more.try_for_each(|one| install::program_of(&programs, one, &report))
                }),
            ])?;
        }
        Ok(Self { layout, existing, _held: held })
    }

    /// Returns the cluster's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> std::path::PathBuf {
        self.existing.kubeconfig.clone().unwrap_or_else(|| self.layout.kubeconfig())
    }

    /// Returns BuildKit's address.
    #[must_use]
    pub fn buildkit(&self) -> String {
        self.existing.buildkit.clone().unwrap_or_else(|| self.layout.buildkit())
    }

    /// Returns the open registry.
    #[must_use]
    pub fn registry(&self) -> String {
        self.existing.registry.clone().unwrap_or_else(|| self.layout.registry())
    }

    /// Runs kubectl as the cluster's admin.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        let program = match self.existing.kubeconfig {
            Some(_) => "kubectl".into(),
            None => self.layout.program("kubectl"),
        };
        run(Command::new(program).arg("--kubeconfig").arg(self.kubeconfig()).args(args))
    }

    /// Returns the variables that `bed env` prints.
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
            ("BED_GIT_HTTP", format!("http://127.0.0.1:{}", self.layout.git_http)),
            ("BED_GIT", format!("git://127.0.0.1:{}", self.layout.git)),
        ]
    }
}

/// Returns whether a keeper owns the bed.
#[must_use]
pub fn is_up(layout: &Layout) -> bool {
    let Ok(lock) = File::open(layout.at("keeper.lock")) else { return false };
    flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
}

/// Returns whether all parts of the bed are up.
#[must_use]
pub fn is_ready(layout: &Layout) -> bool {
    let progress = fs::read_to_string(layout.at("progress")).unwrap_or_default();
    progress.lines().any(|line| line == "ready")
}

/// Asks the keeper to end, waits until it has ended, and removes what a killed keeper left. Fails if the keeper
/// still runs 30 s after all parts are up.
pub fn down(layout: &Layout) -> Result<()> {
    if is_up(layout) {
        fs::write(layout.at("down"), "")?;
    }
    // The keeper looks for the file once all parts are up; base images take minutes the first time.
    let mut since = Instant::now();
    while is_up(layout) {
        if !is_ready(layout) {
            since = Instant::now();
        }
        if since.elapsed() > Duration::from_secs(30) {
            let log = layout.at("log/keeper.log");
            return Err(format!("the keeper does not go; its log is {}", log.display()).into());
        }
        sleep(Duration::from_millis(100));
    }
    // A bed beside parts of the user's own makes nothing outside of its folder, and where no other bed ever was,
    // cgroups of these names are a real kubelet's.
    if !layout.is_own() && layout.root.exists() && rustix::process::geteuid().is_root() {
        node::remove_traces();
    }
    Ok(())
}

/// Removes all that the project keeps under `~/.cache/windlass`: what was built, downloaded, and journaled.
/// Removes nothing where something is mounted below that folder.
pub fn remove_caches(layout: &Layout) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let cache = layout.cache.display().to_string();
    let below = |line: &&str| line.split(' ').nth(1).is_some_and(|path| path.starts_with(&cache));
    if let Some(mounted) = mounts.lines().find(below) {
        return Err(format!("something is mounted below {cache}: {mounted}").into());
    }
    match fs::remove_dir_all(&layout.cache) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn require_nothing_missing(layout: &Layout, existing: &Existing) -> Result<()> {
    let lacks = doctor::examine(layout, existing);
    if lacks.is_empty() {
        return Ok(());
    }
    let lacks: Vec<_> = lacks.iter().map(ToString::to_string).collect();
    Err(lacks.join("\n").into())
}

/// Installs and compiles what is missing. Debian's packages are installed beside the compilation of Go's
/// programs, since packages wait for the network. Go's programs are compiled one after the other where two
/// compilers already share two cores.
fn prepare(
    layout: &Layout,
    existing: &Existing,
    programs: &[&'static Module],
    report: &Report,
) -> Result<()> {
    let missing = install::missing(layout, existing)?;
    let mut names: Vec<_> = missing.iter().map(Missing::name).collect();
    if existing.buildkit.is_none() && !images::are_there(layout, existing) {
        names.push(images::NAME);
    }
    names.extend(install::absent_programs(layout, programs)?);
    if !names.is_empty() {
        let list = names.iter().map(|name| format!("{name} ({})", times::estimate(layout, name)));
        report.print("bed", &format!("to prepare: {}", list.collect::<Vec<_>>().join(", ")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let alone = thread::available_parallelism().map_or(1, usize::from) < 4;
    let (debian, go): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|one| matches!(one, Missing::Debian(_)));
    let mut strands: Vec<Vec<Missing>> = vec![debian];
    if alone {
        strands.push(go);
    } else {
        strands.extend(go.into_iter().map(|one| vec![one]));
    }
    let lanes = strands.into_iter().map(|strand| {
        let layout = layout.clone();
        let report = *report;
        Lane::new("preparing", move || {
            strand.iter().try_for_each(|one| one.provide(&layout, &report))
        })
    });
    side_by_side(lanes.collect())
}

fn start_keeper(layout: &Layout) -> Result<()> {
    fs::create_dir_all(layout.at("log"))?;
    let log = File::create(layout.at("log/keeper.log"))?;
    let mut keeper = Command::new(build::bed_program()?)
        .arg("keep")
        .args(layout.is_own().then_some("--own"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Without a terminal and in a process group of its own: Ctrl-C at the demo does not reach the bed.
        .process_group(0)
        // The checkout may be deleted before the keeper ends.
        .current_dir(&layout.root)
        .spawn()?;
    // The next command that gets the lock must find the keeper up.
    while !is_up(layout) {
        if let Some(status) = keeper.try_wait()? {
            let log = tail(&layout.at("log/keeper.log"), 10);
            return Err(format!("the keeper ended: {status}\n{log}").into());
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn await_ready(layout: &Layout, report: Report) -> Result<()> {
    let mut shown = 0;
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(layout.at("progress")).unwrap_or_default();
        for line in text.lines().skip(shown) {
            shown += 1;
            if line == "ready" {
                return Ok(());
            }
            if line.starts_with("failed: ") {
                let rest: Vec<_> = text.lines().skip(shown).collect();
                return Err(format!("the bed {line}\n{}", rest.join("\n")).into());
            }
            report.print("bed", line);
        }
        if !is_up(layout) && started.elapsed() > Duration::from_secs(10) {
            return Err(
                format!("the keeper ended\n{}", tail(&layout.at("log/keeper.log"), 10)).into()
            );
        }
        sleep(Duration::from_millis(100));
    }
}
