//! Names of images, split and normalized as distribution's `reference` does.

/// Name of an image in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// Host and repository: `docker.io/library/python`.
    pub(crate) name: String,
    /// `None` means that the reference has no tag.
    pub(crate) tag: Option<String>,
    /// `None` means that the reference has no digest.
    pub(crate) digest: Option<String>,
}

impl ImageName {
    /// Reads a reference. `None` means that it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let tag_at =
            rest.rfind(':').filter(|at| !rest.get(*at..).unwrap_or_default().contains('/'));
        let (name, tag) = match tag_at.and_then(|at| rest.split_at_checked(at)) {
            Some((name, tag)) => (name, tag.strip_prefix(':').map(str::to_owned)),
            None => (rest, None),
        };
        let is_host = |first: &str| {
            first.contains(['.', ':'])
                || first == "localhost"
                || first.contains(|c: char| c.is_ascii_uppercase())
        };
        let (host, path) = match name.split_once('/') {
            Some((first, path)) if is_host(first) => (first, path.to_owned()),
            Some(_) => ("docker.io", name.to_owned()),
            None => ("docker.io", format!("library/{name}")),
        };
        let host = if host == "index.docker.io" { "docker.io" } else { host };
        let is_part = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        let is_valid = path.split('/').all(is_part)
            && !tag.as_deref().is_some_and(str::is_empty)
            && !digest.as_deref().is_some_and(str::is_empty)
            && !text.contains(char::is_whitespace);
        is_valid.then(|| Self { name: format!("{host}/{path}"), tag, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    #[test]
    fn names_are_normalized() {
        for (text, name, tag, digest) in [
            ("python", "docker.io/library/python", None, None),
            ("docker/dockerfile:1", "docker.io/docker/dockerfile", Some("1"), None),
            ("index.docker.io/a/b", "docker.io/a/b", None, None),
            ("localhost/a", "localhost/a", None, None),
            ("10.0.0.1:5000/a/b:c@sha256:d", "10.0.0.1:5000/a/b", Some("c"), Some("sha256:d")),
            ("10.0.0.1:5000/a/b", "10.0.0.1:5000/a/b", None, None),
        ] {
            let read = ImageName::read(text).unwrap();
            let found = (&*read.name, read.tag.as_deref(), read.digest.as_deref());
            assert_eq!(found, (name, tag, digest), "{text}");
        }
        for text in ["", "a//b", "a:", "a@", "A", "a b", "docker.io/"] {
            assert_eq!(ImageName::read(text), None, "{text}");
        }
    }
}
