//! Progress of a solve as events: steps as they end, and their output line by line.

use crate::{connect::LARGEST_MESSAGE, line::plain};
use bollard_buildkit_proto::{
    google::protobuf::Timestamp,
    moby::buildkit::v1::{StatusRequest, StatusResponse, Vertex, control_client::ControlClient},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::AbortHandle};
use tonic::transport::Channel;
use windlass_engine::recorder::Recorder;
use windlass_model::{event::Event, job::Stage, redact::Stream, testing::LastWords};

/// Most lines that are kept of each step, for its error.
const TAIL: usize = 25;

/// Time in which the builder sends the next of what an ended solve printed.
const SILENCE: Duration = Duration::from_secs(5);

/// Longest line, in bytes. A longer one is cut into several.
const LONGEST_LINE: usize = 8 << 10;

/// Last lines of each step, by the step's digest.
#[derive(Clone, Default)]
pub(crate) struct Tails(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    tails: BTreeMap<String, VecDeque<String>>,
    /// Lines of all steps, while a test listens. `None` means that none does.
    heard: Option<LastWords>,
    /// Lines that steps have begun, while a test listens.
    begun: BTreeMap<String, Vec<String>>,
}

impl Tails {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, vertex: &str, line: &str) {
        let mut state = self.lock();
        if let Some(heard) = &state.heard {
            heard.keep(line.to_owned());
        }
        let tail = state.tails.entry(vertex.to_owned()).or_default();
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.to_owned());
    }

    fn is_heard(&self) -> bool {
        self.lock().heard.is_some()
    }

    /// Keeps the lines that a step has begun. Empty means that the step has ended.
    fn begins(&self, vertex: &str, lines: Vec<String>) {
        let mut state = self.lock();
        if lines.is_empty() {
            state.begun.remove(vertex);
        } else {
            state.begun.insert(vertex.to_owned(), lines);
        }
    }

    pub(crate) fn of(&self, vertex: &str) -> Vec<String> {
        self.lock().tails.get(vertex).into_iter().flatten().cloned().collect()
    }

    /// Listens to all steps. A listener that is dropped without [`Listening::finish`] leaves their last lines
    /// in `last`.
    pub(crate) fn listen<'a>(&'a self, last: &'a LastWords) -> Listening<'a> {
        self.lock().heard = Some(LastWords::default());
        Listening { tails: self, last }
    }
}

/// Listener to steps that may be given up in the middle.
pub(crate) struct Listening<'a> {
    tails: &'a Tails,
    last: &'a LastWords,
}

impl Listening<'_> {
    /// Ends the listening, since the steps ended by themselves.
    pub(crate) fn finish(self) {
        self.tails.lock().heard = None;
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let mut state = self.tails.lock();
        let begun = std::mem::take(&mut state.begun);
        let Some(heard) = state.heard.take() else { return };
        for line in heard.lines().into_iter().chain(begun.into_values().flatten()) {
            self.last.keep(line);
        }
    }
}

/// Splitter of a stream's bytes into masked lines.
#[derive(Clone)]
pub(crate) struct Lines {
    mask: Stream,
    rest: Vec<u8>,
}

impl Lines {
    fn new(recorder: &Recorder) -> Self {
        Self { mask: recorder.redactor().stream(), rest: Vec::new() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let shown = self.mask.push(bytes);
        let begun = self.rest.len();
        self.rest.extend(shown);
        let mut lines = Vec::new();
        let mut from = 0;
        // What was begun has no end of a line.
        let ends = self.rest.iter().enumerate().skip(begun);
        for (at, _) in ends.filter(|(_, byte)| **byte == b'\n') {
            pieces(self.rest.get(from..at).unwrap_or_default(), &mut lines);
            from = at + 1;
        }
        self.rest.drain(..from);
        if self.rest.len() > LONGEST_LINE {
            pieces(&std::mem::take(&mut self.rest), &mut lines);
        }
        lines
    }

    /// Returns the last lines of a stream that ended.
    fn finish(&mut self) -> Vec<String> {
        let end = self.mask.finish();
        self.ends_with(end)
    }

    /// Returns the last lines of a stream that is given up. The possible start of a secret is masked.
    fn cut(&mut self) -> Vec<String> {
        let end = self.mask.cut();
        self.ends_with(end)
    }

    fn ends_with(&mut self, end: Vec<u8>) -> Vec<String> {
        self.rest.extend(end);
        let mut lines: Vec<_> = self.rest.split(|byte| *byte == b'\n').map(plain).collect();
        self.rest = Vec::new();
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }
}

/// Standard output and standard error of a step. A line that one has begun is not ended by the other.
pub(crate) struct Streams {
    stdout: Lines,
    stderr: Lines,
}

impl Streams {
    pub(crate) fn new(recorder: &Recorder) -> Self {
        Self { stdout: Lines::new(recorder), stderr: Lines::new(recorder) }
    }

    /// Returns the stream of a file descriptor: 1 or 2, in BuildKit's `VertexLog.stream` and `FdMessage.Fd`.
    pub(crate) fn of(&mut self, number: i64) -> &mut Lines {
        if number == 2 { &mut self.stderr } else { &mut self.stdout }
    }

    /// Returns the lines that were begun, as they stand. The possible start of a secret is masked.
    pub(crate) fn begun(&self) -> Vec<String> {
        let mut begun = self.stdout.clone().cut();
        begun.extend(self.stderr.clone().cut());
        begun
    }

    /// Returns the last lines of a step that ended.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let mut lines = self.stdout.finish();
        lines.extend(self.stderr.finish());
        lines
    }
}

/// Adds a line to `lines`, a long one in several pieces.
fn pieces(mut line: &[u8], lines: &mut Vec<String>) {
    while line.len() > LONGEST_LINE {
        // Not within a character of UTF-8.
        let is_start = |at: &usize| line.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80);
        let at = (1..=LONGEST_LINE).rev().take(4).find(is_start).unwrap_or(LONGEST_LINE);
        let Some((piece, rest)) = line.split_at_checked(at) else { break };
        lines.push(plain(piece));
        line = rest;
    }
    lines.push(plain(line));
}

/// Task that records what a solve prints. Dropping it ends it.
pub(crate) struct Following {
    task: AbortHandle,
    ending: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Following {
    pub(crate) fn start(
        channel: Channel,
        reference: String,
        tails: Tails,
        recorder: Recorder,
    ) -> Self {
        let (ending, ends) = watch::channel(false);
        let (done, ended) = watch::channel(false);
        let task = tokio::spawn(async move {
            follow(channel, reference, tails, recorder, ends).await;
            done.send_replace(true);
        });
        Self { task: task.abort_handle(), ending, ended }
    }

    /// Waits until all that an ended solve printed is recorded, however long the journal takes. A builder that
    /// sends nothing for some seconds has no more.
    pub(crate) async fn settle(&self) {
        self.ending.send_replace(true);
        // An error means that the task has ended.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows a solve until its stream ends, or falls silent once `ending` is set.
async fn follow(
    channel: Channel,
    reference: String,
    tails: Tails,
    recorder: Recorder,
    mut ending: watch::Receiver<bool>,
) {
    let mut client = ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
    // The answer begins with the first message: a solve that ended without one may never have an answer.
    let answer = tokio::select! {
        biased;
        answer = client.status(StatusRequest { r#ref: reference }) => answer,
        () = silence(&mut ending) => return,
    };
    let Ok(stream) = answer else { return };
    let mut stream = stream.into_inner();
    let mut steps = Steps {
        tails,
        recorder,
        names: BTreeMap::new(),
        lines: BTreeMap::new(),
        reported: BTreeSet::new(),
        warned: BTreeSet::new(),
    };
    loop {
        let response = tokio::select! {
            biased;
            response = stream.message() => response,
            () = silence(&mut ending) => break,
        };
        let Ok(Some(response)) = response else { break };
        steps.take(response).await;
    }
    steps.flush().await;
}

/// Waits until the solve has ended, and then for [`SILENCE`].
async fn silence(ending: &mut watch::Receiver<bool>) {
    // An error means that nobody waits any more.
    let _ = ending.wait_for(|ending| *ending).await;
    tokio::time::sleep(SILENCE).await;
}

struct Steps {
    tails: Tails,
    recorder: Recorder,
    names: BTreeMap<String, String>,
    lines: BTreeMap<String, Streams>,
    /// Steps that were recorded as ended. Some end again as more of the build asks for them.
    reported: BTreeSet<String>,
    /// Warnings that were recorded. The frontend repeats them with each answer.
    warned: BTreeSet<String>,
}

impl Steps {
    async fn take(&mut self, response: StatusResponse) {
        for vertex in &response.vertexes {
            self.names.insert(vertex.digest.clone(), vertex.name.clone());
        }
        for log in &response.logs {
            let streams = self.lines.entry(log.vertex.clone());
            let streams = streams.or_insert_with(|| Streams::new(&self.recorder));
            let ended = streams.of(log.stream).push(&log.msg);
            let begun = if self.tails.is_heard() { streams.begun() } else { Vec::new() };
            self.record(&log.vertex, ended).await;
            let redactor = self.recorder.redactor();
            let begun = begun.iter().map(|line| redactor.mask(line)).collect();
            self.tails.begins(&log.vertex, begun);
        }
        for vertex in response.vertexes {
            let has_ended = vertex.completed.is_some() || !vertex.error.is_empty();
            if has_ended && self.reported.insert(vertex.digest.clone()) {
                if let Some(mut rest) = self.lines.remove(&vertex.digest) {
                    self.tails.begins(&vertex.digest, Vec::new());
                    self.record(&vertex.digest, rest.finish()).await;
                }
                self.ended(vertex).await;
            }
        }
        for warning in response.warnings {
            let message = String::from_utf8_lossy(&warning.short).into_owned();
            if !self.warned.insert(message.clone()) {
                continue;
            }
            let fix = if warning.url.is_empty() {
                "see the Dockerfile reference".to_owned()
            } else {
                format!("see {}", warning.url)
            };
            self.recorder.record(Event::Warning { stage: Stage::Build, message, fix }).await;
        }
    }

    async fn record(&self, vertex: &str, lines: Vec<String>) {
        let name = self.names.get(vertex).map_or("", |name| name);
        // Once more: without escape sequences a secret may be whole again.
        let redactor = self.recorder.redactor();
        for line in lines {
            let line = redactor.mask(&line);
            self.tails.push(vertex, &line);
            self.recorder.log_line(Stage::Build, name, &line).await;
        }
    }

    async fn ended(&self, vertex: Vertex) {
        // BuildKit's own errands (loading the Dockerfile, exporting) are of no interest when they succeed.
        if vertex.name.starts_with("[internal]") && vertex.error.is_empty() {
            return;
        }
        let ms = match (&vertex.started, &vertex.completed) {
            (Some(started), Some(completed)) => millis(completed).saturating_sub(millis(started)),
            _ => 0,
        };
        let error = Some(vertex.error).filter(|error| !error.is_empty());
        let step = vertex.name;
        let cached = vertex.cached;
        self.recorder.record(Event::Built { step, cached, ms, error }).await;
    }

    async fn flush(&mut self) {
        for (vertex, mut streams) in std::mem::take(&mut self.lines) {
            self.record(&vertex, streams.finish()).await;
        }
    }
}

fn millis(time: &Timestamp) -> u64 {
    let ms = time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos) / 1_000_000);
    u64::try_from(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_LINE, LastWords, Lines, Streams, Tails, pieces};
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };
    use tokio::sync::watch;
    use windlass_engine::{journal::NullJournal, run::Run};

    /// Cutting each line off the front of what is left would move 400 MB for each megabyte of empty lines.
    #[test]
    fn a_piece_of_many_lines_takes_linear_time() {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let mut lines = Lines::new(run.recorder());
        let many = b"\n".repeat(2 << 20);
        let began = Instant::now();
        assert_eq!(lines.push(&many).len(), many.len());
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert_eq!(lines.push(b"begun"), [""; 0]);
        assert_eq!(lines.push(b", ended\nnext"), ["begun, ended"]);
        assert_eq!(lines.finish(), ["next"]);
    }

    #[test]
    fn a_line_of_standard_error_does_not_begin_one_of_standard_output() {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let mut streams = Streams::new(run.recorder());
        assert_eq!(streams.of(2).push(b"ls: "), [""; 0]);
        assert_eq!(streams.of(1).push(b"secrets=[]\nno"), ["secrets=[]"]);
        assert_eq!(streams.of(2).push(b"cannot access\nnow"), ["ls: cannot access"]);
        assert_eq!(streams.begun(), ["no", "now"]);
        assert_eq!(streams.finish(), ["no", "now"]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "\u{2713}".repeat(LONGEST_LINE);
        let mut lines = Vec::new();
        pieces(long.as_bytes(), &mut lines);
        assert!(lines.iter().all(|line| line.len() <= LONGEST_LINE));
        assert_eq!(lines.concat(), long);
    }

    #[test]
    fn steps_that_are_given_up_leave_their_last_words() {
        let tails = Tails::default();
        let last = LastWords::default();
        tails.push("earlier", "not heard");
        let listening = tails.listen(&last);
        tails.push("step", "test_adds ... ok");
        tails.begins("step", vec!["test_waits_for_the_bank ... ".into()]);
        tails.begins("other", vec!["ended".into()]);
        tails.begins("other", Vec::new());
        drop(listening);
        let expected = ["test_adds ... ok", "test_waits_for_the_bank ... "];
        assert_eq!(last.lines(), expected);
        let listening = tails.listen(&last);
        tails.push("step", "built");
        listening.finish();
        assert_eq!(last.lines(), expected, "the output of a stage that was built is no test's");
        assert_eq!(tails.of("step"), ["test_adds ... ok", "built"]);
    }
}
