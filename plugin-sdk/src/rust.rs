//! Rust: manifests of Cargo, and the toolchain that a repository asks for.

use crate::{
    App, Refusal, join,
    read::{self, Node, Value, lines},
    versions::{self, Chosen, Runtime},
    within,
};

/// Tables of a manifest that name dependencies of the program itself.
const TABLES: [&str; 2] = ["dependencies", "build-dependencies"];

/// Files that name the toolchain, in rustup's order.
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// A `Cargo.toml`.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Folder, from the repository's root.
    pub folder: String,
    /// Path, from the repository's root.
    pub path: String,
    /// Content.
    pub root: Node,
}

/// A program of a package: a target that Cargo builds as a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Name, as `cargo build --bin` takes it.
    pub name: String,
    /// File with `main`, from the repository's root. `None` means that Cargo infers it, and that no such file is there.
    pub source: Option<String>,
    /// Features without which Cargo does not build it.
    pub features: Vec<String>,
}

/// A dependency on a package of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Line of the manifest, from 1.
    pub line: usize,
    /// Name of the dependency.
    pub name: String,
    /// Path as it is written.
    pub path: String,
    /// Folder that `path` is relative to.
    pub base: String,
}

impl Manifest {
    /// Reads the manifest of a folder. `None` means that there is none.
    ///
    /// # Errors
    /// Names file, line and column of what is no TOML.
    pub fn read(app: &App<'_>, folder: &str) -> Result<Option<Self>, Refusal> {
        let path = within(folder, "Cargo.toml");
        let Some(file) = app.read_repo(&path)? else { return Ok(None) };
        let root = read::toml(&file)?;
        Ok(Some(Self { folder: folder.to_owned(), path, root }))
    }

    /// Returns the package's name. `None` means that the manifest is of a workspace alone.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.root.at(&["package", "name"])?.text()
    }

    /// Returns the line of a key, from 1.
    #[must_use]
    pub fn line(&self, key: &[&str]) -> usize {
        self.root.at(key).map_or(1, |node| node.line)
    }

    /// Returns names and values of all dependencies but those for tests, also those of one platform.
    #[must_use]
    pub fn dependencies(&self) -> Vec<(&str, &Node)> {
        let platforms = self.root.get("target").map(Node::map).unwrap_or_default();
        let tables = platforms.iter().map(|(_, table)| table).chain([&self.root]);
        let tables = tables.flat_map(|table| TABLES.iter().filter_map(move |name| table.get(name)));
        let all = tables.flat_map(|table| table.map().iter());
        all.map(|(name, node)| (name.as_str(), node)).collect()
    }

    /// Returns whether a dependency has this name.
    #[must_use]
    pub fn depends_on(&self, name: &str) -> bool {
        self.dependencies().iter().any(|(key, node)| {
            let package = node.get("package").and_then(Node::text);
            package.unwrap_or(key) == name
        })
    }

    /// Returns the dependencies that are folders of the repository. `workspace` has the paths of those that say
    /// `workspace = true`.
    #[must_use]
    pub fn locals(&self, workspace: Option<&Self>) -> Vec<Local> {
        let mut locals = Vec::new();
        for (name, node) in self.tests_too() {
            let (node, base) = match node.get("workspace").and_then(Node::bool) {
                Some(true) => {
                    let Some(workspace) = workspace else { continue };
                    let shared = workspace.root.at(&["workspace", "dependencies", name]);
                    let Some(shared) = shared else { continue };
                    (shared, &workspace.folder)
                }
                _ => (node, &self.folder),
            };
            if let Some(path) = node.get("path").and_then(Node::text) {
                let line = node.line;
                locals.push(Local {
                    line,
                    name: name.into(),
                    path: path.into(),
                    base: base.clone(),
                });
            }
        }
        locals
    }

    /// Returns the dependencies with those for tests: Cargo reads their manifests too.
    fn tests_too(&self) -> Vec<(&str, &Node)> {
        let tests = self.root.get("dev-dependencies").map(Node::map).unwrap_or_default();
        let mut all = self.dependencies();
        all.extend(tests.iter().map(|(name, node)| (name.as_str(), node)));
        all
    }

    /// Returns the programs of the package: those that `[[bin]]` names, then those that Cargo finds by their files.
    #[must_use]
    pub fn programs(&self, app: &App<'_>) -> Vec<Program> {
        let Some(package) = self.name() else { return Vec::new() };
        let at = |path: &str| within(&self.folder, path);
        let is_there = |path: &String| app.has_repo(path);
        let mut programs: Vec<Program> = Vec::new();
        let named = self.root.get("bin").map(Node::list).unwrap_or_default();
        for bin in named {
            let Some(name) = bin.get("name").and_then(Node::text) else { continue };
            let source = match bin.get("path").and_then(Node::text) {
                Some(path) => join(&self.folder, path).filter(is_there),
                None => {
                    let main = (name == package).then(|| at("src/main.rs"));
                    let inferred = [
                        main.unwrap_or_default(),
                        at(&format!("src/bin/{name}.rs")),
                        at(&format!("src/bin/{name}/main.rs")),
                    ];
                    inferred.into_iter().find(|path| !path.is_empty() && app.has_repo(path))
                }
            };
            let features = bin.get("required-features").map(Node::list).unwrap_or_default();
            let features = features.iter().filter_map(Node::text).map(str::to_owned).collect();
            programs.push(Program { name: name.to_owned(), source, features });
        }
        let auto = self.root.at(&["package", "autobins"]).and_then(Node::bool).unwrap_or(true);
        if !auto {
            return programs;
        }
        let mut found = Vec::new();
        if is_there(&at("src/main.rs")) {
            found.push((package.to_owned(), at("src/main.rs")));
        }
        let mut beside = app.repo.read_dir(&at("src/bin"), 200).unwrap_or_default();
        beside.sort_by(|a, b| a.path.cmp(&b.path));
        for entry in beside {
            // Of an entry of a folder the path is its name.
            if let Some(name) = entry.path.strip_suffix(".rs") {
                found.push((name.to_owned(), at(&format!("src/bin/{}", entry.path))));
            } else {
                let main = at(&format!("src/bin/{}/main.rs", entry.path));
                if app.has_repo(&main) {
                    found.push((entry.path, main));
                }
            }
        }
        for (name, source) in found {
            let known = |program: &Program| {
                program.name == name || program.source.as_deref() == Some(source.as_str())
            };
            if !programs.iter().any(known) {
                programs.push(Program { name, source: Some(source), features: Vec::new() });
            }
        }
        programs
    }
}

/// Toolchain, and the file of rustup that names it.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Tag of an image: `1`, `1.80`, `1.80.1`, or `nightly`.
    pub chosen: Chosen,
    /// File that rustup follows, from the repository's root. `None` means that it takes the image's own.
    pub file: Option<String>,
}

/// Returns the toolchain of an app, whose build has the files of the folder `context`: the user's word, rustup's
/// files, `.tool-versions`, mise, `rust-version`, the default.
///
/// # Errors
/// Names the file and line of a channel that no image has.
pub fn toolchain(app: &App<'_>, context: &str) -> Result<Toolchain, Refusal> {
    let rustup = rustup(app, context)?;
    let file = rustup.as_ref().map(|(file, _, _)| file.clone());
    let asked = if let Some(wish) = app.wish("rust") {
        Some((wish.to_owned(), "windlass.toml build.versions.rust".to_owned()))
    } else if let Some((_, channel, source)) = rustup {
        Some((channel, source))
    } else {
        tools(app, context)?
    };
    let chosen = match asked {
        Some((channel, source)) => chosen(&channel, source)?,
        None => floor(app, context)?,
    };
    Ok(Toolchain { chosen, file })
}

/// Returns the newest release. A minimum allows it, whatever it is.
fn floor(app: &App<'_>, context: &str) -> Result<Chosen, Refusal> {
    for folder in [app.folder, context] {
        let Some(manifest) = Manifest::read(app, folder)? else { continue };
        for key in [&["package", "rust-version"][..], &["workspace", "package", "rust-version"][..]]
        {
            let node = manifest.root.at(key).filter(|node| node.text().is_some());
            if let Some(node) = node {
                let source = format!("{}:{} rust-version, a minimum", manifest.path, node.line);
                return Ok(newest(source, false));
            }
        }
    }
    Ok(newest("default".into(), true))
}

fn newest(source: String, is_default: bool) -> Chosen {
    let version = versions::prefer(Runtime::Rust).unwrap_or_else(|| "1".into());
    Chosen { version, source, ended: None, is_default }
}

/// Returns the image's tag of a channel of rustup.
fn chosen(channel: &str, source: String) -> Result<Chosen, Refusal> {
    let hint = "name `stable`, `nightly`, or a version such as `1.85`";
    let channel = channel.trim();
    if channel == "stable" || channel == "latest" || channel.starts_with("stable-") {
        return Ok(newest(source, false));
    }
    if channel == "nightly" || channel.starts_with("nightly-") {
        let version = "nightly".to_owned();
        return Ok(Chosen { version, source, ended: None, is_default: false });
    }
    if channel == "beta" || channel.starts_with("beta-") {
        return Err(Refusal::new(format!("{source}: no image has the channel `{channel}`"), hint));
    }
    // A host may follow: `1.80.1-x86_64-unknown-linux-gnu`.
    let version = channel.split('-').next().unwrap_or_default();
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.first() != Some(&"1") || parts.len() > 3 || !parts.iter().all(|part| is_number(&part))
    {
        return Err(Refusal::new(format!("{source}: `{channel}` is no toolchain of Rust"), hint));
    }
    Ok(Chosen { version: version.to_owned(), source, ended: None, is_default: false })
}

/// Returns file, channel and source of the file that rustup follows.
fn rustup(app: &App<'_>, context: &str) -> Result<Option<(String, String, String)>, Refusal> {
    let folders = if app.folder == context { vec![context] } else { vec![app.folder, context] };
    for folder in folders {
        for name in TOOLCHAIN_FILES {
            let path = within(folder, name);
            let Some(file) = app.read_repo(&path)? else { continue };
            let bare = file.text.trim();
            if !bare.contains('[') && !bare.contains('=') && !bare.is_empty() {
                let first = file.lines().find(|(_, line)| !line.trim().is_empty());
                let (line, channel) = first.unwrap_or((1, bare));
                let channel = channel.trim().to_owned();
                return Ok(Some((path.clone(), channel, format!("{path}:{line}"))));
            }
            let root = read::toml(&file)?;
            if let Some(node) = root.at(&["toolchain", "path"]) {
                return Err(Refusal::new(
                    format!("{path}:{}: `toolchain.path` is a folder of one machine", node.line),
                    "name a channel: `channel = \"stable\"`",
                ));
            }
            let Some(node) = root.at(&["toolchain", "channel"]) else {
                // Components or targets alone: rustup takes its default.
                return Ok(Some((path.clone(), "stable".into(), path)));
            };
            let channel = node.want_text(&path, "toolchain.channel")?.to_owned();
            let source = format!("{path}:{} toolchain.channel", node.line);
            return Ok(Some((path, channel, source)));
        }
    }
    Ok(None)
}

/// Returns what `.tool-versions` or mise say, and where.
fn tools(app: &App<'_>, context: &str) -> Result<Option<(String, String)>, Refusal> {
    for folder in [app.folder, context] {
        let path = within(folder, ".tool-versions");
        if let Some(file) = app.read_repo(&path)? {
            let mut all = lines::tools(&file).into_iter();
            if let Some((line, _, version)) = all.find(|(_, tool, _)| tool == "rust") {
                return Ok(Some((version, format!("{path}:{line} rust"))));
            }
        }
        for name in ["mise.toml", ".mise.toml", ".config/mise.toml"] {
            let path = within(folder, name);
            let Some(file) = app.read_repo(&path)? else { continue };
            let root = read::toml(&file)?;
            let Some(node) = root.at(&["tools", "rust"]) else { continue };
            let version = match &node.value {
                Value::List(list) => list.first().and_then(Node::scalar),
                Value::Map(_) => node.get("version").and_then(Node::scalar),
                _ => node.scalar(),
            };
            if let Some(version) = version {
                return Ok(Some((version, format!("{path}:{} tools.rust", node.line))));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn a_channel_is_a_tag_of_an_image() {
        for (channel, tag) in [
            ("stable", "1"),
            ("stable-x86_64-unknown-linux-gnu", "1"),
            ("1.80", "1.80"),
            ("1.80.1-x86_64-unknown-linux-gnu", "1.80.1"),
            ("nightly-2025-06-01", "nightly"),
        ] {
            let chosen = chosen(channel, "rust-toolchain:1".into());
            assert_eq!(chosen.map(|chosen| chosen.version).as_deref(), Ok(tag), "{channel}");
        }
        for channel in ["beta", "banana", "2.0", "1.", "1.2.3.4", ""] {
            let refusal = chosen(channel, "rust-toolchain:1".into()).unwrap_err();
            assert!(refusal.reason.starts_with("rust-toolchain:1: "), "{channel}");
        }
    }
}
