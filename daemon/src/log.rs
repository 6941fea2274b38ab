//! The operators' log. Users read the events of their jobs instead.

use crate::{
    config::{Config, Format},
    error::Fault,
};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Directive before the operator's. kube warns of an answer that it cannot read with the whole answer: 16 MiB of whatever
/// a stranger's API server says, or a Secret. The error itself comes to the caller, without the answer.
const QUIET: &str = "kube_client::client=error";

pub(crate) fn start(config: &Config) -> Result<(), Fault> {
    let filter = filter(&config.log.filter)?;
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

/// Reads the operator's filter. One that names the same target has its way.
fn filter(text: &str) -> Result<EnvFilter, Fault> {
    let read = |text: &str| {
        EnvFilter::try_new(text).map_err(|error| format!("configuration: log.filter: {error}"))
    };
    let plain = read(text)?;
    // The empty one has a meaning of its own.
    Ok(if text.is_empty() { plain } else { read(&format!("{QUIET},{text}"))? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_cannot_be_read_are_not_logged_unless_the_operator_wants_it() {
        for (text, is_quiet) in [
            ("info", true),
            ("debug,windlass=trace", true),
            ("kube_client=debug", true),
            ("info,kube_client::client=warn", false),
        ] {
            let all = filter(text).unwrap().to_string().to_lowercase();
            assert_eq!(all.split(',').any(|one| one == QUIET), is_quiet, "{all}");
        }
        assert!(filter("windlass=loud").unwrap_err().to_string().contains("log.filter"));
    }
}
