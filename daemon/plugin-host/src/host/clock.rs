//! The `clock` import: the time at which the call began.

use super::State;
use crate::bindings::clock;

impl clock::Host for State {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        self.ledger.host_call(&self.limits)?;
        Ok(self.now_ms)
    }
}
