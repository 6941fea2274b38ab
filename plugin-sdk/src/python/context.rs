//! Folders: where an app lies, and which folder holds all that its build names.

use crate::{Refusal, join};

/// Folder that sources are relative to, and the app's folder within it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// From the repository's root. Empty means the root.
    pub(super) folder: String,
    /// The app's folder within it. Empty means the same folder.
    pub(super) rest: String,
}

impl Context {
    /// Returns the context of an app below a folder. `folder` is the app's own, or one above it.
    pub(super) fn of(app: &str, folder: &str) -> Self {
        let rest = match folder {
            "" => app,
            _ => app.strip_prefix(folder).unwrap_or_default(),
        };
        Self { folder: folder.to_owned(), rest: rest.trim_matches('/').to_owned() }
    }

    /// Returns the nearest folder that holds the app and these paths, each relative to the app.
    ///
    /// # Errors
    /// Names the path that leads out of the repository.
    pub(super) fn holding<'a>(
        app: &str,
        paths: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Refusal> {
        let mut folder = app.trim_matches('/').to_owned();
        for (path, source) in paths {
            let Some(full) = join(app, path) else {
                let reason = format!("{source}: `{path}` is outside of the repository");
                let hint = "move the package into the repository, or commit a Dockerfile";
                return Err(Refusal::new(reason, hint).of("python", 60));
            };
            while !is_below(&full, &folder) {
                folder = parent(&folder).to_owned();
            }
        }
        Ok(Self::of(app.trim_matches('/'), &folder))
    }

    /// Returns the working directory of the stages. `None` means `/app`.
    pub(super) fn workdir(&self) -> Option<String> {
        (!self.rest.is_empty()).then(|| format!("/app/{}", self.rest))
    }
}

/// Returns the folder of a path. Empty means the root.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_holds_all() {
        let of = |app: &str, path: &str| {
            Context::holding(app, [(path, "x:1")].into_iter()).map_err(|refusal| refusal.reason)
        };
        let context = |folder: &str, rest: &str| {
            Ok(Context { folder: folder.to_owned(), rest: rest.to_owned() })
        };
        assert_eq!(of("apps/web", "./libs"), context("apps/web", ""));
        assert_eq!(of("apps/web", "../money"), context("apps", "web"));
        assert_eq!(of("apps/web", "../../libs/money"), context("", "apps/web"));
        assert_eq!(of("apps/web", "../website"), context("apps", "web"));
        let refused = of("apps/web", "../../../money").unwrap_err();
        assert!(refused.contains("x:1") && refused.contains("outside of the repository"));
        assert!(of("", "/opt/money").is_err());
    }
}
