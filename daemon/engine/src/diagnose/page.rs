//! Pages of codes: meaning, causes, fixes. Their texts are in `page/`, in files that are named as those
//! that make the diagnoses.

use windlass_model::diagnosis::Diagnosis;
use windlass_model::job::Stage;

pub(super) mod builder;
pub(super) mod cluster;
pub(super) mod detection;
pub(super) mod hook;
pub(super) mod migration;
pub(super) mod registry;
pub(super) mod repository;
pub(super) mod secret;
pub(super) mod strategy;
pub(super) mod tests_failed;
pub(super) mod whole;

/// Page of a code.
pub(crate) struct Page {
    /// Stable: `tests-failed`.
    pub(crate) code: &'static str,
    /// Heading, a sentence without its stop.
    pub(crate) title: &'static str,
    /// Stages that can fail so, the most frequent first. Empty means any stage.
    pub(crate) stages: &'static [Stage],
    /// Meaning of the failure, and its effect on what serves.
    pub(super) means: &'static str,
    /// Symptom by which Windlass recognises the failure.
    pub(super) noticed: &'static str,
    /// Causes, the likeliest first.
    pub(super) causes: &'static [Origin],
    /// Codes that are met beside it, or mistaken for it.
    pub(crate) related: &'static [&'static str],
}

/// One cause of a failure.
pub(crate) struct Origin {
    /// The cause, as a heading.
    pub(super) cause: &'static str,
    /// Evidence that sets it apart from the other causes.
    pub(super) evidence: &'static str,
    /// Remedy in a sentence or two.
    pub(super) fix: &'static str,
    /// Remedy as lines to copy.
    pub(super) lines: Lines,
}

/// Lines to copy.
pub(crate) enum Lines {
    /// No line adds to the sentence.
    None,
    /// Commands.
    Shell(&'static [&'static str]),
    /// Lines of the app's `windlass.toml`.
    App(&'static [&'static str]),
    /// Lines of the operator's `windlassd.toml`.
    Daemon(&'static [&'static str]),
    /// Lines of a Dockerfile.
    Dockerfile(&'static [&'static str]),
}

impl Page {
    /// Returns the page as Markdown. `example` is a diagnosis of this code.
    pub(crate) fn text(&self, example: &Diagnosis) -> String {
        let Self { code, title, means, noticed, .. } = self;
        let mut text = format!(
            "# {title}\n\nCode `{code}`, {}.\n\n## What it means\n\n{means}\n\n## How Windlass notices it\n\n{noticed}\n\n## Causes, the likeliest first\n",
            stages(self.stages),
        );
        for (index, origin) in self.causes.iter().enumerate() {
            let Origin { cause, evidence, fix, lines } = origin;
            text.push_str(&format!("\n### {}. {cause}\n\n{evidence}\n\nFix: {fix}\n", index + 1));
            text.push_str(&lines.block());
        }
        let related = self.related.iter().map(|code| format!("[`{code}`]({code}.md)"));
        let related = related.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\n## Example\n\n```\n{example}```\n\n## Related\n\n{related}\n"));
        text
    }
}

impl Lines {
    /// Returns the lines as a block of Markdown, or nothing.
    fn block(&self) -> String {
        let (language, first, lines) = match *self {
            Self::None => return String::new(),
            Self::Shell(lines) => ("sh", "", lines),
            Self::App(lines) => ("toml", "# windlass.toml\n", lines),
            Self::Daemon(lines) => ("toml", "# windlassd.toml\n", lines),
            Self::Dockerfile(lines) => ("dockerfile", "", lines),
        };
        format!("\n```{language}\n{first}{}\n```\n", lines.join("\n"))
    }
}

/// Names the stages of a page.
fn stages(stages: &[Stage]) -> String {
    let names: Vec<_> = stages.iter().map(ToString::to_string).collect();
    match &*names {
        [] => "any stage".to_owned(),
        [only] => format!("stage {only}"),
        several => format!("stages {}", several.join(", ")),
    }
}
