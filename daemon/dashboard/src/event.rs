//! Events as the page gets them.

use windlass_api::event;
use windlass_engine::ports::store::Recorded;
use windlass_proto::v1::{self, event::What};

/// Returns the message for an event. A log line has no sentence, which would be the line once more.
pub(crate) fn for_page(recorded: Recorded) -> v1::Event {
    let mut event = event(recorded);
    if let Some(What::Log(_)) = &event.what {
        event.sentence.clear();
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{event::Event, job::Stage};

    #[test]
    fn a_line_is_sent_once() {
        let (source, line) = ("npm".to_owned(), "added 212 packages".to_owned());
        let event = Event::Log { stage: Stage::Build, source, line };
        let text =
            serde_json::to_string(&for_page(Recorded { seq: 7, at_ms: 1500, event })).unwrap();
        assert_eq!(text.matches("added 212 packages").count(), 1, "{text}");
        assert!(text.contains(r#""seq":7"#) && text.contains(r#""at":1.5"#), "{text}");
        let event = Event::Started(Stage::Build);
        let started = for_page(Recorded { seq: 1, at_ms: 0, event });
        assert!(!started.sentence.is_empty());
    }
}
