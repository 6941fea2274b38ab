//! `windlassd check`: which part cannot be reached, and why.

#![expect(clippy::print_stdout, reason = "a command for people")]

use crate::{config::Config, confinement, data, registries::Registries, wire};
use std::{process::ExitCode, sync::Arc};
use windlass_model::cluster::DEFAULT;

pub(crate) async fn check(config: &Config) -> ExitCode {
    let mut all_answer = true;
    let mut report = |part: &str, answer: Result<String, String>| match answer {
        Ok(what) => println!("ok      {part}: {what}"),
        Err(why) => {
            println!("FAILED  {part}: {why}");
            all_answer = false;
        }
    };
    // Before the caches in it, which would make the folder as closed as they are.
    let writable = writable(config).map(|()| config.data.display().to_string());
    let plugins = wire::plugins(config, None).await.map(Arc::new);
    let registries = plugins.as_ref().ok().map(|plugins| Registries::new(config, plugins.clone()));
    let registries = registries.map(Arc::new);
    let builder = match &registries {
        Some(registries) => match wire::builder(config, registries.clone()) {
            Ok(builder) => builder.check().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        },
        None => Err("not looked at: the plugins cannot be loaded".into()),
    };
    report("builder", builder.map(|()| config.builder.address.clone()));
    if let Some(registries) = registries.filter(|_| !config.registries.is_empty()) {
        let logins = registries.check().await.map_err(|error| error.to_string());
        report("logins", logins.map(|()| format!("{} registries", config.registries.len())));
    }
    for cluster in config.clusters() {
        let answer = match wire::client(&cluster).await {
            Ok(client) => client.check().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let part = match &*cluster.name {
            DEFAULT => "cluster".to_owned(),
            name => format!("cluster {name}"),
        };
        report(&part, answer.map(|version| format!("Kubernetes {version}")));
    }
    match wire::metrics(config) {
        Ok(metrics) => {
            for cluster in config.clusters() {
                let Some(prometheus) = cluster.prometheus else { continue };
                let answer = metrics.check(&cluster.name).await.map_err(|error| error.to_string());
                let part = match &*cluster.name {
                    DEFAULT => "prometheus".to_owned(),
                    name => format!("prometheus of {name}"),
                };
                report(&part, answer.map(|()| format!("{} answers", prometheus.address)));
            }
        }
        Err(error) => report("prometheus", Err(error.to_string())),
    }
    if let Some(amqp) = &config.amqp {
        report("queue", windlass_amqp::probe(amqp).await.map(|()| amqp.url.clone()));
    }
    report("data", writable);
    report("confinement", confinement::report().await);
    let plugins = plugins.map_err(|error| error.to_string());
    report("plugins", plugins.map(|_| format!("{} loaded", config.plugins.len())));
    report("registry", registry(&config.registry).await);
    if let Some(traces) = &config.traces {
        let answer = match wire::traces(config) {
            Ok(Some(exporter)) => exporter.check().await,
            Ok(None) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        report("traces", answer.map(|()| format!("{} takes them", traces.endpoint)));
    }
    for registry in config.registries.iter().filter(|registry| registry.pull.is_none()) {
        println!(
            "WARNING registries: {}: one login pushes and pulls: it is in every namespace, and whoever reads a pull secret there can overwrite images of all projects; add `pull` with a login that may only read",
            registry.host
        );
    }
    if all_answer { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn writable(config: &Config) -> Result<(), String> {
    let probe = config.data.join(".probe");
    data::prepare(&config.data).map_err(|error| error.to_string())?;
    std::fs::write(&probe, b"probe")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| format!("{}: {error}", config.data.display()))
}

/// Connects to the registry. Only the first build shows whether a push is allowed.
async fn registry(registry: &str) -> Result<String, String> {
    let host = registry.split('/').next().unwrap_or_default();
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
    let connected = tokio::net::TcpStream::connect(&address);
    match tokio::time::timeout(std::time::Duration::from_secs(5), connected).await {
        Ok(Ok(_)) => Ok(format!("{host} answers")),
        Ok(Err(error)) => Err(format!("{host}: {error}")),
        Err(_) => Err(format!("{host}: no answer within 5 s")),
    }
}
