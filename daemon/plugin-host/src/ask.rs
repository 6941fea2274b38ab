//! Requests of a plugin's manifest for rights, each with a reason.

use crate::host_pattern::HostPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// All that a plugin asks for beyond its log, its settings and its tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Asks {
    pub http: Vec<HttpAsk>,
    /// Secrets, by the names that the plugin gives them.
    pub secrets: Vec<SecretAsk>,
    /// Actions that a hook may request.
    pub actions: Vec<ActionAsk>,
    /// Prefixes that the plugin takes off secrets (`whsec_`). Others are refused: whether a prefix fits would
    /// reveal a part of a secret.
    pub prefixes: Vec<String>,
    /// Separators that the plugin cuts secrets at (`:`). Others are refused, as with prefixes.
    pub separators: Vec<String>,
}

/// Ask for requests to a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpAsk {
    /// Host. `*` means that the operator's settings name it.
    pub host: HostPattern,
    /// `GET`, `POST` …
    pub methods: Vec<String>,
    /// Fields of answers that the plugin must not see itself: pointers into JSON, or paths of
    /// elements into XML.
    #[serde(default)]
    pub opaque: Vec<String>,
    /// Flag that the plugin works without this right.
    #[serde(default)]
    pub optional: bool,
    pub reason: String,
}

/// Ask for the use of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretAsk {
    /// Name by which the plugin opens the secret.
    pub name: String,
    pub uses: Vec<Use>,
    /// Fields that the plugin reads in clear: pointers into JSON.
    #[serde(default)]
    pub public: Vec<String>,
    /// Flag that the plugin works without this right.
    #[serde(default)]
    pub optional: bool,
    pub reason: String,
}

/// Use of a secret. None of them lets a plugin read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// To sign: HMAC-SHA256.
    Hmac,
    /// To be part of a request to a host that was granted.
    Send,
    /// To be the login of a registry.
    Login,
}

/// Ask for an action of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActionAsk {
    pub action: ActionKind,
    /// Flag that the plugin works without this right.
    #[serde(default)]
    pub optional: bool,
    pub reason: String,
}

/// Action that a hook may have done in the cluster, to its job's own app alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// A command in one pod of the new release.
    PodExec,
    /// A Job of the new image.
    RunJob,
}

impl Asks {
    /// Checks what can be checked without a grant. The error names the ask.
    pub(crate) fn check(&self) -> Result<(), String> {
        let all = self.http.len() + self.secrets.len() + self.actions.len();
        if all > 50 {
            return Err(format!("asks: {all} of them; 50 are allowed"));
        }
        for (field, texts) in [("prefixes", &self.prefixes), ("separators", &self.separators)] {
            if texts.len() > 3 || texts.iter().any(|text| text.is_empty() || text.len() > 16) {
                return Err(format!("asks.{field}: at most 3, of 1 to 16 characters each"));
            }
        }
        for http in &self.http {
            check_methods("asks.http", &http.methods)?;
        }
        for secret in &self.secrets {
            windlass_model::app::label("asks.secrets.name", &secret.name, 30)
                .map_err(|error| error.to_string())?;
            if secret.uses.is_empty() && secret.public.is_empty() {
                return Err(format!("asks.secrets: `{}` has no uses", secret.name));
            }
        }
        let reasons = self.http.iter().map(|ask| &ask.reason);
        let reasons = reasons.chain(self.secrets.iter().map(|ask| &ask.reason));
        for reason in reasons.chain(self.actions.iter().map(|ask| &ask.reason)) {
            if reason.trim().is_empty()
                || reason.len() > 300
                || reason.chars().any(char::is_control)
            {
                return Err(format!("asks: the reason {reason:?} must have 1 to 300 characters"));
            }
        }
        Ok(())
    }
}

/// Checks that methods are named, and known. The error names the method.
pub(crate) fn check_methods(field: &str, methods: &[String]) -> Result<(), String> {
    if methods.is_empty() {
        return Err(format!("{field}: methods: is empty; say which, such as [\"POST\"]"));
    }
    match methods.iter().find(|method| !METHODS.contains(&&***method)) {
        Some(method) => Err(format!("{field}: methods: {method:?} is not among {METHODS:?}")),
        None => Ok(()),
    }
}

/// Methods that a plugin may use. CONNECT and TRACE are left out on purpose.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac => "hmac",
            Self::Send => "send",
            Self::Login => "login",
        })
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PodExec => "pod-exec",
            Self::RunJob => "run-job",
        })
    }
}
