//! What a store holds, and the imports that need little: log, config, clock.

use crate::{
    bindings::{clock, config, host::Imports, log, types},
    grant::Granted,
    limits::{Budget, Ledger, Limits, Meter, Tally},
    secrets::Vault,
    workspace::TreeHandle,
};
use std::{cmp::Ordering, sync::Arc};
use tokio::sync::mpsc;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use windlass_model::clock::now_ms;
use windlass_model::{redact::Redactor, secret::Secret};

/// The longest line of a plugin's log.
const LONGEST_LINE: usize = 1024;

/// Handles that a guest may hold.
pub(crate) const HANDLES: usize = 256;

/// Different secrets of one call, those made of others included, and bytes of all.
const KNOWN: usize = 64;
const KNOWN_BYTES: usize = 128 << 10;

/// What a guest did, told while it runs.
pub(crate) enum GuestOutput {
    /// A line of its log.
    Line(String),
    /// Something outside of its memory.
    Effect(Effect),
}

/// One thing that a guest did outside of its memory, or was refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    pub(crate) capability: &'static str,
    pub(crate) what: String,
    pub(crate) denied: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) ms: u64,
}

impl Effect {
    pub(crate) fn done(capability: &'static str, what: String) -> Self {
        Self { capability, what, ..Self::default() }
    }

    pub(crate) fn denied(capability: &'static str, what: String, why: String) -> Self {
        Self { capability, what, denied: Some(why), ..Self::default() }
    }
}

/// What was not granted, as the guest is told.
pub(crate) fn refused(message: String, hint: String) -> types::Error {
    let hint = Some(hint).filter(|hint| !hint.is_empty());
    types::Error { kind: types::ErrorKind::Denied, message, hint }
}

/// What a call may do, and for whom.
#[derive(Clone)]
pub(crate) struct CallContext {
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) granted: Arc<Granted>,
    pub(crate) vault: Vault,
    /// JSON.
    pub(crate) settings: String,
    /// Whose; empty for what belongs to nobody.
    pub(crate) project: String,
}

/// One call's state.
pub(crate) struct State {
    pub(crate) meter: Meter,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) granted: Arc<Granted>,
    pub(crate) vault: Vault,
    settings: String,
    now_ms: u64,
    said: mpsc::UnboundedSender<GuestOutput>,
    pub(crate) project: String,
    pub(crate) tally: Arc<Tally>,
    /// All that the guest holds of secrets.
    known: Vec<Secret>,
    /// Fields of those that the grant calls public.
    public: Vec<Secret>,
    redactor: Redactor,
}

impl State {
    pub(crate) fn new(
        budget: Arc<Budget>,
        may: CallContext,
        tally: Arc<Tally>,
        said: mpsc::UnboundedSender<GuestOutput>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let CallContext { limits, ledger, granted, vault, settings, project } = may;
        Self {
            meter: Meter::new(budget, &limits, tally.clone()),
            table,
            limits,
            ledger,
            granted,
            vault,
            settings,
            now_ms: now_ms(),
            said,
            project,
            tally,
            known: Vec::new(),
            public: Vec::new(),
            redactor: Redactor::default(),
        }
    }

    /// Blanks this too, from now on, in all that the guest says or is told, without its `public` fields.
    ///
    /// # Errors
    /// A trap, for more than anybody needs: what masks them is made anew with each.
    pub(crate) fn track_secret(
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

    /// Tells what the guest did, masked: as much of it as a journal should hold of one job.
    pub(crate) fn effect(&self, effect: Effect) {
        if !self.ledger.effect() {
            return;
        }
        let mask = |text: String| sanitize(&self.redactor.mask(&text));
        let what = mask(effect.what);
        let denied = effect.denied.map(mask);
        let _ = self.said.send(GuestOutput::Effect(Effect { what, denied, ..effect }));
    }

    /// Lends a tree, by its number in the table.
    pub(crate) fn lend(&mut self, files: TreeHandle) -> wasmtime::Result<u32> {
        Ok(self.table.push(files)?.rep())
    }
}

pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Imports::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl types::Host for State {}

impl log::Host for State {
    async fn emit(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.ledger.host_call(&self.limits)?;
        let line = match self.ledger.log_line(&self.limits) {
            Ordering::Less => {
                format!("{}: {}", name(level), sanitize(&self.redactor.mask(&message)))
            }
            Ordering::Equal => {
                format!("(more than {} lines; the rest is dropped)", self.limits.log_lines)
            }
            Ordering::Greater => return Ok(()),
        };
        let _ = self.said.send(GuestOutput::Line(line));
        Ok(())
    }
}

impl config::Host for State {
    async fn get(&mut self) -> wasmtime::Result<String> {
        self.ledger.host_call(&self.limits)?;
        Ok(self.settings.clone())
    }
}

impl clock::Host for State {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        self.ledger.host_call(&self.limits)?;
        Ok(self.now_ms)
    }
}

fn name(level: log::Level) -> &'static str {
    match level {
        log::Level::Debug => "debug",
        log::Level::Info => "info",
        log::Level::Warn => "warn",
        log::Level::Error => "error",
    }
}

/// One line without anything that a terminal obeys.
pub(crate) fn sanitize(text: &str) -> String {
    let mut sanitize = String::new();
    for c in text.chars().take(LONGEST_LINE) {
        if c.is_control() { sanitize.extend(c.escape_default()) } else { sanitize.push(c) }
    }
    sanitize
}

/// The longest text of several lines.
const LONGEST_TEXT: usize = 4 << 10;

/// [`sanitize`], line by line.
pub(crate) fn sanitize_lines(text: &str) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let line = sanitize(line);
        if all.len() + line.len() > LONGEST_TEXT {
            all.push('…');
            break;
        }
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(&line);
    }
    all
}
