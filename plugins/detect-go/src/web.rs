//! Files that the program embeds, and that the package of a folder below the app's builds: `web/dist` by
//! `web/package.json`.

use crate::{layout::Layout, packages::Reached};
use windlass_plugin_sdk::{
    App, Refusal, Stage, Step, copy_from,
    js::{self, Package},
    workspace::folders::{join, parent, within},
};

/// Stages that build the files, the step that puts them into the tree, and the evidence.
pub(crate) struct Web {
    pub(crate) stages: Vec<Stage>,
    pub(crate) step: Step,
    pub(crate) evidence: String,
}

/// Plans the build of the first embedded folder that is not committed. `None` means that there is none that a
/// package makes.
///
/// # Errors
/// The package cannot be read, or its dependencies cannot be installed.
pub(crate) fn web(
    app: &App<'_>,
    layout: &Layout,
    reached: &Reached,
) -> Result<Option<Web>, Refusal> {
    for path in reached.embeds.iter().filter(|path| !is_committed(app, path)) {
        let mut folder = parent(path);
        while !folder.is_empty() && !app.has(&format!("{folder}/package.json")) {
            folder = parent(folder);
        }
        let made = within(folder, path).and_then(|rest| rest.split('/').next());
        let (false, Some(made)) = (folder.is_empty(), made) else { continue };
        let place = join(app.folder, folder).unwrap_or_default();
        let inner = App::new(app.repo, &place, &[], false, &[]);
        let Some(package) = Package::read(&inner)? else { continue };
        let Some(assets) = js::assets(&inner, &package)? else { continue };
        let mut stages = assets.stages;
        let Some(name) = stages.last().map(|stage| stage.name.clone()) else { continue };
        for stage in &mut stages {
            for step in &mut stage.steps {
                below(step, layout.inside(&place));
            }
        }
        let inside = layout.inside(app.folder);
        let root = if inside.is_empty() { "/app".to_owned() } else { format!("/app/{inside}") };
        let source = format!("{}/{made}", assets.output);
        return Ok(Some(Web {
            stages,
            step: copy_from(&name, &source, &format!("{root}/{folder}/{made}")),
            evidence: format!("{}: makes {folder}/{made}, which the program embeds", assets.source),
        }));
    }
    Ok(None)
}

/// Returns whether a file, or a folder with a file that is not there for Git's sake alone, is in the tree.
fn is_committed(app: &App<'_>, path: &str) -> bool {
    let is_kept = |file: &String| !file.rsplit('/').next().unwrap_or(file).starts_with('.');
    app.has(path) || app.glob(&[&format!("{path}/**/*")], 50).iter().any(is_kept)
}

/// Puts a folder before the paths that a step copies of the context.
fn below(step: &mut Step, folder: &str) {
    let Step::Copy(files) = step else { return };
    if files.from.is_none() {
        for source in &mut files.sources {
            *source = match source.as_str() {
                "." | "./" => folder.to_owned(),
                path => format!("{folder}/{}", path.trim_start_matches("./")),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_folder_that_a_package_builds_is_there_before_the_program() {
        let files = tree! {
            "go.mod" => "module a.b/c\n\ngo 1.23\n",
            "main.go" => "package main\n\nimport \"embed\"\n\n//go:embed all:web/dist\nvar files embed.FS\n\nfunc main() {}\n",
            "web/package.json" => "{ \"name\": \"web\", \"scripts\": { \"build\": \"vite build\" } }\n",
            "web/dist/.gitkeep" => "",
        };
        let plan = testing::detect(detect, MANIFEST, &files).plan();
        assert_eq!(plan.image.stages.len(), 3);
        let text = testing::render("go", &plan);
        assert!(text.contains("COPY web/package.json ./\n"), "{text}");
        assert!(text.contains("COPY web /app/\n"), "{text}");
        assert!(text.contains("COPY --from=node /app/dist /app/web/dist\n"), "{text}");
        let committed = files.with("web/dist/index.html", "");
        let plan = testing::detect(detect, MANIFEST, &committed).plan();
        assert_eq!(plan.image.stages.len(), 2);
    }
}
