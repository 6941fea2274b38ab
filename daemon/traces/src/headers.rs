//! Headers of requests, from a file of the operator's.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::{fs::File, io::Read, path::Path};

/// Most bytes of the file.
const LARGEST: u64 = 64 << 10;

/// Reads headers: one a line, as `name: value`. Empty lines and lines that begin with `#` are left out.
pub(crate) fn read(path: &Path) -> Result<HeaderMap, String> {
    let at = path.display();
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    let length = read.map_err(|error| format!("{at}: {error}"))?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST) {
        return Err(format!("{at}: is longer than {} KiB", LARGEST >> 10));
    }
    let mut headers = HeaderMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line is not repeated: it may hold a token.
        let wrong = || format!("{at}: line {}: expected `name: value`", index + 1);
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<HeaderMap, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn headers_are_read_line_by_line() {
        let headers =
            of("# of the collector\n\nAuthorization: Basic a:b\r\nx-scope: one\n").unwrap();
        assert_eq!(headers["authorization"], "Basic a:b");
        assert_eq!(headers["x-scope"], "one");
    }

    #[test]
    fn a_wrong_line_is_named_and_not_repeated() {
        for text in ["one: 1\nhunter2", "one: 1\nhunter 2: x", "one: 1\nname: hunter2\u{7}"] {
            let error = of(text).unwrap_err();
            assert!(error.contains("line 2: expected `name: value`"), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
        assert!(of(&"a".repeat(70_000)).unwrap_err().ends_with("is longer than 64 KiB"));
    }
}
