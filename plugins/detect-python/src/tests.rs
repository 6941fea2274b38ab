//! Trees of every manager, start and refusal.

use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{Files, Outcome, detect},
};

mod bad;
mod managers;
mod starts;
mod versions;

const MANIFEST: &str = include_str!("../plugin.toml");

/// An app that starts itself.
const ITSELF: &str = "import http.server\n\nif __name__ == \"__main__\":\n    pass\n";

fn outcome(files: &Files) -> Outcome {
    detect(crate::detect, MANIFEST, files)
}

fn plan(files: &Files) -> Detection {
    outcome(files).plan()
}

fn refusal(files: &Files) -> Refusal {
    outcome(files).refusal()
}

/// Returns whether a command is among those that the build runs.
fn runs(plan: &Detection, command: &str) -> bool {
    plan.runs().iter().any(|run| run == command)
}
