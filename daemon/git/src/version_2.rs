//! Connections to a server in version 2 of git's protocol, by gix.

use crate::{
    link,
    protocol::{Ask, Service},
    transport::Requests,
};
use gix_transport::{
    Protocol,
    client::{
        blocking_io::{Transport, http},
        git::{ConnectMode, blocking_io::Connection},
    },
};

/// Connects to the server of a repository.
pub(crate) fn connect(url: &str) -> gix::Result<Box<dyn Transport>> {
    if url.starts_with("git:") {
        let ask = Ask { url: url.into(), service: Service::Refs, is_v2: true };
        let (reader, writer) = link::open(&ask).map_err(failed)?;
        // The daemon has sent the line that names repository and host.
        let host: Option<(String, Option<u16>)> = None;
        let mode = ConnectMode::Process;
        let connection = Connection::new(reader, writer, Protocol::V2, "", host, mode, false);
        return Ok(Box::new(connection.custom_url(Some(url.into()))));
    }
    let parsed = gix::url::parse(url)?;
    let requests = Requests { url: url.into() };
    Ok(Box::new(http::Transport::new_http(requests, parsed, Protocol::V2, false)))
}

/// Converts the error of another library.
pub(crate) fn failed(error: impl ToString) -> gix::Error {
    gix::error::Message::new(error.to_string()).into()
}
