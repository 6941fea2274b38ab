//! The manifest of an app, and paths of folders.

use crate::{
    App, File, Refusal,
    read::{self, Node},
};

/// Sections of package.json that name dependencies, the nearest to the running app first.
const SECTIONS: [&str; 4] =
    ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];

/// A manifest that npm, yarn, pnpm or bun reads.
#[derive(Clone, Debug)]
pub struct Package {
    /// The file as it is written.
    pub file: File,
    /// The file's content.
    pub json: Node,
    /// Value of `name`, else the app folder's name, else `app`.
    pub name: String,
}

impl Package {
    /// Reads package.json, package.json5 or package.yaml of the app's folder, the first that is there.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, or that holds no map.
    pub fn read(app: &App<'_>) -> Result<Option<Self>, Refusal> {
        let Some((file, json)) = parse(|name| app.read(name))? else { return Ok(None) };
        if json.map().is_empty() && !file.text.trim().is_empty() && !is_empty_map(&file) {
            let reason = format!("{}:{}: a map was expected", file.path, json.line.max(1));
            return Err(Refusal::new(reason, "correct the file and commit again"));
        }
        let name = json.get("name").and_then(Node::text).map(str::to_owned);
        let folder = app.folder.rsplit('/').next().unwrap_or_default();
        let folder = if folder.is_empty() { "app" } else { folder };
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| folder.to_owned());
        Ok(Some(Self { file, json, name }))
    }

    /// Returns the text of a script. `None` also means that it is no text, or blank.
    #[must_use]
    pub fn script(&self, name: &str) -> Option<&str> {
        let text = self.json.at(&["scripts", name]).and_then(Node::text)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Returns the range of a dependency that is installed for production.
    #[must_use]
    pub fn dependency(&self, name: &str) -> Option<&str> {
        ["dependencies", "optionalDependencies"]
            .into_iter()
            .find_map(|section| self.json.at(&[section, name]).and_then(Node::text))
    }

    /// Returns the range of a dependency of any kind.
    #[must_use]
    pub fn any_dependency(&self, name: &str) -> Option<&str> {
        SECTIONS.into_iter().find_map(|section| self.json.at(&[section, name]).and_then(Node::text))
    }

    /// Returns file, line and key: `package.json:7 scripts.start`.
    #[must_use]
    pub fn source(&self, path: &[&str]) -> String {
        let line = self.json.at(path).map_or(1, |node| node.line);
        format!("{}:{line} {}", self.file.path, path.join("."))
    }

    /// Returns the source of a dependency: `package.json:9 dependencies.express`.
    #[must_use]
    pub fn dependency_source(&self, name: &str) -> Option<String> {
        let section =
            SECTIONS.into_iter().find(|section| self.json.at(&[*section, name]).is_some())?;
        Some(self.source(&[section, name]))
    }

    /// Returns each dependency that an install fetches: section, name, value.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = (&'static str, &str, &Node)> {
        SECTIONS.into_iter().take(3).flat_map(|section| {
            let entries = self.json.get(section).map(Node::map).unwrap_or_default();
            entries.iter().map(move |(name, value)| (section, name.as_str(), value))
        })
    }
}

fn is_empty_map(file: &File) -> bool {
    file.text.chars().filter(|letter| !letter.is_whitespace()).eq("{}".chars())
}

/// Reads and parses the manifest that `read` finds.
pub(crate) fn parse(
    read: impl Fn(&str) -> Result<Option<File>, Refusal>,
) -> Result<Option<(File, Node)>, Refusal> {
    type Parse = fn(&File) -> Result<Node, Refusal>;
    let kinds: [(&str, Parse); 3] = [
        ("package.json", read::json),
        ("package.json5", read::json5),
        ("package.yaml", read::yaml),
    ];
    for (name, parse) in kinds {
        if let Some(file) = read(name)? {
            let json = parse(&file)?;
            return Ok(Some((file, json)));
        }
    }
    Ok(None)
}

/// Reads and parses the manifest of a folder of the repository.
pub(crate) fn at(app: &App<'_>, folder: &str) -> Result<Option<(File, Node)>, Refusal> {
    parse(|name| app.read_repo(&join(folder, name)))
}

/// Returns the folders above a folder, the nearest first, the repository's root last.
pub(crate) fn parents(folder: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = folder;
    while !rest.is_empty() {
        rest = rest.rsplit_once('/').map_or("", |(above, _)| above);
        found.push(rest);
    }
    found
}

/// Joins folder and path; a folder of `""` adds nothing.
pub(crate) fn join(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// Returns `folder` relative to `context`. A folder that is not below it is returned whole.
pub(crate) fn inside<'a>(context: &str, folder: &'a str) -> &'a str {
    match folder.strip_prefix(context) {
        Some(rest) if context.is_empty() => rest,
        Some("") => "",
        Some(rest) => rest.strip_prefix('/').unwrap_or(folder),
        None => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::{inside, join, parents};

    #[test]
    fn folders_are_taken_apart_by_whole_names() {
        assert_eq!(parents("a/b/c"), ["a/b", "a", ""]);
        assert!(parents("").is_empty());
        assert_eq!((join("", "x").as_str(), join("a", "x").as_str()), ("x", "a/x"));
        assert_eq!(inside("", "a/b"), "a/b");
        assert_eq!(inside("a", "a/b"), "b");
        assert_eq!(inside("a", "a"), "");
        assert_eq!(inside("a", "ab/c"), "ab/c", "a name that only begins so is another folder");
    }
}
