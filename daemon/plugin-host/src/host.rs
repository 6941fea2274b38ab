//! State of one call: the data of its store. Each import is a file in this folder.

mod clock;
mod config;
mod effect;
mod http;
mod log;
mod next;
mod secrets;
mod workspace;

pub(crate) use effect::{Effect, GuestOutput};

use crate::{
    bindings::{self, host::Imports, types},
    grant::Granted,
    limits::{Budget, Ledger, Limits, Meter, Tally},
    resources::{Refused, Vault},
    text::sanitize,
    tree::TreeHandle,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use windlass_model::clock::now_ms;
use windlass_model::{redact::Redactor, secret::Secret};

/// Most handles that a guest may hold.
pub(crate) const HANDLES: usize = 256;

/// Most secrets of one call, derived ones included, and most bytes of all.
const KNOWN: usize = 64;
const KNOWN_BYTES: usize = 128 << 10;

/// Rights, limits and project of a call.
#[derive(Clone)]
pub(crate) struct CallContext {
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) granted: Arc<Granted>,
    pub(crate) vault: Vault,
    /// Settings as JSON.
    pub(crate) settings: String,
    /// Project that the call is made for. Empty means that the call belongs to none.
    pub(crate) project: String,
}

/// State of one call.
pub(crate) struct State {
    pub(crate) meter: Meter,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<Ledger>,
    granted: Arc<Granted>,
    vault: Vault,
    settings: String,
    now_ms: u64,
    output: mpsc::UnboundedSender<GuestOutput>,
    pub(crate) project: String,
    pub(crate) tally: Arc<Tally>,
    /// Secrets that the guest holds, derived ones included.
    known: Vec<Secret>,
    /// Fields of these secrets that are public by the grant.
    public: Vec<Secret>,
    redactor: Redactor,
}

impl State {
    pub(crate) fn new(
        budget: Arc<Budget>,
        context: CallContext,
        tally: Arc<Tally>,
        output: mpsc::UnboundedSender<GuestOutput>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let CallContext { limits, ledger, granted, vault, settings, project } = context;
        Self {
            meter: Meter::new(budget, &limits, tally.clone()),
            table,
            limits,
            ledger,
            granted,
            vault,
            settings,
            now_ms: now_ms(),
            output,
            project,
            tally,
            known: Vec::new(),
            public: Vec::new(),
            redactor: Redactor::default(),
        }
    }

    /// Masks a secret, without its `public` fields, from now on in all that the guest writes or reads.
    ///
    /// More secrets than a plugin needs are a trap, since each one rebuilds the redactor.
    fn track_secret(
        &mut self,
        secret: &Secret,
        public: impl Iterator<Item = Secret>,
    ) -> wasmtime::Result<()> {
        if self.known.iter().any(|known| known.reveal() == secret.reveal()) {
            return Ok(());
        }
        let bytes: usize = self.known.iter().map(|known| known.reveal().len()).sum();
        if self.known.len() >= KNOWN || bytes.saturating_add(secret.reveal().len()) > KNOWN_BYTES {
            wasmtime::bail!("made more than {KNOWN} secrets, or {KNOWN_BYTES} bytes of them");
        }
        self.known.push(secret.clone());
        self.public.extend(public);
        self.redactor = Redactor::except(&self.known, &self.public);
        Ok(())
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Reports an effect of the guest, masked, unless its plugin has reported too many in this job.
    fn effect(&self, effect: Effect) {
        if !self.ledger.effect() {
            return;
        }
        let mask = |text: String| sanitize(&self.redactor.mask(&text));
        let what = mask(effect.what);
        let denied = effect.denied.map(mask);
        let _ = self.output.send(GuestOutput::Effect(Effect { what, denied, ..effect }));
    }

    /// Lends a tree to the guest, and returns its number in the table.
    pub(crate) fn lend(&mut self, tree: TreeHandle) -> wasmtime::Result<u32> {
        Ok(self.table.push(tree)?.rep())
    }
}

/// Adds all imports of both tracks to a linker.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Imports::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    bindings::next::Imports::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl types::Host for State {}

/// Returns the guest's error for a right that was not granted.
fn refused(message: String, hint: Option<String>) -> types::Error {
    types::Error { kind: types::ErrorKind::Denied, message, hint }
}

impl From<Refused> for types::Error {
    fn from(error: Refused) -> Self {
        refused(error.message, Some(error.hint))
    }
}
