//! A page for each problem, generated from the code and from the example that its test reads.

use super::{KNOWN, Problem};

const EXAMPLES: include_dir::Dir<'_> =
    include_dir::include_dir!("$CARGO_MANIFEST_DIR/src/problem/examples");

/// The page of a problem by its reference, its number or its code; letters' case does not matter.
#[must_use]
pub fn page(name: &str) -> Option<String> {
    let name = name.trim().to_lowercase();
    let is = |problem: &&&Problem| {
        problem.reference().to_lowercase() == name
            || problem.code == name
            || problem.number.to_string() == name.trim_start_matches('0')
    };
    KNOWN.iter().find(is).map(|problem| text(problem))
}

/// All pages by reference, in the order of their numbers.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    by_number().into_iter().map(|problem| (problem.reference(), text(problem))).collect()
}

/// Codes and headings, in the order of their numbers.
#[must_use]
pub fn headings() -> Vec<(String, &'static str, &'static str)> {
    let heading = |problem: &Problem| (problem.reference(), problem.code, problem.title);
    by_number().into_iter().map(heading).collect()
}

fn by_number() -> Vec<&'static Problem> {
    let mut all = KNOWN.to_vec();
    all.sort_by_key(|problem| problem.number);
    all
}

fn text(problem: &Problem) -> String {
    let reference = problem.reference();
    let example = EXAMPLES.get_file(format!("{:03}.txt", problem.number));
    let example = example.and_then(include_dir::File::contents_utf8).unwrap_or_default();
    format!(
        "# {reference}: {}\n\nCode `{}`.\n\n## How it shows\n\n{}.\n\n## When it is called\n\n{}.\n\n## What is told, for example\n\n```\n{example}```\n",
        problem.title,
        problem.code,
        capital(problem.seen),
        capital(&problem.debounce.to_string()),
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}
