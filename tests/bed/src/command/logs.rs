//! `bed logs`: prints the end of a part's log, or lists the logs.

use std::fs;
use windlass_bed::{Layout, Result, process::tail};

/// Arguments of `bed logs`: the log, and how much of it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The part; without it, the parts that have a log are listed.
    part: Option<String>,
    /// Lines from the end of the log.
    #[arg(long, default_value_t = 50)]
    lines: usize,
}

pub(crate) fn run(layout: &Layout, args: &Args) -> Result<()> {
    if let Some(part) = &args.part {
        println!("{}", tail(&layout.at(&format!("log/{part}.log")), args.lines));
        return Ok(());
    }
    for entry in fs::read_dir(layout.at("log"))?.flatten() {
        println!("{}", entry.path().file_stem().unwrap_or_default().display());
    }
    Ok(())
}
