//! Programs that the Procfile starts. `bin/NAME` is where other builders put what they build.

use crate::{
    layout::Layout,
    program::{Program, package},
};
use windlass_plugin_sdk::{procfile::Line, shell, workspace::folders::parent};

/// Returns a line with the program in the place of `go run`: the image has no toolchain.
pub(crate) fn direct(mut line: Line) -> Line {
    let (words, is_shell): (Vec<&str>, bool) = match line.command.as_slice() {
        [sh, flag, script] if sh == "sh" && flag == "-c" => {
            let script = script.strip_prefix("exec ").unwrap_or(script);
            (script.split_whitespace().collect(), true)
        }
        words => (words.iter().map(String::as_str).collect(), false),
    };
    let ["go", "run", rest @ ..] = words.as_slice() else { return line };
    let mut rest = rest.iter().copied().skip_while(|word| word.starts_with('-')).peekable();
    let Some(target) = rest.next() else { return line };
    let folder = if target.ends_with(".go") { parent(target) } else { target };
    let name = match last(folder.trim_matches(['.', '/'])) {
        "" => "app",
        name => name,
    };
    // Files of one package follow one another.
    while rest.next_if(|word| word.ends_with(".go")).is_some() {}
    let argv: Vec<String> = std::iter::once(name).chain(rest).map(str::to_owned).collect();
    line.command = if is_shell { shell(&argv.join(" ")) } else { argv };
    line
}

/// Returns the name of the program that a line starts.
pub(crate) fn program(line: &Line) -> Option<String> {
    let first = match line.command.as_slice() {
        [shell, flag, script] if shell == "sh" && flag == "-c" => {
            script.strip_prefix("exec ").unwrap_or(script).split_whitespace().next()?
        }
        [first, ..] => first.as_str(),
        [] => return None,
    };
    let name = first.strip_prefix("./").unwrap_or(first);
    let name = name.strip_prefix("bin/").unwrap_or(name);
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

/// Puts the paths of built programs into the lines, and returns the programs that they need beside the app's, each
/// with its package.
pub(crate) fn built(
    lines: Vec<Line>,
    program: &Program,
    layout: &Layout,
) -> (Vec<Line>, Vec<(String, String)>) {
    let own = last(&program.folder);
    let mut more: Vec<(String, String)> = Vec::new();
    let lines = lines.into_iter().map(|line| {
        let Some(name) = self::program(&line) else { return line };
        if name == own {
            return started(line, "/app/app");
        }
        let Some(other) = program.others.iter().find(|other| last(other) == name) else {
            let mut names = layout.names().filter(|(folder, _)| *folder == layout.module);
            let is_own = name == "app" || names.any(|(_, module)| module == name);
            return if is_own { started(line, "/app/app") } else { line };
        };
        // `/app/app` is the app's own program.
        if name == "app" {
            return line;
        }
        if !more.iter().any(|(known, _)| *known == name) {
            more.push((name.clone(), package(other)));
        }
        started(line, &format!("/app/{name}"))
    });
    let lines = lines.collect();
    (lines, more)
}

/// Returns the line with another program in the place of its first word.
fn started(mut line: Line, path: &str) -> Line {
    line.command = match line.command.as_slice() {
        [sh, flag, script] if sh == "sh" && flag == "-c" => {
            let script = script.strip_prefix("exec ").unwrap_or(script).trim_start();
            let rest = script.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
            shell(&format!("{path} {rest}"))
        }
        [_, arguments @ ..] => {
            std::iter::once(path.to_owned()).chain(arguments.iter().cloned()).collect()
        }
        [] => Vec::new(),
    };
    line
}

fn last(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}
