//! Results, as controllers hear them: accepted, refused, ended.

use crate::{poison::Poison, publish::short};
use lapin::BasicProperties;
use serde_json::{Value, json};
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    app::App,
    outbox::{Message, Moment},
    outcome::Outcome,
};

/// Content type of a result.
const RESULT_JSON: &str = "application/vnd.windlass.result+json;v=1";

/// Word in a routing key for an app that could not be read.
const UNKNOWN: &str = "_";

/// A result, before it is addressed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// Property `type`.
    kind: &'static str,
    /// `<project>.<app>.<outcome>`.
    pub(crate) key: String,
    body: Value,
}

impl Answer {
    /// Makes the result of a request whose job the journal has.
    pub(crate) fn accepted(record: &JobRecord) -> Self {
        let (job, app) = (&record.job.id, &record.job.app);
        let body = json!({ "type": "accepted", "job": job, "app": named(app) });
        Self { kind: "accepted", key: key(Some(app), "accepted"), body }
    }

    /// Makes the result of a message that cannot become a job. `None` means that the app is not known.
    pub(crate) fn refused(app: Option<&App>, poison: &Poison) -> Self {
        let body = json!({
            "type": "refused",
            "app": app.map(named),
            "reason": poison.reason,
            "field": poison.field,
            "detail": poison.detail,
        });
        Self { kind: "refused", key: key(app, "refused"), body }
    }

    /// Makes the result that a message of the outbox stands for. `None` means that controllers hear nothing of the
    /// moment.
    pub(crate) fn of(message: &Message, record: &JobRecord) -> Option<Self> {
        match message.moment {
            Moment::Queued => Some(Self::accepted(record)),
            Moment::Running | Moment::Held | Moment::Approved => None,
            Moment::Succeeded | Moment::Failed | Moment::Stopped => {
                Some(Self::ended(message, record))
            }
        }
    }

    fn ended(message: &Message, record: &JobRecord) -> Self {
        let app = &record.job.app;
        let outcome = message.moment.as_str();
        let (mut release, mut diagnosis, mut stop) = (Value::Null, Value::Null, Value::Null);
        let (mut removed_from, mut contracted_in) = (Value::Null, Value::Null);
        match &record.outcome {
            Some(Outcome::Succeeded(done)) => {
                release = json!({
                    "id": done.id,
                    "commit": done.commit,
                    "image": done.image.reference,
                    "digest": done.image.digest,
                });
            }
            Some(Outcome::Removed(removed)) => removed_from = json!(removed.clusters),
            Some(Outcome::Contracted(done)) => contracted_in = json!(done.clusters),
            Some(Outcome::Failed(why)) => {
                diagnosis = json!({
                    "code": why.code,
                    "reference": why.reference,
                    "stage": why.stage.to_string(),
                    "subject": why.subject,
                    "what": why.what,
                    "why": why.why,
                    "fixes": why.fixes,
                    "command": why.command,
                });
            }
            Some(Outcome::Stopped { why, .. }) => stop = json!(why.to_string()),
            None => {}
        }
        let body = json!({
            "type": "ended",
            "job": message.job,
            "app": named(app),
            "seq": message.seq,
            "outcome": outcome,
            "release": release,
            "removed_from": removed_from,
            "contracted_in": contracted_in,
            "diagnosis": diagnosis,
            "stop": stop,
        });
        Self { kind: "ended", key: key(Some(app), outcome), body }
    }

    /// Returns the properties. `id` is that of the message in the outbox; `None` means that it has no place there.
    pub(crate) fn properties(&self, correlation: &str, id: Option<&str>) -> BasicProperties {
        let properties = BasicProperties::default()
            .with_content_type(RESULT_JSON.into())
            .with_type(self.kind.into())
            .with_correlation_id(short(correlation));
        match id {
            Some(id) => properties.with_message_id(short(id)),
            None => properties,
        }
    }

    /// Returns the bytes of the body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }
}

fn named(app: &App) -> Value {
    json!({ "project": app.project, "name": app.name, "environment": app.environment })
}

fn key(app: Option<&App>, outcome: &str) -> String {
    match app {
        Some(app) => format!("{}.{}.{outcome}", app.project, app.name),
        None => format!("{UNKNOWN}.{UNKNOWN}.{outcome}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_routed_by_what_is_known_of_its_app() {
        let app = App::new("shop", "web", "").unwrap();
        let poison = Poison::field("source.commit", "must be 40 hex digits");
        let known = Answer::refused(Some(&app), &poison);
        assert_eq!(known.key, "shop.web.refused");
        assert_eq!(known.body["app"]["environment"], "production");
        assert_eq!(
            (&known.body["field"], &known.body["reason"]),
            (&json!("source.commit"), &json!("field-invalid"))
        );
        let unknown = Answer::refused(None, &poison);
        assert_eq!((&*unknown.key, &unknown.body["app"]), ("_._.refused", &Value::Null));
        let properties = unknown.properties("c1", None);
        assert_eq!(
            properties.correlation_id().as_ref().map(ToString::to_string),
            Some("c1".into())
        );
        assert_eq!(properties.message_id(), &None);
    }
}
