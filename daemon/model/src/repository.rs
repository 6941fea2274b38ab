//! Addresses of repositories: the form that is accepted, and the form that is shown.
//!
//! The form is narrow on purpose. Parsers of URLs disagree about logins, queries, fragments and odd
//! characters: what is checked here and connected to elsewhere must be the same host to all of them.

use thiserror::Error;

/// The longest address that is accepted.
const LONGEST: usize = 2048;

const NO_LOGIN: &str = "holds a login: give `source.repository` without it, put `user:token` as a \
                        secret of the project, and name that in `source.credential`";
const NO_SSH: &str = "is an ssh address, which is not in this version: give the repository's https \
                      URL, and name a secret that holds `user:token` in `source.credential`";
const NO_QUERY: &str = "holds a query or a fragment: give the URL up to it; a token belongs into a \
                        secret that `source.credential` names";
const NO_URL: &str = "is no URL: expected https://HOST/PATH, or http or git; the daemon fetches it, so \
                      that a folder of the client's machine must be pushed first";

/// The refusal of a repository's address. It holds no login.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{shown}` {problem}")]
pub struct AddressError {
    /// The address as it may be shown.
    pub shown: String,
    /// The fault of the address, and what to do.
    pub problem: String,
}

/// Checks the form of a repository's address: `https`, `http` or `git`, a host, a plain path.
///
/// # Errors
/// [`AddressError`] for an address of another form. It repeats no login.
pub fn check(address: &str) -> Result<(), AddressError> {
    let refuse = |problem: &str| {
        let shown: String = shown(address).chars().take(200).collect();
        Err(AddressError { shown, problem: problem.into() })
    };
    if address.is_empty() {
        return refuse("is empty: an https, http or git URL is required");
    }
    if address.contains('@') {
        let is_ssh = match address.split_once("://") {
            Some((scheme, _)) => scheme.to_ascii_lowercase().contains("ssh"),
            // As `git clone` takes it: git@host:path.
            None => true,
        };
        return refuse(if is_ssh { NO_SSH } else { NO_LOGIN });
    }
    if address.contains(['?', '#']) {
        return refuse(NO_QUERY);
    }
    if address.len() > LONGEST {
        return refuse("is longer than 2048 characters");
    }
    let Some((scheme, rest)) = address.split_once("://") else { return refuse(NO_URL) };
    if !["https", "http", "git"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return refuse("must begin with https://, http:// or git:// (ssh is not in this version)");
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_known = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_known) {
        return refuse(
            "must name a host of ASCII letters, digits, `.`, `-` and `_`; write an international name as `xn--…`",
        );
    }
    let is_known = |c: char| c.is_ascii_alphanumeric() || "._~/-".contains(c);
    if !path.chars().all(is_known) || path.split('/').any(|part| part.starts_with('-')) {
        return refuse(
            "has a path that holds more than letters, digits and `._~/-`, or a part that begins with `-`",
        );
    }
    Ok(())
}

/// Returns an address as it may be shown: a login, a query and a fragment are `***`.
#[must_use]
pub fn shown(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (format!("{scheme}://"), rest),
        _ => (String::new(), address),
    };
    // The last: a password may hold others, and `?`, `#` and `/` too.
    let (login, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("***@", rest),
        None => ("", rest),
    };
    let (rest, query) = match rest.find(['?', '#']) {
        Some(at) => (rest.get(..at).unwrap_or_default(), "?***"),
        None => (rest, ""),
    };
    let shown = format!("{scheme}{login}{rest}{query}");
    shown.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_accepted_and_shown_as_they_are() {
        for good in [
            "https://git.example/shop/web.git",
            "HTTPS://git.example:8443/~me/web_2",
            "http://127.0.0.1:21080/open/web.git",
            "git://[::1]:9418/web.git",
            "https://git.example",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
            assert_eq!(shown(good), good);
        }
    }

    #[test]
    fn no_refusal_repeats_a_login() {
        for (bad, hint) in [
            ("https://deploy:t0ken@git.example/web.git", "source.credential"),
            ("https://t0ken@git.example/web.git", "source.credential"),
            ("https://deploy:a/t0ken@git.example/web.git", "source.credential"),
            ("https://deploy:t0?k@t0ken@git.example/web.git", "source.credential"),
            ("//deploy:t0ken@git.example/web.git", "ssh"),
            ("deploy:t0ken@git.example:web.git", "ssh"),
            ("ssh://git:t0ken@git.example/web.git", "https URL"),
            ("git@git.example:shop/web.git", "https URL"),
            ("https://git.example/web.git?private_token=t0ken", "source.credential"),
            ("https://git.example/web.git#t0ken", "source.credential"),
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.contains(hint) && !error.contains("t0k"), "{bad}: {error}");
        }
    }

    /// Two parsers may read these differently.
    #[test]
    fn ambiguous_addresses_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "./web",
            "file:///etc",
            "ext::sh -c evil",
            "https:///web.git",
            "https://1.1.1.1?@10.0.0.1:8443/a/b.git",
            "https://git.example#@git.corp/secret/repo.git",
            "https://git.example\\@git.corp/x",
            "https://git.example\\git.corp/x",
            "https://git.exa\tmple/x",
            "https://git%2eexample/x",
            "https://b\u{fc}cher.example/x",
            "https://git.example/--upload-pack=x",
            "https://git.example/a;b",
            "https://git.example/a b",
            " https://git.example/a",
        ] {
            check(bad).unwrap_err();
        }
    }
}
