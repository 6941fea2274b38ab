//! Kubernetes objects that a repository brings, for what a spec has no key for.

mod own;

use crate::{runtime::Manifest, spec::SpecError};
use own::Fault;
use serde_json::Value;

/// The text that stands for the image that was built, in an object's `image`.
pub const IMAGE: &str = "$WINDLASS_IMAGE";

/// The largest number of objects in one file.
const MOST: usize = 100;

/// Kinds that a repository cannot bring, and the way to do it instead.
const REFUSED_KINDS: [(&str, &str); 3] = [
    (
        "Secret",
        "would stand in the journal in clear: `windlass secret put`, and name it in `secrets`",
    ),
    ("Namespace", "is the app's own already"),
    ("List", "is many objects: part them by `---`"),
];

/// Reads the objects of one file, YAML or JSON, several parted by `---`.
///
/// # Errors
/// [`SpecError`] for an object without a name, with a namespace, or of a kind that a repository
/// cannot bring.
pub fn read(file: &str, text: &str) -> Result<Vec<Manifest>, SpecError> {
    let fail = |value: &str, problem: String| {
        let value = value.chars().take(80).collect();
        Err(SpecError { field: format!("manifests: {file}"), value, problem })
    };
    let documents: Vec<Value> = match serde_saphyr::from_multiple(text) {
        Ok(documents) => documents,
        Err(error) => return fail("", format!("is not YAML: {}", first_line(&error.to_string()))),
    };
    let mut objects = Vec::new();
    for object in documents.into_iter().filter(|document| !document.is_null()) {
        let field = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = field("/kind").unwrap_or_default();
        let name = field("/metadata/name").unwrap_or_default();
        if field("/apiVersion").is_none_or(str::is_empty) || kind.is_empty() || name.is_empty() {
            let shown = format!("{kind} {name}");
            return fail(shown.trim(), "needs `apiVersion`, `kind` and `metadata.name`".into());
        }
        if let Some(namespace) = field("/metadata/namespace") {
            let problem = "must not be set: an app's objects are in its own namespace";
            return fail(&format!("metadata.namespace: {namespace}"), problem.into());
        }
        if let Some((_, why)) = REFUSED_KINDS.iter().find(|(other, _)| *other == kind) {
            return fail(&format!("{kind} {name}"), (*why).into());
        }
        own_only(file, &object)?;
        objects.push(Manifest { file: file.into(), json: object.to_string() });
    }
    match objects.len() {
        0 => fail("", "holds no object".into()),
        count if count > MOST => fail("", format!("holds {count} objects; at most {MOST}")),
        _ => Ok(objects),
    }
}

/// Checks an object that was read before: what is reserved may have been allowed then.
///
/// # Errors
/// [`SpecError`] for an object that makes, reads or opens what is Windlass's own.
pub fn check(manifest: &Manifest) -> Result<(), SpecError> {
    match serde_json::from_str(&manifest.json) {
        Ok(object) => own_only(&manifest.file, &object),
        Err(_) => Ok(()),
    }
}

fn own_only(file: &str, object: &Value) -> Result<(), SpecError> {
    let Some(Fault { value, problem }) = own::fault(object) else { return Ok(()) };
    let value = value.chars().take(80).collect();
    Err(SpecError { field: format!("manifests: {file}"), value, problem })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_documents_are_several_objects() {
        let text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\n{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"b\"}}\n";
        let objects = read("k.yaml", text).unwrap();
        assert_eq!(objects.len(), 2);
        assert!(objects[1].json.contains("\"Service\""));
    }

    #[test]
    fn what_is_not_the_apps_to_make_is_refused() {
        for (text, problem) in [
            ("a: [", "is not YAML"),
            ("", "holds no object"),
            ("kind: Service", "needs `apiVersion`"),
            ("- 1", "needs `apiVersion`"),
            ("{apiVersion: v1, kind: Secret, metadata: {name: a}}", "windlass secret put"),
            ("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}}", "own namespace"),
            (
                "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{secret: {secretName: web-pull}}]}}",
                "holds the operator's login",
            ),
            ("{apiVersion: v1, kind: ConfigMap, metadata: {name: windlass-web}}", "Windlass makes"),
        ] {
            let error = read("k.yaml", text).unwrap_err();
            assert!(error.problem.contains(problem), "{text}: {error}");
        }
        // The parser refuses aliases that grow without end.
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
            + &(b'b'..=b'j')
                .map(|c| {
                    let (c, before) = (char::from(c), char::from(c - 1));
                    format!("{c}: &{c} [*{before},*{before},*{before},*{before},*{before},*{before},*{before},*{before},*{before}]\n")
                })
                .collect::<String>();
        assert!(read("k.yaml", &bomb).unwrap_err().problem.contains("is not YAML"));
    }
}
