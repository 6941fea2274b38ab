//! ClusterReader of the changes that applying a release would make: a dry run of the API server, compared with
//! the objects that exist.

use super::{
    Applier,
    found::Found,
    inventory::Inventory,
    owner::{is_of_same_app, of_another},
    server_side, still_rolls,
};
use crate::{
    client::Client,
    json::set,
    object::ObjectRef,
    observe::{Expected, expected},
    render::{JOB, TRACKS, track_name},
};
use futures::future::try_join_all;
use kube::api::DynamicObject;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use windlass_engine::ports::{ChangeVerb, ObjectChange};
use windlass_model::{error::ClusterError, job::Release, runtime::WEB};

/// Lines that are shown before and after a change.
const AROUND: usize = 2;

/// Fields of `metadata` that the API server sets.
const SERVER_FIELDS: [&str; 5] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"];
/// Annotations that differ with every job.
const ANNOTATIONS: [&str; 3] = [JOB, "windlass.dev/commit", "deployment.kubernetes.io/revision"];

/// Returns whether any workload of a release has available pods, whichever release they are of.
pub(crate) async fn serves(client: &Client, release: &Release) -> Result<bool, ClusterError> {
    let namespace = release.app.namespace();
    let heads = expected(release).into_iter().filter(|one| one.kind != "Job").flat_map(|one| {
        let Expected { kind, name, process } = one;
        // The track on which an earlier release serves is not known here.
        let names: Vec<_> = if process == WEB {
            TRACKS.iter().map(|track| track_name(release, *track)).collect()
        } else {
            vec![name]
        };
        let head = |name: &String| ObjectRef::new("apps/v1", &kind, name).head(&namespace);
        names.iter().map(head).collect::<Vec<_>>()
    });
    let found = heads.map(|head| async move { client.find(&head).await });
    let found = try_join_all(found).await?;
    let available = |object: &DynamicObject| {
        ["/status/availableReplicas", "/status/numberAvailable"]
            .iter()
            .filter_map(|at| object.data.pointer(at))
            .any(|count| count.as_u64() > Some(0))
    };
    Ok(found.iter().flatten().any(available))
}

/// Returns the changes from the objects of one release to those of another, in the order of applying. Deletions come last.
/// What differs with every job is no change, and of a `Secret` only its name is compared.
pub(crate) fn compare(before: &[Value], after: &[Value]) -> Vec<ObjectChange> {
    let is_in =
        |all: &[Value], entry: &ObjectRef| all.iter().any(|one| ObjectRef::of(one).is(entry));
    let changed = after.iter().map(|object| {
        let entry = ObjectRef::of(object);
        let known = before.iter().find(|one| ObjectRef::of(one).is(&entry));
        let is_secret = entry.kind == "Secret";
        let (verb, lines) = match known {
            None if is_secret => (ChangeVerb::Create, Vec::new()),
            None => (ChangeVerb::Create, added(&yaml(object.clone()))),
            Some(_) if is_secret => (ChangeVerb::Keep, Vec::new()),
            Some(known) => {
                let lines = difference(&yaml(known.clone()), &yaml(object.clone()));
                let verb = if lines.is_empty() { ChangeVerb::Keep } else { ChangeVerb::Update };
                (verb, lines)
            }
        };
        ObjectChange { object: entry.to_string(), verb, lines }
    });
    let gone = before.iter().map(ObjectRef::of).filter(|entry| !is_in(after, entry));
    let deleted = gone.map(|entry| ObjectChange {
        object: entry.to_string(),
        verb: ChangeVerb::Delete,
        lines: Vec::new(),
    });
    changed.chain(deleted).collect()
}

impl Applier<'_> {
    /// Returns the changes that applying would make, in the order of applying. Deletions come last.
    pub(crate) async fn changes(
        &self,
        release: &Release,
        objects: &[Value],
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        let Some((namespace, _)) = objects.split_first() else { return Ok(Vec::new()) };
        let is_new = match self.client.find(namespace).await {
            Ok(found) => found.is_none(),
            // The namespace is an admin's. If it does not exist, the first object's error shows that.
            Err(ClusterError::Forbidden { .. }) => false,
            Err(error) => return Err(error),
        };
        let changes = objects.iter().map(|object| self.change(object, is_new));
        let mut changes = try_join_all(changes).await?;
        if !is_new {
            let entries: Vec<_> = objects.iter().map(ObjectRef::of).collect();
            let inventory = Inventory::find(self.client, release).await?.unwrap_or_default();
            let (obsolete, _) = inventory.beyond(&entries);
            for entry in obsolete {
                // What another tool has taken over stays.
                if matches!(self.found(release, &entry).await, Ok(Found::Taken)) {
                    continue;
                }
                let (object, verb) = (entry.to_string(), ChangeVerb::Delete);
                changes.push(ObjectChange { object, verb, lines: Vec::new() });
            }
        }
        Ok(changes)
    }

    async fn change(&self, object: &Value, is_new: bool) -> Result<ObjectChange, ClusterError> {
        let entry = ObjectRef::of(object);
        let change = |verb, lines| ObjectChange { object: entry.to_string(), verb, lines };
        let live = if is_new {
            None
        } else {
            match self.client.find(object).await {
                Err(ClusterError::Forbidden { .. }) if entry.kind == "Namespace" => {
                    return Ok(change(ChangeVerb::Keep, Vec::new()));
                }
                found => found?,
            }
        };
        if entry.kind == "Namespace" && live.is_some() {
            // A namespace is made, and never changed.
            return Ok(change(ChangeVerb::Keep, Vec::new()));
        }
        if let Some(live) = live.as_ref().filter(|live| !is_of_same_app(&live.metadata, object)) {
            return Err(of_another(live, entry.to_string()));
        }
        if entry.kind == "Secret" {
            // The values are not at hand here, and would not be shown. The name of the `Secret` shows its
            // versions.
            let verb = if live.is_some() { ChangeVerb::Keep } else { ChangeVerb::Create };
            return Ok(change(verb, Vec::new()));
        }
        if is_new {
            return Ok(change(ChangeVerb::Create, added(&yaml(object.clone()))));
        }
        let planned = yaml(self.planned(object, live.as_ref()).await?);
        let Some(live) = live else {
            // The object as it is sent: defaults of the API server would hide the fields that matter.
            return Ok(change(ChangeVerb::Create, added(&yaml(object.clone()))));
        };
        let lines = difference(&yaml(plain(live)), &planned);
        let verb = if lines.is_empty() { ChangeVerb::Keep } else { ChangeVerb::Update };
        Ok(change(verb, lines))
    }

    /// Returns an object as applying would leave it. The API server takes no `Recreate` beside the fields of a
    /// rolling update. Applying removes those fields first, which a dry run cannot.
    async fn planned(
        &self,
        object: &Value,
        live: Option<&DynamicObject>,
    ) -> Result<Value, ClusterError> {
        if !live.is_some_and(|live| still_rolls(object, live)) {
            return Ok(plain(server_side::dry_run(self.client, object).await?));
        }
        let mut rest = object.clone();
        if let Some(spec) = rest.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("strategy");
        }
        let mut planned = plain(server_side::dry_run(self.client, &rest).await?);
        let strategy = object.pointer("/spec/strategy").cloned().unwrap_or_default();
        if let Some(spec) = planned.get_mut("spec") {
            set(spec, "strategy", strategy);
        }
        Ok(planned)
    }
}

fn plain(object: DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// Writes an object as YAML, without fields that only the API server sets.
fn yaml(mut object: Value) -> String {
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVER_FIELDS {
            metadata.remove(field);
        }
        let empty = match metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            Some(annotations) => {
                annotations.retain(|key, _| !ANNOTATIONS.contains(&&**key));
                annotations.is_empty()
            }
            None => false,
        };
        if empty {
            metadata.remove("annotations");
        }
    }
    serde_saphyr::to_string(&object).unwrap_or_default()
}

fn added(text: &str) -> Vec<String> {
    text.lines().map(|line| format!("+ {line}")).collect()
}

fn difference(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            lines.push("  ...".into());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => " ",
            };
            lines.push(format!("{sign} {}", change.value().trim_end_matches('\n')));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_somebody_said_is_compared() {
        let live = json!({
            "kind": "Deployment",
            "metadata": { "name": "web", "uid": "1", "annotations": { JOB: "a" } },
            "spec": { "replicas": 1, "paused": false },
            "status": { "replicas": 1 },
        });
        let mut next = live.clone();
        next["metadata"]["annotations"][JOB] = json!("b");
        next["status"]["replicas"] = json!(7);
        assert!(difference(&yaml(live.clone()), &yaml(next.clone())).is_empty());
        next["spec"]["replicas"] = json!(2);
        let lines = difference(&yaml(live), &yaml(next));
        assert!(lines.contains(&"-   replicas: 1".into()), "{lines:?}");
        assert!(lines.contains(&"+   replicas: 2".into()), "{lines:?}");
    }

    #[test]
    fn releases_are_compared_by_kind_and_name_and_no_secret_is_shown() {
        let object = |kind: &str, name: &str, job: &str, value: &str| {
            json!({
                "apiVersion": "v1",
                "kind": kind,
                "metadata": { "name": name, "annotations": { JOB: job } },
                "data": { "value": value },
            })
        };
        let before = [
            object("ConfigMap", "web", "1", "old"),
            object("ConfigMap", "same", "1", "same"),
            object("ConfigMap", "gone", "1", ""),
            object("Secret", "web", "1", "hunter22"),
        ];
        let after = [
            object("ConfigMap", "web", "2", "new"),
            object("ConfigMap", "same", "2", "same"),
            object("Secret", "web", "2", "hunter23"),
            object("Secret", "fresh", "2", "hunter24"),
            object("Service", "web", "2", ""),
        ];
        let changes = compare(&before, &after);
        let shown: Vec<_> = changes.iter().map(|one| (&*one.object, one.verb)).collect();
        let expected = [
            ("ConfigMap web", ChangeVerb::Update),
            ("ConfigMap same", ChangeVerb::Keep),
            ("Secret web", ChangeVerb::Keep),
            ("Secret fresh", ChangeVerb::Create),
            ("Service web", ChangeVerb::Create),
            ("ConfigMap gone", ChangeVerb::Delete),
        ];
        assert_eq!(shown, expected);
        assert!(changes[0].lines.contains(&"-   value: old".to_owned()), "{:?}", changes[0]);
        assert!(changes[0].lines.contains(&"+   value: new".to_owned()), "{:?}", changes[0]);
        assert!(!format!("{changes:?}").contains("hunter"), "{changes:?}");
        assert!(compare(&[], &after).iter().all(|one| one.verb == ChangeVerb::Create));
    }
}
