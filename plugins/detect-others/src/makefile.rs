//! The program of a Makefile.

use crate::{
    answer::{code, is_name},
    native::Program,
};
use windlass_plugin_sdk::File;

/// Variables by which Makefiles name their program.
const VARIABLES: &[&str] =
    &["TARGET", "PROGRAM", "PROG", "EXECUTABLE", "EXE", "BINARY", "BIN", "NAME"];

/// Endings of files that are linked, not run.
const LIBRARIES: &[&str] =
    &[".a", ".so", ".o", ".dylib", ".lib", ".dll", ".exe", ".elf", ".hex", ".bin"];

/// Returns the program: the value of such a variable that a rule makes, or the only dependency of `all` that is one.
pub(crate) fn program(file: &File) -> Option<Program> {
    let named = code(file, "#").find_map(|(line, text)| {
        let (name, value) = text.split_once('=')?;
        let name = name.trim_end_matches([':', '?', ' ', '\t']).trim();
        let value = value.trim().trim_start_matches("./");
        let is_made = VARIABLES.contains(&name)
            && [format!("$({name}):"), format!("-o $({name})"), format!("${{{name}}}:")]
                .iter()
                .any(|rule| file.text.contains(rule));
        (is_made && is_program(value)).then(|| (line, name.to_owned(), value.to_owned()))
    });
    let named = named.or_else(|| {
        code(file, "#").find_map(|(line, text)| {
            let value = text.strip_prefix("all:")?.trim();
            let is_rule = file.text.lines().any(|line| {
                line.strip_prefix(value).is_some_and(|rest| rest.trim_start().starts_with(':'))
            });
            let is_linked =
                file.text.contains(&format!("-o {value}")) || file.text.contains("-o $@");
            (is_program(value) && is_rule && is_linked)
                .then(|| (line, "all".to_owned(), value.to_owned()))
        })
    });
    let (line, name, path) = named?;
    Some(Program {
        path,
        source: format!("{}:{line} {name}", file.path),
        build: Vec::new(),
        run: Vec::new(),
        commands: vec![vec!["make"]],
    })
}

/// Returns whether a path can be that of a program.
fn is_program(path: &str) -> bool {
    path.split('/').all(is_name) && !LIBRARIES.iter().any(|ending| path.ends_with(ending))
}
