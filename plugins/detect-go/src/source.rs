//! The head of a Go file: its package, and whether `go build` takes the file at all
//! (`go help buildconstraint`).

/// Names of systems that a file's name may end with, as in `internal/syslist`.
const SYSTEMS: [&str; 18] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// Names of processors that a file's name may end with, as in `internal/syslist`.
const PROCESSORS: [&str; 24] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// The longest constraint, in bytes. A longer constraint does not hold.
const LONGEST: usize = 1 << 10;

/// The head of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source<'a> {
    /// The name in the package clause.
    pub(crate) package: &'a str,
    /// The reason that keeps the file out of the build.
    pub(crate) left_out: Option<String>,
}

/// Reads a file's head. `None` means that there is no package clause.
pub(crate) fn read<'a>(name: &str, text: &'a str) -> Option<Source<'a>> {
    let mut constraint = None;
    let mut older = Vec::new();
    let mut in_comment = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let mut line = line.trim();
        loop {
            if in_comment {
                let Some((_, rest)) = line.split_once("*/") else { break };
                (in_comment, line) = (false, rest.trim_start());
            }
            let Some(rest) = line.strip_prefix("/*") else { break };
            (in_comment, line) = (true, rest);
        }
        if in_comment || line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix("//") {
            if let Some(condition) = comment.strip_prefix("go:build").filter(|rest| is_apart(rest))
            {
                constraint = constraint.or(Some(condition.trim()));
            } else if let Some(condition) = comment.trim_start().strip_prefix("+build")
                && is_apart(condition)
            {
                older.push(condition.trim());
            }
            continue;
        }
        let rest = line.strip_prefix("package").filter(|rest| is_apart(rest))?;
        let package = rest.trim_start().split([' ', '\t', ';', '/']).next()?;
        return Some(Source { package, left_out: left_out(name, constraint, &older) });
    }
    None
}

/// Returns whether a file declares `func main`.
pub(crate) fn has_main(text: &str) -> bool {
    let is_one = |line: &str| {
        let rest = line.strip_prefix("func").filter(|rest| is_apart(rest));
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix("main"));
        rest.is_some_and(|rest| rest.trim_start().starts_with('('))
    };
    text.lines().any(is_one)
}

/// Returns the paths that a file imports. Comments before an `import "C"` hold C.
pub(crate) fn imports(text: &str) -> Vec<&str> {
    let mut imports = Vec::new();
    let mut in_comment = false;
    let mut in_block = false;
    for line in text.lines() {
        let mut line = line.trim();
        if in_comment {
            let Some((_, rest)) = line.split_once("*/") else { continue };
            (in_comment, line) = (false, rest.trim());
        }
        if let Some(comment) = line.strip_prefix("/*") {
            in_comment = !comment.contains("*/");
            continue;
        }
        if in_block {
            in_block = !line.starts_with(')');
            if in_block && !line.starts_with("//") {
                imports.extend(line.split(['"', '`']).nth(1));
            }
        } else if let Some(rest) = line.strip_prefix("import").map(str::trim_start) {
            in_block = rest.starts_with('(') && !rest.contains(')');
            imports.extend(rest.split(['"', '`']).nth(1));
        } else if ["func", "type", "var", "const"].iter().any(|word| {
            line.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t', '(']))
        }) {
            break;
        }
    }
    imports
}

/// Returns the paths that a file embeds, relative to its folder and up to their first wildcard.
pub(crate) fn embeds(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("//go:embed"));
    lines.filter(|rest| is_apart(rest)).flat_map(str::split_whitespace).map(|path| {
        let path = path.trim_matches(['"', '`']);
        let path = path.strip_prefix("all:").unwrap_or(path);
        match path.split_once(['*', '?', '[']) {
            Some((before, _)) => before.rsplit_once('/').map_or("", |(folder, _)| folder),
            None => path,
        }
    })
}

fn is_apart(rest: &str) -> bool {
    rest.starts_with([' ', '\t'])
}

fn left_out(name: &str, constraint: Option<&str>, older: &[&str]) -> Option<String> {
    if !fits(name) {
        return Some("its name is another system's".into());
    }
    match constraint {
        Some(condition) => (!holds(condition)).then(|| format!("`//go:build {condition}`")),
        // Older constraints count only where there is no newer one.
        None => {
            let condition = older.iter().find(|condition| !holds_older(condition))?;
            Some(format!("`// +build {condition}`"))
        }
    }
}

/// Returns whether a tag is set where the recipe builds: on Linux, without cgo.
fn is_set(tag: &str) -> bool {
    // Either processor: the builder's is not known here.
    matches!(tag, "linux" | "unix" | "gc" | "amd64" | "arm64")
        || tag.strip_prefix("go1.").is_some_and(|minor| minor.parse::<u32>().is_ok())
}

/// Returns whether a file's name fits Linux: `x_linux.go` does, `x_windows.go` does not, `windows.go` is for
/// all systems.
fn fits(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let Some((_, ends)) = stem.split_once('_') else { return true };
    match *ends.split('_').collect::<Vec<_>>() {
        [.., system, processor] if SYSTEMS.contains(&system) && PROCESSORS.contains(&processor) => {
            is_set(system) && is_set(processor)
        }
        [.., end] if SYSTEMS.contains(&end) || PROCESSORS.contains(&end) => is_set(end),
        _ => true,
    }
}

/// Evaluates `// +build`: blanks are or, commas are and.
fn holds_older(condition: &str) -> bool {
    let holds = |tag: &str| match tag.strip_prefix('!') {
        Some(tag) => !is_set(tag),
        None => is_set(tag),
    };
    condition.split_whitespace().any(|option| option.split(',').all(holds))
}

/// Evaluates `//go:build`: `!`, `&&`, `||` and parentheses. A constraint that cannot be read does not hold: Go
/// does not build such a file.
fn holds(condition: &str) -> bool {
    let mut expression = Expression(condition);
    condition.len() <= LONGEST && expression.any() == Some(true) && expression.0.trim().is_empty()
}

/// Rest of an expression, which is still to be read.
struct Expression<'a>(&'a str);

impl Expression<'_> {
    fn any(&mut self) -> Option<bool> {
        let mut value = self.all()?;
        while self.takes("||") {
            value |= self.all()?;
        }
        Some(value)
    }

    fn all(&mut self) -> Option<bool> {
        let mut value = self.one()?;
        while self.takes("&&") {
            value &= self.one()?;
        }
        Some(value)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("!") {
            return self.one().map(|value| !value);
        }
        if self.takes("(") {
            let value = self.any()?;
            return self.takes(")").then_some(value);
        }
        let is_end = |c: char| !c.is_alphanumeric() && c != '_' && c != '.';
        let (tag, rest) = self.0.split_at(self.0.find(is_end).unwrap_or(self.0.len()));
        self.0 = rest;
        (!tag.is_empty()).then(|| is_set(tag))
    }

    fn takes(&mut self, word: &str) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(word);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package<'a>(name: &str, text: &'a str) -> (&'a str, bool) {
        let read = read(name, text).unwrap();
        (read.package, read.left_out.is_none())
    }

    #[test]
    fn the_package_clause_is_found_behind_comments() {
        for text in [
            "package main\n",
            "\u{feff}package main // import \"example.com/shop\"\n",
            "// Command shop sells.\n/* package other\n\npackage other */ package main;\n",
            "/* one */ /* two */\n\npackage main\n\nconst text = `\npackage other\n`\n",
        ] {
            assert_eq!(package("main.go", text), ("main", true), "{text}");
        }
        assert_eq!(package("a.go", "package shop\n\n// package main\n"), ("shop", true));
        assert_eq!(read("a.go", "packages\n"), None);
        assert_eq!(read("a.go", "// nothing but a comment"), None);
    }

    #[test]
    fn a_function_of_another_name_is_not_main() {
        assert!(has_main("package main\r\n\r\nfunc main() {\r\n"));
        for text in
            ["func mainly() {}", "// func main() {}", "\tfunc main() {}", "func (s S) main() {}"]
        {
            assert!(!has_main(text), "{text}");
        }
    }

    #[test]
    fn imports_and_embedded_files_are_read() {
        let text = "package main\n\n/*\nconst char *x;\n*/\nimport \"C\"\n\nimport (\n\t\"fmt\"\n\
                    \t// \"os\"\n\tm \"example.com/money\"\n)\n\n//go:embed all:static templates/*.html\n\
                    var files embed.FS\n\nvar text = `import \"os\"`\n";
        assert_eq!(imports(text), ["C", "fmt", "example.com/money"]);
        assert_eq!(embeds(text).collect::<Vec<_>>(), ["static", "templates"]);
        assert!(imports("import").is_empty());
    }

    #[test]
    fn constraints_are_evaluated() {
        for (condition, built) in [
            ("ignore", false),
            ("mage", false),
            ("!ignore", true),
            ("linux", true),
            ("windows || linux", true),
            ("unix && !cgo", true),
            ("linux && (386 || amd64)", true),
            ("!(windows || plan9)", true),
            ("go1.21 && !go1.5", false),
            ("integration,linux", false),
            ("linux &&", false),
            ("(linux", false),
        ] {
            let text = format!("// Copyright\n\n//go:build {condition}\n\npackage main\n");
            assert_eq!(package("main.go", &text), ("main", built), "{condition}");
        }
        let ignored = "//go:build ignore\n\npackage main\n";
        let why = read("gen.go", ignored).unwrap().left_out;
        assert_eq!(why.as_deref(), Some("`//go:build ignore`"));
        // After the package clause, a constraint is a comment like others.
        assert!(package("a.go", "package main\n\n//go:build ignore\n").1);
        assert!(!package("a.go", "// +build ignore\n\npackage main\n").1);
        assert!(package("a.go", "// +build windows linux,!cgo\n\npackage main\n").1);
    }

    #[test]
    fn names_of_systems_are_constraints() {
        for name in ["main.go", "linux.go", "windows.go", "main_linux.go", "a_linux_arm64.go"] {
            assert!(package(name, "package main\n").1, "{name}");
        }
        for name in ["main_windows.go", "main_wasm.go", "a_b_darwin_arm64.go", "x_linux_386.go"] {
            assert!(!package(name, "package main\n").1, "{name}");
        }
        assert!(package("main_server.go", "package main\n").1);
    }
}
