//! Checks of a volume.

use super::{
    error::{Checked, fail},
    names::{OBJECT_NAME, is_name, is_object_name},
    process::{ProcessSpec, VolumeSpec},
    quantity::{self, Of},
};
use crate::reserved;

pub(super) fn check(
    fields: &str,
    name: &str,
    requested: &VolumeSpec,
    process: &ProcessSpec,
) -> Checked {
    if !is_name(name, 15) {
        let problem = "must be 1 to 15 lower-case letters, digits and `-`, from a letter";
        return fail(fields, name, problem);
    }
    let field = |part: &str| format!("{fields}.{name}.{part}");
    let Some(path) = &requested.path else {
        return fail(&field("path"), "", "is missing; it says where the volume is mounted");
    };
    if !path.starts_with('/') || path.len() < 2 || path.contains([':', '\0']) || path.contains("..")
    {
        return fail(&field("path"), path, "must be an absolute path other than `/`, without `:`");
    }
    let twice = process
        .volumes
        .iter()
        .any(|(other, volume)| other.as_str() < name && volume.path.as_deref() == Some(path));
    if twice {
        return fail(&field("path"), path, "is another volume's too");
    }
    let scratch = requested.scratch == Some(true);
    let sources = [
        ("size", requested.size.is_some() && !scratch),
        ("scratch", scratch),
        ("claim", requested.claim.is_some()),
        ("secret", requested.secret.is_some()),
        ("config-map", requested.config_map.is_some()),
    ];
    let mut named = sources.iter().filter(|(_, requested)| *requested).map(|(source, _)| *source);
    if let (Some(one), Some(other)) = (named.next(), named.next()) {
        return fail(&field(other), "", &format!("stands beside `{one}`; a volume is one thing"));
    }
    if let Some(size) = &requested.size
        && let Some(problem) = quantity::problem(size, Of::Bytes)
    {
        return fail(&field("size"), size, &problem);
    }
    let accesses = ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"];
    if let Some(access) =
        requested.access.as_deref().filter(|requested| !accesses.contains(requested))
    {
        return fail(&field("access"), access, &format!("must be one of {}", accesses.join(", ")));
    }
    for (part, object) in [
        ("claim", &requested.claim),
        ("secret", &requested.secret),
        ("config-map", &requested.config_map),
        ("class", &requested.class),
    ] {
        if let Some(object) = object.as_deref().filter(|name| !is_object_name(name)) {
            return fail(&field(part), object, OBJECT_NAME);
        }
    }
    if let Some(secret) = requested.secret.as_deref().filter(|name| reserved::is_secret(name)) {
        return fail(&field("secret"), secret, reserved::SECRET);
    }
    if let Some(map) = requested.config_map.as_deref().filter(|name| reserved::is_config_map(name))
    {
        return fail(&field("config-map"), map, reserved::CONFIG_MAP);
    }
    let kept = requested.size.is_some() && !scratch;
    let alone = requested.access.as_deref().unwrap_or("ReadWriteOnce").starts_with("ReadWriteOnce");
    let pods = process.autoscale.max.or(process.replicas).unwrap_or(1);
    if kept && alone && pods > 1 && process.stateful != Some(true) {
        let problem = "is one disk for several pods; say `stateful = true`, so that each has its own, or `access = \"ReadWriteMany\"`";
        return fail(&field("size"), requested.size.as_deref().unwrap_or_default(), problem);
    }
    Ok(())
}
