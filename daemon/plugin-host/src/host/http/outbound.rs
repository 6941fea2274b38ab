//! Requests of guests, sent to addresses that their grants allow.

use crate::grant::Scheme;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use std::{net::IpAddr, path::PathBuf};
use url::Host;
use windlass_dial::{DialError, Trust};
use windlass_model::address::{is_global, is_link_local};

/// Destination of a request, as it was granted.
pub(super) struct Target {
    pub(super) scheme: Scheme,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// Flag that allows addresses outside of the public internet.
    pub(super) private: bool,
    /// PEM file of authorities. `None` means the system's.
    pub(super) ca: Option<PathBuf>,
}

/// Reason why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The address is not allowed.
    Denied(String),
    /// The host could not be reached, or the exchange failed.
    Unavailable(String),
    /// The answer has more than this number of bytes.
    TooLong(usize),
}

/// Sends one request over a connection of its own.
pub(super) async fn send(
    target: &Target,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Response<Vec<u8>>, SendError> {
    let tls = match target.scheme {
        Scheme::Http => None,
        Scheme::Https => {
            let trust = target.ca.clone().map_or(Trust::System, Trust::File);
            Some(trust.config().map_err(SendError::Unavailable)?)
        }
    };
    let to = windlass_dial::Target { host: target.host.clone(), port: target.port, tls };
    let is_literal = !matches!(target.host, Host::Domain(_));
    let private = target.private;
    let may = move |address: IpAddr| {
        is_global(address) || private && (is_literal || !is_link_local(address))
    };
    let answer = windlass_dial::send(&to, may, request, most).await.map_err(refused)?;
    if answer.is_cut {
        return Err(SendError::TooLong(most));
    }
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

fn refused(error: DialError) -> SendError {
    match &error {
        DialError::Denied { address, .. } => {
            let allow = if is_link_local(*address) {
                "such an address is never reached by a name"
            } else {
                "`private = true` in its grant would allow it"
            };
            SendError::Denied(format!("{error}; {allow}"))
        }
        DialError::Unavailable(why) => SendError::Unavailable(why.clone()),
    }
}
