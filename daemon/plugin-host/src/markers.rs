//! Files that make a plugin worth asking: the globs of all plugins are matched at once.

use crate::listing::breathe;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Most paths that one plugin gets.
const MOST: usize = 1_000;

/// Markers of several plugins.
pub(crate) struct Markers {
    set: GlobSet,
    /// Index of the plugin of each glob.
    owners: Vec<usize>,
    plugins: usize,
}

/// Compiles a manifest's markers. The error names a glob that cannot be read.
pub(crate) fn compiled(globs: &[String]) -> Result<GlobSet, String> {
    Ok(Markers::of([globs])?.set)
}

impl Markers {
    /// Compiles the markers of several manifests. The error names a glob that cannot be read.
    pub(crate) fn of<'a>(all: impl IntoIterator<Item = &'a [String]>) -> Result<Self, String> {
        let fail = |error: globset::Error| format!("its manifest: markers: {error}");
        let mut set = GlobSetBuilder::new();
        let mut owners = Vec::new();
        let mut plugins = 0;
        for globs in all {
            for glob in globs {
                set.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(fail)?);
                owners.push(plugins);
            }
            plugins += 1;
        }
        Ok(Self { set: set.build().map_err(fail)?, owners, plugins })
    }

    /// Returns the paths that match, for each plugin, in their order.
    pub(crate) async fn matched<'a>(
        &self,
        paths: impl Iterator<Item = &'a str>,
    ) -> Vec<Vec<String>> {
        let mut found = vec![Vec::new(); self.plugins];
        let mut hits = Vec::new();
        for (looked, path) in paths.enumerate() {
            breathe(looked).await;
            self.set.matches_into(path, &mut hits);
            let mut last = None;
            // Globs of one plugin are neighbours, and their indices are sorted.
            for owner in hits.iter().filter_map(|hit| self.owners.get(*hit)) {
                if last == Some(owner) {
                    continue;
                }
                last = Some(owner);
                if let Some(paths) = found.get_mut(*owner).filter(|paths| paths.len() < MOST) {
                    paths.push(path.to_owned());
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_matched_for_all_plugins_at_once_and_once_for_each() {
        let globs = |globs: &[&str]| globs.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (go, tests, none) =
            (globs(&["go.mod", "*.mod"]), globs(&["**/*_test.go"]), globs(&["**/passwd"]));
        let markers = Markers::of([&*go, &*tests, &*none]).unwrap();
        let found = markers.matched(["go.mod", "z_test.go", "a/b/x_test.go"].into_iter()).await;
        assert_eq!(found[0], ["go.mod"]);
        assert_eq!(found[1], ["z_test.go", "a/b/x_test.go"]);
        assert!(found[2].is_empty());
        assert!(Markers::of([&*globs(&["a{"])]).is_err());
    }
}
