//! `bed`: real parts for tests, up and down.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

use clap::{Parser, Subcommand};
use std::{fs, path::PathBuf, process::ExitCode};
use windlass_bed::{
    Bed, Layout, Result, client, doctor, keeper,
    layout::Existing,
    part::{git, node::Node},
    process::{listens, tail},
};

/// Real parts on this machine: BuildKit, registries, Kubernetes with a node, git servers.
#[derive(Parser)]
#[command(name = "bed", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring it up, or join it; installs and builds what is missing.
    Up {
        /// Use this cluster instead of one of our own.
        #[arg(long)]
        kubeconfig: Option<PathBuf>,
        /// Use this BuildKit: unix:///… or tcp://…
        #[arg(long)]
        buildkit: Option<String>,
        /// Use this open registry: host:port.
        #[arg(long)]
        registry: Option<String>,
    },
    /// End all parts.
    Down,
    /// Whether it is up, and which parts answer.
    Status,
    /// What this machine lacks, with the cure.
    Doctor,
    /// The end of a part's log; without a name, which logs there are.
    Logs {
        /// The part.
        part: Option<String>,
        /// How many lines.
        #[arg(long, default_value_t = 50)]
        lines: usize,
    },
    /// Variables for a shell: eval "$(bed env)".
    Env,
    /// Own the parts (started by `up`).
    #[command(hide = true)]
    Keep,
    /// Be the node of this number (started by `keep`, and by tests that lose one).
    #[command(hide = true)]
    NodeInit {
        /// 1 to 3.
        #[arg(value_parser = clap::value_parser!(u8).range(1..=3))]
        number: u8,
    },
    /// Be the git server (started by `keep`).
    #[command(hide = true)]
    GitHttp,
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let layout = Layout::main();
    match command {
        Command::Up { kubeconfig, buildkit, registry } => {
            let existing = Existing { kubeconfig, buildkit, registry };
            Bed::up(Some(existing), &|line| println!("bed: {line}"))?;
            println!("bed: ready; it goes ten minutes after its last user, or with `bed down`");
        }
        Command::Down => client::down(&layout)?,
        Command::Status => return Ok(status(&layout)),
        Command::Doctor => {
            let lacks = doctor::examine();
            for lack in &lacks {
                println!("missing: {}\n  cure: {}", lack.what, lack.cure);
            }
            if lacks.is_empty() {
                println!("nothing is missing");
            }
            return Ok(if lacks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Logs { part: Some(part), lines } => {
            println!("{}", tail(&layout.at(&format!("log/{part}.log")), lines));
        }
        Command::Logs { part: None, .. } => {
            for entry in fs::read_dir(layout.at("log"))?.flatten() {
                println!("{}", entry.path().file_stem().unwrap_or_default().display());
            }
        }
        Command::Env => {
            if !client::is_up(&layout) {
                return Err("the bed is not up: bed up".into());
            }
            for (name, value) in Bed::up(None, &|_| {})?.env() {
                println!("export {name}={value}");
            }
        }
        Command::Keep => keeper::keep(&layout)?,
        Command::NodeInit { number } => Node(number).init(&layout)?,
        Command::GitHttp => tokio::runtime::Runtime::new()?.block_on(git::serve(&layout))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn status(layout: &Layout) -> ExitCode {
    use windlass_bed::layout::{HOST, port};
    if !client::is_up(layout) {
        println!("down");
        return ExitCode::FAILURE;
    }
    println!("up");
    for (name, host, port) in [
        ("registry", HOST, port::REGISTRY),
        ("private-registry", HOST, port::PRIVATE_REGISTRY),
        ("buildkit", "127.0.0.1", port::BUILDKIT),
        ("git-http", "127.0.0.1", port::GIT_HTTP),
        ("git-daemon", "127.0.0.1", port::GIT),
        ("etcd", "127.0.0.1", port::ETCD),
        ("apiserver", HOST, port::API),
        ("kubelet", "10.200.0.11", 10250),
    ] {
        let answer = if listens(host, port) { "answers" } else { "does not answer" };
        println!("{name:17} {host}:{port} {answer}");
    }
    ExitCode::SUCCESS
}
