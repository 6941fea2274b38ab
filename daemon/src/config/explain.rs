//! Messages about unknown keys, with the nearest known one.

/// Former names of keys, each with today's name.
const RENAMED: [(&str, &str); 1] = [("moment", "phase")];

/// Adds the nearest known key to serde's message on an unknown one.
pub(super) fn explain(message: &str) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message.to_owned() };
    let Some((unknown, rest)) = rest.split_once('`') else { return message.to_owned() };
    if let Some((old, new)) = RENAMED.iter().find(|(old, _)| *old == unknown) {
        return format!("unknown key `{old}`: its name is `{new}` now");
    }
    let known = rest.split('`').skip(1).step_by(2);
    let nearest = known.min_by_key(|key| strsim::damerau_levenshtein(key, unknown));
    match nearest.filter(|key| strsim::damerau_levenshtein(key, unknown) <= 3) {
        Some(nearest) => format!("unknown key `{unknown}`: did you mean `{nearest}`?"),
        None => message.replace("unknown field", "unknown key"),
    }
}
