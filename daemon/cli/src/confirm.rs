//! Questions to a person before something goes that does not come back.

use crate::{failure::Failure, render::clean};
use std::io::{BufRead, IsTerminal, Read, stdin};

/// Bytes of the longest answer to a question.
const LONGEST_ANSWER: u64 = 256;

/// Asks a person to type a name. `done` is the deed, such as `deleted`.
pub(crate) fn confirm(question: &str, name: &str, done: &str) -> Result<(), Failure> {
    if !stdin().is_terminal() {
        let text = format!("is not {done}: nobody can be asked here; add --yes");
        return Err(Failure::usage(format!("`{name}` {text}")));
    }
    eprint!("{} Type its name: ", clean(question));
    let mut answer = String::new();
    let read = stdin().lock().take(LONGEST_ANSWER).read_line(&mut answer);
    read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
    if answer.trim() == name {
        return Ok(());
    }
    Err(Failure::usage(format!("`{name}` is not {done}: the answer is another name")))
}
