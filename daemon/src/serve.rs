//! Wires, serves and drains.

use crate::{
    config::{Config, Listen},
    dispatch::Dispatcher,
    due::DueLoop,
    error::Fault,
    plugins::PluginAdmin,
    wire::{self, Wired},
};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use windlass_api::{Access, Tls, serve_tcp, serve_unix};
use windlass_service::{Inspection, PluginRecords, Services};

/// Serves until a signal, or until a listener fails. `file` is the path of the configuration, which is read again
/// when plugins are reloaded. `None` means the default path.
pub(crate) async fn serve(config: Config, file: Option<PathBuf>) -> Result<(), Fault> {
    let Wired { store, factory } = wire::wire(&config).await?;
    let (queue, inbox) = mpsc::unbounded_channel();
    let plugins = Arc::new(PluginAdmin::new(factory.plugins.clone(), file));
    let services = Services {
        jobs: store.clone(),
        updates: store.clone(),
        releases: store.clone(),
        secrets: store.clone(),
        plugins: plugins.clone(),
        targets: factory.targets.clone(),
        planner: Arc::new(factory.clone()),
        inspection: Inspection::new(
            factory.inspect.clone(),
            factory.secrets.clone(),
            store.clone(),
            store.clone(),
            store.clone(),
        ),
        queue: queue.clone(),
    };
    let access = Arc::new(access(&config));
    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let due = DueLoop {
        store: store.clone(),
        targets: factory.targets.clone(),
        cluster: factory.cluster.clone(),
    };
    let due = tokio::spawn(due.run());
    let dispatcher = Dispatcher::new(&config, store.clone(), factory, inbox, queue);
    let drain = Duration::from_secs(config.drain_seconds);
    let mut dispatching = tokio::spawn(dispatcher.run(until(stopped.clone()), drain));

    let listener = socket(&config)?;
    let unix = serve_unix(listener, services.clone(), access.clone(), until(stopped.clone()));
    let unix = tokio::spawn(unix);
    let tcp = match config.listen.tcp {
        None => None,
        Some(address) => {
            let tls = tls(&config.listen)?;
            let serving = serve_tcp(address, tls, services, access, until(stopped.clone()));
            Some(tokio::spawn(serving))
        }
    };
    tracing::info!(socket = %config.socket().display(), tcp = ?config.listen.tcp, "serving");

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // SIGHUP swaps the plugins, as `windlass plugin reload` does.
    let mut hangup = signal(SignalKind::hangup())?;
    let reloading = tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            // A failure is in the log.
            let _ = plugins.reload().await;
        }
    });
    let failed = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        // It ends by itself where the unfinished jobs cannot be read: nothing that is accepted would run.
        ended = &mut dispatching => {
            return Err(match ended? {
                Err(error) => error.into(),
                Ok(()) => "the dispatcher has ended".into(),
            });
        }
        () = store.ended() => {
            return Err("the journal takes no event any more: the task that writes it has ended by a defect".into());
        }
        ended = unix => Some(format!("the unix socket: {ended:?}")),
        ended = async { match tcp { Some(tcp) => tcp.await, None => std::future::pending().await } } => {
            Some(format!("{:?}: {ended:?}", config.listen.tcp))
        }
    };
    reloading.abort();
    due.abort();
    let _ = stop.send(true);
    // Watchers may stay for ever: the sockets are not waited for, the jobs are.
    dispatching.await??;
    store.close().await;
    let _ = fs::remove_file(config.socket());
    match failed {
        None => Ok(()),
        Some(why) => Err(why.into()),
    }
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
    // Who may do what is decided by user id, call by call.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

fn tls(listen: &Listen) -> Result<Option<Tls>, Fault> {
    let (Some(certificate), Some(key)) = (&listen.certificate, &listen.key) else {
        return Ok(None);
    };
    let read = |path: &std::path::Path| {
        fs::read(path).map_err(|error| format!("listen: {}: {error}", path.display()))
    };
    let client_ca = listen.client_ca.as_deref().map(read).transpose()?;
    Ok(Some(Tls { certificate: read(certificate)?, key: read(key)?, client_ca }))
}
