//! The search for the folder of the program.

use crate::source::{self, Source};
use std::collections::BTreeMap;
use windlass_plugin_sdk::gomod::{is_passed_by, module_of};

/// Number of other programs, and of files that are left out, that are named.
const MOST_NAMED: usize = 5;

/// Rank of a program in `cmd` whose name says nothing.
const COMMAND: u8 = 20;

/// Rank of a program in another folder.
const ELSEWHERE: u8 = 30;

/// Names of programs in `cmd` that serve, the likeliest first.
const SERVERS: [&str; 6] = ["web", "server", "app", "api", "www", "http"];

/// Files and modules among which the program is searched for.
pub(crate) struct Places<'a> {
    /// All Go files, by path.
    pub(crate) files: &'a [String],
    /// Folders of all modules.
    pub(crate) modules: &'a [String],
    /// Folders of the modules that are built here.
    pub(crate) built: &'a [String],
    /// Last name of each module's path, by the module's folder.
    pub(crate) names: &'a BTreeMap<String, String>,
    /// Name of the program that the Procfile's `web` starts.
    pub(crate) wanted: Option<&'a str>,
}

/// The package for `go build`, and the evidence for it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) package: String,
    /// Folder of the package.
    pub(crate) folder: String,
    /// Set where the place or the name says that it is the app's program.
    pub(crate) is_named: bool,
    pub(crate) evidence: Vec<String>,
    /// Folders of the other programs.
    pub(crate) others: Vec<String>,
}

/// The search's failure.
#[derive(Debug)]
pub(crate) enum Miss {
    /// There is no program; files of `package main` that are left out, each with the reason.
    None(Vec<String>),
    /// Folders of several programs, none of which is likelier than the others.
    Several(Vec<String>),
}

/// Search of a folder.
#[derive(Default)]
struct Seen<'a> {
    /// First file of `package main`.
    main: Option<&'a str>,
    is_done: bool,
}

/// One file of each program, and the files of `package main` that are not built.
#[derive(Default)]
struct Found {
    programs: Vec<String>,
    left_out: Vec<String>,
}

impl Places<'_> {
    /// Returns the program of the root's module: the one that is wanted, else the one in the module's folder, else
    /// the one in its `cmd` that has the module's name or a server's, else the only one there. Otherwise it is
    /// such a program of the only other module that has one, or else the only program at all.
    /// `read` returns a file's text.
    ///
    /// # Errors
    /// There is no program, or nothing says which one of several is meant.
    pub(crate) fn program(&self, read: impl Fn(&str) -> Option<String>) -> Result<Program, Miss> {
        let Found { programs, left_out } = self.search(read);
        let mut nearest: BTreeMap<(u8, &str), u8> = BTreeMap::new();
        for file in &programs {
            let (place, inside) = self.rank(file);
            let least = nearest.entry((place, self.module(file))).or_insert(inside);
            *least = inside.min(*least);
        }
        let best = nearest.keys().map(|(place, _)| *place).min();
        let is_best = |file: &&str| {
            let (place, inside) = self.rank(file);
            Some(place) == best && nearest.get(&(place, self.module(file))) == Some(&inside)
        };
        let (best, others): (Vec<&str>, Vec<&str>) =
            programs.iter().map(String::as_str).partition(is_best);
        match *best {
            [file] => {
                let other = |file: &&str| format!("{file}: package main too, and not built");
                let mut evidence = vec![format!("{file}: package main")];
                evidence.extend(others.iter().take(MOST_NAMED).map(other));
                let others = others.iter().map(|file| folder(file).to_owned()).collect();
                let is_named = self.rank(file).1 != ELSEWHERE;
                Ok(Program {
                    package: package(folder(file)),
                    folder: folder(file).to_owned(),
                    is_named,
                    evidence,
                    others,
                })
            }
            [] => Err(Miss::None(left_out)),
            _ => Err(Miss::Several(best.iter().map(|file| folder(file).to_owned()).collect())),
        }
    }

    /// Searches each folder. It is a program when a file that is built says `package main`, and one of them
    /// declares `func main`.
    fn search(&self, read: impl Fn(&str) -> Option<String>) -> Found {
        let mut found = Found::default();
        let mut folders: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
        for file in self.files {
            let built = module_of(file, self.modules)
                .is_some_and(|module| self.built.iter().any(|built| built == module));
            if !built || is_passed_by(file) || file.ends_with("_test.go") {
                continue;
            }
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            let seen = folders.entry(folder).or_default();
            if seen.is_done {
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
                Some(Source { package: "main", left_out: None }) => {
                    let main = *seen.main.get_or_insert(file);
                    if source::has_main(&text) {
                        seen.is_done = true;
                        found.programs.push(main.to_owned());
                    }
                }
                Some(Source { left_out: None, .. }) => seen.is_done = true,
            }
        }
        let without = folders.values().filter(|seen| !seen.is_done);
        let without = without.filter_map(|seen| seen.main);
        found.left_out.extend(without.map(|file| format!("{file} (no `func main` beside it)")));
        found.programs.sort();
        found
    }

    /// Ranks a program's file, across modules and within its module: the lower, the likelier. In a workspace,
    /// modules beside the root's hold tools and examples.
    fn rank(&self, file: &str) -> (u8, u8) {
        let folder = folder(file);
        let module = self.module(file);
        let inside = folder.strip_prefix(module).unwrap_or(folder).trim_start_matches('/');
        let last = inside.rsplit('/').next().unwrap_or(inside);
        let is_wanted = !last.is_empty() && self.wanted == Some(last);
        let command = inside.strip_prefix("cmd/");
        let is_own = command.is_some() && self.names.get(module).map(String::as_str) == command;
        let server = SERVERS.iter().zip(0_u8..).find(|(name, _)| command == Some(**name));
        let inside = match (inside, server) {
            _ if is_wanted => 0,
            ("", _) => 1,
            _ if is_own => 2,
            (_, Some((_, place))) => place.saturating_add(3),
            ("cmd", _) => COMMAND,
            _ if command.is_some() => COMMAND,
            _ => ELSEWHERE,
        };
        let place = match (inside, module) {
            (ELSEWHERE, _) => 2,
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

/// Returns the argument of `go build` for a folder.
pub(crate) fn package(folder: &str) -> String {
    if folder.is_empty() { ".".into() } else { format!("./{folder}") }
}

/// Describes a tree without a program.
pub(crate) fn none(left_out: &[String]) -> String {
    let mut message = "no file that Go builds says `package main`".to_owned();
    if !left_out.is_empty() {
        let named = left_out.iter().take(MOST_NAMED).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        message.push_str(&format!("; left out: {named}"));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "package main\n\nfunc main() {}\n";

    fn program(modules: &[&str], files: &[(&str, &str)]) -> Result<Program, String> {
        let modules: Vec<_> = modules.iter().map(|&module| module.to_owned()).collect();
        let texts: BTreeMap<_, _> = files.iter().copied().collect();
        let files: Vec<_> = texts.keys().map(|&file| file.to_owned()).collect();
        let names = BTreeMap::from([(String::new(), "shop".to_owned())]);
        let wanted = None;
        let places =
            Places { files: &files, modules: &modules, built: &modules, names: &names, wanted };
        let read = |file: &str| texts.get(file).map(|&text| text.to_owned());
        places.program(read).map_err(|miss| match miss {
            Miss::None(left_out) => none(&left_out),
            Miss::Several(folders) => format!("several main packages: {}", folders.join(", ")),
        })
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
    fn in_cmd_the_module_s_name_then_a_server_s() {
        let of = |files: &[(&str, &str)]| program(&[""], files).map(|program| program.package);
        let (shop, web, api, job) = (
            ("cmd/shop/main.go", MAIN),
            ("cmd/web/main.go", MAIN),
            ("cmd/api/main.go", MAIN),
            ("cmd/job/main.go", MAIN),
        );
        assert_eq!(of(&[job, api, web, shop]), Ok("./cmd/shop".into()));
        assert_eq!(of(&[job, api, web]), Ok("./cmd/web".into()));
        assert_eq!(of(&[job, api]), Ok("./cmd/api".into()));
        assert!(of(&[job, ("cmd/mail/main.go", MAIN)]).is_err());
    }

    #[test]
    fn a_package_main_without_func_main_is_no_program() {
        let half = [("cmd/a/a.go", "package main\n\nfunc help() {}\n")];
        let error = program(&[""], &half).unwrap_err();
        assert!(error.contains("cmd/a/a.go (no `func main` beside it)"), "{error}");
        let whole = [&half[..], &[("cmd/a/z.go", MAIN)]].concat();
        assert_eq!(program(&[""], &whole).unwrap().package, "./cmd/a");
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
        let (names, built) = (BTreeMap::new(), &modules[..1]);
        let places =
            Places { files: &files, modules: &modules, built, names: &names, wanted: None };
        assert!(places.program(|_| Some(MAIN.into())).is_err());
    }
}
