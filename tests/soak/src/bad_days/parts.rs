//! The daemon and all that it needs. Each part can be stopped and started alone.

use super::{inputs, proxy::Proxy};
use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};
use windlass_bed::{
    Bed, Daemon, Layout, Report, Result, Wanted, build,
    daemon::Config,
    install,
    layout::{HOST, port},
    part::{buildkit, git, registry},
    process::{Running, sh},
};

/// Name of the builder, of its folder and of its log.
const BUILDER: &str = "soak-buildkit";
/// Name of the registry, of its folder and of its log.
const REGISTRY: &str = "soak-registry";
/// Size of the disk that the journal is on.
const DISK: &str = "1g";

/// The daemon and its parts. Kubernetes and the mirror of base images are the bed's.
pub(crate) struct Parts {
    pub(crate) bed: Bed,
    pub(crate) daemon: Daemon,
    /// Layout of the git servers.
    pub(crate) git: Layout,
    /// Folder of the daemon.
    pub(crate) folder: PathBuf,
    /// The API server, as the daemon sees it.
    pub(crate) api: Proxy,
    builder: Option<Running>,
    registry: Option<Running>,
    git_servers: Vec<Running>,
    lives: u32,
}

impl Parts {
    pub(crate) fn up() -> Result<Self> {
        let report = Report::printed();
        build::everything(&Layout::main(), &report)?;
        install::program("/usr/bin/faketime", "faketime")?;
        let bed = Bed::up(Wanted::default(), &report)?;
        let layout = &bed.layout;
        let git_layout = Layout::own();
        let git_servers = git::up(&git_layout)?;
        let builder = buildkit::up(layout, BUILDER, None)?;
        let registry = registry::up(layout, REGISTRY, port::SOAK_REGISTRY, false)?;
        let folder = layout.at("daemons/soak");
        let journal = folder.join("data/journal");
        let _ = sh(&format!("umount -l {}", journal.display()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&journal)?;
        sh(&format!("mount -t tmpfs -o size={DISK} tmpfs {}", journal.display()))?;
        let api = Proxy::start(&format!("{HOST}:{}", port::API))?;
        let kubeconfig = folder.join("kubeconfig");
        let text = fs::read_to_string(bed.kubeconfig())?;
        let server = format!("https://{HOST}:{}", port::API);
        fs::write(&kubeconfig, text.replace(&server, &format!("https://{}", api.address())))?;
        let mut config = Config::of(&bed)?;
        config.builder = format!("unix://{}", layout.at(&format!("{BUILDER}.sock")).display());
        config.registry = layout.soak_registry();
        config.kubeconfig = kubeconfig;
        config.egress = vec![
            format!("127.0.0.1:{}", git_layout.git_http),
            format!("127.0.0.1:{}", git_layout.git),
        ];
        fs::write(folder.join("clock"), "+0")?;
        config.environment = clock(&folder)?;
        delete_namespaces(&bed, &["--timeout=180s"]);
        let daemon = Daemon::start_in(&bed, folder.clone(), &config)?;
        let (builder, registry) = (Some(builder), Some(registry));
        Ok(Self {
            bed,
            daemon,
            git: git_layout,
            folder,
            api,
            builder,
            registry,
            git_servers,
            lives: 1,
        })
    }

    /// Returns how often the daemon was started.
    pub(crate) fn lives(&self) -> u32 {
        self.lives
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.join("data/journal")
    }

    /// Kills the daemon with SIGKILL, and starts it again after `pause`. The log of the life that ended is kept.
    pub(crate) fn kill_daemon(&mut self, pause: Duration) -> Result<()> {
        self.daemon.kill();
        let log = self.folder.join("windlassd.log");
        let _ = fs::rename(&log, self.folder.join(format!("windlassd-{}.log", self.lives)));
        sleep(pause);
        self.lives += 1;
        self.daemon.restart()
    }

    pub(crate) fn kill_builder(&mut self, pause: Duration) -> Result<()> {
        self.builder = None;
        sleep(pause);
        self.builder = Some(buildkit::up(&self.bed.layout, BUILDER, None)?);
        Ok(())
    }

    pub(crate) fn kill_registry(&mut self, pause: Duration) -> Result<()> {
        self.registry = None;
        sleep(pause);
        let started = registry::up(&self.bed.layout, REGISTRY, port::SOAK_REGISTRY, false)?;
        self.registry = Some(started);
        Ok(())
    }

    pub(crate) fn kill_git(&mut self, pause: Duration) -> Result<()> {
        self.git_servers.clear();
        sleep(pause);
        self.git_servers = git::up(&self.git)?;
        Ok(())
    }

    /// Sets the daemon's clock to this many seconds ahead of the machine's.
    pub(crate) fn set_clock(&self, ahead: u32) -> Result<()> {
        // In place of the old file at once: the daemon reads the file whenever it asks for the time.
        let next = self.folder.join("clock.next");
        fs::write(&next, format!("+{ahead}"))?;
        Ok(fs::rename(next, self.folder.join("clock"))?)
    }

    /// Deletes what was deployed, without waiting.
    pub(crate) fn discard(&self) {
        delete_namespaces(&self.bed, &["--wait=false"]);
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.daemon.kill();
        let _ = sh(&format!("umount -l {}", self.journal().display()));
    }
}

/// Deletes what earlier runs deployed. A release into a namespace that is being deleted would wait in vain.
fn delete_namespaces(bed: &Bed, more: &[&str]) {
    let names = inputs::PROJECTS.map(|project| format!("{project}--production"));
    let names = names.iter().map(String::as_str);
    let begin = ["delete", "namespace", "--ignore-not-found"];
    let arguments: Vec<_> = begin.into_iter().chain(names).chain(more.iter().copied()).collect();
    let _ = bed.kubectl(&arguments);
}

/// Returns the variables by which the daemon's calendar clock is that of a file. Its monotonic clock is the
/// machine's.
fn clock(folder: &Path) -> Result<Vec<(String, String)>> {
    let libraries = fs::read_dir("/usr/lib")?.flatten();
    let library = libraries
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
        .ok_or("the package libfaketime has no libfaketimeMT.so.1")?;
    let variables = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", folder.join("clock").display().to_string()),
        ("FAKETIME_CACHE_DURATION", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("FAKETIME_DISABLE_SHM", "1".into()),
    ];
    Ok(variables.map(|(name, value)| (name.to_owned(), value)).into())
}
