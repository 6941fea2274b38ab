//! The `config` import: the plugin's settings.

use super::State;
use crate::bindings::config;

impl config::Host for State {
    async fn get(&mut self) -> wasmtime::Result<String> {
        self.ledger.host_call(&self.limits)?;
        Ok(self.settings.clone())
    }
}
