//! `windlassd hash-token`: the hash by which `[[principals]]` know a token.

#![expect(clippy::print_stdout, reason = "a command for people")]

use crate::error::Fault;
use std::io::{IsTerminal, Read, stdin};

/// Bytes of the longest token that a header holds.
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
    let length = stdin()
        .take(LONGEST + 1)
        .read_to_string(&mut token)
        .map_err(|error| format!("standard input: {error}; expected a token in ASCII"))?;
    if u64::try_from(length).is_ok_and(|length| length > LONGEST) {
        return Err(format!(
            "standard input: the token has more than {LONGEST} bytes, and no header holds it; expected a shorter one, such as that of `openssl rand -hex 32`"
        )
        .into());
    }
    println!("{}", windlass_listen::hash_token(&token)?);
    Ok(())
}
