//! Logins at registries. The credential is taken out of the store before the store is dropped, and no guest
//! sees the credential again.

use super::{
    Guest, OutputError,
    invoke::{Call, LoginKind, Return},
};
use crate::{
    ask::Use,
    bindings::types,
    host::State,
    resources::{Refused, SecretHandle},
    text::sanitize,
};
use wasmtime::component::Resource;
use windlass_engine::ports::{Credential, Login};
use windlass_model::clock::now_ms;
use windlass_model::{job::Stage, secret::Secret};

/// Call of `authenticate`.
pub(crate) struct Authenticate {
    pub(crate) registry: String,
}

impl Guest for Authenticate {
    const CALL: &'static str = "authenticate";
    const STAGE: Stage = Stage::Build;
    type Output = Login;

    fn into_call(self, _: &mut State) -> wasmtime::Result<Call> {
        Ok(Call::Authenticate { registry: self.registry })
    }

    fn output(state: &mut State, returned: Return) -> Result<Login, OutputError> {
        let Return::Login(login) = returned else { return Err(OutputError::UnexpectedReply) };
        let held: &SecretHandle =
            match state.table.get(&Resource::<SecretHandle>::new_own(login.secret)) {
                Ok(held) => held,
                Err(_) => return Err(OutputError::UnexpectedReply),
            };
        let secret = usable(held).map_err(types::Error::from)?;
        let credential = match login.kind {
            LoginKind::Basic(user) => Credential::Basic(sanitize(&user), secret),
            LoginKind::IdentityToken => Credential::IdentityToken(secret),
            LoginKind::Bearer => Credential::Bearer(secret),
        };
        Ok(Login { credential, renew_ms: renewal(login.until, login.renew) })
    }
}

fn usable(held: &SecretHandle) -> Result<Secret, Refused> {
    held.may(Use::Login)?;
    Ok(held.bytes.clone())
}

/// Returns the time of the next login: as the plugin proposes, but at least a minute, and a tenth of the time
/// left, before the end. `None` means that the login does not end.
fn renewal(until: Option<u64>, renew: Option<u64>) -> Option<u64> {
    let until = until?;
    let left = until.saturating_sub(now_ms());
    let latest = until.saturating_sub((left / 10).max(60_000));
    Some(renew.map_or(latest, |renew| renew.min(latest)))
}
