//! Contraction of an app's data, which ends rollbacks to releases before.

use crate::job::Release;

/// Contraction of an app's data in a cluster: what only releases before this one work with is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contraction {
    /// Id of the release that served.
    pub release: String,
    /// Digest of its image: `sha256:…`.
    pub digest: String,
    /// Time, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Contraction {
    /// Returns whether a release may not work with the data any more: it is older, and of another image.
    #[must_use]
    pub fn is_past(&self, release: &Release) -> bool {
        release.id < self.release && release.image.digest != self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_release_of_another_image_lacks_what_was_taken_out() {
        let of = |id: &str, digest: &str| {
            let mut release = crate::samples::release();
            (release.id, release.image.digest) = (id.to_owned(), digest.to_owned());
            release
        };
        let contraction = Contraction { release: "3".into(), digest: "b".into(), at_ms: 0 };
        assert!(contraction.is_past(&of("1", "a")));
        assert!(!contraction.is_past(&of("2", "b")) && !contraction.is_past(&of("3", "b")));
        assert!(!contraction.is_past(&of("4", "c")));
    }
}
