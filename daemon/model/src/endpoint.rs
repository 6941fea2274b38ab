//! Endpoints: the addresses that a release names, and the form of those that its cluster adds.

use crate::{
    job::Release,
    runtime::{Route, WEB},
};
use serde::{Deserialize, Serialize};

/// An address at which an app answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address: `https://shop.example.com/`. It has no scheme if only the gateway knows the scheme.
    pub url: String,
    /// Reached only from within the cluster.
    pub internal: bool,
}

impl Endpoint {
    /// Returns the addresses that the release itself names.
    #[must_use]
    pub fn named(release: &Release) -> Vec<Self> {
        let expose = &release.runtime.expose;
        let scheme = match &expose.route {
            None => return Vec::new(),
            Some(Route::Ingress { tls: Some(_), .. }) => "https://",
            Some(Route::Ingress { tls: None, .. }) => "http://",
            Some(Route::Gateway { .. }) => "",
        };
        let url = |host: &String| Self {
            url: format!("{scheme}{host}{}", rooted(&expose.path)),
            internal: false,
        };
        expose.hosts.iter().map(url).collect()
    }

    /// Returns the address of the release's `Service` at `host`.
    #[must_use]
    pub fn of_service(release: &Release, host: &str, internal: bool) -> Self {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = match release.runtime.expose.port {
            80 => format!("http://{host}/"),
            443 => format!("https://{host}/"),
            port => format!("http://{host}:{port}/"),
        };
        Self { url, internal }
    }

    /// Returns whether anything of a release answers requests.
    #[must_use]
    pub fn is_any(release: &Release) -> bool {
        let mut processes = release.runtime.processes.iter();
        processes.any(|process| process.name == WEB && process.port.is_some())
    }
}

fn rooted(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{runtime::Expose, samples::release};

    fn urls(route: Route, hosts: &[&str]) -> Vec<String> {
        let mut release = release();
        release.runtime.expose = Expose {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            path: "/shop".into(),
            route: Some(route),
            ..Expose::default()
        };
        Endpoint::named(&release).into_iter().map(|endpoint| endpoint.url).collect()
    }

    #[test]
    fn a_scheme_is_told_where_it_is_known() {
        let ingress = |tls| Route::Ingress { class: "public".into(), tls };
        let gateway = Route::Gateway { namespace: None, name: "public".into() };
        let secret = || Some("certificate".to_owned());
        assert_eq!(urls(ingress(secret()), &["a.example"]), ["https://a.example/shop"]);
        assert_eq!(urls(ingress(None), &["a.example"]), ["http://a.example/shop"]);
        assert_eq!(
            urls(gateway, &["a.example", "b.example"]),
            ["a.example/shop", "b.example/shop"]
        );
        assert!(urls(ingress(None), &[]).is_empty());
    }

    #[test]
    fn a_services_address_names_a_port_that_is_not_the_schemes_own() {
        let mut release = release();
        let mut url = |port, host| {
            release.runtime.expose.port = port;
            Endpoint::of_service(&release, host, true).url
        };
        assert_eq!(url(80, "10.0.0.7"), "http://10.0.0.7/");
        assert_eq!(url(443, "lb.example"), "https://lb.example/");
        assert_eq!(url(8080, "fd00::7"), "http://[fd00::7]:8080/");
    }
}
