//! Builds the programs that use a bed: daemon, client, plugins.

use crate::{
    Layout, Report, Result,
    process::{ending_with_us, run},
    times,
};
use std::{
    env, fs,
    io::{BufRead, BufReader, IsTerminal},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Interval between progress lines of a long build, where cargo draws no bar of its own.
///
/// A build that took longer is worth an estimate the next time.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(15);

/// Returns the folder of this workspace's programs.
pub fn programs() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own.parent().ok_or("this program is in no folder")?;
    // Tests stand one deeper.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(folder.ok_or("this program is in no folder")?.to_owned())
}

/// Returns the folder of the built plugins.
pub fn plugins() -> Result<PathBuf> {
    Ok(programs()?.parent().ok_or("no target folder")?.join("plugins"))
}

/// Returns the program `bed`, which keeps the parts. That is the running program if it is `bed`, else one that
/// is built now: no program counts on another one that lies beside it.
pub fn bed_program() -> Result<PathBuf> {
    if is_bed(&env::current_exe()?) {
        // By the process, not by the path: cargo puts another build of `bed` there while this one runs.
        return Ok(PathBuf::from(format!("/proc/{}/exe", std::process::id())));
    }
    let mut arguments = vec!["build", "--quiet", "--package", "windlass-bed"];
    if !cfg!(debug_assertions) {
        arguments.push("--release");
    }
    cargo(&arguments)?;
    Ok(programs()?.join("bed"))
}

/// Returns whether this program is `bed`. Linux marks the path of a program whose file was replaced.
fn is_bed(own: &Path) -> bool {
    let name = own.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(" (deleted)") == "bed"
}

/// Builds the workspace with its tests, and the plugins: what `cargo suite` runs. That takes a second where
/// nothing changed, so each test program calls this function, however the program was started. A program built
/// for release, such as a bench, gets daemon and client built for release.
pub fn everything(layout: &Layout, report: &Report) -> Result<()> {
    if !cfg!(debug_assertions) {
        return product(layout, report);
    }
    timed(layout, report, "workspace", &["build", "--workspace", "--all-targets"])?;
    build_plugins(layout, report)
}

/// Builds the daemon, the client and the plugins, in the profile of the running program. `bed` is built with
/// them, so that features of dependencies are those of the whole workspace: else cargo would compile half of the
/// dependencies once for the demo and once for the suite.
pub fn product(layout: &Layout, report: &Report) -> Result<()> {
    let mut arguments = vec!["build"];
    for package in ["windlassd", "windlass-cli", "windlass-bed", "windlass-plugin-build"] {
        arguments.extend(["--package", package]);
    }
    if !cfg!(debug_assertions) {
        arguments.push("--release");
    }
    timed(layout, report, "programs", &arguments)?;
    build_plugins(layout, report)
}

/// Runs cargo and shows its output.
pub fn cargo(arguments: &[&str]) -> Result<()> {
    outcome(arguments, ending_with_us(&command(arguments)?, "TERM").status()?.success())
}

fn command(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(arguments);
    hide_caller(&mut command);
    // In the target folder of this program: what is built is looked for beside it.
    if let Some(target) = programs()?.parent() {
        command.env("CARGO_TARGET_DIR", target);
    }
    Ok(command)
}

/// Removes the variables that name this program from a command's environment. Cargo sets them for each program
/// that cargo runs. Build scripts (ring's) read the same variables, and cargo would compile all that depends on
/// those scripts again for each calling program.
pub fn hide_caller(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "OUT_DIR"
        {
            command.env_remove(&name);
        }
    }
}

fn outcome(arguments: &[&str], success: bool) -> Result<()> {
    if success { Ok(()) } else { Err(format!("cargo {} failed", arguments.join(" ")).into()) }
}

/// Builds with progress lines, and records the time if the build took long enough to have compiled anything.
fn timed(layout: &Layout, report: &Report, name: &str, arguments: &[&str]) -> Result<()> {
    let began = Instant::now();
    let estimate = times::estimate(layout, name);
    let crates = if std::io::stderr().is_terminal() {
        // Cargo's own bar says more.
        cargo(arguments)?;
        None
    } else {
        Some(counted(report, name, arguments, &estimate.to_string())?)
    };
    let took = began.elapsed();
    if took > PROGRESS_INTERVAL {
        times::keep(layout, name, took)?;
        let crates = crates.map(|count| format!("{count} crates compiled, ")).unwrap_or_default();
        report.print(name, &format!("{crates}done in {}", times::spell(took.as_secs())));
    }
    Ok(())
}

/// Runs cargo, prints every 15 s how many crates are compiled, and passes on all else that cargo prints.
fn counted(report: &Report, name: &str, arguments: &[&str], estimate: &str) -> Result<usize> {
    let mut command = ending_with_us(&command(arguments)?, "TERM");
    // Cargo's output is read here, also where CARGO_TERM_COLOR is `always`, as on many a CI.
    command.env("CARGO_TERM_COLOR", "never");
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
    let (sender, output) = channel();
    let reader = thread::spawn(move || {
        for line in lines.map_while(std::result::Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut crates = 0;
    let mut newest = String::new();
    let mut last_printed = Instant::now();
    loop {
        match output.recv_timeout(PROGRESS_INTERVAL.saturating_sub(last_printed.elapsed())) {
            Ok(line) => match line.trim_start().split_once(' ') {
                Some(("Compiling", what)) => {
                    crates += 1;
                    newest = what.split(" (").next().unwrap_or_default().to_owned();
                }
                Some(("Downloaded" | "Locking" | "Finished" | "Adding" | "Blocking", _)) => {}
                _ => error_line(&line),
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if last_printed.elapsed() >= PROGRESS_INTERVAL {
            last_printed = Instant::now();
            report.print(name, &format!("{crates} crates begun, now {newest} ({estimate})"));
        }
    }
    let _ = reader.join();
    outcome(arguments, child.wait()?.success())?;
    Ok(crates)
}

#[expect(clippy::print_stderr, reason = "the compiler's own output")]
fn error_line(line: &str) {
    eprintln!("{line}");
}

/// Builds the plugins, and those that only tests load, with what [`product`] or [`everything`] has built,
/// unless nothing changed since the last time.
fn build_plugins(layout: &Layout, report: &Report) -> Result<()> {
    let stamp_file = plugins()?.join("built");
    // Also as root in somebody else's checkout.
    let git = || {
        let mut git = Command::new("git");
        git.current_dir(root()).args(["-c", "safe.directory=*"]);
        git
    };
    // Tools and sources that the components depend on.
    let list = run(git().args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "wit",
        "plugin-sdk",
        "plugins",
        "tests/fixtures/plugins",
    ]))?;
    // A file that was deleted and not committed yet is listed all the same.
    let present: Vec<_> = list.lines().filter(|file| root().join(file).is_file()).collect();
    let hashes = run(git().arg("hash-object").args(&present))?;
    let stamp = present.join("\n") + &hashes;
    if fs::read_to_string(&stamp_file).is_ok_and(|built| built == stamp) {
        return Ok(());
    }
    let began = Instant::now();
    report.print("plugins", &format!("compiling ({})", times::estimate(layout, "plugins")));
    // Built with all else; `cargo run` would compile it with features of its own.
    let mut program = Command::new(programs()?.join("windlass-plugin-build"));
    program.arg("--fixtures").env("CARGO_MANIFEST_DIR", root().join("plugin-sdk/build"));
    program.env("CARGO_TARGET_DIR", programs()?.parent().ok_or("no target folder")?);
    let built = ending_with_us(&program, "TERM").status()?;
    outcome(&["run", "--package", "windlass-plugin-build"], built.success())?;
    fs::write(stamp_file, stamp)?;
    report.print("plugins", &format!("done in {}", times::spell(began.elapsed().as_secs())));
    if began.elapsed() > PROGRESS_INTERVAL {
        times::keep(layout, "plugins", began.elapsed())?;
    }
    Ok(())
}

/// Returns the checkout, by the variable that cargo sets at run time: with one target folder for several
/// checkouts, a program that was compiled for one is run for another.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the bed is no part of the daemon")]
pub fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR");
    let own = own.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let found = own.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    found.unwrap_or(&own).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bed_that_cargo_replaced_is_still_one() {
        for (path, expected) in [
            ("/x/debug/bed", true),
            ("/x/debug/bed (deleted)", true),
            ("/x/debug/deps/e2e-0123456789abcdef", false),
            ("/x/debug/windlass-bench", false),
        ] {
            assert_eq!(is_bed(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn cargo_is_not_told_which_program_asks() {
        // This test has them from the cargo that runs it.
        assert!(env::vars_os().any(|(name, _)| name == "CARGO_PKG_NAME"));
        let command = command(&["build"]).unwrap();
        let removed =
            |name: &str| command.get_envs().any(|(of, value)| of == name && value.is_none());
        assert!(removed("CARGO_PKG_NAME") && removed("CARGO_MANIFEST_DIR"));
    }
}
