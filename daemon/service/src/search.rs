//! Searches the log of a job.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use windlass_engine::ports::store::Recorded;
use windlass_model::{
    event::{Event, view::view},
    job::Stage,
};

/// Number of events that are read at once.
const PAGE: u32 = 2000;

/// Number of events that one answer looks at, at most: whoever searches hears of hits soon, and may leave between.
const LOOKED: u64 = 20_000;

/// Number of hits of one answer, at most.
const HITS: usize = 200;

/// Number of characters of a text that is searched for, at most.
const LONGEST: usize = 200;

/// Number of characters that are shown of a line, and among them those before the hit, at most.
const SHOWN: (usize, usize) = (240, 60);

/// Request for the lines of a job's log that hold a text.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    /// Id of the job.
    pub id: String,
    /// Text of 1 to 200 characters. Upper and lower case are the same.
    pub text: String,
    /// [`SearchPage::next`] of the answer before: number of an event; only later ones are looked at. 0 begins with the
    /// first.
    pub after: u64,
}

/// Part of the answer to a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// Hits in the order of the log. An event counts once, however often it holds the text.
    pub hits: Vec<LogHit>,
    /// Number of the last event that was looked at.
    pub looked: u64,
    /// Number of an event after which the search goes on. `None` means that this is the end of the log by now.
    pub next: Option<u64>,
}

/// Line of a log that holds a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHit {
    /// Number of the event.
    pub seq: u64,
    /// Stage of the event. `None` means that it belongs to none.
    pub stage: Option<Stage>,
    /// Part of the line around the hit.
    pub text: String,
}

impl Services {
    /// Returns the first lines after an event that hold a text. Dropping the future ends the search.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has, [`ServiceError::Invalid`] for a text that is empty or too long.
    pub async fn search_log(
        &self,
        caller: &Caller,
        request: SearchRequest,
    ) -> Result<SearchPage, ServiceError> {
        let SearchRequest { id, text, after } = request;
        let record = self.find_job(&id).await?;
        caller.may(Verb::Read, &record.job.app.project)?;
        let count = text.chars().count();
        if count == 0 || count > LONGEST {
            let expected = format!("must be a text of 1 to {LONGEST} characters");
            let shown: String = text.chars().take(80).collect();
            return Err(ServiceError::invalid("text", shown, expected));
        }
        let wanted = text.to_lowercase();
        let mut page = SearchPage { looked: after, ..SearchPage::default() };
        while page.looked < after.saturating_add(LOOKED) {
            let events = self.jobs.events(&id, page.looked, PAGE).await?;
            let is_last = u32::try_from(events.len()).is_ok_and(|count| count < PAGE);
            for recorded in events {
                page.looked = recorded.seq;
                page.hits.extend(hit(recorded, &wanted));
                if page.hits.len() == HITS {
                    page.next = Some(page.looked);
                    return Ok(page);
                }
            }
            if is_last {
                return Ok(page);
            }
        }
        page.next = Some(page.looked);
        Ok(page)
    }
}

/// Returns the hit of an event whose line or sentence holds a text in lower case.
fn hit(recorded: Recorded, wanted: &str) -> Option<LogHit> {
    let (stage, text) = match recorded.event {
        Event::Log { stage, line, .. } => (Some(stage), line),
        event => {
            let view = view(&event);
            (view.stage, view.sentence)
        }
    };
    let text = around(&text, wanted)?;
    Some(LogHit { seq: recorded.seq, stage, text })
}

/// Returns the part of the first line that holds a text in lower case, around it. `None` means that no line does.
fn around(text: &str, wanted: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let lower = line.to_lowercase();
        let before = lower.get(..lower.find(wanted)?)?;
        // A few letters have another length in lower case: the part is then shifted by that little.
        let skipped = before.chars().count().saturating_sub(SHOWN.1);
        let mut shown = String::new();
        if skipped > 0 {
            shown.push('…');
        }
        shown.extend(line.chars().skip(skipped).take(SHOWN.0));
        if line.chars().nth(skipped + SHOWN.0).is_some() {
            shown.push('…');
        }
        Some(shown)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller, submit};

    fn log(line: &str) -> Event {
        Event::Log { stage: Stage::Build, source: "npm".into(), line: line.into() }
    }

    async fn printed(lines: usize) -> (World, Caller, String) {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        for number in 0..lines {
            world.append(&id, log(&format!("Line {number} of it"))).await;
        }
        (world, ci, id)
    }

    fn request(id: &str, text: &str, after: u64) -> SearchRequest {
        SearchRequest { id: id.into(), text: text.into(), after }
    }

    #[tokio::test]
    async fn lines_and_sentences_are_found_by_their_numbers() {
        let (world, ci, id) = printed(30).await;
        world.append(&id, Event::Skipped(Stage::Test, "no tests in LINE 7".into())).await;
        let all = world.services.job_events(&ci, &id, 0, 0).await.unwrap();
        let found = world.services.search_log(&ci, request(&id, "line 7", 0)).await.unwrap();
        let [first, second] = &*found.hits else { panic!("{found:?}") };
        assert_eq!((&*first.text, first.stage), ("Line 7 of it", Some(Stage::Build)));
        let is_it = |recorded: &&Recorded| recorded.seq == first.seq;
        assert_eq!(all.iter().find(is_it).unwrap().event, log("Line 7 of it"));
        assert_eq!(second.stage, Some(Stage::Test));
        assert_eq!((found.next, Some(found.looked)), (None, all.last().map(|last| last.seq)));
        let later = world.services.search_log(&ci, request(&id, "line 7", first.seq)).await;
        assert_eq!(later.unwrap().hits.len(), 1, "the first is not later than itself");
    }

    #[tokio::test]
    async fn an_answer_ends_with_its_last_hit_and_the_next_goes_on_there() {
        let (world, ci, id) = printed(HITS + 5).await;
        let first = world.services.search_log(&ci, request(&id, "of it", 0)).await.unwrap();
        assert_eq!((first.hits.len(), first.next), (HITS, Some(first.looked)));
        let next = first.next.unwrap();
        let rest = world.services.search_log(&ci, request(&id, "of it", next)).await.unwrap();
        assert_eq!((rest.hits.len(), rest.next), (5, None));
        assert!(rest.hits[0].seq > first.hits[HITS - 1].seq);
    }

    #[tokio::test]
    async fn whoever_may_not_read_finds_nothing_and_a_text_has_a_length() {
        let (world, ci, id) = printed(1).await;
        let other = caller("other", &["blog"], &[Verb::Read]);
        let error = world.services.search_log(&other, request(&id, "line", 0)).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        for bad in [String::new(), "a".repeat(LONGEST + 1)] {
            let error = world.services.search_log(&ci, request(&id, &bad, 0)).await.unwrap_err();
            let expected = "must be a text of 1 to 200 characters";
            assert!(error.to_string().ends_with(expected), "{error}");
        }
    }

    #[test]
    fn a_long_line_is_shown_around_its_hit() {
        let line = format!("{}needle{}", "é".repeat(5000), "z".repeat(5000));
        let shown = around(&line, "needle").unwrap();
        assert_eq!(shown.chars().count(), SHOWN.0 + 2);
        assert!(shown.starts_with("…é") && shown.contains("éneedlez"), "{shown}");
        assert!(shown.ends_with("z…"));
        assert_eq!(around("first\nSecond needle", "needle").as_deref(), Some("Second needle"));
        assert_eq!(around("nothing", "needle"), None);
    }
}
