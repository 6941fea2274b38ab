//! Resources that a guest holds by handle: data and its rules, without the imports that hand them out.

use crate::{ask::Use, host_pattern::HostPattern};
use std::{collections::BTreeMap, fs::File, io::Read, path::Path, sync::Arc};
use windlass_engine::ports::Secrets;
use windlass_model::{hook::SecretSource, secret::Secret};

/// Longest secret in a file, in bytes.
const LONGEST: u64 = 64 << 10;

/// Secret that a guest holds by handle.
#[allow(unreachable_pub, reason = "bindgen re-exports it")]
#[derive(Clone)]
pub struct SecretHandle {
    pub(crate) bytes: Secret,
    /// Name by which the guest opened the secret, for errors.
    pub(crate) name: String,
    pub(crate) uses: Vec<Use>,
    /// Hosts that the secret may be sent to. `None` means any that the plugin reaches: a host answered with it.
    pub(crate) hosts: Option<Vec<HostPattern>>,
    /// Fields that the guest may read: pointers into JSON.
    pub(crate) public: Vec<String>,
}

/// Answer of a host that a guest holds by handle.
#[allow(unreachable_pub, reason = "bindgen re-exports it")]
pub struct ResponseHandle {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Fields that the guest does not see.
    pub(crate) opaque: Vec<String>,
}

/// Refusal of a secret's use.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    /// Change of the grant that would allow the use.
    pub(crate) hint: String,
}

/// Places of a call's secrets.
#[derive(Clone, Default)]
pub(crate) struct Vault {
    /// Secrets that are opened already, by the name that the plugin uses.
    pub(crate) given: BTreeMap<String, Secret>,
    /// Places of secrets, by the name that the plugin uses.
    pub(crate) sources: BTreeMap<String, SecretSource>,
    /// Project whose secrets may be opened. `None` means a registry's login, which belongs to no project.
    pub(crate) project: Option<String>,
    /// Secrets of projects. `None` means that none can be opened.
    pub(crate) store: Option<Arc<dyn Secrets>>,
}

impl SecretHandle {
    /// Returns the handle of a field in a granted host's answer.
    pub(crate) fn answered(at: &str, bytes: Vec<u8>) -> Self {
        let uses = vec![Use::Hmac, Use::Send, Use::Login];
        let bytes = Secret::new(bytes);
        let name = format!("answer {at}");
        Self { bytes, name, uses, hosts: None, public: Vec::new() }
    }

    /// Returns the handle of a secret that was derived from this one, with the same rules.
    pub(crate) fn with(&self, bytes: Vec<u8>) -> Self {
        // A public field of the original is none of the derived secret.
        Self { bytes: Secret::new(bytes), public: Vec::new(), ..self.clone() }
    }

    /// Checks that the secret may be used in a way. The error names secret and use.
    pub(crate) fn may(&self, wanted: Use) -> Result<(), Refused> {
        if self.uses.contains(&wanted) {
            Ok(())
        } else {
            let message = format!("the secret `{}` may not be used for {wanted}", self.name);
            Err(Refused { message, hint: format!("add \"{wanted}\" to its uses in the grant") })
        }
    }

    /// Checks that the secret may be sent to a host. `default` is the port of the URL's scheme. The error names
    /// secret and host.
    pub(crate) fn may_go(&self, host: &str, port: u16, default: u16) -> Result<(), Refused> {
        self.may(Use::Send)?;
        let Some(hosts) = &self.hosts else { return Ok(()) };
        if hosts.iter().any(|pattern| pattern.matches(host, port, default)) {
            Ok(())
        } else {
            let message = format!("the secret `{}` may not be sent to {host}", self.name);
            Err(Refused { message, hint: format!("add \"{host}\" to its hosts in the grant") })
        }
    }
}

impl Vault {
    /// Opens a secret by the name that the plugin uses.
    pub(crate) async fn open(&self, name: &str) -> Result<Secret, String> {
        if let Some(given) = self.given.get(name) {
            return Ok(given.clone());
        }
        match self.sources.get(name) {
            None => Err("nobody says where it is".into()),
            Some(SecretSource::File(path)) => read(path),
            Some(SecretSource::Project { project: own }) => {
                let (Some(project), Some(store)) = (&self.project, &self.store) else {
                    return Err("it is a project's, and this is nobody's project".into());
                };
                let opened = store.open(project, own, None).await;
                opened.map(|(secret, _)| secret).map_err(|error| error.to_string())
            }
        }
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("{}: is longer than {LONGEST} bytes", path.display()));
    }
    Ok(Secret::new(bytes.trim_ascii().to_vec()))
}
