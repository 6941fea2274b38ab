//! `windlassd`: takes jobs over gRPC, and deploys them.

#![expect(clippy::print_stderr, reason = "errors before there is a log")]

mod args;
mod check;
mod config;
mod dispatch;
mod due;
mod log;
mod planner;
mod plugins;
mod registries;
mod serve;
mod wire;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    match args.command {
        // These three are children of the daemon: no configuration, no runtime.
        Some(Command::Checkout) => return windlass_git::checkout_main(),
        Some(Command::CompilePlugin) => return windlass_plugin_host::compile_main(),
        Some(Command::PluginWorker) => return windlass_plugin_host::worker_main(),
        _ => {}
    }
    let run = || -> Result<ExitCode, serve::Fault> {
        let config = config::Config::load(args.config.as_deref())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        match args.command {
            Some(Command::Check) => Ok(runtime.block_on(check::check(&config))),
            _ => {
                log::start(&config)?;
                runtime.block_on(serve::serve(config, args.config))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    };
    run().unwrap_or_else(|error| {
        eprintln!("windlassd: {error}");
        ExitCode::FAILURE
    })
}
