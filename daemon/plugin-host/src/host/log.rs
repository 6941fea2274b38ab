//! The `log` import: lines for the job's log, counted and masked.

use super::{GuestOutput, State};
use crate::{bindings::log, text::sanitize};
use std::cmp::Ordering;

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
        let _ = self.output.send(GuestOutput::Line(line));
        Ok(())
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
