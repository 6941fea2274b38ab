//! Readers for go.mod and go.work, and the modules that files belong to: the detector and the test runner of Go
//! must agree on both. Folders are relative, and `""` is the root.

/// Returns the value of a directive such as `go 1.24`.
#[must_use]
pub fn directive(text: &str, name: &str) -> Option<String> {
    lines(text).find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == name).then(|| words.next().map(str::to_owned)).flatten()
    })
}

/// Returns the number of the line of a directive, and its value.
#[must_use]
pub fn directive_at(text: &str, name: &str) -> Option<(usize, String)> {
    lines(text).zip(1..).find_map(|(line, number)| {
        let mut words = line.split_whitespace();
        (words.next()? == name)
            .then(|| words.next())
            .flatten()
            .map(|value| (number, value.trim_matches(QUOTES).to_owned()))
    })
}

/// Returns the folders of the modules that a go.work uses.
#[must_use]
pub fn used(work: &str) -> Vec<String> {
    used_at(work).into_iter().map(|(_, folder)| folder).collect()
}

/// Returns the folders of the modules that a go.work uses, each with the number of its line.
#[must_use]
pub fn used_at(work: &str) -> Vec<(usize, String)> {
    let mut folders = Vec::new();
    let mut inside = false;
    for (line, number) in lines(work).zip(1..) {
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["use", "("] | ["use("] => inside = true,
            [")"] => inside = false,
            ["use", path] => folders.push((number, folder(path))),
            [path] if inside => folders.push((number, folder(path))),
            _ => {}
        }
    }
    folders
}

/// Returns the version at which a go.mod requires a module.
#[must_use]
pub fn version_of(text: &str, module: &str) -> Option<String> {
    lines(text).find_map(|line| {
        let mut words = line.split_whitespace().filter(|word| *word != "require");
        let is_version = |word: &&str| {
            word.starts_with('v')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
        };
        (words.next()? == module)
            .then(|| words.next())
            .flatten()
            .filter(is_version)
            .map(str::to_owned)
    })
}

/// A module whose place a folder takes, by `replace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Number of the line, from 1.
    pub line: usize,
    /// Path of the module.
    pub module: String,
    /// The folder, relative to the file.
    pub folder: String,
}

/// Returns what `replace` puts folders in the place of.
#[must_use]
pub fn replacements(text: &str) -> Vec<Replacement> {
    let local = |(text, line): (&str, usize)| {
        let (old, new) = text.split_once("=>")?;
        let path = new.split_whitespace().next()?.trim_matches(QUOTES);
        let old = old.trim();
        let old = old.strip_prefix("replace ").unwrap_or(old);
        let module = old.split_whitespace().next()?.trim_matches(QUOTES).to_owned();
        // A module's path begins with a letter (`go help modfile`).
        path.starts_with(['.', '/']).then(|| Replacement { line, module, folder: folder(path) })
    };
    lines(text).zip(1..).filter_map(local).collect()
}

/// Returns the folders that `replace` puts in modules' places, relative to the file.
#[must_use]
pub fn replaced(text: &str) -> Vec<String> {
    replacements(text).into_iter().map(|replacement| replacement.folder).collect()
}

/// Returns the modules that a go.mod requires, each with the number of its line.
#[must_use]
pub fn required(text: &str) -> Vec<(usize, String)> {
    let required = |(line, number): (&str, usize)| {
        let line = line.trim();
        let mut words = line.strip_prefix("require ").unwrap_or(line).split_whitespace();
        let (path, version) = (words.next()?.trim_matches(QUOTES), words.next()?);
        let is_one =
            version.starts_with('v') && path.contains(['.', '/']) && words.next().is_none();
        is_one.then(|| (number, path.to_owned()))
    };
    lines(text).zip(1..).filter_map(required).collect()
}

/// Returns the last name of a module's path, as `go install` names its program: without `/v2` or `.v2`.
#[must_use]
pub fn last_name(module: &str) -> &str {
    let is_major = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let module = match module.rsplit_once('/') {
        Some((before, last)) if is_major(last) => before,
        _ => module,
    };
    let last = module.rsplit('/').next().unwrap_or(module);
    match last.rsplit_once('.') {
        Some((before, major)) if is_major(major) => before,
        _ => last,
    }
}

/// Returns the module of a file: the deepest of these folders that holds it.
#[must_use]
pub fn module_of<'a>(path: &str, modules: &'a [String]) -> Option<&'a str> {
    let holds = |module: &&String| {
        let rest = path.strip_prefix(module.as_str());
        module.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
    };
    modules.iter().filter(holds).max_by_key(|module| module.len()).map(String::as_str)
}

/// Returns whether `./...` leaves a file out (`go help packages`): vendored, test data, hidden.
#[must_use]
pub fn is_passed_by(path: &str) -> bool {
    let left_out =
        |part: &str| part.starts_with(['.', '_']) || part == "testdata" || part == "vendor";
    path.split('/').any(left_out)
}

const QUOTES: [char; 2] = ['"', '`'];

/// Returns the lines without their comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split_once("//").map_or(line, |(line, _)| line))
}

fn folder(path: &str) -> String {
    match path.trim_matches(QUOTES).trim_start_matches("./").trim_end_matches('/') {
        "." => String::new(),
        path => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_and_what_is_replaced() {
        let work = "go 1.24 // or newer

use (
\t./api // the program
\t\"./money\"
)
use .
replace example.com/x => ./x
";
        assert_eq!(used(work), ["api", "money", ""]);
        assert_eq!(directive(work, "go").as_deref(), Some("1.24"));
        let module = "module example.com/shop

replace (
\texample.com/a v1.0.0 => ../a
\texample.com/b => example.com/fork v1.2.3
)
replace example.com/c => ./c/ // beside
";
        assert_eq!(replaced(module), ["../a", "c"]);
    }

    #[test]
    fn lines_are_named() {
        let module = "module example.com/shop/v2

go 1.22
require example.com/a v1.0.0 // indirect
require (
\t\"example.com/b\" v1.2.3
)
replace example.com/a v1.0.0 => ../a
";
        assert_eq!(directive_at(module, "go"), Some((3, "1.22".into())));
        assert_eq!(required(module), [(4, "example.com/a".into()), (6, "example.com/b".into())]);
        let replacement =
            Replacement { line: 8, module: "example.com/a".into(), folder: "../a".into() };
        assert_eq!(replacements(module), [replacement]);
        assert_eq!(used_at("go 1.24\nuse ./a\n"), [(2, "a".into())]);
    }

    #[test]
    fn a_module_s_last_name_has_no_major_version() {
        for module in ["example.com/shop", "example.com/shop/v2", "gopkg.in/shop.v3", "shop"] {
            assert_eq!(last_name(module), "shop", "{module}");
        }
        assert_eq!(last_name("example.com/vat"), "vat");
    }

    #[test]
    fn files_are_of_the_deepest_module() {
        let modules = ["".to_owned(), "api".to_owned()];
        assert_eq!(module_of("api/main.go", &modules), Some("api"));
        assert_eq!(module_of("apiary/main.go", &modules), Some(""));
        assert_eq!(module_of("main.go", &modules[1..]), None);
        for path in ["testdata/x.go", "a/_old/x.go", ".hidden/x.go", "vendor/x.go", "_x.go"] {
            assert!(is_passed_by(path), "{path}");
        }
        assert!(!is_passed_by("cmd/shop/main.go"));
    }
}
