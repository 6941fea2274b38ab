//! Tokens, which are kept and compared by their hashes alone.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Characters of the shortest token. A shorter one could be guessed, since SHA-256 is fast.
const SHORTEST_TOKEN: usize = 32;

/// Hashes a token for `token-sha256`. Blanks around the token do not count.
///
/// # Errors
/// Names why the token cannot be sent or is too easy to guess, without the token.
pub fn hash_token(token: &str) -> Result<String, String> {
    let token = token.trim();
    let length = token.chars().count();
    if length < SHORTEST_TOKEN {
        return Err(format!(
            "the token has {length} characters; at least {SHORTEST_TOKEN} are expected, such as those of `openssl rand -hex 32`"
        ));
    }
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("the token holds a blank or a character beyond ASCII, which no header may; expected letters, digits and signs, such as those of `openssl rand -hex 32`".into());
    }
    Ok(token_sha256(token))
}

/// Returns the SHA-256 of a token that came with a request, 64 hex digits in lower case. Blanks around it do not count.
#[must_use]
pub fn token_sha256(token: &str) -> String {
    hash(token.trim().as_bytes())
}

/// Compares two hashes in a time that does not depend on where they differ. `given` is in lower case.
pub(crate) fn same(known: &str, given: &str) -> bool {
    let differing =
        known.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a.to_ascii_lowercase() ^ b));
    known.len() == given.len() && differing == 0
}

/// Returns the SHA-256 of bytes, 64 hex digits in lower case.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hashed_as_it_will_be_sent() {
        let token = "0123456789abcdef0123456789abcdef";
        let by_sha256sum = "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9";
        assert_eq!(hash_token(&format!(" {token}\n")).unwrap(), by_sha256sum);
        assert!(hash_token("short").unwrap_err().contains("has 5 characters; at least 32"));
        for bad in ["0123456789abcdef 0123456789abcdef", "0123456789abcdef0123456789abcdeé"] {
            let error = hash_token(bad).unwrap_err();
            assert!(error.contains("no header may") && !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn hashes_are_compared_whole() {
        let hash = token_sha256("t0ken");
        assert!(same(&hash.to_uppercase(), &hash));
        let mut other = hash.clone();
        other.replace_range(63.., if hash.ends_with('0') { "1" } else { "0" });
        for wrong in [&*other, &hash[..63], ""] {
            assert!(!same(&hash, wrong) && !same(wrong, &hash), "{wrong}");
        }
    }
}
