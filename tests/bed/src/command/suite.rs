//! `cargo suite`: all tests of the workspace, unit to end to end, on the bed.

use windlass_bed::{
    Bed, Layout, Report, Result, Wanted, build,
    lanes::{Lane, Slot, side_by_side},
    layout::Existing,
};

/// Arguments of `cargo suite`: all tests, or those that are named.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// End once the bed is up: what .ci/run proves in a fresh clone.
    #[arg(long, hide = true)]
    until_up: bool,
    /// Only tests whose path holds this.
    name: Option<String>,
    /// Arguments for the test programs, as after `cargo test --`.
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let report = Report::printed();
    let layout = Layout::main();
    if args.until_up {
        Bed::up(Wanted::default(), &report)?;
        return Ok(());
    }
    // The bed mostly waits for its own parts: the compiler has the processors.
    let held = Slot::default();
    let slot = held.clone();
    let wanted = Wanted { existing: Some(Existing::default()), gateway: true, forge: true };
    side_by_side(vec![
        Lane::new("workspace", move || build::everything(&layout, &report)),
        Lane::new("bed", move || {
            slot.put(Bed::up(wanted, &report)?);
            Ok(())
        }),
    ])?;
    let mut arguments = vec!["test", "--workspace", "--no-fail-fast"];
    // Tests on the bed mostly wait for it: eight at a time, whatever the cores.
    arguments.extend(["--config", "env.RUST_TEST_THREADS='8'"]);
    arguments.extend(args.name.as_deref());
    arguments.push("--");
    arguments.extend(args.rest.iter().map(String::as_str));
    let tested = build::cargo(&arguments);
    drop(held);
    if args.name.is_some() || !args.rest.is_empty() {
        return tested;
    }
    // The plugins' own tests run on this machine's processor, not as Wasm: what plugins read is the same there.
    let plugins = build::root().join("plugins/Cargo.toml").display().to_string();
    let read = build::cargo(&["test", "--manifest-path", &plugins, "--workspace", "--quiet"]);
    tested.and(read)
}
