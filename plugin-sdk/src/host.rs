//! Functions of the host that each plugin may call: its log, its settings, its clock.
//!
//! A plugin imports the interfaces of its own track alone: a macro of this crate, which knows the track, says at the
//! beginning of each call by which functions the host is reached. A native program, which is a test, has no host.

use crate::bindings::imports::windlass::plugin::log::Level;

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports_next::windlass::plugin as next;
#[cfg(target_arch = "wasm32")]
use std::sync::OnceLock;

/// Functions of one track.
#[cfg(target_arch = "wasm32")]
pub struct Host {
    log: fn(Level, &str),
    config: fn() -> String,
    now: fn() -> u64,
}

#[cfg(target_arch = "wasm32")]
static HOST: OnceLock<Host> = OnceLock::new();

#[cfg(target_arch = "wasm32")]
impl Host {
    /// Returns the functions of track 0.1.0.
    #[must_use]
    pub fn of_0_1() -> Self {
        use crate::bindings::imports::windlass::plugin::{clock, config, log};
        Self { log: log::emit, config: config::get, now: clock::now }
    }

    /// Returns the functions of track 0.2.0.
    #[must_use]
    pub fn of_0_2() -> Self {
        Self { log: log_next, config: next::config::get, now: next::clock::now }
    }

    /// Makes these the functions of this plugin.
    pub fn set(self) {
        // A second call of the same instance sets the same again.
        let _ = HOST.set(self);
    }
}

#[cfg(target_arch = "wasm32")]
fn log_next(level: Level, message: &str) {
    let level = match level {
        Level::Debug => next::log::Level::Debug,
        Level::Info => next::log::Level::Info,
        Level::Warn => next::log::Level::Warn,
        Level::Error => next::log::Level::Error,
    };
    next::log::emit(level, message);
}

/// Writes a line into the job's log. A native program writes nothing.
#[cfg(target_arch = "wasm32")]
pub fn log(level: Level, message: &str) {
    if let Some(host) = HOST.get() {
        (host.log)(level, message);
    }
}

/// Writes a line into the job's log. A native program writes nothing.
#[cfg(not(target_arch = "wasm32"))]
pub fn log(_: Level, _: &str) {}

/// Returns the operator's settings, a JSON document.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn config() -> String {
    HOST.get().map_or_else(|| "{}".to_owned(), |host| (host.config)())
}

/// Returns the operator's settings, a JSON document. In a native program they are those that the test sets.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn config() -> String {
    native::CONFIG.with_borrow(|text| if text.is_empty() { "{}".to_owned() } else { text.clone() })
}

/// The host's wall clock.
pub mod clock {
    /// Returns milliseconds since 1970, the same for a whole call. 0 in a native program.
    #[must_use]
    pub fn now() -> u64 {
        #[cfg(target_arch = "wasm32")]
        let now = super::HOST.get().map_or(0, |host| (host.now)());
        #[cfg(not(target_arch = "wasm32"))]
        let now = 0;
        now
    }
}

/// Settings of native programs.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native {
    use std::cell::RefCell;

    thread_local! {
        pub(super) static CONFIG: RefCell<String> = const { RefCell::new(String::new()) };
    }

    /// Sets the settings of this thread. Empty means that there are none.
    pub(crate) fn configure(text: String) {
        CONFIG.set(text);
    }
}
