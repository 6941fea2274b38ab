//! The program of a CMake project.

use crate::{
    answer::{code, is_name, refused},
    native::{LANGUAGE, Program},
};
use windlass_plugin_sdk::{App, File, Refusal};

/// Libraries by their names in `find_package`, with Debian's packages to build and to run.
const LIBRARIES: &[(&str, &[&str], &[&str])] = &[
    ("Threads", &[], &[]),
    ("Git", &[], &[]),
    ("PkgConfig", &["pkg-config"], &[]),
    ("OpenSSL", &["libssl-dev"], &["libssl3"]),
    ("CURL", &["libcurl4-openssl-dev"], &["libcurl4"]),
    ("ZLIB", &["zlib1g-dev"], &["zlib1g"]),
    ("SQLite3", &["libsqlite3-dev"], &["libsqlite3-0"]),
    ("PostgreSQL", &["libpq-dev"], &["libpq5"]),
    ("fmt", &["libfmt-dev"], &["libfmt9"]),
    ("spdlog", &["libspdlog-dev"], &["libspdlog1.10", "libfmt9"]),
    ("nlohmann_json", &["nlohmann-json3-dev"], &[]),
    ("GTest", &["libgtest-dev"], &[]),
];

/// Returns the one program of `CMakeLists.txt`, or of `src/CMakeLists.txt` where the first adds that folder. `None`
/// means that neither has a program.
///
/// # Errors
/// There are several programs, or a library is of no known package.
pub(crate) fn program(app: &App<'_>, root: File) -> Result<Option<Program>, Refusal> {
    let project = calls(&root, "project").into_iter().next().map(|(_, name, _)| name.to_owned());
    let mut files = vec![("build", root)];
    if let Some(below) = app.read("src/CMakeLists.txt")?
        && files.iter().any(|(_, file)| {
            calls(file, "add_subdirectory").iter().any(|(_, folder, _)| *folder == "src")
        })
    {
        files.push(("build/src", below));
    }
    let mut programs = Vec::new();
    let mut build: Vec<&'static str> = vec!["cmake"];
    let mut run: Vec<&'static str> = Vec::new();
    let mut output = None;
    for (folder, file) in &files {
        output = self::output(file, folder)?.or(output);
        for (line, name, rest) in calls(file, "add_executable") {
            if rest.contains(" IMPORTED") || rest.contains(" ALIAS") {
                continue;
            }
            let is_project = matches!(name, "${PROJECT_NAME}" | "${CMAKE_PROJECT_NAME}");
            let name = if is_project { project.as_deref().unwrap_or_default() } else { name };
            let is_test = name.to_ascii_lowercase().contains("test") || name.contains("bench");
            if is_name(name) && !is_test {
                let folder = output.as_deref().unwrap_or(folder);
                programs.push((
                    format!("{folder}/{name}").trim_start_matches('/').to_owned(),
                    format!("{}:{line} add_executable", file.path),
                ));
            }
        }
        for (line, name, rest) in calls(file, "find_package") {
            let Some((_, to_build, to_run)) = LIBRARIES.iter().find(|(own, ..)| *own == name)
            else {
                if !rest.contains("REQUIRED") {
                    continue;
                }
                return Err(refused(
                    LANGUAGE,
                    format!(
                        "{}:{line}: nothing says which package of Debian has `{name}`",
                        file.path
                    ),
                    "commit a Dockerfile on `debian:bookworm-slim` that installs it",
                ));
            };
            build.extend(*to_build);
            run.extend(*to_run);
        }
    }
    let [(path, source)] = programs.as_slice() else {
        if programs.is_empty() {
            return Ok(None);
        }
        let names: Vec<_> =
            programs.iter().filter_map(|(path, _)| path.rsplit('/').next()).collect();
        return Err(refused(
            LANGUAGE,
            format!(
                "{}: nothing says which program is the app: {}",
                app.at("CMakeLists.txt"),
                names.join(", ")
            ),
            "commit a Dockerfile on `debian:bookworm-slim` that names it",
        ));
    };
    Ok(Some(Program {
        path: path.clone(),
        source: source.clone(),
        build,
        run,
        commands: vec![
            vec!["cmake", "-B", "build", "-DCMAKE_BUILD_TYPE=Release"],
            vec!["cmake", "--build", "build"],
        ],
    }))
}

/// Returns the folder of the app to which `CMakeLists.txt` has programs written. `None` means that of the build.
///
/// # Errors
/// The folder is a variable of the project's own.
fn output(file: &File, build: &str) -> Result<Option<String>, Refusal> {
    let names = ["CMAKE_RUNTIME_OUTPUT_DIRECTORY", "EXECUTABLE_OUTPUT_PATH"];
    let Some((line, name, rest)) =
        calls(file, "set").into_iter().find(|(_, name, _)| names.contains(name))
    else {
        return Ok(None);
    };
    let value = rest.split_once(name).map_or("", |(_, value)| value);
    let value = value.trim_start_matches('"').split_whitespace().next().unwrap_or_default();
    let value = value.trim_matches(['"', ')']).trim_end_matches('/');
    let known = [
        ("${CMAKE_CURRENT_BINARY_DIR}", build),
        ("${CMAKE_BINARY_DIR}", "build"),
        ("${PROJECT_BINARY_DIR}", "build"),
        ("${CMAKE_SOURCE_DIR}", ""),
        ("${PROJECT_SOURCE_DIR}", ""),
    ];
    let found = known.iter().find_map(|(variable, folder)| {
        let rest = value.strip_prefix(variable)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{folder}{rest}"))
    });
    // A relative folder lies in the build's.
    let found = found.unwrap_or_else(|| format!("{build}/{value}"));
    let found = found.trim_start_matches('/');
    if found.is_empty() || found.split('/').all(is_name) {
        return Ok(Some(found.to_owned()));
    }
    Err(refused(
        LANGUAGE,
        format!("{}:{line} {name}: nothing says which folder `{value}` is", file.path),
        "write it with `${CMAKE_BINARY_DIR}`, or commit a Dockerfile on `debian:bookworm-slim`",
    ))
}

/// Returns line, first argument and the rest of the line of each call of a command, which may begin on the next line.
fn calls<'a>(file: &'a File, command: &str) -> Vec<(usize, &'a str, &'a str)> {
    let mut calls = Vec::new();
    let mut open = None;
    for (line, text) in code(file, "#") {
        let call = text.get(..command.len()).filter(|word| word.eq_ignore_ascii_case(command));
        let after = call.and_then(|_| text.get(command.len()..)?.trim_start().strip_prefix('('));
        let (start, arguments) = match (after, open) {
            (Some(after), _) => (line, after),
            (None, Some(start)) => (start, text),
            (None, None) => continue,
        };
        let first = arguments.split([' ', '\t', ')']).find(|word| !word.is_empty());
        open = match first {
            Some(first) => {
                let first = first.trim_matches('"');
                calls.push((start, first, arguments));
                None
            }
            None => Some(start),
        };
    }
    calls
}
