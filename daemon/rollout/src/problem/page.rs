//! Pages of problems, generated from the code and from the examples that a test reads.

use super::{KNOWN, Problem};

const EXAMPLES: include_dir::Dir<'_> =
    include_dir::include_dir!("$CARGO_MANIFEST_DIR/src/problem/examples");

/// Returns all problems in the order of their numbers.
#[must_use]
pub fn by_number() -> Vec<&'static Problem> {
    let mut all = KNOWN.to_vec();
    all.sort_by_key(|problem| problem.number);
    all
}

/// Returns the page of a problem.
#[must_use]
pub fn page(problem: &Problem) -> String {
    let reference = problem.reference();
    let example = EXAMPLES.get_file(format!("{:03}.txt", problem.number));
    let example = example.and_then(include_dir::File::contents_utf8).unwrap_or_default();
    format!(
        "# {reference}: {}\n\nCode `{}`.\n\n## How Windlass notices it\n\n{}.\n\n## When it counts\n\n{}.\n\n## Example\n\n```\n{example}```\n",
        problem.title,
        problem.code,
        capital(problem.symptom),
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
