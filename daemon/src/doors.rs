//! Doors beside the API: webhooks of forges, health and metrics; and the tasks that turn deliveries into jobs and send
//! messages.

use crate::{
    config::{Config, Listen},
    error::Fault,
    tasks::Tasks,
};
use std::{fs, net::SocketAddr, path::Path, sync::Arc};
use tokio::{net::TcpListener, sync::watch};
use windlass_api::ListenLimits;
use windlass_engine::ports::{QueuePublisher, store::Store};
use windlass_intake::{Admin, EndpointReader, HookLimits, Metrics, admin_router, router};
use windlass_listen::{Forwarded, Proxies, ServeLimits, Tls, serve_tcp};
use windlass_outgoing::{Allow, OutgoingSettings, Ports, RateLimits, Sender, UnwellEndpoints};
use windlass_service::Services;

/// Way of messages and questions to forges and endpoints.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) settings: OutgoingSettings,
    /// Limits of rates that either of them has met.
    pub(crate) rates: RateLimits,
}

impl Outgoing {
    pub(crate) fn new(config: &Config) -> Result<Self, Fault> {
        let allow = Allow::parse(&config.outgoing.allow)
            .map_err(|error| format!("outgoing.allow: {error}"))?;
        let settings = OutgoingSettings {
            public_url: config.listen.url.clone(),
            allow,
            ca: config.outgoing.ca.clone(),
            ..OutgoingSettings::default()
        };
        Ok(Self { settings, rates: RateLimits::default() })
    }
}

/// Listeners of the doors, bound before any job runs.
pub(crate) struct Doors {
    hooks: Option<(TcpListener, Option<Tls>)>,
    admin: Option<TcpListener>,
    outgoing: Outgoing,
    queue: Option<Arc<dyn QueuePublisher>>,
    proxies: Proxies,
    unwell: UnwellEndpoints,
}

impl Doors {
    /// Binds the listeners. Results of jobs that came from a queue are published by `queue`; `None` means that none do.
    pub(crate) async fn bind(
        config: &Config,
        outgoing: Outgoing,
        queue: Option<Arc<dyn QueuePublisher>>,
    ) -> Result<Self, Fault> {
        let listen = &config.listen;
        let hooks = match listen.hooks {
            // A forge has no client certificate.
            Some(address) => {
                let tls = tls(listen)?.map(|tls| Tls { client_ca: None, ..tls });
                Some((bound("hooks", address).await?, tls))
            }
            None => None,
        };
        let admin = match listen.admin {
            Some(address) => Some(bound("admin", address).await?),
            None => None,
        };
        let proxies = proxies(listen)?;
        let unwell = UnwellEndpoints::default();
        Ok(Self { hooks, admin, outgoing, queue, proxies, unwell })
    }

    /// Returns what metrics show of endpoints that take no messages.
    pub(crate) fn endpoints(&self) -> EndpointReader {
        let unwell = self.unwell.clone();
        Arc::new(move |health| unwell.count(health))
    }

    /// Serves and works until `stop`.
    pub(crate) fn open(
        self,
        tasks: &mut Tasks,
        services: &Services,
        store: &Arc<dyn Store>,
        metrics: &Metrics,
        limits: &ListenLimits,
        stop: &watch::Receiver<bool>,
    ) {
        let until = || {
            let mut stop = stop.clone();
            async move {
                let _ = stop.wait_for(|stop| *stop).await;
            }
        };
        let Self { hooks, admin, outgoing, queue, proxies, unwell } = self;
        let limits = ServeLimits { gate: limits.tcp, header: limits.header, idle: limits.idle };
        if let Some((listener, tls)) = hooks {
            let router = router(services.clone(), HookLimits::default());
            let service = Forwarded::new(router, proxies);
            let serving = serve_tcp("hooks", listener, tls, limits, service, until());
            tasks.spawn("the listener for webhooks", serving);
        }
        if let Some(listener) = admin {
            let targets = Arc::new(services.targets.operators().clone());
            let store = store.clone();
            let router = admin_router(Admin { store, targets, metrics: metrics.clone() });
            let serving = serve_tcp("admin", listener, None, limits, router, until());
            tasks.spawn("the listener for health and metrics", serving);
        }
        tasks.spawn("deliveries", endless(services.clone().take_in(), until()));
        let (counted, store) = (metrics.clone(), store.clone());
        let counting = {
            let store = store.clone();
            async move { counted.follow(store).await }
        };
        tasks.spawn("metrics of jobs", endless(counting, until()));
        let ports = Ports {
            outbox: store.clone(),
            jobs: store.clone(),
            projects: store.clone(),
            secrets: store,
            queue,
        };
        let Outgoing { settings, rates } = outgoing;
        let sending = Sender::new(ports, settings).noting(unwell).limiting(rates).run(until());
        tasks.spawn("messages", async move {
            sending.await;
            Ok::<(), Fault>(())
        });
    }
}

/// Works until `stop`: what is left is in the store.
async fn endless(
    work: impl Future<Output = ()>,
    stop: impl Future<Output = ()>,
) -> Result<(), Fault> {
    tokio::select! {
        () = work => {}
        () = stop => {}
    }
    Ok(())
}

/// Binds an address of `[listen]`.
pub(crate) async fn bound(key: &str, address: SocketAddr) -> Result<TcpListener, Fault> {
    let listener = TcpListener::bind(address).await;
    Ok(listener.map_err(|error| format!("listen.{key}: {address}: {error}"))?)
}

/// Reads the networks of proxies of `[listen]`.
pub(crate) fn proxies(listen: &Listen) -> Result<Proxies, Fault> {
    let read = Proxies::parse(&listen.trusted_proxies);
    Ok(read.map_err(|error| format!("listen.trusted-proxies{error}"))?)
}

/// Reads the certificates of `[listen]`. `None` means that it names none.
pub(crate) fn tls(listen: &Listen) -> Result<Option<Tls>, Fault> {
    let (Some(certificate), Some(key)) = (&listen.certificate, &listen.key) else {
        return Ok(None);
    };
    let read = |path: &Path| {
        fs::read(path).map_err(|error| format!("listen: {}: {error}", path.display()))
    };
    let client_ca = listen.client_ca.as_deref().map(read).transpose()?;
    Ok(Some(Tls { certificate: read(certificate)?, key: read(key)?, client_ca }))
}
