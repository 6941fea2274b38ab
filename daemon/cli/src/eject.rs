//! `windlass eject`: what Windlass would build and apply, as files that a person can own.

use crate::failure::Failure;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use windlass_proto::v1;

/// Writes the Dockerfile and one file an object, in the order in which they are applied.
///
/// # Errors
/// Fails if the folder is not empty or cannot be written.
pub(crate) fn write(
    plan: &v1::PlanResponse,
    to: &Path,
    image: &str,
) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", to.display()));
    if !image.contains(['@', ':']) || image.contains(char::is_whitespace) {
        let expected = "must be `registry/name:tag` or `registry/name@sha256:…`";
        return Err(Failure::usage(format!("--image: `{image}` {expected}")));
    }
    if to.exists() && fs::read_dir(to).map_err(failed)?.next().is_some() {
        let problem = "is not empty; choose a new folder";
        return Err(Failure::usage(format!("--to: `{}` {problem}", to.display())));
    }
    let folder = to.join("kubernetes");
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut files = vec![to.join("Dockerfile")];
    fs::write(to.join("Dockerfile"), &plan.dockerfile).map_err(failed)?;
    for (index, manifest) in plan.manifests.iter().enumerate() {
        let mut object: Value = serde_json::from_str(manifest).unwrap_or_default();
        put_image(&mut object, image);
        disown(&mut object);
        let text = |pointer: &str| {
            object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_lowercase()
        };
        let name = format!("{index:02}-{}-{}.json", text("/kind"), text("/metadata/name"));
        let file = folder.join(name);
        fs::write(&file, format!("{object:#}\n")).map_err(failed)?;
        files.push(file);
    }
    Ok(files)
}

/// Returns the commands that apply the files.
pub(crate) fn next(plan: &v1::PlanResponse, to: &Path) -> String {
    let secrets = plan.manifests.iter().any(|text| text.contains("\"***\""));
    let fill =
        if secrets { "put the values of secrets, in base64, where *** stands; then\n" } else { "" };
    format!("{fill}kubectl apply --filename {}", to.join("kubernetes").display())
}

/// Replaces the image of the plan, which is not built yet.
fn put_image(value: &mut Value, image: &str) {
    match value {
        Value::String(text) if text.ends_with("@(known after the build)") => image.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|value| put_image(value, image)),
        Value::Object(map) => map.values_mut().for_each(|value| put_image(value, image)),
        _ => {}
    }
}

/// Removes the marks by which Windlass knows its own objects. Labels of pods stay: selectors read them.
fn disown(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata") else { return };
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove("app.kubernetes.io/managed-by");
        labels.remove("applyset.kubernetes.io/part-of");
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !key.starts_with("windlass.dev/"));
    }
}
