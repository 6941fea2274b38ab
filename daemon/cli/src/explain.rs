//! `windlass explain`: the page of a code, or all codes.

use crate::{args::Output, failure::Failure, out};
use serde_json::{Value, json};
use windlass_engine::explain::{Entry, entries, find, nearest};

/// Columns of a code in the list.
const CODE: usize = 28;

/// Prints the page of a code, or all codes.
///
/// # Errors
/// Fails for an unknown code, and if nobody reads the output.
pub(crate) fn explain(code: Option<&str>, output: Output) -> Result<(), Failure> {
    let Some(code) = code else {
        return match output {
            Output::Json => entries().iter().try_for_each(|entry| out::line(fields(entry))),
            Output::Text => out::line(list()),
        };
    };
    let entry = find(code).ok_or_else(|| Failure::usage(unknown(code)))?;
    match output {
        Output::Json => {
            let mut fields = fields(&entry);
            if let Value::Object(fields) = &mut fields {
                fields.insert("page".to_owned(), entry.page().into());
            }
            out::line(fields)
        }
        Output::Text => out::line(entry.page().trim_end()),
    }
}

/// Returns an entry without its page. `stage` is null for a code of any stage.
fn fields(entry: &Entry) -> Value {
    json!({
        "code": entry.code(),
        "reference": entry.reference(),
        "stage": entry.stage().map(|stage| stage.to_string()),
        "title": entry.title(),
    })
}

/// Returns all codes, a line each, below their stages.
fn list() -> String {
    let (mut text, mut last) = (String::new(), String::new());
    for entry in entries() {
        let stage = entry.stage().map_or("any stage".to_owned(), |stage| stage.to_string());
        if stage != last {
            let gap = if last.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{stage}\n"));
            last = stage;
        }
        let (code, title) = (entry.code(), entry.title());
        let reference = entry.reference().map(|reference| format!(" ({reference})"));
        text.push_str(&format!("  {code:CODE$}{title}{}\n", reference.unwrap_or_default()));
    }
    text + "\n`windlass explain CODE` prints the page of one."
}

fn unknown(code: &str) -> String {
    let meant = nearest(code).map(|code| format!("; did you mean `{code}`?")).unwrap_or_default();
    format!("there is no code `{code}`{meant}\n  fix:  `windlass explain` lists all codes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Args, snapshots::same};
    use clap::{CommandFactory, Parser, error::ErrorKind};

    #[test]
    fn all_codes_are_listed_by_stage() {
        same("explain", &(list() + "\n"));
    }

    #[test]
    fn an_unknown_code_is_answered_with_the_nearest() {
        let text = ["test-failed", "crashes", "WL-K8S-999"].map(unknown).join("\n");
        same("explain.unknown", &(text + "\n"));
        let code = explain(Some("test-failed"), Output::Text).err().map(|failure| failure.code());
        assert_eq!(code, Some(crate::exit::USAGE));
    }

    #[test]
    fn every_shell_completes_the_codes() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh] {
            let (mut command, mut script) = (Args::command(), Vec::new());
            clap_complete::generate(shell, &mut command, "windlass", &mut script);
            let script = String::from_utf8(script).unwrap();
            for entry in entries() {
                assert!(script.contains(entry.code()), "{shell}: {}", entry.code());
            }
        }
    }

    /// Commands on pages are ones that the command line takes.
    #[test]
    fn commands_on_pages_are_command_lines() {
        for entry in entries() {
            let page = entry.page();
            let blocks = page.split("\n```sh\n").skip(1);
            let lines = blocks.flat_map(|rest| rest.split("```").next().unwrap().lines());
            let commands = lines.flat_map(|line| line.split(['|', '>'])).map(str::trim);
            for command in commands.filter(|command| command.starts_with("windlass ")) {
                let error = Args::try_parse_from(command.split(' ')).err();
                let error = error.filter(|error| error.kind() != ErrorKind::DisplayVersion);
                assert!(error.is_none(), "{}: `{command}`", entry.code());
            }
        }
    }
}
