//! `windlass`: submits jobs, watches them, rolls back, keeps secrets.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

mod args;
mod client;
mod commands;
mod json;
mod plugins;
mod show;
mod source;
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
    if let args::Command::Completion { shell } = args.command {
        clap_complete::generate(shell, &mut Args::command(), "windlass", &mut std::io::stdout());
        return ExitCode::SUCCESS;
    }
    match commands::run(args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.code())
        }
    }
}
