//! Programs that a Procfile names.

use crate::program::{Target, is_plain};
use windlass_plugin_sdk::{procfile::Line, rust::Program};

/// Programs that are built, and the Procfile's lines as the image has them.
pub(crate) struct Programs {
    pub(crate) built: Vec<Program>,
    pub(crate) lines: Vec<Line>,
}

/// Replaces the paths of Cargo's folders by those of the image. A program of the package that a line names is built
/// too.
pub(crate) fn programs(target: &Target, mut lines: Vec<Line>) -> Programs {
    let mut built = vec![target.program.clone()];
    for line in &mut lines {
        line.command = replaced(&line.command, &target.program.name);
        for word in line.command.iter().flat_map(|argument| argument.split_whitespace()) {
            let Some(name) = word.strip_prefix("/app/bin/") else { continue };
            let other = target.programs.iter().find(|program| program.name == name);
            if let Some(other) = other.filter(|other| !built.contains(other))
                && is_plain(name)
            {
                built.push(other.clone());
            }
        }
    }
    Programs { built, lines }
}

/// Returns a command with the image's paths. `cargo run` becomes the program itself.
fn replaced(command: &[String], default: &str) -> Vec<String> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    if let ["cargo", "run", rest @ ..] = words.as_slice() {
        let mut name = default;
        let mut arguments: &[&str] = &[];
        let mut left = rest;
        while let [word, more @ ..] = left {
            left = more;
            match (*word, more) {
                ("--", _) => {
                    arguments = more;
                    break;
                }
                ("--bin", [bin, after @ ..]) => {
                    name = *bin;
                    left = after;
                }
                _ => {}
            }
        }
        let mut argv = vec![format!("/app/bin/{name}")];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        return argv;
    }
    let path = |text: &String| {
        text.replace("./target/release/", "/app/bin/").replace("target/release/", "/app/bin/")
    };
    command.iter().map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn paths_of_cargo_become_those_of_the_image() {
        for (command, expected) in [
            (&["target/release/shop", "-v"][..], &["/app/bin/shop", "-v"][..]),
            (&["cargo", "run", "--release"][..], &["/app/bin/web"][..]),
            (&["cargo", "run", "--bin", "mail", "--", "-x"][..], &["/app/bin/mail", "-x"][..]),
            (
                &["sh", "-c", "exec ./target/release/shop --port $PORT"][..],
                &["sh", "-c", "exec /app/bin/shop --port $PORT"][..],
            ),
        ] {
            let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(replaced(&command, "web"), expected);
        }
    }
}
