//! The `secrets` import: secrets behind handles, which are used and never read.

use super::{Effect, State, refused};
use crate::{
    ask::Use,
    bindings::{secrets, types},
    resources::SecretHandle,
    text::sanitize,
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wasmtime::component::Resource;
use windlass_model::secret::Secret;

impl State {
    /// Hands out a secret, and masks the secret from now on.
    pub(super) fn hold(&mut self, held: SecretHandle) -> wasmtime::Result<Resource<SecretHandle>> {
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
                return Ok(Err(refused(format!("the secret `{name}`: {why}"), None)));
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
                let message = format!("the secret `{name}` cannot be opened: {why}");
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
            return Ok(Err(refused(message, Some(hint))));
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
        let allowed = held.may(Use::Hmac).map_err(types::Error::from);
        Ok(allowed.and_then(|()| mac(held.bytes.reveal(), &data)))
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

/// Returns the error for a text that the manifest does not name. A plugin that could try any text would find
/// a secret, character by character.
fn undeclared(field: &str, text: &str) -> types::Error {
    let text = sanitize(&text.chars().take(16).collect::<String>());
    refused(format!("its manifest does not name {text:?} among asks.{field}"), None)
}

/// Returns the error for a secret of the wrong form. It shows nothing of the secret's text.
fn odd(held: &SecretHandle, why: &str) -> types::Error {
    types::Error {
        kind: types::ErrorKind::InvalidInput,
        message: format!("the secret `{}` {why}", held.name),
        hint: Some("see what the plugin expects, and put the secret so".into()),
    }
}
