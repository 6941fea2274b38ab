//! `cargo soak fuzz`: fuzzes all that reads foreign input, each target for a while.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};
use windlass_bed::{
    Layout, Report, Result, build,
    process::{ending_with_us, run as output_of},
    times,
};

/// The version of cargo-fuzz that is installed.
const CARGO_FUZZ: &str = "0.13.2";

/// Limits of one input in seconds, and in megabytes that are allocated: more is a finding.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];

/// Duration from which a build is worth an estimate the next time.
const LONG: Duration = Duration::from_secs(15);

/// Arguments of `cargo soak fuzz`: targets, and the time for each.
#[derive(clap::Args)]
pub(crate) struct FuzzArgs {
    /// Only these, as `tests/fuzz/targets` has them. Only what they need is built.
    targets: Vec<String>,
    /// Seconds that each target runs.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// Folders of the inputs, programs and findings of all targets.
struct Folders {
    /// `tests/fuzz` of this checkout.
    own: PathBuf,
    /// `~/.cache/windlass/fuzz`.
    cache: PathBuf,
    programs: PathBuf,
}

/// End of a target's run.
enum Ended {
    Clean { runs: String },
    Finding { why: String, input: Option<PathBuf> },
}

pub(crate) fn run(layout: &Layout, args: &FuzzArgs) -> Result<ExitCode> {
    let report = Report::printed();
    let own = build::root().join("tests/fuzz");
    let targets = chosen(&own, &args.targets)?;
    let compiler = output_of(Command::new("rustc").arg("-vV").current_dir(build::root()))?;
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("`rustc -vV` names no host")?;
    let cache = layout.cache.join("fuzz");
    let programs = cache.join("target").join(host).join("release");
    let folders = Folders { own, cache, programs };
    let tool = installed(layout, &report)?;
    compile(layout, &report, &tool, &folders, host, &args.targets)?;
    let mut findings = 0;
    for target in &targets {
        let began = Instant::now();
        let ended = soak(&folders, target, args.seconds)?;
        let seconds = began.elapsed().as_secs();
        match ended {
            Ended::Clean { runs } => println!("{target:16} {runs:>12} runs in {seconds} s"),
            Ended::Finding { why, input } => {
                findings += 1;
                println!("{target:16} FINDING after {seconds} s: {why}");
                if let Some(input) = input {
                    let program = folders.programs.join(target);
                    println!("    repeat it: {} {}", program.display(), input.display());
                }
                println!("    its output: {}", folders.log(target).display());
            }
        }
    }
    if findings == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    println!("{findings} of {} targets have a finding", targets.len());
    Ok(ExitCode::FAILURE)
}

/// Returns the targets to run: those that are named, or all.
fn chosen(own: &Path, named: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(own.join("targets"))? {
        let path = entry?.path();
        all.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    all.sort();
    if named.is_empty() {
        return Ok(all);
    }
    match named.iter().find(|name| !all.contains(name)) {
        Some(name) => Err(format!("`{name}` is no target; there are: {}", all.join(", ")).into()),
        None => Ok(named.to_vec()),
    }
}

/// Returns cargo-fuzz, compiled once for all checkouts.
fn installed(layout: &Layout, report: &Report) -> Result<PathBuf> {
    let tool = layout.cache.join("bin/cargo-fuzz");
    let version = output_of(Command::new(&tool).args(["fuzz", "--version"])).unwrap_or_default();
    if version.split_whitespace().any(|word| word == CARGO_FUZZ) {
        return Ok(tool);
    }
    report.print("cargo-fuzz", &format!("compiling version {CARGO_FUZZ}"));
    let root = layout.cache.display().to_string();
    let target = layout.cache.join("tools").display().to_string();
    let mut arguments =
        vec!["install", "--quiet", "--locked", "cargo-fuzz", "--version", CARGO_FUZZ];
    arguments.extend(["--root", &root, "--target-dir", &target]);
    build::cargo(&arguments)?;
    Ok(tool)
}

/// Builds all targets, or those that are named. Named targets are built without what only others need.
fn compile(
    layout: &Layout,
    report: &Report,
    tool: &Path,
    folders: &Folders,
    host: &str,
    named: &[String],
) -> Result<()> {
    output_of(Command::new("c++").arg("--version"))
        .map_err(|error| format!("libFuzzer is C++, and there is no compiler of it: {error}"))?;
    let mut command = Command::new(tool);
    command.args(["fuzz", "build", "--sanitizer", "none", "--target", host, "--fuzz-dir"]);
    command.arg(&folders.own).arg("--target-dir").arg(folders.cache.join("target"));
    if !named.is_empty() {
        command.args(["--no-default-features", "--features", &named.join(",")]);
    }
    build::hide_caller(&mut command);
    // The coverage counters are flags of the compiler that only nightly promises.
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(build::root());
    let began = Instant::now();
    if named.is_empty() {
        let estimate = times::estimate(layout, "fuzz targets");
        report.print("fuzz targets", &format!("compiling ({estimate})"));
    }
    if !ending_with_us(&command, "TERM").status()?.success() {
        return Err("the fuzz targets do not compile".into());
    }
    if named.is_empty() && began.elapsed() > LONG {
        times::keep(layout, "fuzz targets", began.elapsed())?;
    }
    Ok(())
}

/// Runs one target. The target's output goes to its log.
fn soak(folders: &Folders, target: &str, seconds: u64) -> Result<Ended> {
    let (corpus, log) = (folders.cache.join("corpus").join(target), folders.log(target));
    let findings = folders.cache.join("findings").join(target);
    for folder in [&corpus, &findings, &folders.cache.join("log")] {
        fs::create_dir_all(folder)?;
    }
    let mut command = Command::new(folders.programs.join(target));
    command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1").args(LIMITS);
    // A folder with its slash, since libFuzzer appends the file's name without one.
    command.arg(format!("-artifact_prefix={}/", findings.display()));
    // LibFuzzer writes to the first folder, and reads the seeds from the second.
    command.arg(&corpus).arg(folders.own.join("seeds").join(target));
    let mut bound = ending_with_us(&command, "TERM");
    let out = File::create(&log)?;
    let status = bound.stdout(out.try_clone()?).stderr(out).status()?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if status.success() {
        return Ok(match runs(&text) {
            Some(runs) if runs != "0" => Ended::Clean { runs: runs.to_owned() },
            _ => Ended::Finding { why: "it ended without a run".into(), input: None },
        });
    }
    let (why, input) = finding(&text);
    Ok(Ended::Finding { why: why.unwrap_or_else(|| status.to_string()), input })
}

impl Folders {
    fn log(&self, target: &str) -> PathBuf {
        self.cache.join("log").join(format!("{target}.log"))
    }
}

/// Reads the number of executions from what libFuzzer prints at its end.
fn runs(text: &str) -> Option<&str> {
    text.lines().find_map(|line| Some(line.strip_prefix("stat::number_of_executed_units:")?.trim()))
}

/// Reads from a target's output why the target ended, and the path of the input that ended it.
fn finding(text: &str) -> (Option<String>, Option<PathBuf>) {
    let mut lines = text.lines();
    // A panic's message is in the next line; a limit is named in its own line.
    let panic = lines.by_ref().find(|line| line.contains("panicked at"));
    let panic = panic.map(|place| format!("{place} {}", lines.next().unwrap_or_default()));
    let limit = || text.lines().find(|line| line.contains("ERROR: libFuzzer")).map(str::to_owned);
    let input = text.lines().find_map(|line| line.split_once("Test unit written to "));
    (panic.or_else(limit), input.map(|(_, path)| PathBuf::from(path.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_prints_is_read() {
        let clean = "#2 INITED\nDone 1234 runs in 61 second(s)\nstat::number_of_executed_units: 1234\n\
                    stat::average_exec_per_sec:     20\n";
        assert_eq!(runs(clean), Some("1234"));
        let panic = "thread '<unnamed>' (7) panicked at targets/spec.rs:9:5:\nassertion failed\n\
                     ==7== ERROR: libFuzzer: deadly signal\n\
                     artifact_prefix='/x/'; Test unit written to /x/crash-01\n";
        let (why, input) = finding(panic);
        assert!(why.is_some_and(|why| why.ends_with("spec.rs:9:5: assertion failed")));
        assert_eq!(input, Some(PathBuf::from("/x/crash-01")));
        let slow = "==7== ERROR: libFuzzer: timeout after 10 seconds\n\
                    artifact_prefix='/x/'; Test unit written to /x/timeout-02\n";
        let (why, input) = finding(slow);
        assert!(why.is_some_and(|why| why.contains("timeout after 10 seconds")));
        assert_eq!(input, Some(PathBuf::from("/x/timeout-02")));
    }

    #[test]
    fn targets_are_those_of_this_checkout() {
        let own = build::root().join("tests/fuzz");
        let all = chosen(&own, &[]).unwrap();
        assert!(all.contains(&"spec".to_owned()), "{all:?}");
        let manifest = fs::read_to_string(own.join("Cargo.toml")).unwrap();
        for target in &all {
            assert!(own.join("seeds").join(target).is_dir(), "{target} has no seeds");
            // Otherwise it is not built, and the program of an earlier checkout runs.
            for line in [format!("    \"{target}\","), format!("name = \"{target}\"")] {
                assert!(manifest.lines().any(|one| one == line), "Cargo.toml has no `{line}`");
            }
        }
        let error = chosen(&own, &["none".into()]).unwrap_err().to_string();
        assert!(error.contains("`none` is no target") && error.contains("redactor"), "{error}");
    }
}
