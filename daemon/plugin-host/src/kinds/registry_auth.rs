//! Logins at registries: the credential is taken out of the store before the store is dropped, and
//! no guest sees it again.

use crate::{
    ask::Use,
    bindings::types,
    call::{Guest, NoAnswer},
    question::{Call, LoginKind, Return},
    secrets::SecretHandle,
    state::{State, sanitize},
};
use wasmtime::component::Resource;
use windlass_engine::ports::{Credential, Login};
use windlass_model::clock::now_ms;
use windlass_model::{job::Stage, secret::Secret};

/// `authenticate`.
pub(crate) struct Authenticate {
    pub(crate) registry: String,
}

impl Guest for Authenticate {
    const CALL: &'static str = "authenticate";
    const STAGE: Stage = Stage::Build;
    type Answer = Login;

    fn ask(self, _: &mut State) -> wasmtime::Result<Call> {
        Ok(Call::Authenticate { registry: self.registry })
    }

    fn answer(state: &mut State, reply: Return) -> Result<Login, NoAnswer> {
        let Return::Login(login) = reply else { return Err(NoAnswer::UnexpectedReply) };
        let held: &SecretHandle =
            match state.table.get(&Resource::<SecretHandle>::new_own(login.secret)) {
                Ok(held) => held,
                Err(_) => return Err(NoAnswer::UnexpectedReply),
            };
        let secret = usable(held)?;
        let credential = match login.kind {
            LoginKind::Basic(user) => Credential::Basic(sanitize(&user), secret),
            LoginKind::IdentityToken => Credential::IdentityToken(secret),
            LoginKind::Bearer => Credential::Bearer(secret),
        };
        Ok(Login { credential, renew_ms: renewal(login.until, login.renew) })
    }
}

fn usable(held: &SecretHandle) -> Result<Secret, types::Error> {
    held.may(Use::Login)?;
    Ok(held.bytes.clone())
}

/// The plugin's word, but never later than a minute, or a tenth of the time, before the end.
fn renewal(until: Option<u64>, renew: Option<u64>) -> Option<u64> {
    let until = until?;
    let left = until.saturating_sub(now_ms());
    let latest = until.saturating_sub((left / 10).max(60_000));
    Some(renew.map_or(latest, |renew| renew.min(latest)))
}
