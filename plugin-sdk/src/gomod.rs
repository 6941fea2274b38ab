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

/// Returns the folders of the modules that a go.work uses.
#[must_use]
pub fn used(work: &str) -> Vec<String> {
    let mut folders = Vec::new();
    let mut inside = false;
    for line in lines(work) {
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["use", "("] | ["use("] => inside = true,
            [")"] => inside = false,
            ["use", path] => folders.push(folder(path)),
            [path] if inside => folders.push(folder(path)),
            _ => {}
        }
    }
    folders
}

/// Returns the folders that `replace` puts in modules' places, relative to the file.
#[must_use]
pub fn replaced(text: &str) -> Vec<String> {
    let local = |line: &str| {
        let (_, new) = line.split_once("=>")?;
        let path = new.split_whitespace().next()?.trim_matches(QUOTES);
        // A module's path begins with a letter (`go help modfile`).
        path.starts_with(['.', '/']).then(|| folder(path))
    };
    lines(text).filter_map(local).collect()
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
