//! Webhooks: each is counted, bounded and verified before anything of it is read.

use crate::{
    answer,
    body::{Bounds, Places, Unread},
    rate::{Buckets, Rate},
};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, Response, StatusCode},
    routing::post,
};
use sha2::{Digest, Sha256};
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};
use windlass_engine::ports::store::{HookRecord, OpenedHook};
use windlass_forge::{Unreadable, read, verify};
use windlass_listen::Connection;
use windlass_model::{
    clock::now_ms,
    delivery::{Change, Report},
    forge::ForgeKind,
    secret::Secret,
};
use windlass_service::{Arrived, ServiceError, Services};

#[cfg(test)]
mod tests;

/// Bounds of the door for webhooks.
#[derive(Clone, Debug)]
pub struct HookLimits {
    /// Bytes of the longest body. GitHub sends nothing longer than 25 MiB.
    pub longest: usize,
    /// Bytes from which on a body is large.
    pub large: usize,
    /// Number of bodies in memory at once.
    pub bodies: usize,
    /// Number of large bodies among them.
    pub large_bodies: usize,
    /// Number of bodies in memory at once that are for hooks of one project, and of large ones among them.
    pub of_project: (usize, usize),
    /// Time until a body is there.
    pub time: Duration,
    /// Requests of one address for one hook, before anything is verified. Those for unknown hooks count together.
    pub per_address: Rate,
    /// Verified deliveries of one hook.
    pub per_hook: Rate,
}

impl Default for HookLimits {
    fn default() -> Self {
        Self {
            longest: 25 << 20,
            large: 1 << 20,
            bodies: 64,
            large_bodies: 4,
            of_project: (8, 1),
            time: Duration::from_secs(10),
            per_address: Rate { per_second: 50.0, burst: 50.0 },
            per_hook: Rate { per_second: 10.0, burst: 100.0 },
        }
    }
}

/// Use cases of the door.
#[async_trait]
trait Hooks: Send + Sync {
    async fn open(&self, id: &str) -> Result<Option<(OpenedHook, ForgeKind)>, ServiceError>;
    async fn accept(
        &self,
        hook: &HookRecord,
        report: Report,
        body_sha256: String,
    ) -> Result<Arrived, ServiceError>;
}

#[async_trait]
impl Hooks for Services {
    async fn open(&self, id: &str) -> Result<Option<(OpenedHook, ForgeKind)>, ServiceError> {
        self.open_hook(id).await
    }

    async fn accept(
        &self,
        hook: &HookRecord,
        report: Report,
        body_sha256: String,
    ) -> Result<Arrived, ServiceError> {
        self.accept_delivery(hook, report, body_sha256).await
    }
}

/// The door, which all its connections share.
struct Door {
    hooks: Arc<dyn Hooks>,
    bounds: Bounds,
    places: Places,
    /// By address and by hook. No hook stands for all that are unknown.
    addresses: Buckets<(Option<IpAddr>, Option<String>)>,
    verified: Buckets<String>,
}

/// Answer that ends a request early.
struct Refusal(Box<Response<Body>>);

impl From<Response<Body>> for Refusal {
    fn from(answer: Response<Body>) -> Self {
        Self(Box::new(answer))
    }
}

/// A verified request as it was read.
struct Verified {
    /// `Err` is what its reader could not understand.
    report: Result<Report, Unreadable>,
    body_sha256: String,
}

/// Returns the router for webhooks: `POST /hooks/{id}`.
pub fn router(services: Services, limits: HookLimits) -> Router {
    routes(Arc::new(services), limits)
}

fn routes(hooks: Arc<dyn Hooks>, limits: HookLimits) -> Router {
    let HookLimits { longest, large, bodies, large_bodies, of_project, .. } = limits;
    let HookLimits { time, per_address, per_hook, .. } = limits;
    let door = Door {
        hooks,
        bounds: Bounds { longest, large, time },
        places: Places::new((bodies, large_bodies), of_project),
        addresses: Buckets::new(per_address),
        verified: Buckets::new(per_hook),
    };
    Router::new()
        .route("/hooks/{id}", post(hook))
        .fallback(|| async { answer::unknown() })
        .with_state(Arc::new(door))
}

async fn hook(
    State(door): State<Arc<Door>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let id = path.map(|Path(id)| id).unwrap_or_default();
    // A body that cannot be read to its end may need more time than a connection of a stranger has.
    let connection = request.extensions().get::<Connection>().cloned();
    let address = connection.as_ref().and_then(|connection| connection.address);
    match door.opened(&id, address).await {
        Err(Refusal(answer)) => *answer,
        Ok((opened, kind)) => {
            let used = connection.map(|connection| connection.used());
            let answer = door
                .take(&opened, kind, address, request)
                .await
                .unwrap_or_else(|Refusal(answer)| *answer);
            match used {
                Some(used) => answer.map(|body| used.hold(body)),
                None => answer,
            }
        }
    }
}

impl Door {
    /// Finds the hook of a request, before any of the body is read. The error is the answer.
    async fn opened(
        &self,
        id: &str,
        address: Option<IpAddr>,
    ) -> Result<(OpenedHook, ForgeKind), Refusal> {
        // Nothing is read and no secret is opened for an address that floods a hook which there is.
        let known = (address.map(network), Some(id.to_owned()));
        if let Some(wait) = self.addresses.wait(&known, Instant::now()) {
            return Err(too_many(wait));
        }
        let found = self.hooks.open(id).await;
        // Behind a proxy all have one address, and so have all hooks of a large forge: who floods one hook, or none,
        // takes nothing from the others.
        let known = found.as_ref().ok().and_then(Option::as_ref);
        let spender = (address.map(network), known.map(|(opened, _)| opened.record.id.clone()));
        self.addresses.take(spender, Instant::now()).map_err(too_many)?;
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(answer::unknown().into()),
            Err(error) => {
                tracing::error!(%error, "a webhook is refused: its hook cannot be read");
                Err(answer::unavailable("the hook cannot be read now").into())
            }
        }
    }

    /// Reads, verifies and stores a delivery. The error is an answer, too.
    async fn take(
        &self,
        opened: &OpenedHook,
        kind: ForgeKind,
        address: Option<IpAddr>,
        request: Request,
    ) -> Result<Response<Body>, Refusal> {
        let hook = &opened.record;
        let (parts, body) = request.into_parts();
        let length = body.size_hint().exact();
        let whole = self.places.read(&hook.project, body, length, &self.bounds).await;
        let whole = whole.map_err(|why| self.unread(&why))?;
        let secrets = [Some(opened.secret.clone()), opened.previous.clone()];
        let secrets: Vec<_> = secrets.into_iter().flatten().collect();
        let (headers, is_large) = (parts.headers, whole.bytes.len() > self.bounds.large);
        let id = hook.id.clone();
        let verified = if is_large {
            // A large body takes a tenth of a second, which others would wait.
            let work = move || {
                let verified =
                    verified((id.as_str(), address), kind, &headers, &whole.bytes, &secrets);
                drop(whole);
                verified
            };
            let verified = tokio::task::spawn_blocking(work).await;
            verified.map_err(|error| {
                tracing::error!(hook = hook.id, %error, "a large delivery is refused by a defect");
                answer::unavailable("the delivery cannot be read now")
            })?
        } else {
            verified((id.as_str(), address), kind, &headers, &whole.bytes, &secrets)
        };
        let verified = verified.ok_or_else(|| Refusal::from(answer::unknown()))?;
        self.verified.take(hook.id.clone(), Instant::now()).map_err(too_many)?;
        self.store(hook, verified).await
    }

    async fn store(
        &self,
        hook: &HookRecord,
        verified: Verified,
    ) -> Result<Response<Body>, Refusal> {
        let Verified { report, body_sha256 } = verified;
        let (report, unreadable) = match report {
            Ok(report) => (report, None),
            Err(error) => (unreadable(&error), Some(error)),
        };
        let arrived = self.hooks.accept(hook, report, body_sha256).await;
        let arrived = arrived.map_err(|error| {
            let (project, hook) = (&hook.project, &hook.id);
            tracing::error!(project, hook, %error, "a delivery is refused: it cannot be stored");
            answer::unavailable("the delivery cannot be stored now")
        })?;
        match unreadable {
            None => Ok(answer::arrived(&arrived)),
            Some(error) => Ok(answer::refused(StatusCode::BAD_REQUEST, &error.to_string())),
        }
    }

    fn unread(&self, why: &Unread) -> Response<Body> {
        match why {
            Unread::TooLong => {
                let why = format!("the body has more than {} bytes", self.bounds.longest);
                answer::refused(StatusCode::PAYLOAD_TOO_LARGE, &why)
            }
            Unread::TooSlow => {
                let why = format!("the body did not come within {} s", self.bounds.time.as_secs());
                answer::refused(StatusCode::REQUEST_TIMEOUT, &why)
            }
            Unread::Busy => answer::unavailable("too many bodies come at once"),
            Unread::Broken => answer::refused(StatusCode::BAD_REQUEST, "the body did not end"),
        }
    }
}

fn too_many(wait: Duration) -> Refusal {
    answer::too_many(wait).into()
}

/// Verifies the raw bytes, and reads them then. `None` means that the hook's forge did not send them.
fn verified(
    (id, address): (&str, Option<IpAddr>),
    kind: ForgeKind,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Secret],
) -> Option<Verified> {
    let secrets: Vec<_> = secrets.iter().map(Secret::reveal).collect();
    if let Err(error) = verify(kind, headers, body, &secrets, now_ms()) {
        let address = address.map(tracing::field::display);
        tracing::warn!(hook = id, address, %error, "a webhook is refused: it is not verified");
        return None;
    }
    let report = read(kind, headers, body);
    Some(Verified { report, body_sha256: hex::encode(Sha256::digest(body)) })
}

/// Returns what is stored of a delivery that cannot be read.
fn unreadable(error: &Unreadable) -> Report {
    Report {
        event: "unreadable".into(),
        forge_id: String::new(),
        repository_id: String::new(),
        repository_name: String::new(),
        sender: String::new(),
        change: Change::Ignored(format!("the delivery cannot be read: {error}")),
    }
}

/// Returns the network that one sender has: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}
