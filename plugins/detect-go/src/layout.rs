//! Modules of the app: its own, those of its workspace, and those that `replace` puts in a module's place.

use windlass_plugin_sdk::{
    App, Refusal,
    gomod::{Replacement, directive, last_name, replacements, required},
    score,
    workspace::{
        folders::{common, join, parent, within},
        go::{above, module, outside},
    },
};

/// List of the modules that a repository keeps copies of.
const VENDORED: &str = "vendor/modules.txt";

/// Folders that the build sees. All paths are relative to the repository's root.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Folder that all files of the build are in.
    pub(crate) context: String,
    /// Folder of the app's module; of a workspace's root, that root.
    pub(crate) module: String,
    /// Modules in which the program is searched for.
    pub(crate) built: Vec<String>,
    /// The file that says the version: its path as it is shown, and its text. A go.work stands first.
    pub(crate) files: Vec<(String, String)>,
    /// Folders, each with the names of the files that `go mod download` reads there.
    pub(crate) sources: Vec<(String, Vec<&'static str>)>,
    /// Set where Go builds from copies, and downloads nothing (`go help modules`).
    pub(crate) is_vendored: bool,
    /// Set where the context holds a go.work that does not use the module.
    pub(crate) is_apart: bool,
    pub(crate) evidence: Vec<String>,
    modules: Vec<Module>,
}

/// A module whose go.mod counts.
#[derive(Debug)]
struct Module {
    folder: String,
    path: String,
    text: String,
}

impl Layout {
    /// Returns a folder relative to the context.
    pub(crate) fn inside<'a>(&self, folder: &'a str) -> &'a str {
        within(&self.context, folder).unwrap_or(folder)
    }

    /// Returns the go.work or go.mod of the app, as the app's folder sees it.
    pub(crate) fn manifest<'a>(&'a self, app: &App<'_>) -> &'a str {
        self.files.first().map_or("go.mod", |(path, _)| shown(app, path))
    }

    /// Returns the line of a go.mod that requires a module, and the module's path. A path that ends with `/` stands
    /// for all modules below it.
    pub(crate) fn requires(&self, wanted: &str) -> Option<(usize, String)> {
        let fits = |path: &str| match path.strip_prefix(wanted) {
            Some("") => true,
            Some(rest) => wanted.ends_with('/') || is_major(rest),
            None => false,
        };
        let mut all = self.modules.iter().flat_map(|module| required(&module.text));
        all.find(|(_, path)| fits(path))
    }

    /// Returns whether modules are downloaded whose sums nothing says: `go build` does not go on without them.
    pub(crate) fn lacks_sums(&self) -> bool {
        let has_sums = |(_, names): &(String, Vec<&str>)| {
            names.contains(&"go.sum") || names.contains(&"go.work.sum")
        };
        if self.is_vendored || self.sources.iter().any(has_sums) {
            return false;
        }
        let is_local = |path: &str, text: &str| {
            self.modules.iter().any(|module| module.path == path)
                || replacements(text).iter().any(|one| one.module == path)
        };
        self.modules.iter().any(|module| {
            required(&module.text).iter().any(|(_, path)| !is_local(path, &module.text))
        })
    }

    /// Returns the last name of each module's path, by the module's folder.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.modules.iter().map(|module| (&*module.folder, last_name(&module.path)))
    }

    /// Returns the text of each go.mod.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(|module| &*module.text)
    }

    /// Returns the path of each module, with its folder.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, &str)> {
        self.modules.iter().map(|module| (&*module.path, &*module.folder))
    }
}

fn is_major(rest: &str) -> bool {
    rest.strip_prefix("/v").is_some_and(|major| major.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Reads the modules of the app. `None` means that no module holds the app's folder.
///
/// # Errors
/// Names the line of a folder that is not there, or that lies outside of the repository.
pub(crate) fn of(app: &App<'_>) -> Result<Option<Layout>, Refusal> {
    let workspace = above(app)?;
    let own = module(app, app.folder)?;
    let is_used = |folder: &str| {
        workspace.as_ref().is_some_and(|workspace| workspace.member(folder).is_some())
    };
    let is_in_force = workspace.as_ref().is_some_and(|workspace| workspace.root == app.folder)
        || own.as_ref().is_some_and(|(folder, _)| is_used(folder));
    let (mut layout, needed) = match (workspace, own) {
        (Some(workspace), own) if is_in_force => {
            let path = path(&workspace.root, "go.work");
            let work = app.read_repo(&path)?.map(|file| file.text).unwrap_or_default();
            let needed: Vec<String> =
                workspace.members.iter().map(|member| member.folder.clone()).collect();
            let is_root = workspace.root == app.folder;
            let module = match own {
                Some((folder, _)) if !is_root => folder,
                _ => workspace.root.clone(),
            };
            let built = if is_root { needed.clone() } else { vec![module.clone()] };
            // Copies of one module's own are not those of the workspace. A list that is too long to be read is
            // not looked at.
            let list = app.repo.read_text(&self::path(&workspace.root, VENDORED), 16 << 20);
            let list = list.ok().flatten().unwrap_or_default();
            let mut layout = layout(&workspace.root, module, built);
            layout.is_vendored = list.starts_with("## workspace");
            layout.evidence.push(format!("{}: a Go workspace", shown(app, &path)));
            let mut names = vec!["go.work"];
            if app.has_repo(&self::path(&workspace.root, "go.work.sum")) {
                names.push("go.work.sum");
            }
            layout.sources.push((workspace.root.clone(), names));
            layout.files.push((path, work));
            (layout, needed)
        }
        (_, Some((folder, _))) => {
            let mut layout = layout(&folder, folder.clone(), vec![folder.clone()]);
            layout.evidence.push(format!("{}: a Go module", shown(app, &path(&folder, "go.mod"))));
            layout.is_vendored = app.has_repo(&path(&folder, VENDORED));
            (layout, vec![folder])
        }
        (_, None) => return Ok(None),
    };
    for folder in &needed {
        let path = path(folder, "go.mod");
        let text = app.read_repo(&path)?.map(|file| file.text).unwrap_or_default();
        layout.source(app, folder);
        let name = directive(&text, "module").unwrap_or_default();
        let name = name.trim_matches(['"', '`']).to_owned();
        layout.modules.push(Module { folder: folder.clone(), path: name, text: text.clone() });
        layout.context = common(&layout.context, folder);
        layout.files.push((path, text));
    }
    if layout.is_vendored {
        layout.evidence.push(format!("{VENDORED}: nothing is downloaded"));
        return Ok(Some(layout));
    }
    for (file, text) in layout.files.clone() {
        for replacement in replacements(&text) {
            layout.replace(app, &file, &replacement)?;
        }
    }
    layout.is_apart = !is_in_force && app.has_repo(&path(&layout.context, "go.work"));
    Ok(Some(layout))
}

fn layout(context: &str, module: String, built: Vec<String>) -> Layout {
    Layout {
        context: context.to_owned(),
        module,
        built,
        files: Vec::new(),
        sources: Vec::new(),
        is_vendored: false,
        is_apart: false,
        evidence: Vec::new(),
        modules: Vec::new(),
    }
}

impl Layout {
    /// Adds what `go mod download` reads of a module.
    fn source(&mut self, app: &App<'_>, folder: &str) {
        if self.sources.iter().any(|(known, names)| known == folder && names.contains(&"go.mod")) {
            return;
        }
        let mut names = vec!["go.mod"];
        if app.has_repo(&path(folder, "go.sum")) {
            names.push("go.sum");
        }
        match self.sources.iter_mut().find(|(known, _)| known == folder) {
            Some((_, known)) => known.extend(names),
            None => self.sources.push((folder.to_owned(), names)),
        }
    }

    fn replace(
        &mut self,
        app: &App<'_>,
        file: &str,
        replacement: &Replacement,
    ) -> Result<(), Refusal> {
        let Replacement { line, module, folder: replaced } = replacement;
        let holder = parent(file);
        let folder =
            join(holder, replaced).ok_or_else(|| outside(app, file, *line, "replace", replaced))?;
        if !app.has_repo(&path(&folder, "go.mod")) {
            // Go reads no go.mod in the place of a module that nothing requires.
            if self.requires(module).is_none() {
                return Ok(());
            }
            return Err(app.refused(
                "go",
                score::STARTED,
                format!(
                    "{}:{line}: replace `{replaced}`: there is no {}",
                    shown(app, file),
                    path(&folder, "go.mod"),
                ),
                "commit that folder, or take the line out",
            ));
        }
        self.evidence.push(format!(
            "{}:{line}: replace `{replaced}`: its go.mod is there before the download",
            shown(app, file),
        ));
        self.context = common(&self.context, &folder);
        self.source(app, &folder);
        Ok(())
    }
}

fn path(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Returns a path as the app's folder sees it.
fn shown<'a>(app: &App<'_>, path: &'a str) -> &'a str {
    within(app.folder, path).unwrap_or(path)
}
