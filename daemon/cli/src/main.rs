//! `windlass`: submits jobs, watches them, rolls back, keeps secrets, applies projects and shows what came of a push.

#![expect(clippy::print_stderr, reason = "a command for people")]

mod accepted;
mod approvals;
mod args;
mod client;
mod clusters;
mod codes;
mod commands;
mod confirm;
mod dashboard;
mod deliveries;
mod eject;
#[cfg(test)]
mod events;
mod exit;
mod explain;
mod failure;
mod folder;
mod hooks;
mod init;
mod interventions;
mod json;
mod lists;
mod logs;
mod out;
mod outbox;
mod plugins;
mod previews;
mod projects;
mod queue;
mod registries;
mod remove;
mod render;
mod show;
#[cfg(test)]
mod snapshots;
mod source;
mod status;
mod verdicts;
mod watch;

use args::Args;
use clap::{CommandFactory, Parser};
use failure::Failure;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match alone(&args) {
        Some(ended) => ended,
        None => commands::run(args).await,
    };
    ended.unwrap_or_else(|error| {
        if !error.is_silent() {
            eprintln!("{error}");
        }
        ExitCode::from(error.code())
    })
}

/// Runs a command that needs no daemon. `None` means that the command needs one.
fn alone(args: &Args) -> Option<Result<ExitCode, Failure>> {
    let printed = match &args.command {
        args::Command::Completion { shell } => {
            let mut command = Args::command();
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "windlass", &mut script);
            out::line(String::from_utf8_lossy(&script).trim_end())
        }
        args::Command::Explain { code } => explain::explain(code.as_deref(), args.output),
        args::Command::Schema => out::line(format!("{:#}", windlass_model::spec::Spec::schema())),
        _ => return None,
    };
    Some(printed.map(|()| ExitCode::SUCCESS))
}
