//! What a store holds, and the imports that need little: log, config, clock.

use crate::{
    bindings::{clock, config, host::Imports, log, types},
    limits::{Ledger, Limits, Meter},
    workspace::Files,
};
use std::{
    cmp::Ordering,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

/// The longest line of a plugin's log.
const LONGEST_LINE: usize = 1024;

/// Handles that a guest may hold.
const HANDLES: usize = 256;

/// One call's state.
pub(crate) struct State {
    pub(crate) meter: Meter,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<Ledger>,
    settings: String,
    now_ms: u64,
    lines: mpsc::UnboundedSender<String>,
    /// Ticks of computing so far.
    pub(crate) ticks: u64,
}

impl State {
    pub(crate) fn new(
        meter: Meter,
        limits: Limits,
        ledger: Arc<Ledger>,
        settings: String,
        lines: mpsc::UnboundedSender<String>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now_ms = u64::try_from(now).unwrap_or_default();
        Self { meter, table, limits, ledger, settings, now_ms, lines, ticks: 0 }
    }

    pub(crate) fn tree(&mut self, files: Files) -> wasmtime::Result<Resource<Files>> {
        Ok(self.table.push(files)?)
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
            Ordering::Less => format!("{}: {}", name(level), shown(&message)),
            Ordering::Equal => {
                format!("(more than {} lines; the rest is dropped)", self.limits.log_lines)
            }
            Ordering::Greater => return Ok(()),
        };
        let _ = self.lines.send(line);
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
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(LONGEST_LINE) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// The longest text of several lines.
const LONGEST_TEXT: usize = 4 << 10;

/// [`shown`], line by line.
pub(crate) fn shown_lines(text: &str) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let line = shown(line);
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
