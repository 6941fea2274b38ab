//! Sends the traces of jobs that ended, one request for each.

use crate::{
    answer::{Meaning, meaning},
    away::Away,
    otlp::Export,
    settings::TraceSettings,
    spans::spans,
};
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use tokio_rustls::rustls::ClientConfig;
use url::Position;
use windlass_dial::{Target, Trust};
use windlass_engine::ports::store::{Runs, StoreError};
use windlass_model::clock::now_ms;

/// Milliseconds for which the trace of a job that ended is tried: 24 hours. What is older, a collector may refuse.
const KEPT_MS: u64 = 24 * 3600 * 1000;

/// Requests at once.
const AT_ONCE: usize = 2;

/// Longest time of one request.
const LONGEST: Duration = Duration::from_secs(10);

/// Most bytes of an answer's body that are read.
const ANSWER: usize = 16 << 10;

/// Name of the sender in requests.
const AGENT: &str = concat!("windlassd/", env!("CARGO_PKG_VERSION"));

/// Sender of traces to one collector.
pub struct Exporter {
    settings: TraceSettings,
    /// `None` means that requests are sent in clear.
    tls: Option<Arc<ClientConfig>>,
    places: Semaphore,
    away: Away,
}

impl Exporter {
    /// Makes a sender. Nothing is sent yet.
    ///
    /// # Errors
    /// The fault of the file with certificate authorities.
    pub fn new(settings: TraceSettings) -> Result<Self, String> {
        let trust = settings.ca.clone().map_or(Trust::System, Trust::SystemAndFile);
        let is_tls = settings.url.scheme() == "https";
        let tls = is_tls.then(|| trust.config()).transpose()?;
        let (places, away) = (Semaphore::new(AT_ONCE), Away::default());
        Ok(Self { settings, tls, places, away })
    }

    /// Sends the trace of a job that ended, and returns when it is to be sent again, in milliseconds since 1970. `None`
    /// means never: it was taken, or refused for good, or is too old. A collector that is away is not asked.
    ///
    /// # Errors
    /// The journal cannot be read now.
    pub async fn send(&self, runs: &dyn Runs, job: &str) -> Result<Option<u64>, StoreError> {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await.ok();
        if let Some(left) = self.away.left() {
            return Ok(Some(in_time(left)));
        }
        let replay = match runs.replay(job).await {
            Ok(Some(replay)) => replay,
            // It was deleted.
            Ok(None) => return Ok(None),
            Err(error @ (StoreError::Unreadable { .. } | StoreError::TooNew { .. })) => {
                tracing::error!(job, %error, "its trace is not sent: its journal cannot be read");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let ended_ms = replay.record.ended_ms.unwrap_or_default();
        if now_ms().saturating_sub(ended_ms) > KEPT_MS {
            tracing::warn!(job, "its trace is not sent: the job ended more than 24 hours ago");
            return Ok(None);
        }
        let Some(spans) = spans(&replay) else {
            tracing::error!(job, "its trace is not sent: it has not ended");
            return Ok(None);
        };
        let count = spans.len();
        match self.post(Export::of(spans)).await {
            Meaning::Later(why, least) => return Ok(Some(self.wait(&why, least))),
            Meaning::Taken => tracing::debug!(job, count, "its trace was sent"),
            Meaning::PartlyTaken(why) => {
                tracing::warn!(job, why, "the collector took a part of its trace");
            }
            Meaning::Refused(why) => tracing::warn!(job, why, "its trace was refused"),
        }
        self.away.end();
        Ok(None)
    }

    /// Begins a pause, and returns its end. Of several requests that failed together, each waits for the same pause.
    fn wait(&self, why: &str, least: Option<Duration>) -> u64 {
        if let Some(pause) = self.away.begin(least) {
            let (collector, seconds) = (self.settings.url.as_str(), pause.as_secs());
            tracing::warn!(collector, why, seconds, "traces are not sent; it is asked again later");
        }
        in_time(self.away.left().unwrap_or_default())
    }

    /// Asks whether the collector takes traces, with a request without spans.
    ///
    /// # Errors
    /// The reason why it takes none.
    pub async fn check(&self) -> Result<(), String> {
        match self.post(Export::of(Vec::new())).await {
            Meaning::Taken | Meaning::PartlyTaken(_) => Ok(()),
            Meaning::Refused(why) | Meaning::Later(why, _) => Err(why),
        }
    }

    async fn post(&self, export: Export) -> Meaning {
        match timeout(LONGEST, self.exchange(&export)).await {
            Ok(Ok(meaning)) => meaning,
            Ok(Err(why)) => Meaning::Later(why, None),
            Err(_) => Meaning::Later(format!("no answer within {} s", LONGEST.as_secs()), None),
        }
    }

    async fn exchange(&self, export: &Export) -> Result<Meaning, String> {
        let url = &self.settings.url;
        let host = url.host().ok_or("its address has no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("its address has no port")?;
        let target = Target { host, port, tls: self.tls.clone() };
        let request = self.request(export)?;
        // The operator chose the address: any is allowed.
        let answer = windlass_dial::send(&target, |_| true, request, ANSWER).await;
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(meaning(answer.status, &answer.headers, &answer.body))
    }

    fn request(&self, export: &Export) -> Result<Request<Full<Bytes>>, String> {
        let url = &self.settings.url;
        let body = serde_json::to_vec(export).map_err(|error| error.to_string())?;
        let mut request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(self.settings.headers()?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }
}

fn in_time(left: Duration) -> u64 {
    now_ms().saturating_add(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
