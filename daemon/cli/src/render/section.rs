//! One part of a job: the facts that are known of it, and its line.

use super::{
    line::{Line, Look},
    time::{bytes, took},
};
use crate::{json::word, show::place};
use std::collections::{BTreeMap, VecDeque};
use windlass_proto::v1::{self, event::What};

/// Lines that are kept of a part's log. Of a longer one the last are kept.
const KEPT: usize = 10_000;

/// Characters of a commit's id that are shown.
const SHORT: usize = 10;

/// A part of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Stage(v1::Stage),
    Rollback,
}

impl Part {
    /// Returns the place in the order of parts. A restart goes on from one.
    pub(crate) fn place(self) -> i32 {
        match self {
            Self::Stage(stage) => stage.into(),
            Self::Rollback => i32::MAX,
        }
    }
}

/// State of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Done,
    /// Nothing was to be done, for this reason.
    Skipped(String),
    /// The part failed or was stopped, for this reason.
    Failed(String),
    /// Another part failed meanwhile.
    Cut,
}

/// The facts of one part.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) part: Part,
    pub(crate) state: State,
    began_ms: u64,
    ended_ms: Option<u64>,
    /// Milliseconds that hooks have acted.
    acted_ms: u64,
    /// Time at which a hook began to act. `None` means that none acts.
    acts_since_ms: Option<u64>,
    facts: Facts,
    doing: String,
    log: Log,
}

/// Facts of a part. Its line shows the one that matters.
#[derive(Debug, Default)]
struct Facts {
    commit: Option<v1::Cloned>,
    language: Option<v1::Decided>,
    dockerfile: String,
    steps: u32,
    cached: u32,
    tested: Option<v1::Tested>,
    pushed: Option<v1::Pushed>,
    /// Ready pods and wanted pods, by cluster.
    pods: BTreeMap<String, (u32, u32)>,
    /// Addresses of the app, each with its cluster.
    endpoints: Vec<(String, v1::Endpoint)>,
    /// Hooks, each with its result, in the order in which they were asked.
    hooks: Vec<(String, String)>,
}

/// Lines that tools printed, each with its step.
#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<(String, String)>,
    left_out: usize,
}

impl Section {
    pub(crate) fn new(part: Part, began_ms: u64) -> Self {
        Self {
            part,
            state: State::Running,
            began_ms,
            ended_ms: None,
            acted_ms: 0,
            acts_since_ms: None,
            facts: Facts::default(),
            doing: String::new(),
            log: Log::default(),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Returns true for hooks that wait for their next turn between a release's steps.
    pub(crate) fn is_idle(&self) -> bool {
        self.part == Part::Stage(v1::Stage::Hooks) && self.acts_since_ms.is_none()
    }

    pub(crate) fn end(&mut self, state: State, at_ms: u64) {
        self.state = state;
        self.ended_ms = Some(at_ms);
    }

    /// Returns the milliseconds that the part took, or has taken until now.
    pub(crate) fn took(&self, now_ms: u64) -> u64 {
        let until_ms = self.ended_ms.unwrap_or(now_ms);
        if self.part == Part::Stage(v1::Stage::Hooks) {
            // The time between two hooks is the release's.
            let acts = self.acts_since_ms.map(|since| until_ms.saturating_sub(since));
            return self.acted_ms + acts.unwrap_or_default();
        }
        until_ms.saturating_sub(self.began_ms)
    }

    pub(crate) fn name(&self) -> String {
        match self.part {
            Part::Stage(stage) => word(stage.as_str_name()),
            Part::Rollback => "rollback".into(),
        }
    }

    /// Returns whether a tool has printed anything.
    pub(crate) fn has_log(&self) -> bool {
        !self.log.lines.is_empty()
    }

    pub(crate) fn endpoints(&self) -> &[(String, v1::Endpoint)] {
        &self.facts.endpoints
    }

    /// Takes the facts that an event of this time has on this part.
    pub(crate) fn take(&mut self, what: &What, at_ms: u64) {
        let facts = &mut self.facts;
        match what {
            What::Cloned(it) => facts.commit = Some(it.clone()),
            What::Decided(it) if it.subject == "language" => facts.language = Some(it.clone()),
            What::Decided(it) if it.subject == "dockerfile" => {
                facts.dockerfile.clone_from(&it.value)
            }
            What::Log(it) => {
                if !it.source.is_empty() && self.part == Part::Stage(v1::Stage::Build) {
                    self.doing.clone_from(&it.source);
                }
                self.log.push(&it.source, &it.line);
            }
            What::BuildStep(it) => {
                // Stages of tests are built while tests run, and layers are a step of the push.
                if self.part == Part::Stage(v1::Stage::Build) {
                    facts.steps += 1;
                    facts.cached += u32::from(it.cached);
                }
                self.doing.clone_from(&it.name);
                if !it.error.is_empty() {
                    self.log.push(&it.name, &it.error);
                }
            }
            What::Tested(it) => facts.tested = Some(it.clone()),
            What::Pushed(it) => facts.pushed = Some(it.clone()),
            What::Step(it) if !it.done => self.doing.clone_from(&it.description),
            What::Rollout(it) => {
                facts.pods.insert(it.cluster.clone(), (it.ready, it.desired));
            }
            What::Serving(it) => {
                // The event comes again after a restart.
                facts.endpoints.retain(|(cluster, _)| *cluster != it.cluster);
                let reported = it.endpoints.iter().map(|one| (it.cluster.clone(), one.clone()));
                facts.endpoints.extend(reported);
            }
            What::HookActionStarted(it) => {
                self.acts_since_ms.get_or_insert(at_ms);
                self.doing = format!("{}: {}", it.hook, it.action);
                self.log.push(&it.hook, &it.action);
            }
            What::HookActionFinished(it) => {
                facts.hooks.retain(|(hook, _)| *hook != it.hook);
                facts.hooks.push((it.hook.clone(), it.result.clone()));
                let since = self.acts_since_ms.take().unwrap_or(at_ms);
                self.acted_ms += at_ms.saturating_sub(since);
                for line in it.output.lines() {
                    self.log.push(&it.hook, line);
                }
                self.log.push(&it.hook, &it.result);
            }
            _ => {}
        }
    }

    /// Returns the line of the part. `mark` stands before the line of a running one.
    pub(crate) fn line(&self, now_ms: u64, mark: &str) -> Line {
        let (look, mark) = match &self.state {
            State::Running => (Look::Plain, mark),
            State::Done => (Look::Good, "✔"),
            State::Skipped(_) => (Look::Faint, "-"),
            State::Failed(_) => (Look::Bad, "✘"),
            State::Cut => (Look::Faint, "·"),
        };
        let line = Line::of(look, mark).add(Look::Strong, &format!(" {:8}", self.name()));
        let line = line.add(Look::Faint, &format!("{:>10}", took(self.took(now_ms))));
        let fact = self.fact();
        let separated = if fact.is_empty() { String::new() } else { format!("  {fact}") };
        match &self.state {
            State::Failed(why) => line.add(Look::Bad, &format!("  {why}")),
            State::Skipped(why) => line.add(Look::Faint, &format!("  skipped: {why}")),
            State::Running if !self.doing.is_empty() => {
                line.add(Look::Plain, &separated).add(Look::Faint, &format!("  {}", self.doing))
            }
            State::Running | State::Done | State::Cut => line.add(Look::Plain, &separated),
        }
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_end(&self, count: usize) -> Vec<Line> {
        let skipped = self.log.lines.len().saturating_sub(count);
        self.log.lines.iter().skip(skipped).map(|(_, line)| logged(line)).collect()
    }

    /// Returns the whole log, with the steps that printed it.
    pub(crate) fn log_whole(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.log.left_out > 0 {
            let text = format!("    ({} lines before these are left out)", self.log.left_out);
            lines.push(Line::of(Look::Faint, &text));
        }
        let mut source = "";
        for (from, line) in &self.log.lines {
            if from != source {
                source = from;
                lines.push(Line::of(Look::Faint, &format!("    {source}")));
            }
            lines.push(logged(line));
        }
        lines
    }

    /// Returns the one fact that matters.
    fn fact(&self) -> String {
        match self.part {
            Part::Stage(v1::Stage::Clone) => self.facts.author(),
            Part::Stage(v1::Stage::Detect) => self.facts.detected(),
            Part::Stage(v1::Stage::Build) => self.facts.built(),
            Part::Stage(v1::Stage::Test) => self.facts.counts(self.state == State::Done),
            Part::Stage(v1::Stage::Push) => self.facts.image(),
            Part::Stage(v1::Stage::Release) | Part::Rollback => self.facts.ready(),
            Part::Stage(v1::Stage::Hooks) => {
                let hooks =
                    self.facts.hooks.iter().map(|(hook, result)| format!("{hook}: {result}"));
                hooks.collect::<Vec<_>>().join(", ")
            }
            Part::Stage(v1::Stage::Unspecified) => String::new(),
        }
    }
}

impl Facts {
    fn author(&self) -> String {
        let Some(commit) = &self.commit else { return String::new() };
        let id = short(&commit.commit);
        match (&*commit.author, &*commit.summary) {
            ("", "") => id,
            ("", summary) => format!("{id}: {summary}"),
            (author, "") => format!("{id} by {author}"),
            (author, summary) => format!("{id} by {author}: {summary}"),
        }
    }

    fn detected(&self) -> String {
        let language = self.language.as_ref().map(|decided| {
            // The detector's name and score follow, which `--verbose` shows.
            let name = decided.value.split(" (").next().unwrap_or_default();
            match decided.evidence.first() {
                Some(why) => format!("{name} ({why})"),
                None => name.to_owned(),
            }
        });
        match (&*self.dockerfile, language) {
            ("", language) => language.unwrap_or_default(),
            (dockerfile, None) => format!("{dockerfile} of the repository"),
            (dockerfile, Some(language)) => format!("{dockerfile} of the repository; {language}"),
        }
    }

    fn built(&self) -> String {
        match (self.cached, self.steps) {
            (_, 0) => String::new(),
            (cached, steps) if cached == steps => format!("all of {steps} steps cached"),
            (cached, steps) => format!("{cached} of {steps} steps cached"),
        }
    }

    fn counts(&self, is_done: bool) -> String {
        let Some(tested) = &self.tested else {
            return if is_done { "the command exited with 0".into() } else { String::new() };
        };
        let counts = [(tested.failed, "failed"), (tested.skipped, "skipped")];
        let others = counts.iter().filter(|(count, _)| *count > 0);
        let others = others.map(|(count, what)| format!(", {count} {what}"));
        format!("{} passed{}", tested.passed, others.collect::<String>())
    }

    fn image(&self) -> String {
        let Some(pushed) = &self.pushed else { return String::new() };
        let image = short_tag(&pushed.image);
        match pushed.bytes {
            0 => image,
            size => format!("{image}, {}", bytes(size)),
        }
    }

    fn ready(&self) -> String {
        let pods = self.pods.iter().map(|(cluster, (ready, wanted))| {
            format!("{ready} of {wanted} pods ready{}", place(std::slice::from_ref(cluster)))
        });
        let first = self.endpoints.first().map(|(_, endpoint)| endpoint.url.clone());
        pods.chain(first).collect::<Vec<_>>().join(", ")
    }
}

impl Log {
    fn push(&mut self, source: &str, line: &str) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.left_out += 1;
        }
        self.lines.push_back((source.to_owned(), line.to_owned()));
    }
}

fn logged(line: &str) -> Line {
    Line::of(Look::Faint, "    | ").add(Look::Plain, line)
}

/// Returns the first characters of a commit's id.
pub(crate) fn short(commit: &str) -> String {
    commit.chars().take(SHORT).collect()
}

/// Returns an image's reference. A tag that is a commit's id is cut.
pub(crate) fn short_tag(image: &str) -> String {
    match image.rsplit_once(':') {
        Some((name, tag)) if tag.len() >= 40 && tag.chars().all(|c| c.is_ascii_hexdigit()) => {
            format!("{name}:{}…", short(tag))
        }
        _ => image.to_owned(),
    }
}
