//! Comparison with files of a plugin. `WINDLASS_BLESS=1` writes them.

use super::render::render;
use crate::answer::{Detection, ProcessKind};
use std::{cell::RefCell, env, fmt::Write, fs, path::Path};

thread_local! {
    /// Name of the detector that this thread asked last.
    static DETECTOR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the name for the head of the next golden.
pub(super) fn detector_is(name: &str) {
    DETECTOR.set(name.to_owned());
}

/// Compares the Dockerfile of a plan with a file. The path is relative to the plugin's folder.
///
/// # Panics
/// They differ.
#[track_caller]
pub fn golden(path: &str, detection: &Detection) {
    let detector = DETECTOR.with_borrow(String::clone);
    compare(path, &render(&detector, detection));
}

/// Compares evidence, decisions, warnings, processes and candidates of a plan with a file.
///
/// # Panics
/// They differ.
#[track_caller]
pub fn golden_evidence(path: &str, detection: &Detection) {
    let mut text = format!("{} {}\n", detection.language, detection.score);
    for decision in &detection.decisions {
        let _ = writeln!(text, "{} {}: {}", decision.subject, decision.value, decision.source);
    }
    for line in &detection.evidence {
        let _ = writeln!(text, "evidence: {line}");
    }
    for warning in &detection.warnings {
        let _ = writeln!(text, "warning: {}\n  fix: {}", warning.message, warning.fix);
    }
    for process in &detection.processes {
        let kind = match process.kind {
            ProcessKind::Web => "web",
            ProcessKind::Worker => "worker",
            ProcessKind::Release => "release",
            ProcessKind::Schedule => "schedule",
        };
        let command = process.command.join(" ");
        let _ = writeln!(text, "{kind} {}: {command} ({})", process.name, process.source);
    }
    for candidate in &detection.candidates {
        let _ = writeln!(
            text,
            "candidate: {} {} {}",
            candidate.folder, candidate.language, candidate.name
        );
    }
    compare(path, &text);
}

#[track_caller]
#[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
fn compare(path: &str, text: &str) {
    let Some(folder) = env::var_os("CARGO_MANIFEST_DIR") else { panic!("run it with cargo") };
    let file = Path::new(&folder).join(path);
    if env::var_os("WINDLASS_BLESS").is_some() {
        let written = file.parent().map(fs::create_dir_all).transpose();
        if let Err(error) = written.and_then(|_| fs::write(&file, text)) {
            panic!("{}: {error}", file.display());
        }
        return;
    }
    let before = fs::read_to_string(&file).unwrap_or_default();
    if before != text {
        let changed = before.lines().zip(text.lines()).position(|(old, new)| old != new);
        let line = changed
            .map_or_else(|| before.lines().count().min(text.lines().count()) + 1, |at| at + 1);
        panic!(
            "{path} differs from line {line}; WINDLASS_BLESS=1 writes it\n--- is to be\n{before}\n+++ is\n{text}"
        );
    }
}
