//! Waits for gateways: until one has taken a change of its route, it sends requests as before.

use super::Applier;
use crate::{
    json::text,
    object::ObjectRef,
    observe::route,
    render::{TRACKS, is_followed, is_route, preview_name, track_name},
};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
};
use windlass_rollout::snapshot::Route;

/// Time in which a gateway must show that it has taken a change.
const TAKEN: Duration = Duration::from_secs(60);

/// Time between two looks at a route.
const LOOK: Duration = Duration::from_millis(500);

/// Time in which proxies follow what their gateway has taken. None says when it has (kubernetes-sigs/gateway-api#1870).
const FOLLOWED: Duration = Duration::from_secs(5);

impl Applier<'_> {
    /// Waits until all gateways of an HTTPRoute have accepted its newest generation. Returns why one has not, after a
    /// minute. `None` means that all have.
    pub(super) async fn why_not_accepted(
        &self,
        object: &Value,
    ) -> Result<Option<String>, ClusterError> {
        let began = Instant::now();
        loop {
            let Some(live) = self.client.find(object).await? else {
                return Ok(Some("somebody has deleted it".into()));
            };
            let shown = route(&live);
            if shown.accepted {
                return Ok(None);
            }
            if began.elapsed() > TAKEN {
                return Ok(Some(why_not(&shown)));
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until no proxy sends requests any more to what a release no longer has. A gateway that does not answer in
    /// time is warned of, and does not keep the old pods for ever.
    pub(super) async fn settle(
        &self,
        objects: &[Value],
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        for object in objects.iter().filter(|object| is_followed(object)) {
            if let Some(why) = self.why_not_accepted(object).await? {
                let route = ObjectRef::of(object);
                let message = format!(
                    "{route} is not followed {} s after its change ({why}), and requests may go to pods that end now",
                    TAKEN.as_secs()
                );
                let fix = format!(
                    "look at its gateway: kubectl --namespace {} describe httproute {}",
                    text(object, "/metadata/namespace"),
                    route.name
                );
                recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
            }
        }
        sleep(FOLLOWED).await;
        Ok(())
    }
}

/// Returns why a route is not accepted, in its gateway's words where it has any.
fn why_not(route: &Route) -> String {
    match route.refused.first() {
        Some((reason, message)) if message.is_empty() => reason.clone(),
        Some((reason, message)) => format!("{reason}: {message}"),
        None => {
            format!("no gateway has shown its generation as accepted within {} s", TAKEN.as_secs())
        }
    }
}

/// Returns whether some of these objects lead requests to Services.
pub(super) fn has_route(objects: &[Value]) -> bool {
    objects.iter().any(is_route)
}

/// Returns whether a route may lead to an object, or to its pods: a Service of `web`, or its workload on some track.
pub(super) fn is_behind_route(release: &Release, entry: &ObjectRef) -> bool {
    let is_service = entry.kind == "Service"
        && (entry.name == release.app.name || entry.name == preview_name(release));
    is_service || is_workload_of_web(release, entry)
}

/// Returns whether an object is a workload of `web` on some track.
pub(super) fn is_workload_of_web(release: &Release, entry: &ObjectRef) -> bool {
    matches!(&*entry.kind, "Deployment" | "StatefulSet")
        && TRACKS.iter().any(|track| entry.name == track_name(release, *track))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::app::App;

    #[test]
    fn what_a_route_may_lead_to_is_of_web() {
        let app = App::new("shop", "web", "").unwrap();
        let release = Release::bare("1", &app, &["default".to_owned()]);
        for (kind, name, is_behind) in [
            ("Service", "web", true),
            ("Service", "web-preview", true),
            ("Service", "web-worker", false),
            ("Deployment", "web", true),
            ("Deployment", "web-green", true),
            ("StatefulSet", "web-blue", true),
            ("Deployment", "web-worker", false),
            ("ConfigMap", "web", false),
        ] {
            let entry = ObjectRef::new("v1", kind, name);
            assert_eq!(is_behind_route(&release, &entry), is_behind, "{entry}");
        }
    }

    #[test]
    fn a_gateway_says_why_in_its_own_words() {
        let route = |refused: Vec<(String, String)>| {
            why_not(&Route { name: "web".into(), accepted: false, refused })
        };
        let words = ("BackendNotFound".to_owned(), "no Service web-preview".to_owned());
        assert_eq!(route(vec![words]), "BackendNotFound: no Service web-preview");
        assert_eq!(route(vec![("Pending".into(), String::new())]), "Pending");
        assert!(route(Vec::new()).contains("within 60 s"));
    }
}
