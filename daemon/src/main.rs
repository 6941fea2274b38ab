//! `windlassd`: takes jobs over gRPC, and deploys them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "commands, and errors before there is a log"
)]

mod args;
mod broker;
mod check;
mod config;
mod confinement;
mod data;
mod dispatch;
mod doors;
mod due;
mod error;
mod hash_token;
mod log;
mod own_registries;
mod plugins;
mod process;
mod registries;
mod serve;
mod tasks;
mod wire;

use args::{Args, Command};
use clap::Parser;
use config::Config;
use error::Fault;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything can be written, by the daemon or by its children.
    process::keep_files_private();
    let args = Args::parse();
    match args.command {
        // These are children of the daemon: no configuration, no runtime.
        Some(Command::Checkout(_)) => return windlass_git::checkout_main(),
        Some(Command::CompilePlugin(_)) => return windlass_plugin_host::compile_main(),
        Some(Command::PluginWorker(_)) => return windlass_plugin_host::worker_main(),
        Some(Command::Confinement(_)) => return windlass_confine::probe_main(),
        _ => {}
    }
    run(args).unwrap_or_else(|error| {
        eprintln!("windlassd: {error}");
        ExitCode::FAILURE
    })
}

fn run(args: Args) -> Result<ExitCode, Fault> {
    match args.command {
        Some(Command::HashToken) => {
            hash_token::run()?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Schema) => {
            println!("{:#}", Config::schema());
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let config = Config::load(args.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(Command::Check) = args.command {
        return Ok(runtime.block_on(check::check(&config)));
    }
    log::start(&config)?;
    runtime.block_on(serve::serve(config, args.config))?;
    Ok(ExitCode::SUCCESS)
}
