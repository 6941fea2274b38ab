//! Commits that all refs of a server lead to now.

use crate::{
    list::List,
    protocol::FetchError,
    remote::{init, list, local, refused},
};
use std::collections::BTreeMap;
use windlass_model::revision::{Advertised, is_ref_name};

/// Refs of the largest repository whose refs are listed.
const MOST: usize = 50_000;

/// Lists the server's refs, each as `ID NAME`. `to` is an empty folder.
pub(crate) fn refs(url: &str, to: &str) -> Result<List, FetchError> {
    let repository = init(to).map_err(|error| local(&error))?;
    let refs = list(&repository, url).map_err(|error| refused(&error))?;
    lines(url, &refs)
}

/// Returns a line for each ref with a full name. An annotated tag leads to what it was made for. A name that git itself
/// would refuse is left out, since no job can name it.
fn lines(url: &str, refs: &[Advertised]) -> Result<List, FetchError> {
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for own in refs {
        let peeled = own.name.strip_suffix("^{}");
        let name = peeled.unwrap_or(&own.name);
        if !name.starts_with("refs/") || !is_ref_name(name) {
            continue;
        }
        if peeled.is_some() {
            found.insert(name, &own.id);
        } else {
            found.entry(name).or_insert(&own.id);
        }
    }
    if found.len() > MOST {
        // Forges keep refs of all pull requests there ever were, and nobody can delete them.
        found.retain(|name, _| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
    }
    if found.len() > MOST {
        let count = found.len();
        let message = format!(
            "has {count} branches and tags, and the limit of a list of refs is {MOST}: delete those that nobody needs"
        );
        return Err(FetchError::Tree { path: url.into(), message });
    }
    let mut list = List::default();
    for (name, id) in found {
        list.push(format!("{id} {name}"))?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://git.example/x";

    fn advertised(name: impl Into<String>, id: char) -> Advertised {
        Advertised { name: name.into(), id: id.to_string().repeat(40), target: None }
    }

    #[test]
    fn a_tag_leads_to_its_commit_whatever_the_order() {
        let refs = [
            advertised("HEAD", '1'),
            advertised("refs/heads/main", '1'),
            advertised("refs/pull/7/head", '4'),
            advertised("refs/tags/v1^{}", '1'),
            advertised("refs/tags/v1", '2'),
            advertised("refs/tags/v2", '3'),
            advertised("refs/tags/v2^{}", '1'),
            advertised("refs/heads/a..b", '1'),
            advertised(format!("refs/heads/{}", "x".repeat(300)), '1'),
        ];
        let found = lines(URL, &refs).unwrap().take();
        let found: Vec<_> = found.iter().map(|line| (&line[..1], &line[41..])).collect();
        let expected = [
            ("1", "refs/heads/main"),
            ("4", "refs/pull/7/head"),
            ("1", "refs/tags/v1"),
            ("1", "refs/tags/v2"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_list_of_refs_has_a_bound_that_its_error_names() {
        let refs: Vec<_> =
            (0..=MOST).map(|n| advertised(format!("refs/heads/b{n}"), '1')).collect();
        let error = lines(URL, &refs).unwrap_err();
        let FetchError::Tree { path, message } = error else { panic!("{error:?}") };
        assert_eq!(path, URL);
        assert!(
            message.contains("has 50001 branches") && message.contains("is 50000"),
            "{message}"
        );
        assert_eq!(lines(URL, &refs[1..]).unwrap().len(), MOST);
        // Refs of pull requests make room.
        let pulls = (0..=MOST).map(|n| advertised(format!("refs/pull/{n}/head"), '2'));
        let all: Vec<_> = refs[1..].iter().cloned().chain(pulls).collect();
        assert_eq!(lines(URL, &all).unwrap().len(), MOST);
    }
}
