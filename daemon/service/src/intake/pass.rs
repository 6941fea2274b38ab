//! One pass over a repository: asks it once for its refs, and decides what was reported of it.

use super::{
    Key, PATIENCE, POLL,
    accept::Cause,
    answer::{Answer, Question},
    nothing,
    seen::{Seen, corrected, seen},
    triggers_of, whole,
};
use crate::{
    deliveries::{REPLAY, at_once},
    error::ServiceError,
    services::Services,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    app::App,
    delivery::{Change, Delivery, MOST_REFS, RefMove, Verdict, VerdictOutcome},
    diagnosis::Diagnosis,
    job::Source,
    project::{ProjectSpec, RepositorySpec, TriggerSpec},
};

/// Time for which one answer of a repository is waited for.
const ANSWER: Duration = Duration::from_secs(120);

/// Number of triggers that one sentence names.
const NAMED: usize = 5;

/// Work of one pass.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) key: Key,
    /// Deliveries without a verdict, the oldest first.
    pub(super) deliveries: Vec<Delivery>,
    /// Ids of those whose changes may not be visible yet.
    pub(super) patient: BTreeSet<String>,
    /// The repository has not answered for as long as is waited: its fault becomes a verdict.
    pub(super) gives_up: bool,
    /// Refs that nobody reported are looked at, too.
    pub(super) polls: bool,
    /// Previews whose pull requests ended are ended.
    pub(super) reconciles: bool,
    /// Pull requests that were reported now or a moment ago. Servers of one forge may lag behind each other, so none of
    /// these is ended for what one of them shows.
    pub(super) fresh: BTreeSet<u64>,
    /// The poll before failed, and a delivery records it.
    pub(super) is_known_to_fail: bool,
}

/// Result of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// All is decided.
    Done,
    /// A change is not visible yet.
    Lags,
    /// There is no room for a job.
    NoRoom,
    /// The repository does not answer.
    Fault,
    /// The repository does not answer, and deliveries have that as their verdict.
    GaveUp,
    /// The store fails.
    NoStore,
}

/// A repository as it answered, with the project that it belongs to.
pub(super) struct Repository<'a> {
    pub(super) name: &'a str,
    pub(super) spec: &'a RepositorySpec,
    pub(super) project: &'a ProjectSpec,
    pub(super) refs: &'a BTreeMap<String, String>,
}

/// Decision about one ref, or one trigger of it.
pub(super) enum Decided {
    Verdicts(Vec<Verdict>),
    /// It is to be asked again.
    Later(Passed),
}

impl Services {
    /// Decides the deliveries of a repository.
    pub(super) async fn pass(&self, work: Work) -> Passed {
        match self.passed(&work).await {
            Ok(passed) => passed,
            Err(error) => {
                let Key { project, repository } = &work.key;
                tracing::warn!(project, repository, %error, "deliveries wait: they cannot be decided now");
                Passed::NoStore
            }
        }
    }

    async fn passed(&self, work: &Work) -> Result<Passed, ServiceError> {
        let Work { key, deliveries, .. } = work;
        let Some(project) = self.projects.project(&key.project).await? else {
            let sentence = || format!("project `{}` was deleted", key.project);
            return self.all_nothing(deliveries, sentence).await;
        };
        let project = &project.spec;
        let Some(spec) = project.repositories.get(&key.repository) else {
            let sentence =
                || format!("the project's file names no repository `{}`", key.repository);
            return self.all_nothing(deliveries, sentence).await;
        };
        let refs = match self.asked(&key.project, spec).await {
            Ok(refs) => refs,
            Err(_) if !work.gives_up => return Ok(Passed::Fault),
            Err(diagnosis) => {
                let is_waited_for = self.failed(work, &diagnosis).await?;
                return Ok(if is_waited_for { Passed::Fault } else { Passed::GaveUp });
            }
        };
        let repository = Repository { name: &key.repository, spec, project, refs: &refs };
        let mut ended = Vec::new();
        if work.reconciles {
            self.reconcile_previews(&repository, &work.fresh).await?;
            ended = self.ended_pulls(&repository, &work.fresh).await?;
        }
        let polled = if work.polls { self.polled(&repository, deliveries).await? } else { None };
        let newest: BTreeMap<_, _> = deliveries.iter().flat_map(subjects).collect();
        let mut passed = Passed::Done;
        for delivery in ended.iter().chain(deliveries).chain(&polled) {
            let is_forced = delivery.hook.is_empty() && delivery.report.event == REPLAY;
            let is_poll = delivery.hook.is_empty() && delivery.report.event == POLL;
            let is_patient = !is_forced && work.patient.contains(&delivery.id);
            let one = One { repository: &repository, delivery, is_forced, is_poll, is_patient };
            match self.decided(&one, &newest).await? {
                Decided::Verdicts(verdicts) => {
                    self.deliveries.decide(&delivery.id, &verdicts).await?;
                }
                Decided::Later(later) => passed = later,
            }
        }
        Ok(passed)
    }

    /// Asks a repository for its refs.
    async fn asked(
        &self,
        project: &str,
        spec: &RepositorySpec,
    ) -> Result<BTreeMap<String, String>, Box<Diagnosis>> {
        let whole = whole(spec);
        match tokio::time::timeout(ANSWER, self.remotes.refs(project, &whole)).await {
            Ok(answer) => answer,
            Err(_) => Err(Box::new(Diagnosis {
                code: "repository-unreachable".into(),
                subject: spec.url.clone(),
                what: format!("{} did not answer within {} s", spec.url, ANSWER.as_secs()),
                fixes: vec!["check that the daemon's machine reaches it".into()],
                ..Diagnosis::default()
            })),
        }
    }

    async fn all_nothing(
        &self,
        deliveries: &[Delivery],
        sentence: impl Fn() -> String,
    ) -> Result<Passed, ServiceError> {
        for delivery in deliveries {
            self.deliveries.decide(&delivery.id, &[nothing("", "", sentence())]).await?;
        }
        Ok(Passed::Done)
    }

    /// Makes the fault of a repository the verdict of its deliveries, and of a poll. Returns whether a delivery is left
    /// for which the repository was not asked for as long as is waited.
    async fn failed(&self, work: &Work, diagnosis: &Diagnosis) -> Result<bool, ServiceError> {
        let verdict = fault(diagnosis);
        let mut is_waited_for = false;
        for delivery in &work.deliveries {
            if work.patient.contains(&delivery.id) {
                is_waited_for = true;
                continue;
            }
            self.deliveries.decide(&delivery.id, std::slice::from_ref(&verdict)).await?;
        }
        if work.deliveries.is_empty() && work.polls && !work.is_known_to_fail {
            let why = "the repository was asked for changes".to_owned();
            self.record_poll(&work.key, Change::Ignored(why), vec![verdict]).await?;
        }
        Ok(is_waited_for)
    }

    /// Decides one delivery. `newest` has the newest delivery of each ref.
    async fn decided(
        &self,
        one: &One<'_>,
        newest: &BTreeMap<&str, &str>,
    ) -> Result<Decided, ServiceError> {
        let moves = match &one.delivery.report.change {
            Change::Refs(moves) => moves,
            Change::Pull(pull) => return self.decided_pull(one, pull).await,
            change => return Ok(Decided::Verdicts(at_once(change).into_iter().collect())),
        };
        let mut verdicts = Vec::new();
        let mut later = None;
        for moved in moves.iter().take(MOST_REFS) {
            match self.decided_ref(one, moved).await? {
                Decided::Verdicts(more) => verdicts.extend(more),
                Decided::Later(Passed::NoRoom) if is_overtaken(one.delivery, moved, newest) => {
                    let sentence =
                        "a newer delivery of the ref waits for room for its job".to_owned();
                    verdicts.push(nothing(&moved.name, "", sentence));
                }
                Decided::Later(passed) => later = Some(passed),
            }
        }
        if let Some(later) = later {
            return Ok(Decided::Later(later));
        }
        if verdicts.is_empty() {
            verdicts.push(nothing("", "", "the event names no branch and no tag".to_owned()));
        }
        Ok(Decided::Verdicts(verdicts))
    }

    /// Decides one ref, for all triggers of its repository.
    async fn decided_ref(&self, one: &One<'_>, moved: &RefMove) -> Result<Decided, ServiceError> {
        let Repository { name, spec, project, refs } = *one.repository;
        let commit = match seen(moved, refs, one.is_patient) {
            Seen::Before => return Ok(Decided::Later(Passed::Lags)),
            Seen::Gone => {
                // First, since a crash may come before the stop: a ref of this name is a new one then.
                for (trigger, _) in triggers_of(project, name) {
                    self.deliveries.forget_ref(&project.project, trigger, &moved.name).await?;
                }
                let stopped = self.stop_waiting(&project.project, &spec.url, &moved.name).await?;
                let waiting = match stopped {
                    0 => "no job of it waits".to_owned(),
                    1 => "its waiting job was stopped".to_owned(),
                    count => format!("its {count} waiting jobs were stopped"),
                };
                let sentence = format!("the ref was deleted; {waiting}, and what serves stays");
                return Ok(Decided::Verdicts(vec![nothing(&moved.name, "", sentence)]));
            }
            Seen::At(commit) => commit,
        };
        let moved = &corrected(moved, commit);
        let mut verdicts = Vec::new();
        let mut mismatches = Vec::new();
        let mut later = None;
        for (trigger_name, trigger) in triggers_of(project, name) {
            let asked = self.decided_trigger(one, moved, commit, trigger_name, trigger).await;
            match asked {
                Ok(ForTrigger::Verdict(verdict)) => verdicts.push(verdict),
                Ok(ForTrigger::Mismatch(why)) => mismatches.push(format!("{trigger_name}: {why}")),
                // The other triggers are asked all the same: each has a job of its own.
                Err(ServiceError::Exhausted { .. }) => later = Some(Passed::NoRoom),
                Err(error @ (ServiceError::Full(_) | ServiceError::Unavailable(_))) => {
                    return Err(error);
                }
                Err(error) => {
                    self.remember(&project.project, trigger_name, &moved.name, commit, "").await?;
                    verdicts.push(refused(&error, one.delivery, &moved.name, trigger_name));
                }
            }
        }
        if let Some(later) = later {
            return Ok(Decided::Later(later));
        }
        if verdicts.is_empty() {
            verdicts.push(nothing(&moved.name, "", no_match(name, &mismatches)));
        }
        Ok(Decided::Verdicts(verdicts))
    }

    /// Asks one trigger about a ref that leads to `commit`, and makes its job.
    async fn decided_trigger(
        &self,
        one: &One<'_>,
        moved: &RefMove,
        commit: &str,
        name: &str,
        trigger: &TriggerSpec,
    ) -> Result<ForTrigger, ServiceError> {
        let project = one.repository.project;
        let cause = Cause { delivery: one.delivery, trigger: name, name: &moved.name };
        // A crash came between the job and the verdict.
        if let Some(known) = self.job_of(cause).await? {
            return self.made(cause, &known, "").await;
        }
        let last = self.deliveries.last_accepted(&project.project, name, &moved.name).await?;
        let question = Question {
            project,
            repository: one.repository.spec,
            name,
            trigger,
            moved,
            commit,
            is_forced: one.is_forced,
        };
        if let Some(last) = last.filter(|last| !one.is_forced && last.commit == commit) {
            if last.job.is_empty() && one.is_poll {
                let why = "the commit was looked at before".to_owned();
                return Ok(ForTrigger::Verdict(nothing(&moved.name, name, why)));
            }
            if !last.job.is_empty() {
                return Ok(ForTrigger::Verdict(already(&moved.name, name, commit, last.job)));
            }
        }
        match self.answer(&question).await? {
            Answer::Mismatch(why) => Ok(ForTrigger::Mismatch(why)),
            Answer::Nothing(why) => {
                self.remember(&project.project, name, &moved.name, commit, "").await?;
                Ok(ForTrigger::Verdict(nothing(&moved.name, name, why)))
            }
            Answer::Deploy { app, commit, note } => {
                let record = self.deploy(cause, app, *commit, None, Vec::new()).await?;
                self.made(cause, &record, &note).await
            }
        }
    }

    /// Remembers the job of a cause, and returns its verdict.
    pub(super) async fn made(
        &self,
        cause: Cause<'_>,
        record: &JobRecord,
        note: &str,
    ) -> Result<ForTrigger, ServiceError> {
        let job = &record.job;
        let commit = match &job.source {
            Source::Commit(commit) => commit.id.clone(),
            Source::Release(release) | Source::Contract(release) => release.commit.clone(),
            Source::Removal(_) => String::new(),
        };
        let project = &cause.delivery.project;
        self.remember(project, cause.trigger, cause.name, &commit, &job.id).await?;
        Ok(ForTrigger::Verdict(deployed(
            cause.name,
            cause.trigger,
            &job.id,
            &job.app,
            &commit,
            note,
        )))
    }
}

/// One delivery that is decided.
pub(super) struct One<'a> {
    pub(super) repository: &'a Repository<'a>,
    pub(super) delivery: &'a Delivery,
    /// A caller has sent it in once more.
    pub(super) is_forced: bool,
    /// Nobody has reported it.
    is_poll: bool,
    /// The changes that it reports may not be visible yet.
    pub(super) is_patient: bool,
}

/// Answer of a trigger about a ref.
pub(super) enum ForTrigger {
    Verdict(Verdict),
    Mismatch(String),
}

/// Returns the refs of a delivery, each with the delivery's id.
fn subjects(delivery: &Delivery) -> impl Iterator<Item = (&str, &str)> {
    let moves = match &delivery.report.change {
        Change::Refs(moves) => moves.as_slice(),
        _ => &[],
    };
    moves.iter().map(|moved| (moved.name.as_str(), delivery.id.as_str()))
}

/// Returns whether a newer delivery is about the same ref.
fn is_overtaken(delivery: &Delivery, moved: &RefMove, newest: &BTreeMap<&str, &str>) -> bool {
    newest.get(moved.name.as_str()).is_some_and(|id| *id > delivery.id.as_str())
}

/// Returns the verdict on a ref that is deployed. The empty job means one that would be made.
pub(super) fn deployed(
    name: &str,
    trigger: &str,
    job: &str,
    app: &App,
    commit: &str,
    note: &str,
) -> Verdict {
    let note = if note.is_empty() { String::new() } else { format!(": {note}") };
    let sentence = format!("commit {} is for {app}{note}", short(commit));
    let (id, app, commit) = (job.to_owned(), app.clone(), commit.to_owned());
    let outcome = VerdictOutcome::Job { id, app, commit };
    Verdict { subject: name.to_owned(), trigger: trigger.to_owned(), outcome, sentence }
}

/// Returns the verdict on a commit for which the trigger made a job from this ref, whatever became of the job.
pub(super) fn already(name: &str, trigger: &str, commit: &str, job: String) -> Verdict {
    let sentence = format!("commit {} had its job from this ref before", short(commit));
    let (subject, trigger) = (name.to_owned(), trigger.to_owned());
    Verdict { subject, trigger, outcome: VerdictOutcome::Already { job }, sentence }
}

/// Returns the sentence for a ref that no trigger is for.
pub(super) fn no_match(repository: &str, mismatches: &[String]) -> String {
    if mismatches.is_empty() {
        return format!("no trigger deploys an app of repository `{repository}`");
    }
    let mut sentence = format!(
        "no trigger matches: {}",
        mismatches.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ")
    );
    if mismatches.len() > NAMED {
        sentence.push_str(&format!("; and {} more", mismatches.len() - NAMED));
    }
    sentence
}

/// Returns the verdict on a repository that does not answer.
pub(super) fn fault(diagnosis: &Diagnosis) -> Verdict {
    let waited = PATIENCE.as_secs();
    Verdict {
        subject: String::new(),
        trigger: String::new(),
        outcome: VerdictOutcome::Failed {
            code: diagnosis.code.clone(),
            fix: diagnosis.fixes.first().cloned().unwrap_or_default(),
        },
        sentence: format!("the repository was asked for {waited} s: {}", diagnosis.what),
    }
}

/// Returns the verdict on a trigger whose job is refused.
pub(super) fn refused(
    error: &ServiceError,
    delivery: &Delivery,
    name: &str,
    trigger: &str,
) -> Verdict {
    let again = format!("windlass delivery replay {}", delivery.id);
    let fix = error.fixes().into_iter().next();
    let fix = fix
        .map_or_else(|| format!("mend it, then: {again}"), |fix| format!("{fix}; then: {again}"));
    let outcome = VerdictOutcome::Failed { code: error.reason().to_owned(), fix };
    let (subject, trigger) = (name.to_owned(), trigger.to_owned());
    Verdict { subject, trigger, outcome, sentence: error.to_string() }
}

/// Returns the beginning of a commit's id.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
