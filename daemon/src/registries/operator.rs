//! The rule which project may read and write where in the operator's registry.

use super::refusal::{own_refused, refused};
use windlass_engine::ports::{Action, LoginRequest};
use windlass_model::{docker_hub, error::LoginError};

/// Registry and path of all images that the daemon pushes: `<registry>/<project>/<app>`.
pub(super) struct OperatorRegistry {
    /// As it is configured.
    name: String,
    host: String,
    /// Path at the host, with a slash at its end. Empty means that projects are right below the host.
    path: String,
}

impl OperatorRegistry {
    pub(super) fn new(registry: &str) -> Self {
        let (host, path) = registry.split_once('/').unwrap_or((registry, ""));
        let path = if path.is_empty() { String::new() } else { format!("{path}/") };
        let host = docker_hub::canonical(host);
        Self { name: registry.into(), host: host.into(), path }
    }

    /// Returns the host and path that a project's images are pushed below.
    pub(super) fn place(&self, project: &str) -> String {
        format!("{}/{project}", self.name)
    }

    /// Returns the host, by the one name that it has.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Checks that a request stays within its project: pushes go below the project's own path, and nothing is
    /// pulled from below the path of another project.
    pub(super) fn check(&self, request: &LoginRequest<'_>) -> Result<(), LoginError> {
        let LoginRequest { host, project, repository, action } = *request;
        let owner = self.owner(host, repository);
        let registry = &self.name;
        match action {
            Action::Push if owner == Some(project) => Ok(()),
            // The place of a job is decided before its build.
            Action::Push if !self.is_at(host) => Err(own_refused(
                format!("project `{project}` has no registry `{host}` of its own any more"),
                &format!("submit again: images go below `{registry}/{project}/` now"),
            )),
            Action::Push => Err(refused(
                format!(
                    "`{host}/{repository}` is not below `{registry}/{project}/`: project `{project}` may not push there"
                ),
                "this is a defect of Windlass: report it",
            )
            .into()),
            Action::Pull => match owner {
                Some(owner) if owner != project => Err(refused(
                    format!(
                        "`{host}/{repository}` is an image of another project: project `{project}` may pull what is below `{registry}/{project}/`, and images outside of `{registry}`"
                    ),
                    "copy the image to a place outside of the projects' paths, or build it in this project",
                )
                .into()),
                _ => Ok(()),
            },
        }
    }

    /// Returns whether a host is that of the operator's registry.
    fn is_at(&self, host: &str) -> bool {
        docker_hub::canonical(host).eq_ignore_ascii_case(&self.host)
    }

    /// Returns the project whose path an image is in. `None` means that the image is outside of all of them.
    fn owner<'a>(&self, host: &str, repository: &'a str) -> Option<&'a str> {
        if !self.is_at(host) {
            return None;
        }
        let (project, _) = repository.strip_prefix(&*self.path)?.split_once('/')?;
        Some(project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(registry: &str, host: &str, repository: &str, action: Action) -> Result<(), String> {
        let request = LoginRequest { host, project: "shop", repository, action };
        OperatorRegistry::new(registry).check(&request).map_err(|error| error.to_string())
    }

    #[test]
    fn a_project_pushes_below_its_own_path_only() {
        let push = |repository| check("r:5000/apps", "r:5000", repository, Action::Push);
        push("apps/shop/web").unwrap();
        for other in ["apps/evil/web", "apps/shop", "shop/web", "apps/shopping/web", ""] {
            let error = push(other).unwrap_err();
            let expected = "is not below `r:5000/apps/shop/`";
            assert!(error.contains(expected) && error.starts_with("`r:5000/"), "{error}");
        }
        let error = check("r:5000/apps", "other", "apps/shop/web", Action::Push).unwrap_err();
        assert!(error.contains("has no registry `other` of its own any more"), "{error}");
        check("r:5000", "r:5000", "shop/web", Action::Push).unwrap();
        check("index.docker.io/apps", "docker.io", "apps/shop/web", Action::Push).unwrap();
    }

    #[test]
    fn nothing_is_pulled_from_another_projects_path() {
        let pull = |host, repository| check("r:5000/apps", host, repository, Action::Pull);
        for (host, repository) in [
            ("r:5000", "apps/shop/web"),
            ("r:5000", "library/python"),
            ("r:5000", "apps/base"),
            ("r:5000", ""),
            ("docker.io", "apps/evil/web"),
        ] {
            pull(host, repository).unwrap();
        }
        for host in ["r:5000", "R:5000"] {
            let error = pull(host, "apps/evil/web").unwrap_err();
            assert!(error.contains("is an image of another project"), "{error}");
            assert!(error.contains("project `shop` may pull"), "{error}");
        }
    }
}
