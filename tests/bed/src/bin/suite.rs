//! `cargo suite`: all tests of the workspace, unit to end to end, on the bed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

use std::{process::ExitCode, thread};
use windlass_bed::{Bed, Result, build, install};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("suite: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let bed = thread::spawn(|| {
        let say = |line: &str| println!("bed: {line}");
        let up = Bed::up(None, &say).and_then(|bed| {
            // Built in the middle of the tests it would take the processors from all others.
            install::gateway(&bed.layout, &say)?;
            Ok(bed)
        });
        up.map_err(|error| error.to_string())
    });
    build::cargo(&["build", "--workspace", "--all-targets"])?;
    build::build_plugins(&|line| println!("suite: {line}"))?;
    let bed = bed.join().map_err(|_| "the bed panicked")??;
    // What follows after `--` goes to the test programs: cargo suite -- NAME.
    let rest: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = vec!["test", "--workspace", "--no-fail-fast"];
    // Tests on the bed mostly wait for it: four at a time, whatever the cores.
    arguments.extend(["--config", "env.RUST_TEST_THREADS='4'"]);
    arguments.extend(rest.iter().map(String::as_str));
    let tested = build::cargo(&arguments);
    drop(bed);
    if !rest.is_empty() {
        return tested;
    }
    // The plugins' own, on this machine's processor: what they read is the same there.
    let plugins = build::root().join("plugins/Cargo.toml").display().to_string();
    let read = build::cargo(&["test", "--manifest-path", &plugins, "--workspace", "--quiet"]);
    tested.and(read)
}
