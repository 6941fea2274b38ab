//! Facts about a job, as messages give them.

use windlass_engine::ports::store::JobRecord;
use windlass_forge::outgoing::{
    CommitState, EventApp, EventApproval, EventData, EventPull, EventRelease, PreviewData,
};
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    event::Event,
    job::{Gate, Source},
    outbox::{Message, Moment, PullRequest},
    outcome::{Outcome, Stop},
};

/// Facts about a job. They were masked when they were recorded.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    app: App,
    commit: String,
    /// Branch that the commit was found on. `None` means that it is not known.
    branch: Option<String>,
    /// `None` means that the job has not ended.
    outcome: Option<Outcome>,
    /// Event that the message is about. `None` means that the text needs none, or that the journal cannot be read there.
    event: Option<Event>,
}

impl Facts {
    /// Takes the facts out of a job's record.
    pub(crate) fn of(record: JobRecord) -> Self {
        let (commit, branch) = match record.job.source {
            Source::Commit(commit) => (commit.id, Some(commit.branch)),
            Source::Release(release) | Source::Contract(release) => (release.commit, None),
            Source::Removal(_) => (String::new(), None),
        };
        let branch = branch.filter(|branch| !branch.is_empty());
        Self { app: record.job.app, commit, branch, outcome: record.outcome, event: None }
    }

    /// Returns the facts with the event that the message is about.
    pub(crate) fn about(self, event: Option<Event>) -> Self {
        Self { event, ..self }
    }

    /// Returns what a forge hears. A commit that was not deployed in time failed.
    pub(crate) fn state(
        &self,
        message: &Message,
        commit: &str,
        name: &str,
        link: Option<String>,
    ) -> CommitState {
        let is_late =
            matches!(&self.outcome, Some(Outcome::Stopped { why: Stop::TimedOut { .. }, .. }));
        let moment = match message.moment {
            Moment::Stopped if is_late => Moment::Failed,
            moment => moment,
        };
        CommitState {
            commit: commit.to_owned(),
            name: name.to_owned(),
            moment,
            description: self.sentence(message.moment),
            link,
            branch: self.branch.clone().filter(|_| commit == self.commit),
            job: message.job.clone(),
        }
    }

    /// Returns what an endpoint hears.
    pub(crate) fn data(&self, message: &Message, url: Option<String>) -> EventData {
        let outcome = self.outcome.as_ref().filter(|_| message.moment.is_final());
        let diagnosis = match outcome {
            Some(Outcome::Failed(diagnosis)) => Some((**diagnosis).clone()),
            _ => None,
        };
        let release = match outcome {
            Some(Outcome::Succeeded(release)) => {
                Some(EventRelease { id: release.id.clone(), image: release.image.by_digest() })
            }
            _ => None,
        };
        EventData {
            job: message.job.clone(),
            app: self.event_app(),
            commit: self.commit.clone(),
            outcome: outcome.map(|outcome| word(outcome).to_owned()),
            approval: self.event.as_ref().and_then(approval),
            diagnosis,
            release,
            url,
            seq: message.seq,
        }
    }

    /// Returns what an endpoint hears of a preview. `pull` is its pull request. `None` means that it has none.
    pub(crate) fn preview(
        &self,
        message: &Message,
        pull: Option<&PullRequest>,
        url: Option<String>,
    ) -> PreviewData {
        let address = match &self.outcome {
            Some(Outcome::Succeeded(release)) => Endpoint::named(release).into_iter().next(),
            _ => None,
        };
        let pull_request = pull.cloned().map(|pull| {
            let PullRequest { repository, number, page } = pull;
            EventPull { repository, number, url: page }
        });
        PreviewData {
            job: message.job.clone(),
            app: self.event_app(),
            commit: self.commit.clone(),
            address: address.map(|address| address.url),
            pull_request,
            url,
            seq: message.seq,
        }
    }

    fn event_app(&self) -> EventApp {
        let App { project, name, environment } = self.app.clone();
        EventApp { project, name, environment }
    }

    fn sentence(&self, moment: Moment) -> String {
        let environment = &self.app.environment;
        match (moment, &self.outcome) {
            (Moment::Queued, _) => format!("Waits to be deployed to {environment}"),
            (Moment::Running, _) => format!("Is being deployed to {environment}"),
            (Moment::Held, _) => match &self.event {
                Some(Event::Held { gate: Gate::Clone, .. }) => {
                    "Waits for an approval, before anything of it is fetched".to_owned()
                }
                Some(Event::Held { gate: Gate::Traffic, .. }) => {
                    format!("Waits for an approval, to get more requests in {environment}")
                }
                _ => format!("Waits for an approval, to be deployed to {environment}"),
            },
            (Moment::Approved, _)
                if matches!(&self.event, Some(Event::Approved { gate: Gate::Traffic, .. })) =>
            {
                format!("Was approved, and gets more requests in {environment}")
            }
            (Moment::Approved, _) => {
                format!("Was approved, and is being deployed to {environment}")
            }
            (Moment::Succeeded, Some(Outcome::Removed(_))) => format!("Removed from {environment}"),
            (Moment::Succeeded, Some(Outcome::Contracted(contracted))) => {
                format!("Contracted the data in {environment}: {contracted}")
            }
            (Moment::Succeeded, _) => format!("Deployed to {environment}"),
            (Moment::Failed, Some(Outcome::Failed(diagnosis))) => {
                format!("{}: {}", diagnosis.code, diagnosis.what)
            }
            (Moment::Failed, _) => format!("Not deployed to {environment}: failed"),
            (Moment::Stopped, Some(Outcome::Stopped { why, .. })) => {
                format!("Not deployed to {environment}: {why}")
            }
            (Moment::Stopped, _) => format!("Not deployed to {environment}: stopped"),
        }
    }
}

/// Returns the wait for an approval, or the approval, that an event is. `None` means that it is neither.
fn approval(event: &Event) -> Option<EventApproval> {
    match event {
        Event::Held { gate, digest, until_ms } => {
            Some(EventApproval::held(gate.as_str(), digest, *until_ms))
        }
        Event::Approved { gate, digest, by, note } => {
            Some(EventApproval::given(gate.as_str(), digest, by, note))
        }
        _ => None,
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) => "succeeded",
        Outcome::Removed(_) => "removed",
        Outcome::Contracted(_) => "contracted",
        Outcome::Failed(_) => "failed",
        Outcome::Stopped { why: Stop::Cancelled { .. }, .. } => "cancelled",
        Outcome::Stopped { why: Stop::Superseded { .. }, .. } => "superseded",
        Outcome::Stopped { why: Stop::TimedOut { .. }, .. } => "timed-out",
        Outcome::Stopped { why: Stop::Rejected { .. }, .. } => "rejected",
        Outcome::Stopped { why: Stop::Aborted { .. }, .. } => "aborted",
        Outcome::Stopped { why: Stop::Outdated { .. }, .. } => "outdated",
        Outcome::Stopped { why: Stop::NotApproved { .. }, .. } => "not-approved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{message, record};
    use windlass_model::{
        diagnosis::Diagnosis,
        job::{Release, Stage},
        outcome::Removed,
        runtime::{Expose, Route},
    };

    fn facts(outcome: Option<Outcome>) -> Facts {
        Facts::of(JobRecord { outcome, ..record() })
    }

    #[test]
    fn a_job_that_took_too_long_failed_for_a_forge_and_was_stopped_for_an_endpoint() {
        let why = Stop::TimedOut { seconds: 60 };
        let late = facts(Some(Outcome::Stopped { at: Stage::Build, why }));
        let message = Message { moment: Moment::Stopped, ..message(1) };
        let state = late.state(&message, &"a".repeat(40), "ctx", None);
        assert_eq!(state.moment, Moment::Failed);
        assert!(state.description.contains("limit of 60 s"), "{}", state.description);
        assert_eq!(late.data(&message, None).outcome.as_deref(), Some("timed-out"));
    }

    #[test]
    fn a_release_that_was_aborted_is_told_apart_from_one_that_was_cancelled() {
        let why = Stop::Aborted { by: "ann".into(), note: "too many errors".into() };
        let aborted = facts(Some(Outcome::Stopped { at: Stage::Release, why }));
        let message = Message { moment: Moment::Stopped, ..message(1) };
        let state = aborted.state(&message, &"a".repeat(40), "ctx", None);
        assert_eq!(state.moment, Moment::Stopped);
        let expected = "Not deployed to production: aborted by ann: too many errors";
        assert_eq!(state.description, expected);
        assert_eq!(aborted.data(&message, None).outcome.as_deref(), Some("aborted"));
    }

    /// By the time that a message is sent, the job may be elsewhere: its event says what it is about.
    #[test]
    fn a_wait_is_told_with_what_waits_and_an_approval_with_who_gave_it() {
        let held = |gate| Event::Held { gate, digest: "d".into(), until_ms: 1_700_000_000_123 };
        let approved = |gate| Event::Approved {
            gate,
            digest: "d".into(),
            by: "ann".into(),
            note: "ok".into(),
        };
        for (moment, event, sentence, by) in [
            (
                Moment::Held,
                Some(held(Gate::Clone)),
                "Waits for an approval, before anything of it is fetched",
                None,
            ),
            (
                Moment::Held,
                Some(held(Gate::Release)),
                "Waits for an approval, to be deployed to production",
                None,
            ),
            (
                Moment::Approved,
                Some(approved(Gate::Release)),
                "Was approved, and is being deployed to production",
                Some("ann"),
            ),
            (
                Moment::Held,
                Some(held(Gate::Traffic)),
                "Waits for an approval, to get more requests in production",
                None,
            ),
            (
                Moment::Approved,
                Some(approved(Gate::Traffic)),
                "Was approved, and gets more requests in production",
                Some("ann"),
            ),
            // The event cannot be read.
            (Moment::Held, None, "Waits for an approval, to be deployed to production", None),
        ] {
            let facts = facts(None).about(event.clone());
            let message = Message { moment, ..message(1) };
            let state = facts.state(&message, &"a".repeat(40), "ctx", None);
            assert_eq!(state.description, sentence);
            let data = facts.data(&message, None);
            assert_eq!(data.approval.is_some(), event.is_some());
            let approval = data.approval.as_ref();
            assert_eq!(approval.and_then(|approval| approval.by.as_deref()), by);
            let has_end = approval.is_some_and(|approval| approval.until.is_some());
            assert_eq!(has_end, matches!(event, Some(Event::Held { .. })));
        }
    }

    #[test]
    fn a_preview_has_its_address_until_it_is_removed() {
        let app = App::new("shop", "web", "pr-7").unwrap();
        let clusters = vec!["eu".to_owned()];
        let mut release = Release::bare("7", &app, &clusters);
        release.runtime.expose = Expose {
            hosts: vec!["web-pr-7.example".into()],
            route: Some(Route::Ingress { class: "public".into(), tls: None }),
            ..Expose::default()
        };
        let within = Release::bare("7", &app, &clusters);
        let removed = Removed { job: "7".into(), app, clusters };
        let (repository, page) = ("web".to_owned(), Some("https://git.example/7".to_owned()));
        let pull = PullRequest { repository, number: 7, page };
        for (outcome, address) in [
            (Outcome::Succeeded(Box::new(release)), Some("http://web-pr-7.example/")),
            (Outcome::Succeeded(Box::new(within)), None),
            (Outcome::Removed(removed), None),
        ] {
            let data = facts(Some(outcome)).preview(&message(1), Some(&pull), None);
            assert_eq!((data.address.as_deref(), data.seq), (address, 1));
            let pull = data.pull_request.unwrap();
            assert_eq!((pull.number, pull.url.as_deref()), (7, Some("https://git.example/7")));
        }
        assert!(facts(None).preview(&message(1), None, None).pull_request.is_none());
    }

    #[test]
    fn a_failure_is_explained_and_an_earlier_moment_is_not() {
        let what = "The app crashes when it starts.".to_owned();
        let diagnosis = Diagnosis { code: "app-crashes".into(), what, ..Diagnosis::default() };
        let failed = facts(Some(Outcome::Failed(Box::new(diagnosis))));
        let last = Message { moment: Moment::Failed, ..message(1) };
        let state = failed.state(&last, &"a".repeat(40), "ctx", None);
        assert_eq!(state.description, "app-crashes: The app crashes when it starts.");
        assert_eq!(state.branch.as_deref(), Some("main"));
        assert!(failed.data(&last, None).diagnosis.is_some());
        let first = Message { moment: Moment::Running, ..message(1) };
        let data = failed.data(&first, None);
        assert_eq!((data.outcome, data.diagnosis), (None, None));
    }
}
