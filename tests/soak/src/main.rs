//! `cargo soak`: proofs that take longer than the suite may. Without a word: a daemon's bad days. `doors`: a flood of
//! webhooks. `fuzz`: all that reads foreign input. `strategies`: releases under traffic, whose daemon is killed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

mod bad_days;
mod doors;
mod fuzz;
mod strategies;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use windlass_bed::Layout;

/// A thousand jobs while everything fails that can, and then a look at what is left.
///
/// The daemon is killed, and BuildKit, registry, API server and git server are stopped and started; the journal's
/// disk is full, the journal is locked, the clock steps, a client does not read. At the end each job has ended as its
/// inputs say, none was done twice, no event is missing, what serves is what the journal says, and memory,
/// descriptors, threads and files are as at the beginning. Exit code 1: something is not so.
#[derive(Parser)]
#[command(name = "soak", version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    bad_days: bad_days::BadDaysArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Send ten thousand signed webhooks in ten seconds, and kill the daemon behind the last answer.
    ///
    /// At the end each delivery that was answered is in the journal once and has a verdict, and the daemon's memory is
    /// as at the beginning. Exit code 1: something is not so.
    Doors(doors::DoorsArgs),
    /// Fuzz all that reads foreign input, or the targets that are named. Needs no bed.
    Fuzz(fuzz::FuzzArgs),
    /// Kill the daemon in releases and rollbacks of each strategy, while requests come.
    ///
    /// At the end of each release the version serves that should, no event is missing, and no request failed. Exit code
    /// 1: something is not so.
    Strategies(strategies::StrategiesArgs),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match &args.command {
        Some(Command::Doors(flood)) => doors::run(flood),
        Some(Command::Fuzz(fuzz)) => fuzz::run(&Layout::main(), fuzz),
        Some(Command::Strategies(kills)) => strategies::run(kills),
        None => bad_days::run(&args.bad_days),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("soak: {error}");
        ExitCode::FAILURE
    })
}
