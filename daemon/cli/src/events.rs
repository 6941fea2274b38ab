//! Every event on its way to the user: the message that the daemon sends, the client's JSON and its lines.

use crate::{json, show, snapshots::same};
use serde_json::Value;
use std::collections::BTreeSet;
use windlass_engine::ports::store::Recorded;
use windlass_model::event::examples::all;
use windlass_proto::v1;

fn sent() -> Vec<v1::Event> {
    let at_ms = 1_764_093_182_250;
    let recorded = |(seq, event)| Recorded { seq, at_ms, event };
    (1..).zip(all()).map(recorded).map(windlass_api::event).collect()
}

#[test]
fn each_event_is_sent_as_it_should() {
    let text: String = sent().iter().map(|event| format!("{event:#?}\n")).collect();
    same("events.proto", &text);
}

/// Programs read these: keys are added. A change of one is in CHANGELOG.md.
#[test]
fn each_event_is_json_as_it_should() {
    let text: String = sent().iter().map(|event| format!("{:#}\n", json::value(event))).collect();
    same("events.json", &text);
}

/// For authors of controllers: an example of each kind.
#[test]
fn the_published_reference_is_of_this_code() {
    let mut text = String::from(
        "# Events\n\n<!-- Made by a test of daemon/cli: WINDLASS_BLESS=1 cargo test -p windlass-cli events -->\n\n\
         An example of each kind, as `--output json` prints it. The API has the same fields: \
         [windlass.proto](../../proto/windlass/v1/windlass.proto). Clients act on the typed fields. \
         `sentence` is for people, and may change.\n",
    );
    let mut kinds = BTreeSet::new();
    for event in sent() {
        if kinds.insert(event.kind.clone()) {
            let json = json::value(&event);
            text.push_str(&format!("\n## `{}`\n\n```json\n{json:#}\n```\n", event.kind));
        }
    }
    let file = windlass_blessed::reference("events.md");
    assert!(windlass_blessed::holds(&file, &text), "{} is not of this code", file.display());
}

#[test]
fn each_event_reads_as_it_should() {
    let text: String = sent().iter().map(|event| show::event(event) + "\n").collect();
    same("events", &text);
}

#[test]
fn a_kind_is_the_key_of_what_happened() {
    for event in sent() {
        let value = json::value(&event);
        assert!(value.get(&event.kind).is_some_and(Value::is_object), "{value:#}");
    }
}

/// An older daemon sends neither kind nor sentence.
#[test]
fn an_event_of_an_older_daemon_is_shown_by_its_fields() {
    for event in sent() {
        let older = v1::Event { kind: String::new(), sentence: String::new(), ..event };
        assert!(show::event(&older).contains('{'), "{older:?}");
    }
}

/// An event of a newer daemon: its fields are lost, and the rest is not.
#[test]
fn an_unknown_event_has_its_sentence() {
    let newer = v1::Event {
        seq: 7,
        stage: v1::Stage::Release.into(),
        kind: "canary".into(),
        sentence: "10 % of the traffic\ngo to the new release".into(),
        ..v1::Event::default()
    };
    let shown = show::event(&newer);
    assert_eq!(shown, "release  10 % of the traffic\nrelease  go to the new release");
    let value = json::value(&newer);
    assert_eq!(value["kind"], "canary");
    assert_eq!(value["stage"], "release");
}
