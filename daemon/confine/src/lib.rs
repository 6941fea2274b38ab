//! Confinement of the daemon's children, which parse and run what others wrote.
//!
//! The daemon starts each child with [`child`] and [`start`](fn@start). A child calls [`begin`](fn@begin) before all
//! else, and [`confine`](fn@confine) before it parses the first byte that a stranger chose. It ends with
//! [`exit_code`]. What the kernel enforces is in [`Enforced`]; [`probe`](fn@probe) asks a child of its own.

#![expect(
    unsafe_code,
    reason = "system calls without a safe form: `begin.rs`, `limits.rs`, `network.rs`"
)]

mod begin;
mod calls;
mod confine;
mod confinement;
mod end;
mod enforced;
mod error;
mod files;
mod limits;
mod network;
mod parent;
mod privileges;
mod probe;
mod start;

pub use begin::begin;
pub use calls::SystemCalls;
pub use confine::confine;
pub use confinement::Confinement;
pub use end::exit_code;
pub use enforced::Enforced;
pub use error::ConfineError;
pub use files::FileRules;
pub use probe::{main as probe_main, probe};
pub use start::{child, start};
