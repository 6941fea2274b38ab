//! The program of a Makefile.

use crate::{
    answer::{code, is_name},
    cpp::Program,
};
use windlass_plugin_sdk::File;

/// Variables by which Makefiles name their program.
const VARIABLES: &[&str] =
    &["TARGET", "PROGRAM", "PROG", "EXECUTABLE", "EXE", "BINARY", "BIN", "NAME"];

/// Returns the program: the value of such a variable, or the only dependency of `all`.
pub(crate) fn program(file: &File) -> Option<Program> {
    let named = code(file, "#").find_map(|(line, text)| {
        let (name, value) = text.split_once('=')?;
        let name = name.trim_end_matches([':', '?', ' ', '\t']).trim();
        let value = value.trim().trim_start_matches("./");
        let is_path = value.split('/').all(is_name);
        (VARIABLES.contains(&name) && is_path).then(|| (line, name.to_owned(), value.to_owned()))
    });
    let named = named.or_else(|| {
        code(file, "#").find_map(|(line, text)| {
            let value = text.strip_prefix("all:")?.trim();
            is_name(value).then(|| (line, "all".to_owned(), value.to_owned()))
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
