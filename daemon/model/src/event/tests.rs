//! Every event as it is stored, masked and viewed, compared with files: `WINDLASS_BLESS=1` writes them.

use super::{
    Event,
    examples::{NAMES, all, name, with_each_text},
    view::view,
};
use crate::{
    job::Stage,
    outcome::{Outcome, Stop},
    redact::Redactor,
    text::is_obeyed,
};
use serde_json::Value;
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

/// There may have been no release before: only a stop before the release knows what it left.
#[test]
fn a_stop_says_that_nothing_changed_only_before_the_release() {
    for (at, sentence) in [
        (Stage::Push, "STOPPED: cancelled by ann; no cluster was changed"),
        (Stage::Release, "STOPPED: cancelled by ann"),
        (Stage::Hooks, "STOPPED: cancelled by ann"),
    ] {
        let outcome = Outcome::Stopped { at, why: Stop::Cancelled { by: "ann".into() } };
        assert_eq!(view(&Event::Ended(outcome.clone())).sentence, sentence, "{at}");
        let back = view(&Event::RollingBack(outcome)).sentence;
        assert_eq!(back, "rolling back: STOPPED: cancelled by ann", "{at}");
    }
}

/// Journals of before there were strategies have neither a strategy nor tracks in their releases.
#[test]
fn a_plan_of_before_there_were_strategies_is_read_and_is_rolling() {
    let planned = all().into_iter().find(|event| matches!(event, Event::Planned(_))).unwrap();
    let mut old = serde_json::to_value(&planned).unwrap();
    without_strategy(&mut old);
    assert!(!old.to_string().contains("strategy"), "{old}");
    let Event::Planned(plan) = serde_json::from_value(old).unwrap() else { panic!("no plan") };
    let runtime = &plan.release.runtime;
    assert!(runtime.strategy.is_default() && runtime.tracks.is_empty() && runtime.aside.is_none());
}

/// Removes what journals had not before there were strategies.
fn without_strategy(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(without_strategy),
        Value::Object(map) => {
            for key in ["strategy", "tracks", "aside"] {
                map.remove(key);
            }
            map.values_mut().for_each(without_strategy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Text that is no `***` here is never masked.
#[test]
fn each_text_from_outside_is_masked() {
    let masked = all().into_iter().map(|event| event.map_text(&mut |_: String| "***".to_owned()));
    let text: String = masked.map(|event| stored(&event) + "\n").collect();
    same("masked", &text);
}

/// A terminal obeys none of the texts from outside that a journal holds.
#[test]
fn no_text_from_outside_drives_a_terminal() {
    let hostile =
        "\u{1b}]52;c;cm0=\u{7}\u{1b}[2J\u{9b}2Ja\u{202e}b\u{2066}\rc\u{7f}\u{200b}\u{feff}";
    let redactor = Redactor::default();
    let mut from_outside = 0;
    for event in all().iter().flat_map(|event| with_each_text(event, hostile)) {
        let masked = event.clone().map_text(&mut |_: String| "***".to_owned());
        // The others are the operator's names, or are read by a restart: see `masked.txt`.
        if texts(&masked).contains(&hostile.to_owned()) {
            continue;
        }
        from_outside += 1;
        let kept = event.map_text(&mut |text: String| redactor.shown(&text));
        let shown = texts(&kept);
        assert!(!shown.iter().any(|text| text.contains(is_obeyed)), "{kept:?}");
        assert!(shown.iter().any(|text| text.contains("\\u{1b}]52;")), "{kept:?}");
    }
    assert!(from_outside >= 25, "{from_outside}");
}

/// Returns all texts of an event.
fn texts(event: &Event) -> Vec<String> {
    fn walk(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(list) => list.iter().for_each(|value| walk(value, texts)),
            Value::Object(map) => map.values().for_each(|value| walk(value, texts)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut texts = Vec::new();
    walk(&serde_json::to_value(event).unwrap(), &mut texts);
    texts
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
