//! `bed down` and `cargo demo -- down`: end the beds, and remove caches on request.

use windlass_bed::{Layout, Result, client};

/// Arguments of `bed down`: what is removed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also all that was built, downloaded and journaled (~/.cache/windlass): the next start takes as long as
    /// the first.
    #[arg(long)]
    caches: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let layout = Layout::main();
    if client::is_up(&layout) && !client::is_ready(&layout) {
        println!("bed: its parts are still coming up; they end once they are there");
    }
    client::down(&layout)?;
    client::down(&Layout::own())?;
    println!("bed: no part runs; bridge, routes and cgroups of the bed are removed");
    if args.caches {
        client::remove_caches(&layout)?;
        println!("bed: {} is removed", layout.cache.display());
    } else {
        println!(
            "bed: what was built stays in {} (--caches removes it); Debian packages stay installed",
            layout.cache.display()
        );
    }
    Ok(())
}
