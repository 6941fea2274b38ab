//! Addresses in a project's file.

use crate::{
    project::faults::Faults,
    repository::{self, AddressError},
};

/// Bytes of the longest address.
const LONGEST: usize = 2048;

const NO_WEB: &str = "must begin with https:// or http://";

/// Checks the address of a repository or of a forge's API. `secret` is the key beside it that names the login's secret.
pub(super) fn server(field: &str, url: &str, secret: &str, faults: &mut Faults) {
    match repository::check(url) {
        Err(AddressError { shown, problem }) => {
            let problem = problem.replace("`source.repository`", "the URL");
            faults.add(
                field,
                &shown,
                problem.replace("`source.credential`", &format!("`{secret}`")),
            );
        }
        Ok(()) if !is_web(url) => faults.add(field, &repository::shown(url), NO_WEB),
        Ok(()) => {}
    }
}

/// Checks the address of an endpoint, which may have a query. The error shows none: many hold a token.
pub(super) fn endpoint(field: &str, url: &str, faults: &mut Faults) {
    let shown = repository::shown(url);
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let problem = if url.is_empty() {
        "is empty: an https URL is required"
    } else if !is_web(url) {
        NO_WEB
    } else if url.len() > LONGEST {
        "is longer than 2048 characters"
    } else if host.contains('@') {
        "holds a login: endpoints know the sender by the signature of `secret`"
    } else if host.is_empty()
        || !host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c))
    {
        "must name a host of ASCII letters, digits, `.`, `-` and `_`; write an international name as `xn--…`"
    } else if !rest.chars().all(|c| c.is_ascii_graphic() && !"\\#\"<>^`{}|".contains(c)) {
        "holds a fragment, a space or a character that URLs escape"
    } else {
        return;
    };
    faults.add(field, &shown, problem);
}

/// Returns whether an address is one of the web. Whether plain `http` may be used is decided where it is connected to.
fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}
