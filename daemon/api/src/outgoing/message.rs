//! Message of a message of the outbox.

use super::time::timestamp;
use windlass_engine::endpoint_health::Unwell;
use windlass_model::outbox::{Message, MessageState, Receiver};
use windlass_proto::v1;

/// Returns the message for one of the outbox. Only one that waits has a next attempt.
pub(crate) fn message(message: Message) -> v1::Message {
    let waits = message.state == MessageState::Waiting;
    let kind = message.receiver.kind().to_owned();
    let moment = match &message.receiver {
        Receiver::Notice { health, .. } => health.as_str(),
        Receiver::Preview { change, .. } => change.as_str(),
        _ => message.moment.as_str(),
    };
    let (receiver, commit, context) = match message.receiver {
        Receiver::Status { repository, commit, context } => (repository, commit, context),
        Receiver::Deployment { repository, commit, environment }
        | Receiver::DeploymentEnd { repository, commit, environment } => {
            (repository, commit, environment)
        }
        Receiver::Endpoint { name } => (name, String::new(), String::new()),
        Receiver::Preview { name, environment, .. } => (name, String::new(), environment),
        Receiver::Queue { correlation } => (correlation, String::new(), String::new()),
        Receiver::Notice { name, endpoint, .. } => (name, String::new(), endpoint),
    };
    v1::Message {
        id: message.id,
        project: message.project,
        kind,
        receiver,
        commit,
        context,
        moment: moment.into(),
        job: message.job,
        state: message.state.as_str().into(),
        created: Some(timestamp(message.created_ms)),
        attempts: message.attempts,
        next: waits.then(|| timestamp(message.next_ms)),
        code: message.code.map_or(0, u32::from),
        error: message.error,
    }
}

/// Returns the message for an endpoint that takes none.
pub(crate) fn unwell((name, unwell): (String, Unwell)) -> v1::UnwellEndpoint {
    v1::UnwellEndpoint {
        name,
        health: unwell.health.as_str().into(),
        why: unwell.why,
        since: Some(timestamp(unwell.since_ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::outbox::Moment;

    fn stored(receiver: Receiver, state: MessageState) -> Message {
        Message {
            id: "m1".into(),
            project: "shop".into(),
            receiver,
            moment: Moment::Failed,
            job: "j1".into(),
            seq: 9,
            state,
            created_ms: 1_000,
            attempts: 2,
            next_ms: 6_000,
            code: Some(502),
            error: "bad gateway".into(),
        }
    }

    #[test]
    fn each_receiver_has_its_own_fields() {
        let (repository, commit) = ("web".to_owned(), "c1".to_owned());
        let context = "windlass/web/production".to_owned();
        let status = Receiver::Status { repository, commit, context };
        let (repository, commit) = ("web".to_owned(), "c1".to_owned());
        let environment = "staging".to_owned();
        let deployment = Receiver::Deployment { repository, commit, environment };
        let endpoint = Receiver::Endpoint { name: "chat".into() };
        for (receiver, expected) in [
            (status, ["status", "web", "c1", "windlass/web/production"]),
            (deployment, ["deployment", "web", "c1", "staging"]),
            (endpoint, ["endpoint", "chat", "", ""]),
        ] {
            let shown = message(stored(receiver, MessageState::Dead));
            assert_eq!([&shown.kind, &shown.receiver, &shown.commit, &shown.context], expected);
            assert_eq!((&*shown.moment, &*shown.state, shown.code), ("failed", "dead", 502));
        }
    }

    #[test]
    fn a_notice_is_about_another_endpoint() {
        let receiver = Receiver::Notice {
            name: "ops".into(),
            endpoint: "chat".into(),
            health: windlass_model::outbox::EndpointHealth::Failing,
            since: String::new(),
        };
        let shown = message(stored(receiver, MessageState::Done));
        assert_eq!(
            [&*shown.kind, &*shown.receiver, &*shown.context, &*shown.moment],
            ["notice", "ops", "chat", "failing"]
        );
    }

    #[test]
    fn what_comes_of_a_preview_has_the_preview_and_a_word_of_its_own() {
        for change in windlass_model::outbox::PreviewChange::ALL {
            let (name, environment) = ("chat".to_owned(), "pr-7".to_owned());
            let receiver = Receiver::Preview { name, change, environment, pull: None };
            let shown = message(stored(receiver, MessageState::Done));
            assert_eq!(
                [&*shown.kind, &*shown.receiver, &*shown.context, &*shown.moment],
                ["preview", "chat", "pr-7", change.as_str()]
            );
        }
    }

    #[test]
    fn only_one_that_waits_has_a_next_attempt() {
        for state in MessageState::ALL {
            let receiver = Receiver::Endpoint { name: "chat".into() };
            let next = message(stored(receiver, state)).next.map(|at| at.seconds);
            assert_eq!(next, (state == MessageState::Waiting).then_some(6), "{state:?}");
        }
        let receiver = Receiver::Endpoint { name: "chat".into() };
        let silent = Message { code: None, ..stored(receiver, MessageState::Waiting) };
        assert_eq!(message(silent).code, 0);
    }
}
