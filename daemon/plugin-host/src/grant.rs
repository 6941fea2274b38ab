//! Grants of the operator. A plugin's rights are ask ∩ grant ∩ site policy. All else is denied.

use crate::{
    ask::{ActionKind, Asks, HttpAsk, SecretAsk, Use, check_methods},
    host_pattern::HostPattern,
    limits::Limits,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Rights of a plugin beyond its log, its settings and its tree. They hold for one component, named by its
/// digest. Empty means none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grant {
    /// Hosts that it may send requests to.
    pub http: Vec<HttpGrant>,
    /// Secrets that it may use without reading them.
    pub secrets: Vec<SecretGrant>,
    /// Actions that its hooks may have done.
    pub actions: Vec<ActionKind>,
}

/// Requests to a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpGrant {
    /// Host, matched label by label: `*` is one label, a leading `**.` any number; perhaps with a port.
    pub host: HostPattern,
    /// Methods: `GET`, `POST` …
    pub methods: Vec<String>,
    /// Scheme of its URLs.
    #[serde(default)]
    pub scheme: Scheme,
    /// Allows addresses that are not of the public internet.
    #[serde(default)]
    pub private: bool,
    /// PEM file of the authorities that its certificate may be of. Default: the system's.
    pub ca: Option<PathBuf>,
    /// Fields of answers that the plugin must not see, beside those that its manifest names.
    #[serde(default)]
    pub opaque: Vec<String>,
}

/// Scheme of the URLs of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Encrypted.
    #[default]
    Https,
    /// In clear.
    Http,
}

/// Use of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretGrant {
    /// Name in the manifest.
    pub name: String,
    /// Uses that are allowed.
    pub uses: Vec<Use>,
    /// Hosts that it may be sent to. Empty means none.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Fields that are no secret, such as a key's id: pointers into JSON.
    #[serde(default)]
    pub public: Vec<String>,
}

/// Limits on all plugins, whatever they are granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SitePolicy {
    /// Hosts that no plugin reaches.
    pub deny_hosts: Vec<HostPattern>,
    /// Actions that no hook has done.
    pub deny_actions: Vec<ActionKind>,
    /// Ceiling for the limits of each plugin. A key that is left out here is a ceiling too, at its default.
    /// Default: no ceiling.
    pub ceiling: Option<Limits>,
}

/// Rights of one loaded plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    asks: Asks,
    grant: Grant,
    policy: SitePolicy,
}

/// Grant that a request falls under, with the fields to blank.
pub(crate) struct Reach<'a> {
    pub(crate) grant: &'a HttpGrant,
    /// Fields of the answer that the plugin does not see.
    pub(crate) opaque: Vec<String>,
}

impl Granted {
    /// Checks a grant against what the plugin asks for.
    ///
    /// # Errors
    /// Names the asks that are not granted, with the lines to add, or a grant that is not asked for.
    pub(crate) fn new(asks: &Asks, grant: &Grant, policy: &SitePolicy) -> Result<Self, String> {
        for http in &grant.http {
            check_methods("grant.http", &http.methods)?;
            if http.host.is_any() {
                return Err("grant.http: `*` names every host: name those that it needs".into());
            }
            if !asks.http.iter().any(|ask| ask.host.meets(&http.host)) {
                return Err(format!("grant.http: it does not ask for `{}`: remove it", http.host));
            }
        }
        for secret in &grant.secrets {
            let Some(ask) = asks.secrets.iter().find(|ask| ask.name == secret.name) else {
                let name = &secret.name;
                return Err(format!("grant.secrets: it does not ask for `{name}`: remove it"));
            };
            if let Some(more) = secret.uses.iter().find(|granted| !ask.uses.contains(granted)) {
                return Err(format!(
                    "grant.secrets: it asks to use `{}` for {}, not for {more}: remove that",
                    secret.name,
                    joined(&ask.uses)
                ));
            }
        }
        if let Some(action) = grant
            .actions
            .iter()
            .find(|action| !asks.actions.iter().any(|ask| ask.action == **action))
        {
            return Err(format!("grant.actions: it does not ask for `{action}`: remove it"));
        }
        let missing = missing(asks, grant);
        if !missing.is_empty() {
            return Err(format!(
                "it asks for what it is not granted; where you agree, add to its [plugins.grant]:\n{}",
                missing.join("\n")
            ));
        }
        Ok(Self::unchecked(asks, grant, policy))
    }

    /// Returns the rights without the check that asks and grant fit each other.
    pub(crate) fn unchecked(asks: &Asks, grant: &Grant, policy: &SitePolicy) -> Self {
        Self { asks: asks.clone(), grant: grant.clone(), policy: policy.clone() }
    }

    /// Returns the grant that a request falls under.
    ///
    /// The error has the reason, and the line that would allow it.
    pub(crate) fn reach(
        &self,
        scheme: Scheme,
        host: &str,
        port: u16,
        method: &str,
    ) -> Result<Reach<'_>, String> {
        let default = scheme.port();
        let fits = |pattern: &HostPattern| pattern.matches(host, port, default);
        if let Some(pattern) =
            self.policy.deny_hosts.iter().find(|pattern| pattern.covers(host, port))
        {
            return Err(format!("the site's policy denies every plugin `{pattern}`"));
        }
        let asked =
            |ask: &&HttpAsk| fits(&ask.host) && ask.methods.iter().any(|asked| asked == method);
        let Some(ask) = self.asks.http.iter().find(asked) else {
            return Err(format!("its manifest does not ask for {method} to `{host}:{port}`"));
        };
        let granted = |grant: &&HttpGrant| {
            grant.scheme == scheme
                && fits(&grant.host)
                && grant.methods.iter().any(|granted| granted == method)
        };
        let Some(grant) = self.grant.http.iter().find(granted) else {
            let (at, scheme) = match (port == default, scheme) {
                (true, Scheme::Https) => (host.to_owned(), String::new()),
                (true, Scheme::Http) => (host.to_owned(), ", scheme = \"http\"".to_owned()),
                (false, Scheme::Https) => (format!("{host}:{port}"), String::new()),
                (false, Scheme::Http) => {
                    (format!("{host}:{port}"), ", scheme = \"http\"".to_owned())
                }
            };
            return Err(format!(
                "it is not granted; this would allow it: http = [{{ host = \"{at}\", methods = [\"{method}\"]{scheme} }}]"
            ));
        };
        let opaque = ask.opaque.iter().chain(&grant.opaque).cloned().collect();
        Ok(Reach { grant, opaque })
    }

    /// Returns the grant of a secret.
    ///
    /// The error has the reason, and the line that would allow it.
    pub(crate) fn secret(&self, name: &str) -> Result<&SecretGrant, String> {
        let Some(ask) = self.asks.secrets.iter().find(|ask| ask.name == name) else {
            return Err("its manifest does not ask for it".into());
        };
        let granted = self.grant.secrets.iter().find(|secret| secret.name == name);
        granted
            .ok_or_else(|| format!("it is not granted; this would allow it: {}", secret_line(ask)))
    }

    /// Checks that a hook may request an action.
    ///
    /// The error has the reason, and the line that would allow it.
    pub(crate) fn action(&self, action: ActionKind) -> Result<(), String> {
        if self.policy.deny_actions.contains(&action) {
            return Err(format!("the site's policy denies every plugin `{action}`"));
        }
        if self.grant.actions.contains(&action) {
            Ok(())
        } else {
            Err(format!("`{action}` is not granted; this would allow it: actions = [\"{action}\"]"))
        }
    }

    /// Returns the rights in plain sentences, the most dangerous first.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut all = Vec::new();
        for action in &self.grant.actions {
            let denied = self.policy.deny_actions.contains(action);
            all.push(match (denied, action) {
                (true, action) => format!("was granted `{action}`, which the site's policy denies"),
                (_, ActionKind::RunJob) => {
                    "can have Jobs run: commands in the image of the release, with its secrets"
                        .into()
                }
                (_, ActionKind::PodExec) => {
                    "can have commands run in a pod of the release that it is asked about".into()
                }
            });
        }
        for secret in &self.grant.secrets {
            let hosts: Vec<_> = secret.hosts.iter().map(ToString::to_string).collect();
            let to = if hosts.is_empty() {
                String::new()
            } else {
                format!(", sent to {}", hosts.join(", "))
            };
            all.push(format!(
                "can use the secret `{}` without reading it, for {}{to}",
                secret.name,
                joined(&secret.uses)
            ));
        }
        for http in &self.grant.http {
            let methods = http.methods.join(" and ");
            let host = &http.host;
            let clear = if http.scheme == Scheme::Http { ", in clear" } else { "" };
            let private = if http.private { ", also at private addresses" } else { "" };
            all.push(format!("can send {methods} requests to {host}{clear}{private}"));
        }
        all
    }

    /// Returns the optional asks that were not granted, each with its reason.
    pub(crate) fn not_granted(&self) -> Vec<String> {
        let http = self.asks.http.iter().filter(|ask| !has_http(&self.grant, ask));
        let http = http
            .map(|ask| format!("{} to {}: {}", ask.methods.join(" and "), ask.host, ask.reason));
        let secrets = self.asks.secrets.iter().filter(|ask| !has_secret(&self.grant, ask));
        let secrets = secrets.map(|ask| format!("secret `{}`: {}", ask.name, ask.reason));
        let actions =
            self.asks.actions.iter().filter(|ask| !self.grant.actions.contains(&ask.action));
        let actions = actions.map(|ask| format!("`{}`: {}", ask.action, ask.reason));
        actions.chain(secrets).chain(http).collect()
    }

    pub(crate) fn asks(&self) -> &Asks {
        &self.asks
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.grant == Grant::default()
    }
}

impl Scheme {
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

fn joined(uses: &[Use]) -> String {
    uses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn has_http(grant: &Grant, ask: &HttpAsk) -> bool {
    grant.http.iter().any(|http| {
        http.host.meets(&ask.host) && http.methods.iter().any(|own| ask.methods.contains(own))
    })
}

fn has_secret(grant: &Grant, ask: &SecretAsk) -> bool {
    grant.secrets.iter().any(|secret| secret.name == ask.name)
}

/// Returns the lines that would grant what is missing, each with the plugin's reason.
fn missing(asks: &Asks, grant: &Grant) -> Vec<String> {
    let mut lines = Vec::new();
    for ask in asks.http.iter().filter(|ask| !ask.optional && !has_http(grant, ask)) {
        let host = if ask.host.is_any() {
            "the host that its settings name".to_owned()
        } else {
            ask.host.to_string()
        };
        let methods = &ask.methods;
        lines.push(format!(
            "http = [{{ host = \"{host}\", methods = {methods:?} }}]  # {}",
            ask.reason
        ));
    }
    for ask in asks.secrets.iter().filter(|ask| !ask.optional && !has_secret(grant, ask)) {
        lines.push(format!("{}  # {}", secret_line(ask), ask.reason));
    }
    for ask in &asks.actions {
        if !ask.optional && !grant.actions.contains(&ask.action) {
            lines.push(format!("actions = [\"{}\"]  # {}", ask.action, ask.reason));
        }
    }
    lines
}

fn secret_line(ask: &SecretAsk) -> String {
    let uses: Vec<_> = ask.uses.iter().map(ToString::to_string).collect();
    let hosts =
        if ask.uses.contains(&Use::Send) { ", hosts = [\"where it may be sent\"]" } else { "" };
    let public =
        if ask.public.is_empty() { String::new() } else { format!(", public = {:?}", ask.public) };
    format!("secrets = [{{ name = \"{}\", uses = {uses:?}{hosts}{public} }}]", ask.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks() -> Asks {
        toml::from_str(
            "[[http]]\nhost = \"api.*.a.com\"\nmethods = [\"POST\"]\nreason = \"tokens\"\n\
             [[http]]\nhost = \"sts.a.com\"\nmethods = [\"POST\"]\noptional = true\nreason = \"roles\"\n\
             [[secrets]]\nname = \"key\"\nuses = [\"hmac\"]\nreason = \"signs\"\n\
             [[actions]]\naction = \"run-job\"\noptional = true\nreason = \"migrates\"\n",
        )
        .unwrap()
    }

    fn grant(text: &str) -> Grant {
        toml::from_str(text).unwrap()
    }

    const ALL: &str = "http = [{ host = \"api.eu.a.com\", methods = [\"POST\"] }]\nsecrets = [{ name = \"key\", uses = [\"hmac\"] }]";

    #[test]
    fn what_is_missing_is_named_with_its_line_and_reason() {
        let error = Granted::new(&asks(), &Grant::default(), &SitePolicy::default()).unwrap_err();
        assert!(
            error.contains("http = [{ host = \"api.*.a.com\", methods = [\"POST\"] }]  # tokens"),
            "{error}"
        );
        assert!(
            error.contains("secrets = [{ name = \"key\", uses = [\"hmac\"] }]  # signs"),
            "{error}"
        );
        assert!(!error.contains("sts") && !error.contains("run-job"), "optional: {error}");
        Granted::new(&asks(), &grant(ALL), &SitePolicy::default()).unwrap();
    }

    #[test]
    fn what_is_not_asked_for_is_not_granted() {
        for (more, expected) in [
            (
                "http = [{ host = \"evil.com\", methods = [\"GET\"] }]",
                "does not ask for `evil.com`",
            ),
            ("http = [{ host = \"*\", methods = [\"GET\"] }]", "names every host"),
            ("http = [{ host = \"api.eu.a.com\", methods = [\"TRACE\"] }]", "TRACE"),
            ("secrets = [{ name = \"other\", uses = [\"hmac\"] }]", "does not ask for `other`"),
            ("secrets = [{ name = \"key\", uses = [\"send\"] }]", "not for send"),
            ("actions = [\"pod-exec\"]", "does not ask for `pod-exec`"),
        ] {
            let error = Granted::new(&asks(), &grant(more), &SitePolicy::default()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(toml::from_str::<Grant>("htpp = []").unwrap_err().to_string().contains("htpp"));
    }

    #[test]
    fn effective_is_ask_and_grant_and_policy() {
        let policy: SitePolicy = toml::from_str("deny-hosts = [\"**.internal\"]").unwrap();
        let granted = Granted::new(&asks(), &grant(ALL), &policy).unwrap();
        let reach = |host, port, method| granted.reach(Scheme::Https, host, port, method);
        assert!(reach("api.eu.a.com", 443, "POST").is_ok());
        // Asked for, not granted: the line says how.
        let error = reach("api.us.a.com", 443, "POST").err().unwrap();
        assert!(error.contains("host = \"api.us.a.com\", methods = [\"POST\"]"), "{error}");
        assert!(reach("api.eu.a.com", 8443, "POST").is_err());
        assert!(reach("api.eu.a.com", 443, "GET").err().unwrap().contains("does not ask"));
        assert!(reach("x.internal", 443, "GET").err().unwrap().contains("policy"));
        assert!(granted.reach(Scheme::Http, "api.eu.a.com", 443, "POST").is_err());
        assert!(
            granted.action(ActionKind::RunJob).unwrap_err().contains("actions = [\"run-job\"]")
        );
    }
}
