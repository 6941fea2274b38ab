//! The log of a job as plain text.

use super::answer::Door;
use crate::{identify::Known, problem::Problem, state::Shared};
use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use futures::stream;
use http::{HeaderValue, header};
use std::{io, sync::Arc};
use windlass_model::event::{Event, view::view};
use windlass_service::Caller;

/// Number of events that are read at once.
const PAGE: u32 = 2000;

/// Place in a log that is being sent.
struct Place {
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    id: String,
    after: u64,
}

/// Returns the lines up to now. Each event that is no line of a tool is a line that begins with `#`.
pub(super) async fn raw(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    door.services.get_job(known.caller(), &id).await?;
    let disposition = format!("inline; filename=\"{}.log\"", file_name(&id));
    let caller = known.identity.caller;
    let place = Place { shared: door, caller, id, after: 0 };
    let lines = stream::try_unfold(place, |mut place| async move {
        let Place { shared, caller, id, after } = &mut place;
        let page = shared.services.job_events(caller, id, *after, PAGE).await;
        let page = page.map_err(|error| io::Error::other(error.to_string()))?;
        let Some(last) = page.last() else { return Ok::<_, io::Error>(None) };
        *after = last.seq;
        let text = page.iter().fold(String::new(), |text, recorded| line(text, &recorded.event));
        Ok(Some((text, place)))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Returns the characters of an id that a name of a file may have.
fn file_name(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

fn line(mut text: String, event: &Event) -> String {
    if let Event::Log { line, .. } = event {
        text.push_str(line);
        text.push('\n');
        return text;
    }
    let view = view(event);
    let stage = view.stage.map(|stage| format!("{stage}: ")).unwrap_or_default();
    for sentence in view.sentence.lines() {
        text.push_str("# ");
        text.push_str(&stage);
        text.push_str(sentence);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::job::Stage;

    #[test]
    fn lines_of_tools_are_as_they_were() {
        let log = Event::Log { stage: Stage::Build, source: "s".into(), line: "# as is".into() };
        let text = line(line(String::new(), &Event::Started(Stage::Build)), &log);
        assert_eq!(text, "# build: started\n# as is\n");
        assert_eq!(file_name("0197-\"a\"\r\n"), "0197-a");
    }
}
