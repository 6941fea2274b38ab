//! `bed`: brings real parts for tests up and down. The commands `demo` and `suite` use the parts. All are one program,
//! so that no program has to find another one.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

mod command;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use windlass_bed::{
    Layout, Result, keeper,
    part::{git, node::Node},
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
    /// From a push at a forge, and from commits of five languages and a monorepo, to pods that serve: failures that are
    /// explained, a rollback. All of it shows on a page.
    Demo(command::demo::Args),
    /// All tests of the workspace, unit to end to end.
    Suite(command::suite::Args),
    /// Bring the bed up, or join it. What is missing is installed and built.
    Up(command::Own),
    /// End all parts, and remove their bridge, routes and cgroups.
    Down(command::down::Args),
    /// Print whether the bed is up, and which parts answer.
    Status,
    /// Print what this machine lacks, with the cure.
    Doctor(command::Own),
    /// Print the end of a part's log. Without a name, list the logs.
    Logs(command::logs::Args),
    /// Bundle the dashboard's page from its sources, or compare the committed bundle with them.
    Page(command::page::Args),
    /// Print variables for a shell: eval "$(bed env)".
    Env,
    /// Own the parts (started by `up`).
    #[command(hide = true)]
    Keep {
        /// Beside a cluster, a builder and a registry of the user's own.
        #[arg(long)]
        own: bool,
    },
    /// Be the node of this number (started by `keep`, and by tests that lose one).
    #[command(hide = true)]
    NodeInit {
        /// 1 to 3.
        #[arg(value_parser = clap::value_parser!(u8).range(1..=3))]
        number: u8,
    },
    /// Be the git server (started by `keep`).
    #[command(hide = true)]
    GitHttp {
        /// As for `keep`.
        #[arg(long)]
        own: bool,
    },
}

fn main() -> ExitCode {
    match run(Args::parse_from(arguments()).command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the arguments without the `--` that `cargo demo -- down` leaves before its first word.
fn arguments() -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let is_demo = arguments.get(1).is_some_and(|name| name == "demo");
    if is_demo && arguments.get(2).is_some_and(|word| word == "--") {
        arguments.remove(2);
    }
    arguments
}

fn folder(own: bool) -> Layout {
    if own { Layout::own() } else { Layout::main() }
}

fn run(command: Command) -> Result<ExitCode> {
    let layout = Layout::main();
    match command {
        Command::Demo(args) => command::demo::run(args)?,
        Command::Suite(args) => command::suite::run(&args)?,
        Command::Up(own) => command::up::run(own)?,
        Command::Down(args) => command::down::run(&args)?,
        Command::Status => return Ok(command::status::run(&layout)),
        Command::Doctor(own) => return Ok(command::doctor::run(&layout, own)),
        Command::Logs(args) => command::logs::run(&layout, &args)?,
        Command::Page(args) => command::page::run(&layout, &args)?,
        Command::Env => command::env::run(&layout)?,
        Command::Keep { own } => keeper::keep(&folder(own))?,
        Command::NodeInit { number } => Node(number).init(&layout)?,
        Command::GitHttp { own } => {
            tokio::runtime::Runtime::new()?.block_on(git::serve(&folder(own)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
