//! JSON of projects, deliveries and messages.

use serde::Serialize;
use windlass_engine::ports::store::ProjectRecord;
use windlass_model::{
    delivery::{Change, Delivery, Verdict, VerdictOutcome},
    outbox::{Message, Receiver},
};

/// Returns seconds since 1970, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "exact for 200,000 years at milliseconds")]
fn seconds(ms: u64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000) as f64 / 1000.0
}

/// A project's file.
#[derive(Serialize)]
pub(super) struct ProjectShape {
    version: u32,
    by: String,
    at: f64,
    toml: String,
    /// Names of its repositories.
    repositories: Vec<String>,
}

impl ProjectShape {
    pub(super) fn of(record: ProjectRecord) -> Self {
        Self {
            version: record.version,
            at: seconds(record.at_ms),
            toml: record.spec.to_toml(),
            repositories: record.spec.repositories.into_keys().collect(),
            by: record.by,
        }
    }
}

/// A delivery.
#[derive(Serialize)]
pub(super) struct DeliveryShape {
    id: String,
    project: String,
    repository: String,
    /// The change was found by a poll: no forge reported it.
    polled: bool,
    event: String,
    sender: String,
    subjects: Vec<String>,
    at: f64,
    /// Empty means that it is being looked at.
    verdicts: Vec<VerdictShape>,
}

/// A verdict on a delivery.
#[derive(Serialize)]
struct VerdictShape {
    subject: String,
    trigger: String,
    outcome: &'static str,
    sentence: String,
    /// Id of the job. Empty means that there is none.
    job: String,
    fix: String,
}

impl DeliveryShape {
    pub(super) fn of(delivery: Delivery) -> Self {
        let subjects = match delivery.report.change {
            Change::Refs(moves) => moves.into_iter().map(|one| one.name).collect(),
            Change::Pull(pull) => vec![format!("pull/{}", pull.number)],
            Change::Ping | Change::Ignored(_) => Vec::new(),
        };
        Self {
            id: delivery.id,
            project: delivery.project,
            repository: delivery.repository,
            polled: delivery.hook.is_empty(),
            event: delivery.report.event,
            sender: delivery.report.sender,
            subjects,
            at: seconds(delivery.at_ms),
            verdicts: delivery.verdicts.into_iter().map(verdict).collect(),
        }
    }
}

fn verdict(verdict: Verdict) -> VerdictShape {
    let outcome = verdict.outcome.word();
    let (job, fix) = match verdict.outcome {
        VerdictOutcome::Job { id, .. } => (id, String::new()),
        VerdictOutcome::Already { job } => (job, String::new()),
        VerdictOutcome::Nothing => (String::new(), String::new()),
        VerdictOutcome::Failed { code: _, fix } => (String::new(), fix),
    };
    let Verdict { subject, trigger, sentence, .. } = verdict;
    VerdictShape { subject, trigger, outcome, sentence, job, fix }
}

/// A message of the outbox.
#[derive(Serialize)]
pub(super) struct MessageShape {
    id: String,
    kind: &'static str,
    /// Name of the repository, or of the endpoint.
    receiver: String,
    /// Context of a status, environment of a deployment. Empty for an endpoint.
    context: String,
    commit: String,
    moment: &'static str,
    job: String,
    state: &'static str,
    created: f64,
    attempts: u32,
    next: f64,
    /// Status of the last HTTP answer. `None` means that there was none.
    code: Option<u16>,
    error: String,
}

impl MessageShape {
    pub(super) fn of(message: Message) -> Self {
        let kind = message.receiver.kind();
        let (receiver, commit, context) = match message.receiver {
            Receiver::Status { repository, commit, context } => (repository, commit, context),
            Receiver::Deployment { repository, commit, environment } => {
                (repository, commit, environment)
            }
            Receiver::Endpoint { name } => (name, String::new(), String::new()),
        };
        Self {
            id: message.id,
            kind,
            receiver,
            context,
            commit,
            moment: message.moment.as_str(),
            job: message.job,
            state: message.state.as_str(),
            created: seconds(message.created_ms),
            attempts: message.attempts,
            next: seconds(message.next_ms),
            code: message.code,
            error: message.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::delivery::{RefMove, Report};

    #[test]
    fn a_delivery_shows_what_came_of_it() {
        let moved = RefMove {
            name: "refs/heads/main".into(),
            before: None,
            after: Some("ab".into()),
            summary: String::new(),
        };
        let verdicts = vec![Verdict {
            subject: "refs/heads/main".into(),
            trigger: String::new(),
            outcome: VerdictOutcome::Failed { code: "git".into(), fix: "mend it".into() },
            sentence: "the repository does not answer".into(),
        }];
        let delivery = Delivery {
            id: "1".into(),
            hook: String::new(),
            project: "shop".into(),
            repository: "web".into(),
            report: Report {
                event: "push".into(),
                forge_id: String::new(),
                repository_id: String::new(),
                repository_name: String::new(),
                sender: "ada".into(),
                change: Change::Refs(vec![moved]),
            },
            body_sha256: String::new(),
            at_ms: 1500,
            verdicts,
        };
        let shape = serde_json::to_value(DeliveryShape::of(delivery)).unwrap();
        assert_eq!(shape["at"], 1.5);
        assert_eq!(shape["polled"], true);
        assert_eq!(shape["subjects"][0], "refs/heads/main");
        assert_eq!(shape["verdicts"][0]["outcome"], "failed");
        assert_eq!(shape["verdicts"][0]["fix"], "mend it");
    }
}
