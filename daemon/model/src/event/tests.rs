//! Every event as it is stored, masked and viewed, compared with files: `WINDLASS_BLESS=1` writes them.

use super::{
    Event,
    examples::{NAMES, all, name},
    view::view,
};
use std::{collections::BTreeSet, path::Path};

/// Compares a text with `snapshots/NAME.txt`.
fn same(file: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/event/snapshots");
    let file = folder.join(format!("{file}.txt"));
    assert!(windlass_blessed::holds(&file, text), "{} reads now:\n{text}", file.display());
}

fn stored(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

#[test]
fn each_variant_has_examples_of_its_own() {
    let names: BTreeSet<_> = all().iter().map(name).collect();
    assert_eq!(names, NAMES.iter().copied().collect::<BTreeSet<_>>());
}

/// Journals hold these: every later version must read what is here.
#[test]
fn each_event_is_stored_as_it_was() {
    let mut text = String::new();
    for event in all() {
        let line = stored(&event);
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        text.push_str(&format!("{line}\n"));
    }
    same("stored", &text);
}

/// Text that is no `***` here is never masked.
#[test]
fn each_text_from_outside_is_masked() {
    let masked = all().into_iter().map(|event| event.map_text(&mut |_: String| "***".to_owned()));
    let text: String = masked.map(|event| stored(&event) + "\n").collect();
    same("masked", &text);
}

#[test]
fn each_event_has_one_view() {
    let mut text = String::new();
    for event in all() {
        let shown = view(&event);
        let stage = shown.stage.map(|stage| stage.to_string()).unwrap_or_default();
        text.push_str(&format!("{} [{stage}]\n{}\n\n", shown.kind, shown.sentence));
    }
    same("view", &text);
}
