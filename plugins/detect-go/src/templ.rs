//! Templates of templ, whose Go files are not committed.

use crate::layout::Layout;
use windlass_plugin_sdk::{App, Step, StepExt, gomod::version_of, run};

/// Returns the step that writes the Go files, and the evidence for it. `None` means that they are committed, or that
/// no go.mod names templ.
pub(crate) fn generate(app: &App<'_>, layout: &Layout) -> Option<(Step, String)> {
    let bare = app
        .glob(&["**/*.templ"], 500)
        .into_iter()
        .find(|file| !app.has(&format!("{}_templ.go", file.trim_end_matches(".templ"))))?;
    let version = layout.texts().find_map(|text| version_of(text, "github.com/a-h/templ"))?;
    let tool = format!("github.com/a-h/templ/cmd/templ@{version}");
    let step =
        run(&["go", "run", &tool, "generate"]).why("the Go files of templates are not committed");
    Some((step, format!("{bare}: no Go file of it is committed, so templ writes it")))
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn templates_are_generated_where_their_files_are_not_committed() {
        let files = tree! {
            "go.mod" => "module a.b/c\n\ngo 1.23\n\nrequire github.com/a-h/templ v0.2.793 // indirect\n",
            "go.sum" => "",
            "main.go" => "package main\n\nfunc main() {}\n",
            "views/a.templ" => "package views\n",
        };
        let wanted = "go run github.com/a-h/templ/cmd/templ@v0.2.793 generate".to_owned();
        let plan = testing::detect(detect, MANIFEST, &files).plan();
        assert!(plan.runs().contains(&wanted), "{:?}", plan.runs());
        let committed = files.with("views/a_templ.go", "package views\n");
        let plan = testing::detect(detect, MANIFEST, &committed).plan();
        assert!(!plan.runs().contains(&wanted), "{:?}", plan.runs());
    }
}
