//! The place of a repository in the API of its forge.
//!
//! Forges know a repository by its path. It is taken from the configured URL by a rule for each kind of forge, and
//! never from what a webhook says.

use super::call::Unsendable;
use url::Url;
use windlass_model::{forge::ForgeKind, repository::shown};

/// A repository in the API of its forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    kind: ForgeKind,
    /// Base of the API, without a slash at its end.
    api: Url,
    /// Owner and name, or the groups and the name.
    path: Vec<String>,
    /// The repository's own URL.
    page: Url,
}

impl Place {
    /// Finds the place of a repository.
    ///
    /// # Errors
    /// [`Unsendable`] for an API that is no HTTP URL, and for a URL of a repository that does not have the form of its
    /// forge.
    pub fn new(kind: ForgeKind, api: &str, repository: &str) -> Result<Self, Unsendable> {
        let base = http_url("api", api)?;
        let page = http_url("url", repository)?;
        let segments = segments(&page);
        let path = path(kind, &base, &segments).ok_or_else(|| {
            let expected = expected(kind);
            Unsendable(format!(
                "url: `{}` has no repository of {kind} in it: expected {expected}",
                shown(repository)
            ))
        })?;
        Ok(Self { kind, api: base, path, page })
    }

    /// Returns the kind of the forge.
    #[must_use]
    pub fn kind(&self) -> ForgeKind {
        self.kind
    }

    /// Returns the name of the repository without its owner.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.last().map_or("", |name| name)
    }

    /// Returns the path of the repository: `owner/name`, `group/subgroup/name`.
    #[must_use]
    pub fn full_name(&self) -> String {
        self.path.join("/")
    }

    /// Returns the base of the API.
    #[must_use]
    pub fn api(&self) -> &Url {
        &self.api
    }

    /// Returns the repository's own URL, where a forge wants a link and nothing better is known.
    pub(crate) fn page(&self) -> &str {
        self.page.as_str()
    }

    /// Returns the first two parts of the path: owner and name, where a path has two parts.
    pub(crate) fn owner_and_name(&self) -> (&str, &str) {
        match &*self.path {
            [owner, name, ..] => (owner, name),
            _ => ("", self.name()),
        }
    }

    /// Returns an address of the API. Each segment is escaped, also a slash within one.
    pub(crate) fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.api.clone();
        // It is an HTTP URL, which has segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

fn http_url(field: &str, text: &str) -> Result<Url, Unsendable> {
    let fail = |why: &str| Unsendable(format!("{field}: `{}` {why}", shown(text)));
    let url = Url::parse(text).map_err(|error| fail(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(fail("is no https or http URL with a host"));
    }
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_plain || url.query().is_some() || url.fragment().is_some() {
        return Err(fail("holds more than a host and a path: give it without login, `?` and `#`"));
    }
    Ok(url)
}

fn segments(url: &Url) -> Vec<&str> {
    let mut all: Vec<_> =
        url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect();
    if let Some(last) = all.last_mut() {
        let name = *last;
        *last = name.strip_suffix(".git").unwrap_or(name);
    }
    all
}

/// Returns the parts of a repository's path. `None` means that the URL has another form.
fn path(kind: ForgeKind, api: &Url, segments: &[&str]) -> Option<Vec<String>> {
    let own = match kind {
        ForgeKind::Github | ForgeKind::Bitbucket => segments,
        ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Forgejo => below(api, segments),
        ForgeKind::BitbucketServer => {
            let scm = segments.iter().rposition(|segment| *segment == "scm")?;
            segments.get(scm + 1..)?
        }
    };
    let has_length = match kind {
        ForgeKind::Gitlab => own.len() >= 2,
        _ => own.len() == 2,
    };
    let is_name = |name: &&str| {
        !matches!(*name, "" | "." | "..")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._~-".contains(c))
    };
    let is_path = has_length && own.iter().all(is_name);
    is_path.then(|| own.iter().map(|name| (*name).to_owned()).collect())
}

/// Returns what follows the folder that the forge is served from: that of its API without `api/v1`.
fn below<'a, 's>(api: &Url, segments: &'a [&'s str]) -> &'a [&'s str] {
    let folder: Vec<_> =
        api.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect();
    let folder = match &*folder {
        [folder @ .., "api", _] => folder,
        _ => &[],
    };
    let is_below = segments.starts_with(folder);
    segments.get(folder.len()..).filter(|_| is_below).unwrap_or(segments)
}

fn expected(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::Gitlab => "https://HOST/GROUP/NAME, with any number of groups",
        ForgeKind::BitbucketServer => "https://HOST/scm/PROJECT/NAME",
        _ => "https://HOST/OWNER/NAME",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_from_the_url_by_the_rule_of_its_forge() {
        for (kind, api, url, expected) in [
            (
                ForgeKind::Github,
                "https://api.github.com",
                "https://github.com/acme/shop.git",
                "acme/shop",
            ),
            (
                ForgeKind::Github,
                "https://ghe.corp/api/v3/",
                "https://ghe.corp/acme/shop/",
                "acme/shop",
            ),
            (
                ForgeKind::Gitlab,
                "https://gitlab.com/api/v4",
                "https://gitlab.com/a/b/c.git",
                "a/b/c",
            ),
            (ForgeKind::Gitlab, "https://corp/gitlab/api/v4", "https://corp/gitlab/a/b", "a/b"),
            (
                ForgeKind::Bitbucket,
                "https://api.bitbucket.org/2.0",
                "https://bitbucket.org/a/b",
                "a/b",
            ),
            (
                ForgeKind::BitbucketServer,
                "https://corp/bb/rest/api/latest",
                "https://corp/bb/scm/~me/shop.git",
                "~me/shop",
            ),
            (ForgeKind::Gitea, "https://corp/git/api/v1", "https://corp/git/me/shop", "me/shop"),
            (
                ForgeKind::Forgejo,
                "http://10.0.0.1:3000/api/v1",
                "http://10.0.0.1:3000/me/s.x",
                "me/s.x",
            ),
        ] {
            let place = Place::new(kind, api, url).unwrap();
            assert_eq!(place.full_name(), expected, "{url}");
        }
    }

    #[test]
    fn a_url_of_another_form_is_refused_with_the_form() {
        for (kind, api, url) in [
            (ForgeKind::Github, "https://api.github.com", "https://github.com/acme"),
            (ForgeKind::Github, "https://api.github.com", "https://github.com/acme/shop/tree"),
            (ForgeKind::Github, "https://api.github.com", "https://github.com/acme/.git"),
            (ForgeKind::Github, "https://api.github.com", "https://github.com/a%2Fb/c"),
            (ForgeKind::Github, "https://api.github.com", "git://github.com/acme/shop"),
            (ForgeKind::Github, "https://user:pass@api.github.com", "https://github.com/a/b"),
            (ForgeKind::Github, "https://api.github.com?x=1", "https://github.com/a/b"),
            (ForgeKind::Gitlab, "https://gitlab.com/api/v4", "https://gitlab.com/shop"),
            (ForgeKind::BitbucketServer, "https://corp/rest/api/latest", "https://corp/a/b"),
            (ForgeKind::Gitea, "https://corp/api/v1", "https://corp/git/me/shop"),
        ] {
            let error = Place::new(kind, api, url).unwrap_err().to_string();
            assert!(!error.contains("pass"), "{error}");
        }
    }

    #[test]
    fn segments_of_an_address_are_escaped() {
        let place =
            Place::new(ForgeKind::Gitlab, "https://g.example/api/v4/", "https://g.example/a/b");
        let url = place.unwrap().url(["projects", "a/b", "statuses", "é?#"]);
        assert_eq!(url.as_str(), "https://g.example/api/v4/projects/a%2Fb/statuses/%C3%A9%3F%23");
    }
}
