//! Rules of Kubernetes for names, labels and annotations (`apimachinery/pkg/util/validation`).

use super::error::{Checked, fail};
use crate::app;
use std::{collections::BTreeMap, net::IpAddr};

pub(super) const OBJECT_NAME: &str = "must be an object's name: lower-case letters, digits, `-` and `.`, from a letter or digit to one, at most 253 characters";

/// Returns whether a name is a DNS subdomain (RFC 1123), as the names of most objects are.
pub(super) fn is_object_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_of_dns)
}

pub(super) fn is_label_of_dns(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Returns whether a key is `name` or `prefix/name`, each part as Kubernetes wants it
/// (`IsQualifiedName`).
fn is_key(key: &str) -> bool {
    let name = match key.split_once('/') {
        Some((prefix, _)) if !is_object_name(prefix) => return false,
        Some((_, name)) => name,
        None => key,
    };
    is_value(name) && !name.is_empty()
}

fn is_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && edge(value.chars().next())
        && edge(value.chars().last())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

pub(super) fn label(field: &str, key: &str, value: &str) -> Checked {
    if !is_key(key) {
        let problem = "must be a label's key: `name` or `prefix/name`, the name at most 63 letters, digits, `-`, `_` and `.`";
        return fail(field, key, problem);
    }
    if !is_value(value) {
        let problem =
            "must be at most 63 letters, digits, `-`, `_` and `.`, from a letter or digit to one";
        return fail(&format!("{field}.{key}"), value, problem);
    }
    Ok(())
}

/// Checks annotations. All of an object together are at most 256 KiB (`TotalAnnotationSizeLimitB`).
pub(super) fn annotations(field: &str, requested: &BTreeMap<String, String>) -> Checked {
    if let Some(key) = requested.keys().find(|key| !is_key(&key.to_lowercase())) {
        return fail(field, key, "must be an annotation's key: `name` or `prefix/name`");
    }
    if let Some(key) = requested.keys().find(|key| key.starts_with("windlass.dev/")) {
        return fail(field, key, "is set by Windlass");
    }
    let bytes: usize = requested.iter().map(|(key, value)| key.len() + value.len()).sum();
    match bytes {
        ..200_000 => Ok(()),
        _ => fail(field, "", &format!("have {bytes} bytes; at most 200000 are allowed")),
    }
}

/// Returns whether a text is a CIDR, as a `NetworkPolicy` wants it: `10.0.0.0/8`.
pub(super) fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse::<u8>()) else {
        return false;
    };
    bits <= if address.is_ipv4() { 32 } else { 128 }
}

/// Returns whether a name follows the rule for projects and apps: a DNS label from a letter.
pub(super) fn is_name(name: &str, longest: usize) -> bool {
    app::label("", name, longest).is_ok()
}

/// Returns whether a text is a portable name of an environment variable.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    name.len() <= 256
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns whether a text is a path, with or without query, that a probe may request.
#[must_use]
pub fn is_url_path(path: &str) -> bool {
    path.starts_with('/') && path.len() <= 1024 && path.chars().all(|c| c.is_ascii_graphic())
}
