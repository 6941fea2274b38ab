//! `windlassd check`: which part cannot be reached, and why.

#![expect(clippy::print_stdout, reason = "a command for people")]

use crate::{config::Config, data, registries::Registries, wire};
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
    let plugins = wire::plugins(config, None).await.map(Arc::new);
    let builder = match (&plugins, wire::fixed_logins(config)) {
        (Ok(plugins), Ok(fixed)) => {
            let registries = Arc::new(Registries::new(fixed, plugins.clone()));
            match wire::builder(config, registries) {
                Ok(builder) => builder.check().await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
        (Err(_), _) => Err("not looked at: the plugins cannot be loaded".into()),
        (_, Err(error)) => Err(error.to_string()),
    };
    report("builder", builder.map(|()| config.builder.address.clone()));
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
    let writable = writable(config).map(|()| config.data.display().to_string());
    report("data", writable);
    let plugins = plugins.map_err(|error| error.to_string());
    report("plugins", plugins.map(|_| format!("{} loaded", config.plugins.len())));
    report("registry", registry(&config.registry).await);
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
