//! Challenges of `WWW-Authenticate` (RFC 9110, 11.6.1), as registries send them.

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// Number of parameters of one challenge that are read. Honest ones have four.
const MOST_PARAMETERS: usize = 16;

/// Number of challenges that are read.
const MOST_CHALLENGES: usize = 8;

/// Way of logging in that a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password, with each request.
    Basic,
    /// A token of the server at `realm`.
    Bearer {
        realm: String,
        /// Name of the registry for the token server. Empty means that it has none.
        service: String,
    },
}

/// A scheme with its parameters, in their order.
#[derive(Debug)]
struct Read {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Read {
    /// Returns a parameter. Names are of any case.
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }
}

/// Returns address and service of the token server that a header names. `None` means that it names none.
#[must_use]
pub fn token_server(header: &str) -> Option<(String, String)> {
    match of(std::iter::once(header))? {
        Challenge::Bearer { realm, service } => Some((realm, service)),
        Challenge::Basic => None,
    }
}

/// Returns the challenge that is answered: a token where one is asked for. `None` means that the headers have no
/// challenge that registries use.
pub(crate) fn chosen(headers: &HeaderMap) -> Option<Challenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    of(values.filter_map(|value| value.to_str().ok()))
}

fn of<'a>(values: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let read: Vec<Read> = values.flat_map(challenges).take(MOST_CHALLENGES).collect();
    let named = |scheme: &'static str| {
        read.iter().filter(move |one| one.scheme.eq_ignore_ascii_case(scheme))
    };
    let bearer = named("bearer").find_map(|one| {
        let service = one.parameter("service").unwrap_or_default().to_owned();
        Some(Challenge::Bearer { realm: one.parameter("realm")?.to_owned(), service })
    });
    bearer.or_else(|| named("basic").next().map(|_| Challenge::Basic))
}

/// Reads the challenges of one header. What cannot be read ends it.
fn challenges(text: &str) -> Vec<Read> {
    let mut all: Vec<Read> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            return all;
        }
        let after = after.trim_start_matches([' ', '\t']);
        // `name=value` belongs to the scheme before it, unless none is there.
        match (after.strip_prefix('='), all.last_mut()) {
            (Some(value), Some(last)) => {
                let Some((value, after)) = value_of(value.trim_start_matches([' ', '\t'])) else {
                    return all;
                };
                if last.parameters.len() < MOST_PARAMETERS {
                    last.parameters.push((word.to_owned(), value));
                }
                rest = after;
            }
            (Some(_), None) => return all,
            (None, _) => {
                if all.len() >= MOST_CHALLENGES {
                    return all;
                }
                all.push(Read { scheme: word.to_owned(), parameters: Vec::new() });
                rest = after;
            }
        }
    }
}

/// Splits a token (RFC 9110, 5.6.2) from what follows it. An empty one means that no token begins here.
fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// Reads a token or a quoted text, and returns it with what follows. `None` means that neither begins here, or that the
/// quotation does not end.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = token(text);
        return (!word.is_empty()).then(|| (word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut is_escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if is_escaped => {
                value.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return Some((value, quoted.get(at + 1..).unwrap_or_default())),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of_all(headers: &[&str]) -> Option<Challenge> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WWW_AUTHENTICATE, HeaderValue::from_str(header).unwrap());
        }
        chosen(&map)
    }

    fn bearer(realm: &str, service: &str) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.into(), service: service.into() })
    }

    #[test]
    fn challenges_of_registries_are_read() {
        let cases: [(&[&str], Option<Challenge>); 7] = [
            (&["Basic realm=\"bed\""], Some(Challenge::Basic)),
            (&["basic"], Some(Challenge::Basic)),
            (
                &["Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\""],
                bearer("https://auth.docker.io/token", "registry.docker.io"),
            ),
            (
                &["BEARER Realm = \"https://a/t?x=1,2\" , scope=\"repository:a:pull,push\""],
                bearer("https://a/t?x=1,2", ""),
            ),
            (&["Bearer realm=\"a\\\"b\", service=s"], bearer("a\"b", "s")),
            // Several in one header, and in several.
            (
                &[
                    "Negotiate, Basic realm=\"x, Bearer\", Bearer realm=\"https://a\", service=\"s\"",
                ],
                bearer("https://a", "s"),
            ),
            (&["Basic realm=\"x\"", "Bearer realm=\"https://a\""], bearer("https://a", "")),
        ];
        for (headers, expected) in cases {
            assert_eq!(of_all(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn nonsense_is_no_challenge() {
        for header in [
            "",
            ",,, ,",
            "=",
            "realm=\"https://a\"",
            "Bearer",
            "Bearer realm=",
            "Bearer realm=\"https://a",
            "Bearer realm=\"https://a\\\"",
            "Digest realm=\"x\", nonce=\"y\"",
            "Bearer service=\"s\" ; Basic",
        ] {
            assert_eq!(of_all(&[header]), None, "{header}");
        }
        assert_eq!(of_all(&[]), None);
        let many = format!("Bearer {}realm=\"https://a\"", "a=b, ".repeat(10_000));
        assert_eq!(of_all(&[&many]), None, "so many parameters are of no registry");
        let many = "a ".repeat(10_000) + "Basic";
        assert_eq!(of_all(&[&many]), None, "so many challenges, too");
    }
}
