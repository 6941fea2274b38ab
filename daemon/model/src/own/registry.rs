//! Registries of a project's own: a host, a place for the project's images, and logins.
//!
//! Passwords and secrets of plugins are apart from the rest, in [`RegistrySecrets`]: the store seals them, and nothing
//! else holds them.

use crate::{app::NameError, docker_hub, redact::SHORTEST, secret::Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name under which [`RegistrySecrets`] has the password of a user.
pub const PASSWORD: &str = "password";

/// Number of bytes of a password or of a plugin's secret, at most.
pub const LONGEST_SECRET: usize = 64 << 10;

/// Number of bytes of a plugin's settings as JSON, at most.
pub const LONGEST_SETTINGS: usize = 64 << 10;

/// Number of secrets of one login, at most.
pub const MOST_SECRETS: usize = 6;

/// Number of characters of the longest host, with its port.
const LONGEST_HOST: usize = 253;

/// Number of characters of the longest place for images: with a name, a commit and a digest it still is a reference.
const LONGEST_PLACE: usize = 200;

/// Number of characters of the longest user.
const LONGEST_USER: usize = 255;

/// A registry of a project's own, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OwnRegistry {
    /// Host as image references name it, with its port where it has one. Docker Hub is `docker.io`.
    pub host: String,
    /// Host and path that the project's images are pushed below: `ghcr.io/acme`. `None` means that images are only
    /// pulled from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
    /// Login that may push. `None` means that the registry is only pulled from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<RegistryLogin>,
    /// Login that may only read. `None` means that the login for pushes serves both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<RegistryLogin>,
}

/// A login at a registry, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryLogin {
    /// A user with a password or a token.
    User(String),
    /// A registry-auth plugin of the operator.
    Plugin {
        /// Name of the plugin.
        name: String,
        /// Settings that go before the plugin's own, key by key: a JSON object.
        settings: serde_json::Value,
    },
}

/// Use of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginUse {
    /// Writes images.
    Push,
    /// Reads images.
    Pull,
}

/// Secrets of a registry's logins, each by its name: [`PASSWORD`] of a user, or the name that the plugin gives it.
#[derive(Clone, Debug, Default)]
pub struct RegistrySecrets {
    pub push: BTreeMap<String, Secret>,
    pub pull: BTreeMap<String, Secret>,
}

impl LoginUse {
    /// Returns the word: `push` or `pull`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
        }
    }
}

impl RegistrySecrets {
    /// Returns the secrets of one login.
    #[must_use]
    pub fn of(&self, login: LoginUse) -> &BTreeMap<String, Secret> {
        match login {
            LoginUse::Push => &self.push,
            LoginUse::Pull => &self.pull,
        }
    }
}

impl OwnRegistry {
    /// Returns the logins that are set, each with its use.
    pub fn logins(&self) -> impl Iterator<Item = (LoginUse, &RegistryLogin)> {
        let push = self.push.iter().map(|login| (LoginUse::Push, login));
        push.chain(self.pull.iter().map(|login| (LoginUse::Pull, login)))
    }

    /// Returns the login for a use. The login for pushes also pulls where there is no other. `None` means that the
    /// registry has no login for the use.
    #[must_use]
    pub fn login(&self, wanted: LoginUse) -> Option<(LoginUse, &RegistryLogin)> {
        let push = || self.push.as_ref().map(|login| (LoginUse::Push, login));
        match wanted {
            LoginUse::Push => push(),
            LoginUse::Pull => self.pull.as_ref().map(|login| (LoginUse::Pull, login)).or_else(push),
        }
    }

    /// Returns the path of [`Self::images`] at the host: `acme`. `None` means that there is no place for images.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        let (_, path) = self.images.as_deref()?.split_once('/')?;
        Some(path)
    }

    /// Returns whether a repository, a path without the host, lies below the place for images.
    #[must_use]
    pub fn has(&self, repository: &str) -> bool {
        let below = self.path().and_then(|path| repository.strip_prefix(path));
        below.and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| !rest.is_empty())
    }

    /// Checks host, place, users and settings.
    ///
    /// # Errors
    /// [`NameError`] for the first field that is refused.
    pub fn check(&self) -> Result<(), NameError> {
        check_host(&self.host)?;
        if let Some(images) = &self.images {
            self.check_images(images)?;
        }
        if self.push.is_none() && self.pull.is_none() {
            return Err(fault("push", "", "is missing, and so is `pull`; give one login at least"));
        }
        self.logins().try_for_each(|(of, login)| login.check(of))
    }

    fn check_images(&self, images: &str) -> Result<(), NameError> {
        let fail = |problem: String| Err(fault("images", images, problem));
        if images.len() > LONGEST_PLACE {
            return fail(format!("has {} characters; at most {LONGEST_PLACE}", images.len()));
        }
        let below = images.strip_prefix(&self.host).and_then(|rest| rest.strip_prefix('/'));
        let Some(path) = below else {
            return fail(format!("is not below the host; expected `{}/PATH`", self.host));
        };
        if !path.split('/').all(is_component) {
            return fail(
                "has a path that no image may have; expected parts of a-z and 0-9 with `.`, `_` or `-` between them, without tag and digest".into(),
            );
        }
        if self.push.is_none() {
            return fail("needs a login that may push; give `push`, or leave `images` out".into());
        }
        Ok(())
    }

    /// Checks that each login has the secrets that it needs, and that each can be masked.
    ///
    /// # Errors
    /// [`NameError`] with the name and the length of a secret that is refused, and never its value.
    pub fn check_secrets(&self, secrets: &RegistrySecrets) -> Result<(), NameError> {
        for of in [LoginUse::Push, LoginUse::Pull] {
            let login = match of {
                LoginUse::Push => &self.push,
                LoginUse::Pull => &self.pull,
            };
            let given = secrets.of(of);
            let field = |name: &str| format!("{}.secrets.{name}", of.as_str());
            match login {
                None => {
                    if let Some(name) = given.keys().next() {
                        return Err(fault(&field(name), "", "is of a login that is not given"));
                    }
                }
                Some(RegistryLogin::User(_)) => {
                    let field = format!("{}.password", of.as_str());
                    if !given.contains_key(PASSWORD) {
                        return Err(fault(&field, "", "is missing; a user needs a password"));
                    }
                    if let Some(other) = given.keys().find(|name| *name != PASSWORD) {
                        let problem = "is of a plugin, and this login has a user";
                        return Err(fault(&format!("{}.{other}", of.as_str()), "", problem));
                    }
                }
                Some(RegistryLogin::Plugin { .. }) => {}
            }
            if given.len() > MOST_SECRETS {
                let found = given.len().to_string();
                let problem = format!("are too many secrets; at most {MOST_SECRETS}");
                return Err(fault(&format!("{}.secrets", of.as_str()), &found, problem));
            }
            for (name, secret) in given {
                check_secret(&field(name), secret)?;
            }
        }
        Ok(())
    }
}

impl RegistryLogin {
    fn check(&self, of: LoginUse) -> Result<(), NameError> {
        let field = |part: &str| format!("{}.{part}", of.as_str());
        match self {
            Self::User(user) => {
                let fits = |c: char| c != ':' && !c.is_control();
                if user.is_empty() || user.len() > LONGEST_USER || !user.chars().all(fits) {
                    let problem = format!(
                        "must have 1 to {LONGEST_USER} characters, without `:` and control characters"
                    );
                    return Err(fault(&field("user"), user, problem));
                }
            }
            Self::Plugin { name, settings } => {
                if name.is_empty() {
                    return Err(fault(&field("plugin"), name, "is empty; give a user or a plugin"));
                }
                let length = settings.to_string().len();
                if !settings.is_object() || length > LONGEST_SETTINGS {
                    let found = format!("({length} bytes)");
                    let problem =
                        format!("must be a JSON object of at most {LONGEST_SETTINGS} bytes");
                    return Err(fault(&field("settings"), &found, problem));
                }
            }
        }
        Ok(())
    }
}

fn check_secret(field: &str, secret: &Secret) -> Result<(), NameError> {
    let length = secret.reveal().len();
    let found = format!("({length} bytes)");
    if !(SHORTEST..=LONGEST_SECRET).contains(&length) {
        let problem = format!(
            "must have {SHORTEST} to {LONGEST_SECRET} bytes: shorter ones could not be masked in logs"
        );
        return Err(fault(field, &found, problem));
    }
    if secret.reveal_text().is_none() {
        return Err(fault(field, &found, "is not UTF-8; expected text"));
    }
    Ok(())
}

/// Returns a host as this module names it: in lower case, and Docker Hub by its one name.
#[must_use]
pub fn canonical_host(host: &str) -> String {
    docker_hub::canonical(&host.to_ascii_lowercase()).to_owned()
}

fn check_host(host: &str) -> Result<(), NameError> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_label = |label: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty()
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_name = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.split('.').all(is_label),
    };
    // Without a dot or a port, an image reference takes the first part for a path at Docker Hub.
    let is_host = name.contains('.') || port.is_some() || name == "localhost";
    // Zeros before the digits would make one host two.
    let is_port = port.is_none_or(|port| {
        port.starts_with(|c: char| ('1'..='9').contains(&c)) && port.parse::<u16>().is_ok()
    });
    if host.len() <= LONGEST_HOST && is_name && is_host && is_port {
        return Ok(());
    }
    Err(fault(
        "host",
        host,
        "is no host of images; expected one such as `ghcr.io` or `registry.example.com:5000`, in lower case, without scheme and path",
    ))
}

/// Returns whether a text is one part of an image's path, as distribution's `reference` has them.
fn is_component(part: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |text: &str| {
        text.is_empty() || [".", "_", "__"].contains(&text) || text.chars().all(|c| c == '-')
    };
    part.starts_with(is_letter)
        && part.ends_with(is_letter)
        && part.split(is_letter).all(is_separator)
}

fn fault(field: &str, value: &str, problem: impl Into<String>) -> NameError {
    NameError {
        field: field.into(),
        value: value.chars().take(80).collect(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(host: &str, images: &str) -> OwnRegistry {
        OwnRegistry {
            host: host.into(),
            images: Some(images.to_owned()).filter(|images| !images.is_empty()),
            push: Some(RegistryLogin::User("ci".into())),
            pull: None,
        }
    }

    #[test]
    fn hosts_and_places_are_those_that_image_references_can_have() {
        for (host, images) in [
            ("ghcr.io", "ghcr.io/acme"),
            ("registry.example.com:5000", "registry.example.com:5000/a/b_c/d--e"),
            ("10.0.0.1:80", ""),
            ("[::1]:5000", "[::1]:5000/a"),
            ("localhost", "localhost/a"),
        ] {
            registry(host, images).check().unwrap();
        }
        for (host, images, field) in [
            ("", "", "host"),
            ("ghcr", "", "host"),
            ("GHCR.io", "", "host"),
            ("https://ghcr.io", "", "host"),
            ("ghcr.io/acme", "", "host"),
            ("ghcr.io:05000", "", "host"),
            ("ghcr.io:0", "", "host"),
            ("ghcr.io:65536", "", "host"),
            ("user@ghcr.io", "", "host"),
            ("a..io", "", "host"),
            ("-a.io", "", "host"),
            ("ghcr.io", "ghcr.io", "images"),
            ("ghcr.io", "ghcr.io/", "images"),
            ("ghcr.io", "ghcr.io.evil/acme", "images"),
            ("ghcr.io", "ghcr.io/Acme", "images"),
            ("ghcr.io", "ghcr.io/acme:1", "images"),
            ("ghcr.io", "ghcr.io/a//b", "images"),
            ("ghcr.io", "ghcr.io/../b", "images"),
        ] {
            let error = registry(host, images).check().unwrap_err();
            assert_eq!(error.field, field, "{host} {images}: {error}");
        }
    }

    #[test]
    fn a_place_for_images_needs_a_login_that_pushes() {
        let mut pulls = registry("ghcr.io", "ghcr.io/acme");
        pulls.pull = pulls.push.take();
        assert_eq!(pulls.check().unwrap_err().field, "images");
        pulls.images = None;
        pulls.check().unwrap();
        pulls.pull = None;
        assert_eq!(pulls.check().unwrap_err().field, "push");
    }

    #[test]
    fn one_login_serves_both_where_there_is_no_other() {
        let mut registry = registry("ghcr.io", "");
        assert_eq!(registry.login(LoginUse::Pull).unwrap().0, LoginUse::Push);
        registry.pull = Some(RegistryLogin::User("reader".into()));
        assert_eq!(registry.login(LoginUse::Pull).unwrap().0, LoginUse::Pull);
        registry.push = None;
        assert!(registry.login(LoginUse::Push).is_none());
    }

    #[test]
    fn only_what_lies_below_the_place_is_pushed() {
        let registry = registry("ghcr.io", "ghcr.io/acme/shop");
        assert!(registry.has("acme/shop/web"));
        for other in ["acme/shop", "acme/shop/", "acme/shopping/web", "acme/web", "shop/web", ""] {
            assert!(!registry.has(other), "{other}");
        }
    }

    #[test]
    fn secrets_are_those_that_the_logins_need_and_are_never_quoted() {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let given = |name: &str, value: &str| RegistrySecrets {
            push: [(name.to_owned(), secret(value))].into(),
            pull: BTreeMap::new(),
        };
        let by_user = registry("ghcr.io", "");
        by_user.check_secrets(&given(PASSWORD, "hunter22")).unwrap();
        let long = "x".repeat(LONGEST_SECRET + 1);
        for (secrets, expected) in [
            (RegistrySecrets::default(), "push.password: `` is missing"),
            (given("key", "hunter22"), "push.password: `` is missing"),
            (given(PASSWORD, "abc"), "push.secrets.password: `(3 bytes)` must have 4 to"),
            (given(PASSWORD, &long), "push.secrets.password: `(65537 bytes)` must have"),
        ] {
            let error = by_user.check_secrets(&secrets).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let stray =
            RegistrySecrets { pull: given("key", "hunter22").push, ..given(PASSWORD, "hunter22") };
        let error = by_user.check_secrets(&stray).unwrap_err().to_string();
        assert!(error.contains("is of a login that is not given"), "{error}");
        assert!(!format!("{stray:?}").contains("hunter22"));
    }

    #[test]
    fn settings_are_an_object_of_a_bounded_size() {
        let with = |settings: serde_json::Value| {
            let push = Some(RegistryLogin::Plugin { name: "registry-ecr".into(), settings });
            OwnRegistry { push, ..registry("ghcr.io", "") }.check()
        };
        with(serde_json::json!({ "region": "eu" })).unwrap();
        assert_eq!(with(serde_json::json!([])).unwrap_err().field, "push.settings");
        let long = "x".repeat(LONGEST_SETTINGS);
        assert_eq!(with(serde_json::json!({ "a": long })).unwrap_err().field, "push.settings");
    }

    #[test]
    fn a_registry_is_stored_without_what_it_does_not_have() {
        let registry = registry("ghcr.io", "ghcr.io/acme");
        let json = serde_json::to_string(&registry).unwrap();
        assert_eq!(json, r#"{"host":"ghcr.io","images":"ghcr.io/acme","push":{"user":"ci"}}"#);
        assert_eq!(serde_json::from_str::<OwnRegistry>(&json).unwrap(), registry);
        assert_eq!(canonical_host("Index.Docker.io"), "docker.io");
    }
}
