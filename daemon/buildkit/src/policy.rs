//! Images and frontends that a build of one project may use.
//!
//! BuildKit itself enforces the rule for images, by the policy of a solve (`SolveRequest.source_policy`, BuildKit
//! 0.11): it sees each source after arguments are expanded, in `FROM`, `COPY --from` and `--mount=from`, and also
//! where a registry asks for no login.

use crate::{image_name::ImageName, syntax};
use bollard_buildkit_proto::moby::buildkit::v1::sourcepolicy::{
    MatchType, Policy, PolicyAction, Rule, Selector,
};
use windlass_model::{
    docker_hub,
    error::BuildError,
    registry_host::{LOOPBACK, is_same_host, plain_host},
};

/// Rules of the operator for all builds.
#[derive(Clone, Debug, Default)]
pub struct BuildPolicy {
    /// Host, perhaps with a path, that images of projects are pushed to: `<registry>/<project>/<app>`.
    pub registry: String,
    /// Paths below `registry` whose images every project may use: a folder of images, or one image. Empty means
    /// none.
    pub shared_images: Vec<String>,
    /// Images that `# syntax=` may name, with `*` at the end of a tag for any rest. Empty means none.
    pub frontends: Vec<String>,
}

impl BuildPolicy {
    /// Returns BuildKit's policy for the solve of a project: of the images below `registry`, only its own and the
    /// shared ones.
    pub(crate) fn sources(&self, project: &str) -> Policy {
        let (host, path) = split(&self.registry);
        // `below` is an expression for what follows the path.
        let rule = |action: PolicyAction, path: &str, below: &str| Rule {
            action: action.into(),
            selector: Some(Selector {
                identifier: pattern(host, path) + below,
                match_type: MatchType::Regex.into(),
                constraints: Vec::new(),
            }),
            updates: None,
        };
        // The last rule that matches decides.
        let mut rules = vec![
            // What is right below the registry, without a project, is of no project.
            rule(PolicyAction::Deny, &folder(path), "[^/:@]+/"),
            rule(PolicyAction::Allow, &self.own(project), ""),
        ];
        let shared = self.shared_images.iter().map(|shared| split(shared));
        let shared = shared.filter(|(shared, _)| is_same_host(shared, host));
        let shared = shared.map(|(_, path)| path.trim_matches('/'));
        rules.extend(shared.map(|path| rule(PolicyAction::Allow, path, "([/:@]|$)")));
        Policy { version: 1, rules }
    }

    /// Returns whether a repository belongs to another project. `repository` is a path without the host.
    pub(crate) fn is_foreign(&self, project: &str, host: &str, repository: &str) -> bool {
        let (own_host, path) = split(&self.registry);
        let repository = folder(repository);
        let is_shared = |shared: &String| {
            let (shared, path) = split(shared);
            is_same_host(shared, host) && repository.starts_with(&folder(path))
        };
        // The path of a project, and an image in it.
        let is_of_project = |rest: &str| rest.trim_end_matches('/').contains('/');
        is_same_host(own_host, host)
            && repository.strip_prefix(&folder(path)).is_some_and(is_of_project)
            && !repository.starts_with(&self.own(project))
            && !self.shared_images.iter().any(is_shared)
    }

    /// Returns the error for an image of another project. `image` is a reference, or a host with a repository.
    pub(crate) fn refusal(&self, at: String, image: &str, project: &str) -> BuildError {
        let Self { registry, shared_images, .. } = self;
        let path = image.strip_prefix(&format!("{registry}/")).unwrap_or_default();
        let owner = match path.split_once('/') {
            Some((owner, _)) => format!("an image of the project `{owner}`"),
            None => format!("an image below `{registry}` of another project"),
        };
        let shared = match &**shared_images {
            [] => "and the operator shares none in `builder.shared-images`".to_owned(),
            shared => format!("and the shared ones: `{}`", shared.join("`, `")),
        };
        let message = format!(
            "`{image}` is {owner}; a build of `{project}` may use those below `{registry}/{project}/`, {shared}"
        );
        BuildError::Forbidden { at, message }
    }

    /// Returns the frontend that a Dockerfile names. `None` means BuildKit's own.
    ///
    /// A frontend names caches itself, so that one from outside of the list could use those of other projects.
    pub(crate) fn frontend(
        &self,
        file: &str,
        text: &str,
    ) -> Result<Option<syntax::Syntax>, BuildError> {
        let Some(found) = syntax::detect(text) else { return Ok(None) };
        if self.allows(&found.image) {
            return Ok(Some(found));
        }
        let allowed = match &*self.frontends {
            [] => "which is empty: no frontend may be named".to_owned(),
            all => format!("which has `{}`", all.join("`, `")),
        };
        let message = format!(
            "`syntax={}` is no frontend of the operator's list `builder.frontends`, {allowed}",
            found.image
        );
        Err(BuildError::Forbidden { at: format!("{file}:{}", found.line), message })
    }

    /// Returns whether an image is one of `frontends`. An entry without a tag stands for all of its tags and
    /// digests; a `*` at the end of a tag stands for any rest.
    fn allows(&self, image: &str) -> bool {
        let Some(image) = ImageName::read(image) else { return false };
        self.frontends.iter().filter_map(|entry| ImageName::read(entry)).any(|entry| {
            let is_tag = match (&entry.tag, &entry.digest) {
                (None, None) => true,
                (_, Some(digest)) => image.digest.as_ref() == Some(digest),
                // A digest decides alone which image it is, whatever tag stands before it.
                (Some(tag), None) => {
                    let named = image.tag.as_deref().unwrap_or("latest");
                    image.digest.is_none()
                        && tag
                            .strip_suffix('*')
                            .map_or(tag == named, |start| named.starts_with(start))
                }
            };
            entry.name == image.name && is_tag
        })
    }

    fn own(&self, project: &str) -> String {
        format!("{}{project}/", folder(split(&self.registry).1))
    }
}

/// Returns whether a text can stand in `builder.frontends`.
#[must_use]
pub fn is_frontend(text: &str) -> bool {
    ImageName::read(text).is_some()
}

/// Splits a registry into host and path. An empty path means all of the host.
fn split(registry: &str) -> (&str, &str) {
    registry.split_once('/').unwrap_or((registry, ""))
}

/// Returns a path with a slash at its end. An empty path stays empty.
fn folder(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("{path}/") }
}

/// Returns an expression for the identifiers of all images and blobs below a path. A host has several spellings:
/// capital letters, the port that is a scheme's own, and zeros before the digits of a port.
fn pattern(host: &str, path: &str) -> String {
    let (host, port) = plain_host(host);
    let host = match &*host {
        docker_hub::HOST => {
            format!("({}|{})", docker_hub::HOST, docker_hub::ALIASES.join("|")).replace('.', "\\.")
        }
        // The builder takes all of these for its own machine, and uses plain HTTP there by itself.
        LOOPBACK => "(localhost|127\\.[0-9.]+|\\[[0:]*1\\])".to_owned(),
        host => regex::escape(host),
    };
    let port = port.map_or_else(|| "(:0*(443|80)?)?".to_owned(), |port| format!(":0*{port}"));
    format!("(?i)^docker-image(\\+blob)?://{host}{port}/{}", regex::escape(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn policy(registry: &str) -> BuildPolicy {
        BuildPolicy {
            registry: registry.into(),
            shared_images: vec!["reg.example/apps/base".into()],
            frontends: vec!["docker/dockerfile".into(), "reg.example/tools/front:1*".into()],
        }
    }

    /// Evaluates a policy as BuildKit does (`sourcepolicy/engine.go`): the last rule that matches decides.
    fn is_denied(policy: &Policy, identifier: &str) -> bool {
        let matches = |rule: &&Rule| {
            let selector = rule.selector.as_ref().unwrap();
            Regex::new(&selector.identifier).unwrap().is_match(identifier)
        };
        let last = policy.rules.iter().rfind(matches);
        last.is_some_and(|rule| rule.action == i32::from(PolicyAction::Deny))
    }

    #[test]
    fn images_of_other_projects_are_denied_in_all_spellings() {
        let sources = policy("reg.example/apps").sources("shop");
        for image in [
            "reg.example/apps/bank/web:1",
            "REG.example/apps/bank/web:1",
            "reg.example:443/apps/bank/web@sha256:00",
            "reg.example:0443/apps/bank/web:1",
            "reg.example/apps/shopping/web:1",
            "reg.example/apps/bank/shop/web:1",
        ] {
            assert!(is_denied(&sources, &format!("docker-image://{image}")), "{image}");
            assert!(is_denied(&sources, &format!("docker-image+blob://{image}")), "{image}");
        }
        for image in [
            "reg.example/apps/shop/web:1",
            "reg.example/apps/base/python:3",
            "reg.example/other/web:1",
            "docker.io/library/python:3.11-slim",
            "docker.io/reg.example/apps:1",
            "regxexample/apps/bank/web:1",
        ] {
            assert!(!is_denied(&sources, &format!("docker-image://{image}")), "{image}");
        }
        let bare_policy = policy("127.0.0.1:5000");
        let bare = bare_policy.sources("shop");
        assert!(is_denied(&bare, "docker-image://127.0.0.1:5000/bank/web:1"));
        // Every dialer takes this port for the same.
        assert!(is_denied(&bare, "docker-image://127.0.0.1:05000/bank/web:1"));
        assert!(bare_policy.is_foreign("shop", "127.0.0.1:05000", "bank/web"));
        for host in ["localhost", "127.1.2.3", "[::1]"] {
            assert!(is_denied(&bare, &format!("docker-image://{host}:5000/bank/web:1")), "{host}");
            assert!(!is_denied(&bare, &format!("docker-image://{host}:5000/shop/web:1")), "{host}");
            assert!(bare_policy.is_foreign("shop", &format!("{host}:5000"), "bank/web"), "{host}");
        }
        let hub = policy("docker.io").sources("shop");
        assert!(is_denied(&hub, "docker-image://registry-1.docker.io/bank/web:1"));
        assert!(!is_denied(&bare, "docker-image://127.0.0.1:5000/shop/web:1"));
        assert!(!is_denied(&bare, "docker-image://127.0.0.1:5001/bank/web:1"));
    }

    /// The operator may share one image, and an image beside the projects is nobody's.
    #[test]
    fn single_images_are_shared_and_images_of_no_project_are_free() {
        let shared_images = vec!["reg.example/apps/tools/python".into()];
        let policy = BuildPolicy { shared_images, ..policy("reg.example/apps") };
        let sources = policy.sources("shop");
        for (repository, denied) in [
            ("apps/tools/python", false),
            ("apps/tools/python/slim", false),
            ("apps/tools/python-evil", true),
            ("apps/tools/node", true),
            ("apps/base", false),
        ] {
            for image in
                [":3", "@sha256:00", ":3@sha256:00"].map(|end| format!("{repository}{end}"))
            {
                let identifier = format!("docker-image://reg.example/{image}");
                assert_eq!(is_denied(&sources, &identifier), denied, "{image}");
            }
            assert_eq!(
                policy.is_foreign("shop", "reg.example", repository),
                denied,
                "{repository}"
            );
        }
    }

    #[test]
    fn tokens_follow_the_same_rule() {
        let policy = policy("reg.example/apps");
        assert!(policy.is_foreign("shop", "REG.example", "apps/bank/web"));
        assert!(!policy.is_foreign("shop", "reg.example", "apps/shop/web"));
        assert!(!policy.is_foreign("shop", "reg.example", "apps/base/python"));
        assert!(!policy.is_foreign("shop", "other.example", "apps/bank/web"));
        let error = policy.refusal("Dockerfile:1".into(), "reg.example/apps/bank/web:1", "shop");
        for named in ["`bank`", "reg.example/apps/shop/", "reg.example/apps/base"] {
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn only_frontends_of_the_list_are_used() {
        let policy = policy("reg.example/apps");
        for (image, allowed) in [
            ("docker/dockerfile:1", true),
            ("docker.io/docker/dockerfile:1.7-labs", true),
            ("docker/dockerfile", true),
            ("docker/dockerfile-upstream:master", false),
            ("mirror.example/docker/dockerfile:1", false),
            ("DOCKER.IO/docker/dockerfile:1", false),
            ("reg.example/tools/front:1.2", true),
            ("reg.example/tools/front:2", false),
            ("reg.example/tools/front", false),
            ("reg.example/tools/front:1@sha256:00", false),
            ("evil/frontend", false),
            ("", false),
        ] {
            let text = format!("# syntax={image}\nFROM scratch\n");
            let found = policy.frontend("Dockerfile", &text);
            if image.is_empty() {
                assert!(matches!(found, Ok(None)), "an empty value is no directive");
                continue;
            }
            assert_eq!(found.is_ok(), allowed, "{image}");
            if let Err(error) = found {
                let error = error.to_string();
                assert!(error.starts_with("Dockerfile:1: "), "{error}");
                assert!(error.contains(image) && error.contains("docker/dockerfile"), "{error}");
            }
        }
        assert!(policy.frontend("Dockerfile", "FROM scratch\n").unwrap().is_none());
    }
}
