//! Files of requirements (pip's "Requirements File Format"), and all that they name.

use super::{context::parent, dependency::Dependency};
use crate::{App, BuildSecret, File, Refusal, join};

/// Options that name nothing in the tree.
const ELSEWHERE: [&str; 10] = [
    "--no-index",
    "--pre",
    "--prefer-binary",
    "--no-binary",
    "--only-binary",
    "--require-hashes",
    "--hash",
    "--trusted-host",
    "--use-feature",
    "--config-settings",
];

/// Options with the address of an index.
const INDEXES: [&str; 3] = ["-i", "--index-url", "--extra-index-url"];

/// Files that one file of requirements may name, with those that these name.
const FILES: usize = 50;

/// Working directory of the stage, which holds the tree.
const APP: &str = "/app/";

/// A file of requirements with the files that it names.
#[derive(Clone, Debug, Default)]
pub(super) struct Requirements {
    /// Path in the app's folder.
    pub(super) file: String,
    /// All files that `pip install -r` reads, relative to the app's folder.
    pub(super) files: Vec<String>,
    /// Folders and archives with the lines that name them: `path`, `requirements.txt:3`.
    pub(super) local: Vec<(String, String)>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) secrets: Vec<BuildSecret>,
}

/// Reads a file of requirements, and those that it names. `None` means that there is no such file.
///
/// # Errors
/// Names the line whose file is not there.
pub(super) fn read(app: &App<'_>, path: &str, dev: bool) -> Result<Option<Requirements>, Refusal> {
    let Some(first) = app.read(path)? else { return Ok(None) };
    let mut all = Requirements { file: path.to_owned(), ..Requirements::default() };
    let mut queue = vec![(path.to_owned(), first, false)];
    while let Some((name, file, only_limits)) = queue.pop() {
        if all.files.contains(&name) || all.files.len() >= FILES {
            continue;
        }
        all.files.push(name.clone());
        for (number, line) in logical(&file) {
            let source = format!("{name}:{number}");
            match classify(&line) {
                Line::Nothing => {}
                // Constraints limit versions, and install nothing.
                Line::Package if only_limits => {}
                Line::Package if is_conda(&line) => {
                    let reason =
                        format!("{source}: `{line}` is written by conda, and pip takes `==`");
                    let hint = "write it by `pip list --format=freeze > requirements.txt`";
                    return Err(Refusal::new(reason, hint).of("python", 80));
                }
                Line::Package => all.dependencies.extend(package(&line, &source, dev)),
                Line::Index(value) => secrets(value, &source, &mut all.secrets),
                Line::File(value) => {
                    let limits = only_limits || line.starts_with("-c") || line.starts_with("--con");
                    let value = value.strip_prefix(APP).unwrap_or(value);
                    let Some(next) = join(parent(&name), value) else {
                        // Above the app's folder: the context is wider then, and the whole of it is copied.
                        let above = if value.starts_with('/') || parent(&name).is_empty() {
                            value.to_owned()
                        } else {
                            format!("{}/{value}", parent(&name))
                        };
                        let found = packages_above(app, &above, &source, &line, dev)?;
                        all.dependencies.extend(found.into_iter().filter(|_| !limits));
                        all.local.push((above, source));
                        continue;
                    };
                    match app.read(&next)? {
                        Some(file) => queue.push((next, file, limits)),
                        None => return Err(missing(&source, &line, &next)),
                    }
                }
                Line::Path(value) => {
                    let value = value.strip_prefix(APP).unwrap_or(value);
                    let value = if value.is_empty() { "." } else { value };
                    let inside = join(app.folder, value).is_some_and(|path| path != app.folder);
                    if inside && !app.has(value) && !app.has_dir(value) {
                        return Err(missing(&source, &line, value));
                    }
                    all.dependencies.extend(reference(&line, &source, dev));
                    all.local.push((value.to_owned(), source));
                }
            }
        }
    }
    Ok(Some(all))
}

/// Returns the packages of a file above the app's folder.
fn packages_above(
    app: &App<'_>,
    path: &str,
    source: &str,
    line: &str,
    dev: bool,
) -> Result<Vec<Dependency>, Refusal> {
    // A path that leads out of the repository is refused where the context is chosen.
    let Some(full) = join(app.folder, path) else { return Ok(Vec::new()) };
    let Some(file) = app.read_repo(&full)? else { return Err(missing(source, line, path)) };
    let lines = logical(&file).into_iter().filter(|(_, line)| classify(line) == Line::Package);
    let read = lines.filter_map(|(number, line)| package(&line, &format!("{full}:{number}"), dev));
    Ok(read.collect())
}

/// Returns whether a line is `flask=2.0.3=pyhd3eb1b0_0`, of `conda list --export`, which pip does not read.
fn is_conda(line: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let rest = line.trim_start_matches(is_part);
    let one = rest.strip_prefix('=').filter(|_| !line.starts_with('-'));
    one.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Reads a line that names a package.
fn package(line: &str, source: &str, dev: bool) -> Option<Dependency> {
    let editable = line.strip_prefix("--editable").or_else(|| line.strip_prefix("-e"));
    let text = editable.unwrap_or(line).trim_start_matches([' ', '\t', '=']);
    Dependency::parse(text, source, dev)
}

fn missing(source: &str, line: &str, path: &str) -> Refusal {
    let reason = format!("{source}: `{line}`: there is no `{path}`");
    Refusal::new(reason, "commit it, or take the line out").of("python", 80)
}

/// Line of requirements.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Nothing,
    Package,
    Index(&'a str),
    File(&'a str),
    Path(&'a str),
}

/// Returns the lines that say something, without comments. A backslash joins a line with the next.
fn logical(file: &File) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, raw) in file.text.lines().enumerate() {
        let raw = if raw.trim_start().starts_with('#') { "" } else { raw };
        let raw = raw.split_once(" #").map_or(raw, |(line, _)| line).trim();
        let (line, goes_on) = match raw.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (raw, false),
        };
        match all.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(line);
            }
            _ if line.is_empty() => {}
            _ => all.push((index + 1, line.to_owned())),
        }
        open = goes_on;
    }
    all
}

fn classify(line: &str) -> Line<'_> {
    if !line.starts_with('-') {
        return match path(line) {
            Some(path) => Line::Path(path),
            None => Line::Package,
        };
    }
    let (option, value) = option(line);
    if ELSEWHERE.contains(&option) {
        return Line::Nothing;
    }
    if INDEXES.contains(&option) {
        return Line::Index(value);
    }
    let value = value.trim_matches(['"', '\'']);
    match (option, inside(value)) {
        ("-r" | "--requirement" | "-c" | "--constraint", Some(path)) => Line::File(path),
        ("-e" | "--editable", None) => Line::Package,
        (_, Some(path)) => Line::Path(path),
        (_, None) => Line::Nothing,
    }
}

/// Returns the path that a requirement names: `./libs/money`, `money @ file:///app/libs/money`.
fn path(line: &str) -> Option<&str> {
    // In a URL, `@` follows other things than a name.
    let value = match line.split_once('@') {
        Some((name, at)) if !name.contains(['/', ':']) => at.trim_start(),
        _ => line,
    };
    let archive = [".whl", ".zip", ".tar.gz", ".tar.bz2"];
    let bare = value.split([';', '[']).next().unwrap_or_default();
    let bare = bare.split_once(" --").map_or(bare, |(bare, _)| bare).trim_end();
    let is_path = bare.starts_with('.')
        || bare.contains('/')
        || bare.starts_with("file:")
        || archive.iter().any(|end| bare.ends_with(end));
    if is_path { inside(value) } else { None }
}

/// Returns the path of a value that is no URL.
fn inside(value: &str) -> Option<&str> {
    let value = value.split([';', '[', '#']).next().unwrap_or_default().trim();
    match value.strip_prefix("file:").map(|path| path.trim_start_matches("//")) {
        Some(path) => Some(path.strip_prefix("localhost").unwrap_or(path)),
        None if value.is_empty() || value.contains("://") => None,
        None => Some(value),
    }
}

/// Splits an option from its value: `-r base.txt`, `-rbase.txt`, `--requirement=base.txt`.
fn option(line: &str) -> (&str, &str) {
    let end = match line.strip_prefix("--") {
        Some(_) => line.find([' ', '\t', '=']).unwrap_or(line.len()),
        None => line.char_indices().nth(2).map_or(line.len(), |(at, _)| at),
    };
    let (option, value) = line.split_at_checked(end).unwrap_or((line, ""));
    (option, value.trim_start_matches([' ', '\t', '=']))
}

/// Returns the package of a path, as far as the line has its name.
fn reference(line: &str, source: &str, dev: bool) -> Option<Dependency> {
    let (name, _) = line.split_once('@')?;
    if name.contains(['/', ':']) { None } else { Dependency::parse(name, source, dev) }
}

/// Adds the variables of an address: pip replaces `${NAME}` from the environment.
pub(super) fn secrets(address: &str, source: &str, all: &mut Vec<BuildSecret>) {
    for part in address.split("${").skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(good) || all.iter().any(|s| s.variable == name) {
            continue;
        }
        all.push(BuildSecret {
            variable: name.to_owned(),
            source: source.to_owned(),
            required: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_something_in_the_tree() {
        for line in [
            "-r requirements/base.txt",
            "-rbase.txt",
            "--requirement=base.txt",
            "-c constraints.txt",
            "-e .",
            "-e ./libs/money[dev]",
            "--find-links wheels",
            "./libs/money",
            "libs/money ; python_version > '3.8'",
            ".",
            "file:libs/money",
            "file:///app/libs/money",
            "/app/libs/money",
            "money @ file:///app/libs/money",
            "money[dev]@file:./libs/money",
            "money-1.0-py3-none-any.whl",
        ] {
            assert!(matches!(classify(line), Line::File(_) | Line::Path(_)), "{line}");
        }
    }

    #[test]
    fn lines_that_name_nothing_in_the_tree() {
        for line in [
            "-i https://pypi.example.com/simple",
            "--extra-index-url=https://pypi.example.com/simple",
            "--no-binary :all:",
            "flask==3.1.0      --hash=sha256:abc",
            "requests[socks]>=2 ; sys_platform == 'linux'",
            "money @ https://example.com/money-1.0.tar.gz",
            "git+https://git.example.com/money.git@v1#egg=money",
            "-e git+ssh://git@git.example.com/money.git#egg=money",
            "-f https://example.com/wheels/",
        ] {
            assert!(!matches!(classify(line), Line::File(_) | Line::Path(_)), "{line}");
        }
    }

    #[test]
    fn lines_of_conda_are_told_from_pips() {
        for (line, is_condas) in [
            ("_libgcc_mutex=0.1=main", true),
            ("flask=2.0.3=pyhd3eb1b0_0", true),
            ("flask=2.0", true),
            ("flask==2.0", false),
            ("flask===2.0", false),
            ("flask>=2", false),
            ("flask", false),
            ("--editable=git+https://git.example.com/shop.git", false),
        ] {
            assert_eq!(is_conda(line), is_condas, "{line}");
        }
    }

    #[test]
    fn comments_and_joined_lines_are_read_as_pip_reads_them() {
        let text = "# -r base.txt\r\nflask==3.1.0 \\\r\n    --hash=sha256:abc # x\r\n\r\n  -r base.txt  # rest\r\n";
        let file = File { path: "requirements.txt".into(), text: text.into() };
        let lines = logical(&file);
        assert_eq!(
            lines,
            [(2, "flask==3.1.0 --hash=sha256:abc".into()), (5, "-r base.txt".into())]
        );
    }

    #[test]
    fn variables_of_an_index_are_secrets() {
        let mut all = Vec::new();
        secrets("https://${NAME}:${TOKEN}@pypi.example.com/simple", "requirements.txt:1", &mut all);
        let names: Vec<_> = all.iter().map(|secret| &*secret.variable).collect();
        assert_eq!(names, ["NAME", "TOKEN"]);
    }
}
