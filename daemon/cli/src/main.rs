//! `windlass`: submits jobs, watches them, rolls back, keeps secrets.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

mod args;
mod client;
mod commands;
mod eject;
mod explain;
mod init;
mod json;
mod lists;
mod logs;
mod plugins;
mod render;
mod show;
#[cfg(test)]
mod snapshots;
mod source;
mod status;
mod watch;

use args::Args;
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// The job failed, or was stopped.
const FAILED: u8 = 1;
/// The request was wrong.
const USAGE: u8 = 2;
/// Nobody answers.
const UNREACHABLE: u8 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(code) = alone(&args) {
        return code;
    }
    match commands::run(args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.code())
        }
    }
}

/// What needs no daemon.
fn alone(args: &Args) -> Option<ExitCode> {
    match &args.command {
        args::Command::Completion { shell } => {
            let (mut command, out) = (Args::command(), &mut std::io::stdout());
            clap_complete::generate(*shell, &mut command, "windlass", out);
            Some(ExitCode::SUCCESS)
        }
        args::Command::Explain { code } => Some(explain::explain(code.as_deref(), args.output)),
        args::Command::Schema => {
            println!("{:#}", windlass_core::spec::Spec::schema());
            Some(ExitCode::SUCCESS)
        }
        _ => None,
    }
}
