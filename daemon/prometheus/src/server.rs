//! One Prometheus, asked over HTTP.

use crate::{
    answer::{Fault, value},
    settings::PrometheusSettings,
};
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use url::{Position, form_urlencoded};
use windlass_dial::{Target, Trust};
use windlass_model::{clock::now_ms, error::MetricsError, redact::Redactor, secret::Secret};

/// Most bytes of an answer's body.
const LARGEST: usize = 1 << 20;

/// Age of a value from which on it is none: three times the usual time between two scrapes.
const LOOKBACK: Duration = Duration::from_secs(90);

/// Most characters of an answer that are quoted.
const QUOTED: usize = 300;

/// Form of a request's body.
const FORM: &str = "application/x-www-form-urlencoded";

/// Name of the sender in requests.
const AGENT: &str = concat!("windlassd/", env!("CARGO_PKG_VERSION"));

/// One Prometheus.
pub(crate) struct Server {
    settings: PrometheusSettings,
    /// `None` means that requests are sent in clear.
    tls: Option<Arc<ClientConfig>>,
    /// Longest time of one request.
    limit: Duration,
}

impl Server {
    /// Makes a client. Nothing is sent yet. The error is the fault of the file with certificate authorities.
    pub(crate) fn new(settings: PrometheusSettings, limit: Duration) -> Result<Self, String> {
        let trust = settings.ca.clone().map_or(Trust::System, Trust::SystemAndFile);
        let is_tls = settings.url.scheme() == "https";
        let tls = is_tls.then(|| trust.config()).transpose()?;
        Ok(Self { settings, tls, limit })
    }

    /// Evaluates an expression as of now, by one request. `None` means that it has no value.
    pub(crate) async fn evaluate(&self, expression: &str) -> Result<Option<f64>, MetricsError> {
        match timeout(self.limit, self.asked(expression)).await {
            Ok(answer) => answer,
            Err(_) => {
                let seconds = self.limit.as_secs_f32();
                Err(self.unreachable(format!("no answer within {seconds} s")))
            }
        }
    }

    async fn asked(&self, expression: &str) -> Result<Option<f64>, MetricsError> {
        let token = self.settings.token().map_err(|why| self.unreachable(why))?;
        let target = self.target().map_err(|why| self.unreachable(why))?;
        let request = self.request(expression, token.as_ref());
        let request = request.map_err(|why| self.unreachable(why))?;
        // The operator chose the address: any is allowed.
        let answer = windlass_dial::send(&target, |_| true, request, LARGEST).await;
        let answer = answer.map_err(|error| self.unreachable(error.to_string()))?;
        if answer.is_cut {
            let most = LARGEST >> 20;
            let message = format!("more than {most} MiB came: aggregate the expression");
            return Err(MetricsError::Refused { message });
        }
        let now = Duration::from_millis(now_ms());
        value(answer.status, &answer.body, now).map_err(|fault| match fault {
            Fault::Away(why) => self.unreachable(shown(&why, token.as_ref())),
            Fault::Refused(why) => MetricsError::Refused { message: shown(&why, token.as_ref()) },
        })
    }

    fn target(&self) -> Result<Target, String> {
        let url = &self.settings.url;
        let host = url.host().ok_or("its address has no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("its address has no port")?;
        Ok(Target { host, port, tls: self.tls.clone() })
    }

    fn request(
        &self,
        expression: &str,
        token: Option<&Secret>,
    ) -> Result<Request<Full<Bytes>>, String> {
        let url = &self.settings.url;
        // In the body: an expression may be longer than proxies take in an address.
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", expression)
            // The server gives up too.
            .append_pair("timeout", &format!("{}ms", self.limit.as_millis()))
            // By itself it takes a value of five minutes ago for one of now, with the time of now.
            .append_pair("lookback_delta", &format!("{}s", LOOKBACK.as_secs()))
            .finish();
        let mut request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
        if let Some(token) = token {
            let login = [b"Bearer ".as_slice(), token.reveal()].concat();
            let mut login = HeaderValue::from_bytes(&login)
                .map_err(|_| "token-file: holds what no header can".to_owned())?;
            login.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, login);
        }
        Ok(request)
    }

    fn unreachable(&self, message: String) -> MetricsError {
        MetricsError::Unreachable { address: self.settings.address.clone(), message }
    }
}

/// Returns a text of the server's in one short line, without the token.
fn shown(text: &str, token: Option<&Secret>) -> String {
    // Before it is cut: a part of a token is not found.
    let masked = Redactor::new(token).shown(text);
    let line: String = masked.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    let short: String = line.chars().take(QUOTED).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}
