//! Wires, serves and drains.

use crate::{
    broker,
    config::{Config, Listen},
    confinement,
    dispatch::{Bounds, Dispatcher},
    doors::{Doors, Outgoing, bound, proxies, tls},
    due::DueLoop,
    error::Fault,
    own_registries::OwnRegistryAdmin,
    plugins::PluginAdmin,
    process,
    tasks::{Tasks, aborted},
    wire::{self, Wired},
};
use axum::Router;
use std::{
    collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc,
    time::Duration,
};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;
use url::Url;
use windlass_amqp::Queue;
use windlass_api::{Api, Health};
use windlass_dashboard::{Dashboard, LoginCodes, Settings};
use windlass_engine::shared_queue::SharedQueue;
use windlass_intake::Metrics;
use windlass_listen::{Access, Callers};
use windlass_outgoing::PullReader;
use windlass_service::{Inspection, JobQuota, LoginLinks, PlanSlots, PluginRecords, Services};

/// Serves until a signal, or until a task ends that is to run for ever. `file` is the path of the configuration, which
/// is read again at a reload. `None` means the default path.
pub(crate) async fn serve(config: Config, file: Option<PathBuf>) -> Result<(), Fault> {
    let files = process::raise_open_files();
    let Wired { store, factory } = wire::wire(&config).await?;
    confinement::log().await;
    let (queue, inbox) = mpsc::unbounded_channel();
    let (targets, cluster) = (factory.targets.clone(), factory.cluster.clone());
    let due = DueLoop::new(store.clone(), targets, cluster, queue.clone());
    let due = due.with_leases(factory.leases.clone(), &config.name);
    let traces = wire::traces(&config)?.map(Arc::new);
    let images = wire::images(&config, &factory)?;
    let due = due.with_traces(traces).with_releases(config.keep_releases, images);
    let callers = Arc::new(Callers::new(access(&config)));
    let plugins = PluginAdmin::new(
        factory.plugins.clone(),
        callers.clone(),
        factory.registries.clone(),
        due.renewals(),
        file,
        config.clone(),
    );
    let plugins = Arc::new(plugins);
    let registry_admin = OwnRegistryAdmin::new(factory.registries.clone(), due.renewals());
    let plan = Duration::from_secs(config.plan_seconds);
    let operators = factory.targets.operators().all.iter().map(|target| target.name.clone());
    let operators: BTreeSet<_> = operators.collect();
    let slots = SharedQueue::sharing(config.slots(), operators.clone());
    let metrics = Metrics::default();
    metrics.set_operators(operators);
    // Whoever calls gets them, and the page redeems them.
    let codes = LoginCodes::default();
    let links: Arc<dyn LoginLinks> = Arc::new(codes.clone());
    let outgoing = Outgoing::new(&config)?;
    let Outgoing { settings, rates } = outgoing.clone();
    let pulls = PullReader::new(store.clone(), &settings, rates);
    let services = Services {
        jobs: store.clone(),
        updates: store.clone(),
        runs: store.clone(),
        releases: store.clone(),
        secrets: store.clone(),
        plugins: plugins.clone(),
        targets: factory.targets.clone(),
        own_clusters: store.clone(),
        probe: factory.probe.clone(),
        planner: Arc::new(factory.clone()),
        uploads: factory.uploads.clone(),
        plan_slots: PlanSlots::new(config.plans, plan),
        quota: JobQuota::new(config.max_waiting_jobs, config.max_waiting_jobs_total),
        inspection: Inspection::new(
            factory.inspect.clone(),
            factory.secrets.clone(),
            store.clone(),
            store.clone(),
            store.clone(),
        ),
        builder: factory.inspect_builder.clone(),
        queue: queue.clone(),
        waits: slots.clone(),
        projects: store.clone(),
        hooks: store.clone(),
        deliveries: metrics.counting(store.clone()),
        outbox: store.clone(),
        previews: store.clone(),
        own_registries: store.clone(),
        registry_admin: Arc::new(registry_admin),
        sessions: store.clone(),
        login_links: config.listen.page.then_some(links),
        page_url: config.listen.url.clone(),
        remotes: Arc::new(factory.clone()),
        pulls: Arc::new(pulls),
        dead: config.amqp.as_ref().map(broker::dead),
        intake: Arc::default(),
        hooks_url: config.listen.hooks_url.clone(),
    };
    let due = due.with_services(services.clone());
    let health = Health::serving().await;
    let limits = process::listen_limits(&config.listen, files, plan);
    let messages = config.amqp.clone().map(|settings| {
        let caller = broker::caller(&settings, callers.clone());
        Queue::new(settings, services.clone(), caller)
    });
    let results = messages.as_ref().map(broker::results);
    if let Some(queue) = &messages {
        metrics.show_queue(broker::shown(queue)).await;
    }
    let (stop, stopped) = watch::channel(false);
    let mut api = Api::new(services.clone(), callers.clone(), health.clone(), limits)
        .with_proxies(proxies(&config.listen)?);
    let ending = CancellationToken::new();
    if config.listen.page {
        let pages = page(&config.listen, services.clone(), callers, codes, ending.clone());
        api = api.with_pages(pages);
    }
    let until = |mut stopped: watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let mut tasks = Tasks::default();
    let drained = until(stopped.clone());
    tasks.spawn("due work", async move {
        tokio::select! {
            () = due.run() => {}
            () = drained => {}
        }
        Ok::<(), Fault>(())
    });
    let underway = factory.underway.clone();
    let ports = Arc::new(move |project: &str| factory.for_job(project));
    let name = config.name.clone();
    let bounds = Bounds { logs: config.logs.limits(), min_free: config.journal.min_free_mib << 20 };
    let dispatcher = Dispatcher::new(name, bounds, slots, store.clone(), ports, inbox, queue);
    let dispatcher = dispatcher.with_underway(underway);
    let drain = Duration::from_secs(config.drain_seconds);
    // Before any job runs: a daemon that cannot listen would begin them, and break them off, at each of its starts.
    // The socket comes last: whoever finds it finds the other listener too.
    let tcp = match config.listen.tcp {
        Some(address) => {
            let tls = tls(&config.listen)?;
            Some((bound("tcp", address).await?, tls))
        }
        None => None,
    };
    let doors = Doors::bind(&config, outgoing, results).await?;
    metrics.show_endpoints(doors.endpoints()).await;
    let unix = socket(&config)?;
    let mut dispatching = tokio::spawn(dispatcher.run(until(stopped.clone()), drain));
    let mut messages = messages.map(|queue| tokio::spawn(queue.run(until(stopped.clone()))));

    tasks.spawn("the unix socket", api.clone().serve_unix(unix, until(stopped.clone())));
    if let Some((listener, tls)) = tcp {
        tasks.spawn("the TCP listener", api.serve_tcp(listener, tls, until(stopped.clone())));
    }
    doors.open(&mut tasks, &services, &store, &metrics, &limits, &stopped);
    tracing::info!(socket = %config.socket().display(), tcp = ?config.listen.tcp, "serving");

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // SIGHUP reloads, as `windlass plugin reload` does.
    let mut hangup = signal(SignalKind::hangup())?;
    tasks.spawn("reloads by SIGHUP", async move {
        while hangup.recv().await.is_some() {
            // A failure is in the log.
            let _ = plugins.reload().await;
        }
        Ok::<(), Fault>(())
    });
    let failed: Option<Fault> = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        // It ends by itself where the unfinished jobs cannot be read: nothing that is accepted would run.
        ended = &mut dispatching => {
            health.end().await;
            return Err(match ended {
                Ok(Ok(())) => "the dispatcher: it ended without an error".into(),
                Ok(Err(error)) => format!("the dispatcher: {error}").into(),
                Err(error) => format!("the dispatcher: {}", aborted(error)).into(),
            });
        }
        why = tasks.ended() => Some(why),
        why = broker::ended(&mut messages) => {
            messages = None;
            Some(why)
        }
        () = store.ended() => {
            health.end().await;
            return Err("the journal takes no event any more: the task that writes it has ended by a defect".into());
        }
    };
    if let Some(why) = &failed {
        tracing::error!(%why, "the daemon ends");
    }
    health.end().await;
    let _ = stop.send(true);
    // Open pages know by it that they are to come back.
    ending.cancel();
    // Watchers may stay for ever: the sockets are not waited for, the jobs are.
    let dispatched = dispatching.await;
    // Messages that are at work are acknowledged, within seconds.
    if let Some(messages) = messages
        && let Err(error) = messages.await
    {
        tracing::error!(why = aborted(error), "the queue");
    }
    tasks.end().await;
    dispatched.map_err(|error| format!("the dispatcher: {}", aborted(error)))??;
    store.close().await;
    let _ = fs::remove_file(config.socket());
    match failed {
        None => Ok(()),
        Some(why) => Err(why),
    }
}

/// Returns the router of the page.
fn page(
    listen: &Listen,
    services: Services,
    callers: Arc<Callers>,
    codes: LoginCodes,
    ending: CancellationToken,
) -> Router {
    let host =
        listen.url.as_deref().and_then(|url| Url::parse(url).ok()?.host_str().map(Into::into));
    let settings = Settings { hosts: host.into_iter().collect(), ..Settings::default() };
    Dashboard::new(services, callers, codes, settings, ending).router()
}

fn access(config: &Config) -> Access {
    let own = rustix::process::geteuid().as_raw();
    let mut uids = config.listen.uids.clone();
    uids.extend([0, own]);
    Access { uids, principals: config.principals.clone() }
}

fn socket(config: &Config) -> Result<UnixListener, Fault> {
    let path = config.socket();
    // The store's lock says that no other daemon serves here: what is left is of a killed one.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)
        .map_err(|error| format!("listen.unix: {}: {error}", path.display()))?;
    // The peer's user id decides, when a connection is accepted and at each call.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}
