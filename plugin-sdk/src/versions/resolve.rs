//! The rule: which release a text gets.

use super::{
    Asked, Chosen, grammar,
    range::{Range, filled, numbers},
    releases::{self, Release},
    runtime::Runtime,
};
use crate::refusal::Refusal;

/// Minor versions and patches of a cycle that a range is tried with, where it does not allow all of them.
const MOST: u64 = 60;

/// Cycles behind the table's newest that a range is tried with.
const BEYOND: u64 = 200;

/// Words that ask for the newest long-term release, or for any.
const OPEN: [&str; 9] = ["", "*", "x", "X", "lts/*", "lts", "stable", "system", "default"];

/// Words that ask for the newest release of all.
const NEWEST: [&str; 3] = ["latest", "node", "current"];

/// Takes a release for what was asked. `prefer` is the operator's cycle.
///
/// An exact version is taken as it is. A range gets `prefer` where it allows it, then the newest maintained release
/// that it allows, then the newest ended one, then its own lower bound where that is newer than the table.
///
/// # Errors
/// Names the source and the text of what is no version, or allows no release.
pub fn resolve(runtime: Runtime, asked: &Asked, prefer: Option<&str>) -> Result<Chosen, Refusal> {
    let text = clean(&asked.text);
    if let Some(version) = exact(runtime, text) {
        return Ok(chosen(runtime, version, asked));
    }
    let tag = match word(runtime, text, asked)? {
        Some(Word::Open) => prefer.map(str::to_owned).or_else(|| newest(runtime, true)),
        Some(Word::Newest) => prefer.map(str::to_owned).or_else(|| newest(runtime, false)),
        Some(Word::Cycle(cycle)) => Some(cycle),
        None => {
            let range =
                grammar::read(text, asked.grammar).ok_or_else(|| no_version(runtime, asked))?;
            within(runtime, &range, prefer)
        }
    };
    match tag {
        Some(version) => Ok(chosen(runtime, version, asked)),
        None => {
            let reason = format!(
                "`{}`: no release of {} is `{}`",
                asked.source,
                runtime.label(),
                asked.text
            );
            Err(Refusal::new(
                reason,
                format!("ask for a release that exists, such as {}", example(runtime)),
            ))
        }
    }
}

/// Takes a release where nothing asks for one.
pub(super) fn unasked(runtime: Runtime, prefer: Option<&str>) -> Chosen {
    let version = prefer.or(runtime.default()).map(str::to_owned);
    let version = version.or_else(|| newest(runtime, true)).unwrap_or_else(|| "latest".to_owned());
    Chosen {
        ended: ended(runtime, &version),
        version,
        source: "default".to_owned(),
        is_default: true,
    }
}

/// Removes quotes, and the `v` before a version.
fn clean(text: &str) -> &str {
    let text = text.trim().trim_matches(['"', '\'', '`']).trim();
    match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// Reads an exact version, or a cycle: as many parts as a tag needs. `None` means that it is a range, or none.
fn exact(runtime: Runtime, text: &str) -> Option<String> {
    let text = match runtime {
        Runtime::Go => text.strip_prefix("go").unwrap_or(text),
        _ => text,
    };
    let text = text.strip_prefix("==").or_else(|| text.strip_prefix('=')).unwrap_or(text).trim();
    let (release, suffix) = match text.find(|c: char| !c.is_ascii_digit() && c != '.') {
        Some(at) => text.split_at_checked(at)?,
        None => (text, ""),
    };
    if runtime == Runtime::Java {
        // Only the major versions have images that float. `1.8` is what Java 8 calls itself, and vendors add parts:
        // `17.0.8.7.1`.
        let mut parts = release.split('.').map(|part| part.parse::<u16>().ok());
        let first = parts.next().flatten()?;
        let major = if first == 1 { parts.next().flatten().unwrap_or(first) } else { first };
        return Some(major.to_string());
    }
    let parts = numbers(release)?;
    if suffix.is_empty() {
        return (parts.len() >= runtime.parts()).then(|| release.to_owned());
    }
    // Ruby writes its patch level: 3.2.2p53 is 3.2.2.
    let level = suffix
        .strip_prefix('p')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if level && parts.len() == 3 {
        return Some(release.to_owned());
    }
    // A pre-release has a tag of its own.
    let is_tag = suffix.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    (parts.len() == 3 && is_tag).then(|| text.to_owned())
}

enum Word {
    /// The newest that is maintained, a long-term one before others.
    Open,
    /// The newest that is maintained.
    Newest,
    Cycle(String),
}

fn word(runtime: Runtime, text: &str, asked: &Asked) -> Result<Option<Word>, Refusal> {
    let lower = text.to_ascii_lowercase();
    if OPEN.contains(&&*lower) || OPEN.contains(&text) {
        return Ok(Some(Word::Open));
    }
    if NEWEST.contains(&&*lower) {
        return Ok(Some(Word::Newest));
    }
    let codename = lower.strip_prefix("lts/").or_else(|| lower.strip_prefix("lts-"));
    let Some(codename) = codename else { return Ok(None) };
    let named = || releases::of(runtime).iter().filter(|release| !release.codename.is_empty());
    let found = match codename.strip_prefix('-').and_then(|back| back.parse::<usize>().ok()) {
        // nvm counts back from the newest long-term release.
        Some(back) => releases::of(runtime).iter().filter(|release| release.lts).nth(back),
        None => named().find(|release| release.codename.eq_ignore_ascii_case(codename)),
    };
    match found {
        Some(release) => Ok(Some(Word::Cycle(release.cycle.to_owned()))),
        None => {
            let known: Vec<String> =
                named().map(|release| format!("lts/{}", release.codename.to_lowercase())).collect();
            let reason = format!(
                "`{}`: `{}` is no release of {}",
                asked.source,
                asked.text.trim(),
                runtime.label()
            );
            Err(Refusal::new(reason, format!("known are {}", known.join(", "))))
        }
    }
}

fn is_maintained(release: &Release) -> bool {
    release.first <= releases::MADE && (release.until.is_empty() || releases::MADE < release.until)
}

/// Returns the newest maintained cycle. `lts`: a long-term one of Node before others.
fn newest(runtime: Runtime, lts: bool) -> Option<String> {
    let maintained = || releases::of(runtime).iter().filter(|release| is_maintained(release));
    let long = maintained().find(|release| lts && runtime == Runtime::Node && release.lts);
    let found = long.or_else(|| maintained().next()).map(|release| release.cycle);
    found.or(runtime.default()).map(str::to_owned)
}

/// Returns the tag of a range.
fn within(runtime: Runtime, range: &Range, prefer: Option<&str>) -> Option<String> {
    if let Some(prefer) = prefer.filter(|prefer| prefers(runtime, range, prefer)) {
        return Some(prefer.to_owned());
    }
    let table = releases::of(runtime);
    if table.is_empty() {
        // Without a table the tag of the major version floats.
        let major = runtime.default()?;
        return prefers(runtime, range, major)
            .then(|| major.to_owned())
            .or_else(|| beyond(runtime, range, 0));
    }
    let is_node = runtime == Runtime::Node;
    let find = |depth: Depth, wanted: &dyn Fn(&Release) -> bool| {
        let mut wanted = table.iter().filter(|release| wanted(release));
        wanted.find_map(|release| tag(range, release.cycle, depth))
    };
    let in_table = |depth| {
        find(depth, &|release| is_node && release.lts && is_maintained(release))
            .or_else(|| find(depth, &is_maintained))
            .or_else(|| find(depth, &|release| is_node && release.lts))
            .or_else(|| find(depth, &|_| true))
    };
    in_table(Depth::Minors).or_else(|| in_table(Depth::Patches)).or_else(|| {
        let newest = table.first().and_then(|release| numbers(release.cycle))?;
        beyond(runtime, range, newest.first().copied()?)
    })
}

/// Versions that are tried of a cycle that a range does not allow as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The first and the last patch of each minor version: enough for nearly all ranges.
    Minors,
    Patches,
}

/// Returns whether a range allows the operator's cycle, which may be shorter than the table's: such a tag floats, and
/// is taken where the range begins in that major version.
fn prefers(runtime: Runtime, range: &Range, prefer: &str) -> bool {
    let Some(parts) = numbers(prefer).filter(|parts| !parts.is_empty()) else { return false };
    let is_floating = parts.len() < runtime.parts() || releases::of(runtime).is_empty();
    if !is_floating {
        return tag(range, prefer, Depth::Minors).is_some_and(|tag| tag == prefer);
    }
    let Some(major) = parts.first().copied() else { return false };
    allows_some(range, major) && !(0..major.min(100)).any(|below| allows_some(range, below))
}

/// Returns whether a range allows some version of a major one.
fn allows_some(range: &Range, major: u64) -> bool {
    (0..MOST).any(|minor| range([major, minor, 999]) || range([major, minor, 0]))
}

/// Returns the tag of a cycle, as far as a range allows it: the cycle itself, or its newest release that fits.
fn tag(range: &Range, cycle: &str, depth: Depth) -> Option<String> {
    let parts = numbers(cycle)?;
    if range(filled(&parts, 999)) {
        return Some(cycle.to_owned());
    }
    let (major, minors): (u64, Vec<u64>) = match *parts {
        [major] => (major, (0..MOST).rev().collect()),
        [major, minor] => (major, vec![minor]),
        // An exact version: it was filled with nothing.
        _ => return None,
    };
    for minor in minors {
        if parts.len() == 1 && range([major, minor, 999]) {
            return Some(format!("{major}.{minor}"));
        }
        if depth == Depth::Minors && !range([major, minor, 0]) {
            continue;
        }
        if let Some(patch) = (0..MOST).rev().find(|patch| range([major, minor, *patch])) {
            return Some(format!("{major}.{minor}.{patch}"));
        }
    }
    None
}

/// Returns the lower bound of a range that begins behind the table.
fn beyond(runtime: Runtime, range: &Range, newest: u64) -> Option<String> {
    (newest..newest.saturating_add(BEYOND)).find_map(|major| {
        if runtime.parts() == 1 {
            return range([major, 999, 999]).then(|| major.to_string());
        }
        let minor = (0..BEYOND).find(|minor| range([major, *minor, 999]))?;
        Some(format!("{major}.{minor}"))
    })
}

fn chosen(runtime: Runtime, version: String, asked: &Asked) -> Chosen {
    Chosen {
        ended: ended(runtime, &version),
        version,
        source: asked.source.clone(),
        is_default: false,
    }
}

/// Returns the day from which a version has had no fixes.
fn ended(runtime: Runtime, version: &str) -> Option<String> {
    let wanted = numbers(version.split('-').next()?)?;
    let release = releases::of(runtime)
        .iter()
        .find(|release| numbers(release.cycle).is_some_and(|cycle| wanted.starts_with(&cycle)))?;
    (!release.until.is_empty() && release.until <= releases::MADE).then(|| release.until.to_owned())
}

fn no_version(runtime: Runtime, asked: &Asked) -> Refusal {
    let text: String = asked.text.trim().chars().take(80).collect();
    let reason = format!("`{}`: `{text}` is no version of {}", asked.source, runtime.label());
    Refusal::new(reason, format!("write a version, such as {}", example(runtime)))
}

fn example(runtime: Runtime) -> String {
    newest(runtime, true).unwrap_or_else(|| "1".to_owned())
}

#[cfg(test)]
mod tests;
