//! From a host to a connection with one of its checked addresses.

use crate::error::{DialError, unavailable};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::Host;

/// Longest wait for a name, and for one address. Then the next address is tried.
const CONNECT: Duration = Duration::from_secs(5);

/// Addresses of one host that are tried.
const TRIED: usize = 4;

/// Returns the addresses of a host that may be connected to. The name is resolved only here.
pub(crate) async fn addresses(
    host: &Host<String>,
    port: u16,
    may: impl Fn(IpAddr) -> bool,
) -> Result<Vec<SocketAddr>, DialError> {
    let found: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![(*address, port).into()],
        Host::Ipv6(address) => vec![(*address, port).into()],
        Host::Domain(name) => {
            let found = timeout(CONNECT, lookup_host((&**name, port))).await;
            let found = found.map_err(|_| {
                let seconds = CONNECT.as_secs();
                DialError::Unavailable(format!("{name} does not resolve within {seconds} s"))
            })?;
            found.map_err(|error| unavailable(&error))?.collect()
        }
    };
    let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| may(found.ip()));
    match (good.is_empty(), bad.first()) {
        (false, _) => Ok(good),
        (true, Some(bad)) => Err(DialError::Denied { host: host.to_string(), address: bad.ip() }),
        (true, None) => Err(DialError::Unavailable(format!("{host} has no address"))),
    }
}

/// Connects to the first address that answers.
pub(crate) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, DialError> {
    let mut last = String::new();
    for address in addresses.iter().take(TRIED) {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no connection within {} s", CONNECT.as_secs()),
        }
    }
    Err(DialError::Unavailable(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_addresses_that_may_be_connected_to_are_returned() {
        let host = Host::parse("127.0.0.1").unwrap();
        let found = addresses(&host, 80, |_| true).await.unwrap();
        assert_eq!(found, vec!["127.0.0.1:80".parse::<SocketAddr>().unwrap()]);
        let error = addresses(&host, 80, |_| false).await.unwrap_err();
        assert!(matches!(error, DialError::Denied { .. }), "{error}");
        let name = Host::parse("localhost").unwrap();
        let error = addresses(&name, 80, |address| !address.is_loopback()).await.unwrap_err();
        assert!(error.to_string().starts_with("localhost is "), "{error}");
    }
}
