//! `windlassd hash-token`: the hash by which `[[principals]]` know a token.

#![expect(clippy::print_stdout, reason = "a command for people")]

use crate::serve::Fault;
use std::io::{IsTerminal, Read, stdin};

/// No header holds a longer token.
const LONGEST: u64 = 8 << 10;

/// Reads a token from standard input and prints its hash.
pub(crate) fn run() -> Result<(), Fault> {
    if stdin().is_terminal() {
        // Typed, it would stay on the screen.
        return Err(
            "standard input is a terminal: give the token as a file: windlassd hash-token <FILE"
                .into(),
        );
    }
    let mut token = String::new();
    stdin()
        .take(LONGEST)
        .read_to_string(&mut token)
        .map_err(|error| format!("standard input: {error}; expected a token in ASCII"))?;
    println!("{}", windlass_api::hash_token(&token)?);
    Ok(())
}
