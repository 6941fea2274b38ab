//! Rules of the detector, one test each.

use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{Files, bad_input, detect, golden},
    tree,
};

mod bundled;
mod generated;
mod plain;

const MANIFEST: &str = include_str!("../plugin.toml");

fn plan(files: &Files) -> Detection {
    detect(crate::detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    let refusal = detect(crate::detect, MANIFEST, files).refusal();
    assert_eq!(refusal.language, "static", "{refusal:?}");
    assert!(!refusal.hint.is_empty(), "{refusal:?}");
    refusal
}

fn is_not_mine(files: &Files) -> bool {
    detect(crate::detect, MANIFEST, files).is_not_mine()
}

/// Returns folder, fallback and stage of what is served.
fn served(plan: &Detection) -> (&str, Option<&str>, Option<&str>) {
    let site = plan.serves.as_ref().unwrap();
    (&site.folder, site.fallback.as_deref(), site.stage.as_deref())
}

fn warns(plan: &Detection, text: &str) -> bool {
    plan.warnings.iter().any(|warning| warning.message.contains(text) && !warning.fix.is_empty())
}
