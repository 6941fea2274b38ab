//! The search for the folder of the program.

use crate::source::{self, Source};
use std::collections::{BTreeMap, BTreeSet};
use windlass_plugin_sdk::{
    Error,
    gomod::{is_passed_by, module_of},
    invalid,
};

/// Number of other programs, and of files that are left out, that are named.
const MOST_NAMED: usize = 5;

/// Files and modules among which the program is searched for.
pub(crate) struct Places<'a> {
    /// All Go files, by path.
    pub(crate) files: &'a [String],
    /// Folders of all modules.
    pub(crate) modules: &'a [String],
    /// Folders of the modules that are built here.
    pub(crate) built: &'a [String],
}

/// The package for `go build`, and the evidence for it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) package: String,
    pub(crate) evidence: Vec<String>,
}

/// One file of each program, and the files of `package main` that are not built.
#[derive(Default)]
struct Found {
    programs: Vec<String>,
    left_out: Vec<String>,
}

impl Places<'_> {
    /// Returns the program of the root's module: in the module's folder, else the only one in its `cmd`.
    /// Otherwise it is such a program of the only other module that has one, or else the only program at all.
    /// `read` returns a file's text.
    ///
    /// # Errors
    /// There is no program, or nothing says which one of several is meant.
    pub(crate) fn program(&self, read: impl Fn(&str) -> Option<String>) -> Result<Program, Error> {
        let Found { programs, left_out } = self.search(read);
        let mut nearest: BTreeMap<(u8, &str), u8> = BTreeMap::new();
        for file in &programs {
            let (place, inside) = self.rank(file);
            let least = nearest.entry((place, self.module(file))).or_insert(inside);
            *least = inside.min(*least);
        }
        let best = nearest.keys().map(|(place, _)| *place).min();
        let is_best = |file: &String| {
            let (place, inside) = self.rank(file);
            Some(place) == best && nearest.get(&(place, self.module(file))) == Some(&inside)
        };
        let (best, others): (Vec<_>, Vec<_>) = programs.into_iter().partition(is_best);
        match best.as_slice() {
            [file] => {
                let other = |file: &String| format!("{file}: package main too, and not built");
                let mut evidence = vec![format!("{file}: package main")];
                evidence.extend(others.iter().take(MOST_NAMED).map(other));
                let package = match folder(file) {
                    "" => ".".into(),
                    folder => format!("./{folder}"),
                };
                Ok(Program { package, evidence })
            }
            [] => Err(none(&left_out)),
            several => {
                let folders = several.iter().map(|file| match folder(file) {
                    "" => ".",
                    folder => folder,
                });
                let folders = folders.collect::<Vec<_>>().join(", ");
                Err(invalid(
                    format!("several main packages: {folders}"),
                    "commit a Dockerfile that builds the one you mean",
                ))
            }
        }
    }

    /// Searches each folder. The first file that is built decides whether the folder is a program.
    fn search(&self, read: impl Fn(&str) -> Option<String>) -> Found {
        let mut found = Found::default();
        let mut known = BTreeSet::new();
        for file in self.files {
            let built = module_of(file, self.modules)
                .is_some_and(|module| self.built.iter().any(|built| built == module));
            if !built || is_passed_by(file) || file.ends_with("_test.go") {
                continue;
            }
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            if known.contains(folder) {
                continue;
            }
            let Some(text) = read(file) else { continue };
            match source::read(name, &text) {
                Some(Source { package: "main", left_out: Some(why) }) => {
                    found.left_out.push(format!("{file} ({why})"));
                }
                // Go builds nothing of a package `documentation` (`go help packages`).
                None
                | Some(
                    Source { left_out: Some(_), .. } | Source { package: "documentation", .. },
                ) => {}
                Some(Source { package, left_out: None }) => {
                    known.insert(folder);
                    if package == "main" {
                        found.programs.push(file.clone());
                    }
                }
            }
        }
        found
    }

    /// Ranks a program's file, across modules and within its module: the lower, the likelier. In a workspace,
    /// modules beside the root's hold tools and examples.
    fn rank(&self, file: &str) -> (u8, u8) {
        let folder = folder(file);
        let module = self.module(file);
        let inside = match folder.strip_prefix(module).unwrap_or(folder).trim_start_matches('/') {
            "" => 0,
            "cmd" => 1,
            inside if inside.starts_with("cmd/") => 1,
            _ => 2,
        };
        let place = match (inside, module) {
            (2, _) => 2,
            (_, "") => 0,
            _ => 1,
        };
        (place, inside)
    }

    fn module(&self, file: &str) -> &str {
        module_of(file, self.modules).unwrap_or_default()
    }
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn none(left_out: &[String]) -> Error {
    let mut message = "no file that Go builds says `package main`".to_owned();
    if !left_out.is_empty() {
        let named = left_out.iter().take(MOST_NAMED).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        message.push_str(&format!("; left out: {named}"));
    }
    invalid(message, "a library cannot be deployed; name the app's folder in `source.directory`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const MAIN: &str = "package main\n";

    fn program(modules: &[&str], files: &[(&str, &str)]) -> Result<Program, String> {
        let modules: Vec<_> = modules.iter().map(|&module| module.to_owned()).collect();
        let texts: BTreeMap<_, _> = files.iter().copied().collect();
        let files: Vec<_> = texts.keys().map(|&file| file.to_owned()).collect();
        let places = Places { files: &files, modules: &modules, built: &modules };
        let read = |file: &str| texts.get(file).map(|&text| text.to_owned());
        places.program(read).map_err(|error| error.message)
    }

    #[test]
    fn files_that_are_no_program() {
        let files = [
            ("cmd/shop/main.go", MAIN),
            ("cmd/shop/main_test.go", MAIN),
            ("magefile.go", "//go:build mage\n\npackage main\n"),
            ("shop.go", "package shop\n"),
            ("internal/rates/gen.go", "//go:build ignore\n\npackage main\n"),
            ("internal/rates/rates.go", "package rates\n"),
            ("testdata/sample/main.go", MAIN),
            ("_old/main.go", MAIN),
            (".idea/main.go", MAIN),
            ("vendor/example.com/tool/main.go", MAIN),
        ];
        let program = program(&[""], &files).unwrap();
        assert_eq!(program.package, "./cmd/shop");
        assert_eq!(program.evidence, ["cmd/shop/main.go: package main"]);
    }

    #[test]
    fn the_root_then_cmd_then_any() {
        let of = |files: &[(&str, &str)]| program(&[""], files).map(|program| program.package);
        assert_eq!(of(&[("main.go", MAIN), ("cmd/a/main.go", MAIN)]), Ok(".".into()));
        assert_eq!(of(&[("cmd/a/x.go", MAIN), ("tools/b/x.go", MAIN)]), Ok("./cmd/a".into()));
        assert_eq!(of(&[("app/x.go", MAIN)]), Ok("./app".into()));
        let several = of(&[("cmd/a/x.go", MAIN), ("cmd/b/x.go", MAIN)]).unwrap_err();
        assert_eq!(several, "several main packages: cmd/a, cmd/b");
        let others = program(&[""], &[("cmd/a/x.go", MAIN), ("tools/b/x.go", MAIN)]).unwrap();
        assert_eq!(others.evidence[1], "tools/b/x.go: package main too, and not built");
    }

    #[test]
    fn without_a_program_what_is_left_out_is_named() {
        let files = [("magefile.go", "//go:build mage\n\npackage main\n")];
        let error = program(&[""], &files).unwrap_err();
        assert!(error.contains("magefile.go (`//go:build mage`)"), "{error}");
    }

    /// A workspace of the app and its tools: `use ( . ./tools ./examples/a )`.
    #[test]
    fn the_root_s_module_comes_before_those_beside_it() {
        let modules = ["", "tools", "examples/a"];
        let beside = [("tools/main.go", MAIN), ("examples/a/main.go", MAIN)];
        for (file, package) in [("main.go", "."), ("cmd/shop/main.go", "./cmd/shop")] {
            let program = program(&modules, &[&beside[..], &[(file, MAIN)]].concat()).unwrap();
            assert_eq!(program.package, package);
            assert_eq!(program.evidence[1], "examples/a/main.go: package main too, and not built");
        }
        let several = program(&modules, &beside).unwrap_err();
        assert_eq!(several, "several main packages: examples/a, tools");
    }

    #[test]
    fn modules_that_are_not_built_hold_no_program() {
        let files = [("api/main.go", MAIN), ("money/money.go", "package money\n")];
        assert_eq!(program(&["api", "money"], &files).unwrap().package, "./api");
        let files = [("api/main.go", MAIN), ("worker/main.go", MAIN)];
        let several = program(&["api", "worker"], &files).unwrap_err();
        assert_eq!(several, "several main packages: api, worker");
        let files = [("api/main.go", MAIN), ("worker/cmd/worker/main.go", MAIN)];
        let several = program(&["api", "worker"], &files).unwrap_err();
        assert_eq!(several, "several main packages: api, worker/cmd/worker");
        let files = ["tools/main.go".to_owned()];
        let modules = ["".to_owned(), "tools".to_owned()];
        let places = Places { files: &files, modules: &modules, built: &modules[..1] };
        assert!(places.program(|_| Some(MAIN.into())).is_err());
    }
}
