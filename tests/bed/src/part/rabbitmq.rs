//! A message broker: RabbitMQ of Debian, on loopback, in a root that no other program sees. Only tests that need a
//! broker start one.

use crate::{
    Layout, Report, Result,
    install::{self, RABBITMQ_OWN},
    layout::PASSWORD,
    process::{Running, await_ready, await_that, ending_with_us, listens, run, start_command},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// User with all rights in the virtual host `/`. The password is [`PASSWORD`].
pub const USER: &str = "bed";

/// Time in which a broker is up. It takes seven seconds alone, and more beside a build.
const READY: Duration = Duration::from_secs(120);

/// Mounts the broker's own files, devices and processes into the root, and runs a program there.
const INSIDE: &str = "root=$1; own=$2; shift 2\n\
    mount --bind \"$own\" \"$root/broker\" && mount --bind /dev \"$root/dev\" && mount -t proc proc \"$root/proc\" \
    && exec chroot \"$root\" \"$@\"";

/// A broker that runs, or that was killed.
pub struct Broker {
    root: PathBuf,
    /// The configuration, its log, and what it keeps over restarts.
    own: PathBuf,
    log: PathBuf,
    port: u16,
    running: Option<Running>,
}

/// Starts a broker without queues. It takes `port` and the two ports after it, and ends with the thread that started it.
/// The first call unpacks the broker.
pub fn up(layout: &Layout, report: &Report, name: &str, port: u16) -> Result<Broker> {
    let root = install::rabbitmq(layout, report)?;
    let own = layout.at("rabbitmq").join(name);
    let _ = fs::remove_dir_all(&own);
    fs::create_dir_all(&own)?;
    // Its own log is its output.
    let text = format!(
        "listeners.tcp.default = 127.0.0.1:{port}\nlog.console = true\nlog.file = false\n\
         disk_free_limit.absolute = 50MB\n"
    );
    fs::write(own.join("rabbitmq.conf"), text)?;
    fs::write(own.join("enabled_plugins"), "[].\n")?;
    fs::write(own.join("password"), PASSWORD)?;
    let log = layout.at(&format!("log/rabbitmq-{name}.log"));
    let mut broker = Broker { root, own, log, port, running: None };
    broker.start()?;
    broker.ctl(&["add_user", USER, PASSWORD])?;
    broker.ctl(&["set_permissions", USER, ".*", ".*", ".*"])?;
    Ok(broker)
}

impl Broker {
    /// Starts the broker, unless it runs, with the queues and messages that it had.
    pub fn start(&mut self) -> Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let more =
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}";
        let dist = format!("RABBITMQ_DIST_PORT={}", self.port + 1);
        let command = self.inside(&[more, &dist], &["rabbitmq-server"]);
        let mut running = start_command("rabbitmq", &self.log, ending_with_us(&command, "KILL"))?;
        let port = self.port;
        await_ready(&mut running, &self.log, READY, || listens("127.0.0.1", port))?;
        self.running = Some(running);
        Ok(())
    }

    /// Kills the broker with SIGKILL, and waits until its port is closed.
    pub fn kill(&mut self) -> Result<()> {
        self.running = None;
        let port = self.port;
        if await_that(Duration::from_secs(10), || !listens("127.0.0.1", port)) {
            return Ok(());
        }
        Err(format!("port {port} is still open").into())
    }

    /// Sets or clears the memory alarm, in which the broker takes no messages.
    pub fn memory_alarm(&self, is_on: bool) -> Result<()> {
        let mark = if is_on { "0.0000001" } else { "0.4" };
        self.ctl(&["set_vm_memory_high_watermark", mark]).map(|_| ())
    }

    /// Returns the number of messages in a queue, with those that a consumer has not acknowledged.
    pub fn count(&self, queue: &str) -> Result<u64> {
        let list = self.ctl(&["list_queues", "--no-table-headers", "name", "messages"])?;
        let mut rows = list.lines().filter_map(|line| line.split_once('\t'));
        let found = rows.find(|(name, _)| *name == queue);
        let (_, count) = found.ok_or_else(|| format!("there is no queue {queue}: {list}"))?;
        Ok(count.trim().parse()?)
    }

    /// Runs `rabbitmqctl`, and returns its output.
    pub fn ctl(&self, args: &[&str]) -> Result<String> {
        let all = [&["rabbitmqctl", "-q"][..], args].concat();
        run(&mut self.inside(&[], &all))
    }

    /// Returns the port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the file with the password of [`USER`].
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.own.join("password")
    }

    /// Returns the file of the broker's log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns a command that runs within the root, with the broker's environment and no other. Its processes are in a
    /// namespace that ends with the first of them: `epmd`, which each of the programs may start, would outlive it.
    fn inside(&self, more: &[&str], args: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.args([
            "-i",
            "PATH=/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=C.UTF-8",
            &format!("HOME=/{RABBITMQ_OWN}"),
            "RABBITMQ_NODENAME=bed@localhost",
            &format!("RABBITMQ_CONFIG_FILE=/{RABBITMQ_OWN}/rabbitmq"),
            &format!("RABBITMQ_MNESIA_BASE=/{RABBITMQ_OWN}/mnesia"),
            &format!("RABBITMQ_LOG_BASE=/{RABBITMQ_OWN}/log"),
            &format!("RABBITMQ_ENABLED_PLUGINS_FILE=/{RABBITMQ_OWN}/enabled_plugins"),
            "ERL_EPMD_ADDRESS=127.0.0.1",
            &format!("ERL_EPMD_PORT={}", self.port + 2),
        ]);
        command.args(more).args(["unshare", "--mount", "--propagation", "private"]);
        command.args(["--pid", "--fork", "--kill-child"]);
        command.args(["sh", "-c", INSIDE, "sh"]).arg(&self.root).arg(&self.own).args(args);
        command
    }
}
