//! Events as the page gets them.

use crate::strategy::Strategy;
use serde::Serialize;
use windlass_api::event;
use windlass_engine::ports::store::Recorded;
use windlass_model::event::Event;
use windlass_proto::v1::{self, event::What};

/// An event with what the page alone needs of it.
#[derive(Serialize)]
pub(crate) struct PageEvent {
    #[serde(flatten)]
    event: v1::Event,
    /// `None` means that the event plans no release that shares requests between two versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<Strategy>,
}

/// Returns the message for an event. A log line has no sentence, which would be the line once more.
pub(crate) fn for_page(recorded: Recorded) -> PageEvent {
    let strategy = match &recorded.event {
        Event::Planned(plan) => Strategy::of(plan),
        _ => None,
    };
    let mut event = event(recorded);
    if let Some(What::Log(_)) = &event.what {
        event.sentence.clear();
    }
    PageEvent { event, strategy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::tests::{canary, planned};
    use serde_json::Value;
    use windlass_model::{cluster::RolloutOrder, job::Stage};

    fn shown(event: Event) -> String {
        serde_json::to_string(&for_page(Recorded { seq: 7, at_ms: 1500, event })).unwrap()
    }

    #[test]
    fn a_line_is_sent_once() {
        let (source, line) = ("npm".to_owned(), "added 212 packages".to_owned());
        let text = shown(Event::Log { stage: Stage::Build, source, line });
        assert_eq!(text.matches("added 212 packages").count(), 1, "{text}");
        assert!(text.contains(r#""seq":7"#) && text.contains(r#""at":1.5"#), "{text}");
        let started: Value = serde_json::from_str(&shown(Event::Started(Stage::Build))).unwrap();
        assert!(started["sentence"].as_str().is_some_and(|text| !text.is_empty()), "{started}");
        assert_eq!(started.get("strategy"), None);
    }

    #[test]
    fn a_plan_comes_with_the_shares_of_its_requests() {
        let plan = planned(canary(), &["eu"], RolloutOrder::Sequential);
        let count = plan.forward.len();
        let event: Value = serde_json::from_str(&shown(Event::Planned(Box::new(plan)))).unwrap();
        assert_eq!(event["planned"]["forward"].as_array().map(Vec::len), Some(count));
        assert_eq!(event["strategy"]["shares"][0]["weight"], 25);
        assert_eq!(event["kind"], "planned");
    }
}
