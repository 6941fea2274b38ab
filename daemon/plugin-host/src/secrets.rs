//! The `secrets` import: handles that are used and never read.

use crate::{
    ask::Use,
    bindings::{secrets, types},
    hosts::HostPattern,
    state::{Effect, State, refused, sanitize},
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{collections::BTreeMap, fs::File, io::Read, path::Path, sync::Arc};
use wasmtime::component::Resource;
use windlass_engine::ports::Secrets;
use windlass_model::{hook::SecretSource, secret::Secret};

/// No key, token or document of keys is longer.
const LONGEST: u64 = 64 << 10;

/// Where a call's secrets are.
#[derive(Clone, Default)]
pub(crate) struct Vault {
    /// In hand, by the name that the plugin uses.
    pub(crate) given: BTreeMap<String, Secret>,
    /// By the name that the plugin uses.
    pub(crate) sources: BTreeMap<String, SecretSource>,
    /// Whose own secrets may be meant; a registry's login belongs to no project.
    pub(crate) project: Option<String>,
    /// Opens a project's own.
    pub(crate) store: Option<Arc<dyn Secrets>>,
}

/// A secret in a guest's hand.
#[allow(unreachable_pub, reason = "bindgen re-exports it")]
#[derive(Clone)]
pub struct SecretHandle {
    pub(crate) bytes: Secret,
    /// As the guest opened it, for errors.
    pub(crate) name: String,
    pub(crate) uses: Vec<Use>,
    /// Where it may be sent. None: to any host that the plugin reaches, for what it was answered.
    pub(crate) hosts: Option<Vec<HostPattern>>,
    public: Vec<String>,
}

impl SecretHandle {
    /// What a host that was granted answered.
    pub(crate) fn answered(at: &str, bytes: Vec<u8>) -> Self {
        let uses = vec![Use::Hmac, Use::Send, Use::Login];
        let bytes = Secret::new(bytes);
        let name = format!("answer {at}");
        Self { bytes, name, uses, hosts: None, public: Vec::new() }
    }

    fn with(&self, bytes: Vec<u8>) -> Self {
        // What was public of it is another field of what came of it.
        Self { bytes: Secret::new(bytes), public: Vec::new(), ..self.clone() }
    }

    /// # Errors
    /// Names secret and use.
    pub(crate) fn may(&self, wanted: Use) -> Result<(), types::Error> {
        if self.uses.contains(&wanted) {
            Ok(())
        } else {
            let message = format!("the secret `{}` may not be used for {wanted}", self.name);
            Err(refused(message, format!("add \"{wanted}\" to its uses in the grant")))
        }
    }

    /// # Errors
    /// Names secret and host.
    pub(crate) fn may_go(&self, host: &str, port: u16, default: u16) -> Result<(), types::Error> {
        self.may(Use::Send)?;
        let Some(hosts) = &self.hosts else { return Ok(()) };
        if hosts.iter().any(|pattern| pattern.matches(host, port, default)) {
            Ok(())
        } else {
            let message = format!("the secret `{}` may not be sent to {host}", self.name);
            Err(refused(message, format!("add \"{host}\" to its hosts in the grant")))
        }
    }
}

impl Vault {
    async fn open(&self, name: &str) -> Result<Secret, String> {
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

impl State {
    /// Hands a secret out, and knows it from now on wherever it turns up.
    pub(crate) fn hold(&mut self, held: SecretHandle) -> wasmtime::Result<Resource<SecretHandle>> {
        let public = held.public.iter().filter_map(|at| field(&held, at).ok());
        self.track_secret(&held.bytes, public.map(Secret::new))?;
        Ok(self.table.push(held)?)
    }

    fn transformed(
        &mut self,
        handle: &Resource<SecretHandle>,
        make: impl FnOnce(&SecretHandle) -> Result<Vec<u8>, types::Error>,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let held = self.table.get(handle)?;
        match make(held) {
            Ok(bytes) => {
                let held = held.with(bytes);
                self.hold(held).map(Ok)
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

impl secrets::Host for State {
    async fn open(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let granted = self.granted.clone();
        let what = format!("opened the secret `{name}`");
        let grant = match granted.secret(&name) {
            Ok(grant) => grant,
            Err(why) => {
                self.effect(Effect::denied("secrets", what, why.clone()));
                return Ok(Err(refused(format!("the secret `{name}`: {why}"), String::new())));
            }
        };
        match self.vault.clone().open(&name).await {
            Ok(bytes) => {
                self.effect(Effect::done("secrets", what));
                let uses = grant.uses.clone();
                let public = grant.public.clone();
                let hosts = Some(grant.hosts.clone());
                self.hold(SecretHandle { bytes, name, uses, hosts, public }).map(Ok)
            }
            Err(why) => {
                let message = format!("the secret `{name}` cannot be had: {why}");
                self.effect(Effect::denied("secrets", what, why));
                let hint = Some("say where it is in the daemon's configuration".into());
                Ok(Err(types::Error { kind: types::ErrorKind::NotFound, message, hint }))
            }
        }
    }
}

impl secrets::HostSecret for State {
    async fn field(
        &mut self,
        handle: Resource<SecretHandle>,
        pointer: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.transformed(&handle, |held| field(held, &pointer))
    }

    async fn public_field(
        &mut self,
        handle: Resource<SecretHandle>,
        pointer: String,
    ) -> wasmtime::Result<Result<String, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let held = self.table.get(&handle)?;
        if !held.public.contains(&pointer) {
            let message = format!("`{pointer}` of the secret `{}` is not public", held.name);
            let hint = format!("add \"{pointer}\" to its public fields in the grant");
            return Ok(Err(refused(message, hint)));
        }
        Ok(field(held, &pointer).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn derive_hmac_sha256(
        &mut self,
        handle: Resource<SecretHandle>,
        prefix: String,
        data: Vec<u8>,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.transformed(&handle, |held| {
            held.may(Use::Hmac)?;
            mac(&[prefix.as_bytes(), held.bytes.reveal()].concat(), &data)
        })
    }

    async fn hmac_sha256(
        &mut self,
        handle: Resource<SecretHandle>,
        data: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let held = self.table.get(&handle)?;
        Ok(held.may(Use::Hmac).and_then(|()| mac(held.bytes.reveal(), &data)))
    }

    async fn decode(
        &mut self,
        handle: Resource<SecretHandle>,
        strip_prefix: String,
        encoding: secrets::Encoding,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        let asks = self.granted.asks();
        if !strip_prefix.is_empty() && !asks.prefixes.contains(&strip_prefix) {
            return Ok(Err(undeclared("prefixes", &strip_prefix)));
        }
        self.transformed(&handle, |held| {
            let rest = held.bytes.reveal().strip_prefix(strip_prefix.as_bytes());
            let rest =
                rest.ok_or_else(|| odd(held, &format!("does not begin with `{strip_prefix}`")))?;
            let decoded = match encoding {
                secrets::Encoding::Base64 => lenient(&alphabet::STANDARD).decode(rest).ok(),
                secrets::Encoding::Base64url => lenient(&alphabet::URL_SAFE).decode(rest).ok(),
                secrets::Encoding::Hex => hex::decode(rest).ok(),
            };
            decoded.ok_or_else(|| odd(held, "is not encoded as it should be"))
        })
    }

    async fn split(
        &mut self,
        handle: Resource<SecretHandle>,
        separator: String,
        part: secrets::Part,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        if !self.granted.asks().separators.contains(&separator) {
            return Ok(Err(undeclared("separators", &separator)));
        }
        self.transformed(&handle, |held| {
            let text = held.bytes.reveal_text();
            let parts = text.and_then(|text| text.split_once(separator.as_str()));
            let (before, after) =
                parts.ok_or_else(|| odd(held, &format!("holds no `{separator}`")))?;
            let chosen = match part {
                secrets::Part::Before => before,
                secrets::Part::After => after,
            };
            Ok(chosen.as_bytes().to_vec())
        })
    }

    async fn drop(&mut self, handle: Resource<SecretHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

fn lenient(alphabet: &alphabet::Alphabet) -> GeneralPurpose {
    let padding = DecodePaddingMode::Indifferent;
    GeneralPurpose::new(alphabet, GeneralPurposeConfig::new().with_decode_padding_mode(padding))
}

fn field(held: &SecretHandle, pointer: &str) -> Result<Vec<u8>, types::Error> {
    let json: serde_json::Value =
        serde_json::from_slice(held.bytes.reveal()).map_err(|_| odd(held, "is no JSON"))?;
    match json.pointer(pointer) {
        Some(serde_json::Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Object(_))) => {
            Ok(value.to_string().into_bytes())
        }
        _ => Err(odd(held, &format!("has no field `{pointer}`"))),
    }
}

fn mac(key: &[u8], data: &[u8]) -> Result<Vec<u8>, types::Error> {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.map_err(|error| types::Error {
        kind: types::ErrorKind::Failed,
        message: error.to_string(),
        hint: None,
    })?;
    mac.update(data);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Whatever can be tried freely tells a secret, character by character.
fn undeclared(field: &str, text: &str) -> types::Error {
    let text = sanitize(&text.chars().take(16).collect::<String>());
    refused(format!("its manifest does not name {text:?} among asks.{field}"), String::new())
}

/// Says what is wrong with a secret's form, and nothing of its text.
fn odd(held: &SecretHandle, why: &str) -> types::Error {
    types::Error {
        kind: types::ErrorKind::InvalidInput,
        message: format!("the secret `{}` {why}", held.name),
        hint: Some("see what the plugin expects, and put the secret so".into()),
    }
}
