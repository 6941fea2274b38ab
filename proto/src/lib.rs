//! The wire: messages and services of `windlass.v1`, made from `windlass/v1/windlass.proto`.

mod json;

pub use json::word;

/// Version 1 of the API.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated; the proto has the documentation"
)]
pub mod v1 {
    tonic::include_proto!("windlass.v1");

    /// The compiled proto, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}
