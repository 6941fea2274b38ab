//! A windlassd on the bed, and the client that speaks to it.

use crate::{
    Bed, Layout, Result, build,
    layout::PASSWORD,
    process::{Running, await_ready, run, sh, start, tail},
};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A daemon with a folder of its own.
pub struct Daemon {
    folder: PathBuf,
    running: Option<Running>,
}

/// What the client printed, and how it ended.
#[derive(Debug)]
pub struct Answer {
    /// Exit code.
    pub code: i32,
    /// Both streams.
    pub text: String,
}

/// What a configuration is made of; tests change what they are about.
#[derive(Clone)]
pub struct Config {
    /// BuildKit's address.
    pub builder: String,
    /// Where images go.
    pub registry: String,
    /// The cluster's file.
    pub kubeconfig: PathBuf,
    /// Components, in order.
    pub plugins: Vec<PathBuf>,
    /// Settings of each plugin, as TOML.
    pub settings: Option<String>,
    /// Log in at the bed's private registry.
    pub private_login: bool,
    /// Lines for the top of the file.
    pub more: String,
    /// Lines of `[cluster]`.
    pub cluster: String,
    /// Instead of `[cluster]`: names, files, and lines of each.
    pub clusters: Vec<(&'static str, PathBuf, String)>,
    /// Tables for its end.
    pub tables: String,
}

impl Config {
    /// The bed's own parts and this repository's plugins.
    ///
    /// # Errors
    /// When the plugins are not built.
    pub fn of(bed: &Bed) -> Result<Self> {
        let plugins = build::plugins()?;
        let names =
            ["detect-node", "detect-python", "detect-go", "test-node", "test-pytest", "test-go"];
        Ok(Self {
            builder: bed.buildkit(),
            registry: bed.registry(),
            kubeconfig: bed.kubeconfig(),
            plugins: names.map(|name| plugins.join(format!("{name}.wasm"))).into(),
            settings: None,
            private_login: false,
            more: String::new(),
            cluster: String::new(),
            clusters: Vec::new(),
            tables: String::new(),
        })
    }

    fn text(&self, data: &Path, layout: &Layout) -> String {
        let mut clusters = format!(
            "[cluster]\nkubeconfig = \"{}\"\n{}\n",
            self.kubeconfig.display(),
            self.cluster
        );
        if !self.clusters.is_empty() {
            let table = |(name, file, more): &(&str, PathBuf, String)| {
                let file = file.display();
                format!("[[clusters]]\nname = \"{name}\"\nkubeconfig = \"{file}\"\n{more}\n")
            };
            clusters = self.clusters.iter().map(table).collect();
        }
        let mut text = format!(
            "data = \"{}\"\nname = \"bed\"\nregistry = \"{}\"\n{}\n[builder]\naddress = \"{}\"\n{clusters}\
             [log]\nfilter = \"info,windlass_buildkit=debug\"\n[egress]\nallow = [\"127.0.0.1:{}\", \"127.0.0.1:{}\", \"127.0.0.1:9\"]\n",
            data.display(),
            self.registry,
            self.more,
            self.builder,
            layout.git_http,
            layout.git,
        );
        for plugin in &self.plugins {
            text.push_str(&format!("[[plugins]]\npath = \"{}\"\n", plugin.display()));
            if let Some(settings) = &self.settings {
                text.push_str(&format!("settings = {settings}\n"));
            }
        }
        if self.private_login {
            text.push_str(&format!(
                "[[registries]]\nhost = \"{}\"\nusername = \"bed\"\npassword-file = \"{}\"\n",
                layout.private_registry(),
                data.join("registry-password").display()
            ));
        }
        text.push_str(&self.tables);
        text
    }
}

/// A plugin of the project, with what it is granted: tables for a configuration.
///
/// # Errors
/// When the plugin is not built.
pub fn granted(name: &str, grant: &str) -> Result<String> {
    let path = build::plugins()?.join(format!("{name}.wasm"));
    let sum = run(Command::new("sha256sum").arg(&path))?;
    let digest = sum.split(' ').next().unwrap_or_default();
    Ok(format!(
        "[[plugins]]\npath = \"{}\"\ndigest = \"sha256:{digest}\"\n[plugins.grant]\n{grant}\n",
        path.display()
    ))
}

impl Daemon {
    /// Starts a daemon called `name`, on an empty folder.
    ///
    /// # Errors
    /// What it said.
    pub fn start(bed: &Bed, name: &str, config: &Config) -> Result<Self> {
        let folder = bed.layout.at("daemons").join(name);
        let _ = fs::remove_dir_all(&folder);
        Self::start_in(bed, folder, config)
    }

    /// Starts a daemon in a folder of the caller's.
    ///
    /// # Errors
    /// What it said.
    pub fn start_in(bed: &Bed, folder: PathBuf, config: &Config) -> Result<Self> {
        fs::create_dir_all(folder.join("data"))?;
        fs::write(folder.join("data/registry-password"), PASSWORD)?;
        let text = config.text(&folder.join("data"), &bed.layout);
        fs::write(folder.join("windlassd.toml"), text)?;
        let mut daemon = Self { folder, running: None };
        daemon.restart()?;
        Ok(daemon)
    }

    /// Starts it again, after it was killed.
    ///
    /// # Errors
    /// What it said.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let log = self.folder.join("windlassd.log");
        let program = build::programs()?.join("windlassd");
        let args = ["--config".into(), self.folder.join("windlassd.toml")];
        let mut running = start("windlassd", &log, &program, args)?;
        let socket = self.socket();
        await_ready(&mut running, &log, Duration::from_secs(60), || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// Kills it with −9.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// When it does not within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<()> {
        let mut running = self.running.take().ok_or("it does not run")?;
        sh(&format!("kill -TERM {}", running.id()))?;
        let began = Instant::now();
        while running.ended().is_none() {
            if began.elapsed() > limit {
                return Err(format!("still there after {limit:?}\n{}", self.log()).into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(Running::id)
    }

    /// Its configuration.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("windlassd.toml")
    }

    /// Its journal, caches, workspaces.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("data/windlass.sock")
    }

    /// Its address, for the client.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The end of its log.
    #[must_use]
    pub fn log(&self) -> String {
        tail(&self.folder.join("windlassd.log"), 20)
    }

    /// The client's command line.
    ///
    /// # Errors
    /// When the client is not built.
    pub fn client(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(build::programs()?.join("windlass"));
        command.env("WINDLASS_ADDRESS", self.address()).args(args).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs the client to its end, keeping what it prints.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn windlass(&self, args: &[&str]) -> Result<Answer> {
        let output = self.client(args)?.output()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Answer { code: output.status.code().unwrap_or(-1), text })
    }

    /// Runs the client to its end, its output shown.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn show(&self, args: &[&str]) -> Result<ExitStatus> {
        Ok(self.client(args)?.status()?)
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// What the client said.
    pub fn put_secret(&self, project: &str, name: &str, value: &str) -> Result<()> {
        let mut command = self.client(&["secret", "put", project, name])?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        child.stdin.take().ok_or("no stdin")?.write_all(value.as_bytes())?;
        if child.wait()?.success() { Ok(()) } else { Err("the secret was refused".into()) }
    }
}

/// Fetches a page over plain HTTP/1.0, as small as that can be.
///
/// # Errors
/// When nobody answers, or not with 200.
pub fn get(host: &str, port: u16, path: &str) -> Result<String> {
    let address = format!("{host}:{port}").parse()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("an answer without an end of its head")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(format!("{host}: {}", head.lines().next().unwrap_or_default()).into()),
    }
}
