//! Address of the broker.

use lapin::uri::{AMQPScheme, AMQPUri};
use std::net::IpAddr;
use url::Url;

/// Reads an address as operators write it.
///
/// # Errors
/// Says what is wrong. A password in the address is not repeated.
pub(crate) fn uri(text: &str) -> Result<AMQPUri, String> {
    let expected = "expected `amqps://host:port/vhost`";
    let url = Url::parse(text).map_err(|error| format!("is no URL ({error}); {expected}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "holds a user, and would be shown with it; set `user` and `password-file`".into()
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("holds `?` or `#`; {expected}"));
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(format!("names no host; {expected}"));
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut uri: AMQPUri = text.parse().map_err(|error| format!("{error}; {expected}"))?;
    // The library takes an IPv6 address for none, and connects to this machine in its place.
    uri.authority.host = host.to_owned();
    // By the protocol's own rule a final slash is a virtual host without a name, which nobody has.
    if matches!(url.path(), "" | "/") {
        uri.vhost = "/".into();
    }
    if !is_encrypted(&uri) && !is_loopback(host) {
        return Err(format!(
            "`amqp://` leads to `{host}`, and jobs and passwords would travel in clear; expected `amqps://`, or a broker on this machine"
        ));
    }
    Ok(uri)
}

/// Returns whether connections have TLS.
pub(crate) fn is_encrypted(uri: &AMQPUri) -> bool {
    uri.scheme == AMQPScheme::AMQPS
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_a_port_and_a_virtual_host() {
        for (text, host, port, vhost) in [
            ("amqps://mq.example", "mq.example", 5671, "/"),
            ("amqps://mq.example/", "mq.example", 5671, "/"),
            ("amqps://mq.example:7000/deploy", "mq.example", 7000, "deploy"),
            ("amqps://mq.example/%2fa", "mq.example", 5671, "/a"),
            ("amqps://[2001:db8::1]/deploy", "2001:db8::1", 5671, "deploy"),
            ("amqp://127.0.0.1:5000", "127.0.0.1", 5000, "/"),
            ("amqp://[::1]", "::1", 5672, "/"),
            ("amqp://localhost", "localhost", 5672, "/"),
        ] {
            let uri = uri(text).unwrap();
            let found = (&*uri.authority.host, uri.authority.port, &*uri.vhost);
            assert_eq!(found, (host, port, vhost), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated_and_nothing_travels_in_clear() {
        for (text, expected) in [
            ("amqps://u:t0ken@mq.example", "holds a user"),
            ("amqps://mq.example?auth_mechanism=plain", "holds `?`"),
            ("amqp://mq.example", "would travel in clear"),
            ("amqp://10.0.0.1", "would travel in clear"),
            ("https://mq.example", "Invalid AMQP scheme: https"),
            ("mq.example", "is no URL"),
        ] {
            let error = uri(text).unwrap_err();
            assert!(error.contains(expected) && !error.contains("t0ken"), "{text}: {error}");
        }
    }
}
