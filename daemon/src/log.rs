//! The operators' log. Users read the events of their jobs instead.

use crate::{
    config::{Config, Format},
    error::Fault,
};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

pub(crate) fn start(config: &Config) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(&config.log.filter)
        .map_err(|error| format!("configuration: log.filter: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match config.log.format {
        Format::Human => builder.with_target(false).init(),
        Format::Json => builder.json().init(),
    }
    Ok(())
}
