//! The rules of `[listen]`.

use super::fail;
use crate::config::{Config, ConfigError};
use std::net::SocketAddr;
use url::Url;
use windlass_listen::Proxies;

impl Config {
    pub(super) fn check_listen(&self) -> Result<(), ConfigError> {
        let listen = &self.listen;
        if listen.certificate.is_some() != listen.key.is_some() {
            return fail("listen: `certificate` and `key` belong together");
        }
        if listen.client_ca.is_some() && listen.certificate.is_none() {
            return fail("listen.client-ca: needs `certificate` and `key`");
        }
        if let (Some(address), None) = (listen.tcp, &listen.certificate)
            && !address.ip().is_loopback()
        {
            return fail(
                "listen.tcp: an address that others reach needs `certificate` and `key`, or tokens would travel in clear",
            );
        }
        self.check_addresses()?;
        Proxies::parse(&listen.trusted_proxies)
            .map_err(|error| ConfigError(format!("listen.trusted-proxies{error}")))?;
        let tcp = "`tcp`, the address at which the daemon listens";
        check_url("url", listen.url.as_deref(), listen.tcp, tcp)?;
        let hooks = "`hooks`, the address at which the daemon listens for webhooks";
        check_url("hooks-url", listen.hooks_url.as_deref(), listen.hooks, hooks)
    }

    /// Checks that no address is named twice: the second listener would find it taken.
    fn check_addresses(&self) -> Result<(), ConfigError> {
        let listen = &self.listen;
        let named = [("tcp", listen.tcp), ("hooks", listen.hooks), ("admin", listen.admin)];
        for (index, (key, address)) in named.iter().enumerate() {
            // Port 0 is a free one for each.
            let Some(address) = address.filter(|address| address.port() != 0) else { continue };
            let mut before = named.iter().take(index);
            if let Some((same, _)) = before.find(|(_, before)| *before == Some(address)) {
                return fail(format!(
                    "listen.{key}: `{address}` is that of `{same}`; each listener has its own"
                ));
            }
        }
        Ok(())
    }
}

/// Checks the URL at which others reach a listener. `needs` names the listener.
fn check_url(
    key: &str,
    url: Option<&str>,
    listener: Option<SocketAddr>,
    needs: &str,
) -> Result<(), ConfigError> {
    match url {
        Some(_) if listener.is_none() => fail(format!("listen.{key}: needs {needs}")),
        Some(url) if !is_base(url) => fail(format!(
            "listen.{key}: `{url}` must be a URL without user, query, fragment and final slash, such as `https://deploy.example.com`"
        )),
        _ => Ok(()),
    }
}

/// Returns whether paths can be added to a URL.
fn is_base(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.ends_with('/')
    })
}
