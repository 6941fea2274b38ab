//! Requests, sent to addresses that were checked.

use crate::{allow::Allow, settings::OutgoingSettings};
use http::{Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio_rustls::rustls::ClientConfig;
use url::Position;
use windlass_dial::{DialError, Target, Trust};
use windlass_forge::outgoing::{Answer, Call};
use windlass_model::address::is_global;

/// Time after which the certificate authorities are read again.
const AUTHORITIES: Duration = Duration::from_secs(3600);

/// Reason why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The operator does not allow the address.
    Denied(String),
    /// The host could not be reached, or the exchange failed.
    Unavailable(String),
}

/// Way of requests to the world.
pub(crate) struct Requests {
    allow: Allow,
    trust: Trust,
    /// Settings of TLS, and the time at which they were made. `None` means that none were needed yet.
    tls: Mutex<Option<(Instant, Arc<ClientConfig>)>>,
}

impl Requests {
    pub(crate) fn new(settings: &OutgoingSettings) -> Self {
        let trust = settings.ca.clone().map_or(Trust::System, Trust::SystemAndFile);
        Self { allow: settings.allow.clone(), trust, tls: Mutex::default() }
    }

    /// Sends one request, over a connection of its own, and reads at most `most` bytes of the answer's body. Follows no
    /// redirect. The caller bounds the time.
    pub(crate) async fn send(&self, call: &Call, most: usize) -> Result<Answer, NoAnswer> {
        let fail = |why: &str| NoAnswer::Denied(why.to_owned());
        let url = &call.url;
        let host = url.host().ok_or_else(|| fail("its address has no host"))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| fail("its address has no port"))?;
        let is_tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(fail("its address is neither https nor http")),
        };
        let tls = if is_tls { Some(self.tls().await?) } else { None };
        let may = |address: IpAddr| self.allow.may(&host, port, is_tls, address);
        let target = Target { host: host.clone(), port, tls };
        let request = request(call).map_err(|error| NoAnswer::Denied(error.to_string()))?;
        let answer = windlass_dial::send(&target, may, request, most).await;
        let answer = answer.map_err(|error| no_answer(error, is_tls))?;
        let status = answer.status.as_u16();
        Ok(Answer { status, headers: answer.headers, body: answer.body })
    }

    /// Returns the settings of TLS, with authorities that were read a short time ago.
    async fn tls(&self) -> Result<Arc<ClientConfig>, NoAnswer> {
        let known = self.tls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, tls)) = known.filter(|(made, _)| made.elapsed() < AUTHORITIES) {
            return Ok(tls);
        }
        let trust = self.trust.clone();
        let made = tokio::task::spawn_blocking(move || trust.config()).await;
        let made = made.map_err(|error| NoAnswer::Unavailable(error.to_string()))?;
        let tls = made.map_err(NoAnswer::Unavailable)?;
        *self.tls.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), tls.clone()));
        Ok(tls)
    }
}

fn request(call: &Call) -> Result<Request<Full<Bytes>>, http::Error> {
    let path = &call.url[Position::BeforePath..Position::AfterQuery];
    let authority = &call.url[Position::BeforeHost..Position::AfterPort];
    let body = Full::new(Bytes::from(call.body.clone()));
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, "windlass")
        .body(body)?;
    for (name, value) in &call.headers {
        request.headers_mut().insert(name, value.clone());
    }
    Ok(request)
}

fn no_answer(error: DialError, is_tls: bool) -> NoAnswer {
    match &error {
        DialError::Denied { host, address } if !is_tls && is_global(*address) => {
            NoAnswer::Denied(format!(
                "{host} would be reached without TLS: use https, or have the operator allow `{host}` for messages"
            ))
        }
        DialError::Denied { host, .. } => NoAnswer::Denied(format!(
            "{error}: the operator can allow `{host}`, or its network, for messages"
        )),
        DialError::Unavailable(why) => NoAnswer::Unavailable(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};
    use url::Url;

    fn call(url: &str) -> Call {
        let (url, headers) = (Url::parse(url).unwrap(), HeaderMap::new());
        Call { method: Method::POST, url, headers, body: b"{}".to_vec() }
    }

    #[test]
    fn a_request_names_its_host_and_keeps_its_query() {
        let request = request(&call("https://hooks.example:8443/in/a?key=1#x")).unwrap();
        assert_eq!(request.uri(), "/in/a?key=1");
        assert_eq!(request.headers()["host"], "hooks.example:8443");
    }

    #[tokio::test]
    async fn an_address_that_is_not_allowed_is_refused_with_what_would_allow_it() {
        let requests = Requests::new(&OutgoingSettings::default());
        for (url, hint) in [
            ("http://127.0.0.1:9/", "the operator can allow `127.0.0.1`"),
            ("http://localhost:9/", "the operator can allow `localhost`"),
            ("http://[::ffff:10.0.0.1]/", "not of the public internet"),
            ("http://1.1.1.1/", "without TLS"),
            ("ftp://1.1.1.1/", "neither https nor http"),
        ] {
            match requests.send(&call(url), 1).await {
                Err(NoAnswer::Denied(why)) => assert!(why.contains(hint), "{url}: {why}"),
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
