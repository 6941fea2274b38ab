//! Sends a trace of each job that ended to a collector, by OTLP over HTTP.
//!
//! A trace is made from the job's journal. Its ids are made from the job's id and the numbers of its events, so that a
//! trace which is sent twice is the same trace.

mod answer;
mod away;
mod exporter;
mod headers;
mod ids;
mod otlp;
#[cfg(test)]
mod samples;
mod settings;
mod spans;

pub use exporter::Exporter;
pub use settings::TraceSettings;
