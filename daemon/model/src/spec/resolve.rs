//! Resolves a spec into a runtime. Defaults answer every question that is open.

use super::{
    ProbeSpec, ProcessSpec, Spec, VolumeSpec,
    defaults::{CPU, MEMORY},
    migrate,
    names::{is_cidr, is_name},
    quantity::doubled,
    strategy,
};
use crate::recipe::{FoundProcess, ProcessKind};
use crate::runtime::{
    Account, Autoscale, Check, Expose, Manifest, Network, Peer, Placement, Probe, Probes, Process,
    Resources, Route, Runtime, Schedule, SecretEnv, ServiceKind, Volume, VolumeSource, WEB,
};
use std::collections::BTreeMap;

/// Defaults of a probe: `periodSeconds`, `timeoutSeconds`, `failureThreshold`.
struct Budget(u32, u32, u32);

/// Two minutes to come up, checked each second, so that a rollout waits no longer than the app.
const STARTUP: Budget = Budget(1, 2, 120);
const READINESS: Budget = Budget(5, 2, 2);
const LIVENESS: Budget = Budget(15, 2, 3);

/// Facts of the builder and the detector, for keys that neither job nor file has.
#[derive(Clone, Debug, Default)]
pub struct Detected {
    /// TCP port of the recipe, or else one that the image exposes. `None` means that neither names one.
    pub port: Option<u16>,
    /// Health path of the recipe. `None` means that it names none.
    pub health: Option<String>,
    /// Numeric user of the image. `None` means root, or that the image names no numeric user.
    pub user: Option<u32>,
    /// Objects that the repository brings.
    pub manifests: Vec<Manifest>,
    /// Processes that the repository declares. Those of the spec go before them.
    pub processes: Vec<FoundProcess>,
}

/// Most characters of a process's name.
const LONGEST_NAME: usize = 11;

impl Spec {
    /// Resolves the spec into a runtime. `secrets` have their current versions.
    #[must_use]
    pub fn resolve(&self, found: &Detected, secrets: Vec<SecretEnv>) -> Runtime {
        let whole = self.filled(&found.processes);
        let processes: Vec<_> =
            whole.running().map(|(name, requested)| process(name, &requested, found)).collect();
        let listens = processes.iter().any(|process| process.name == WEB && process.port.is_some());
        let network = &self.network;
        let restricted =
            network.restrict.unwrap_or(!(network.from.is_empty() && network.to.is_empty()));
        Runtime {
            env: self.env.clone(),
            secrets,
            user: found.user,
            processes,
            expose: self.exposed(listens),
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            account: Account {
                existing: self.service_account.name.clone(),
                annotations: self.service_account.annotations.clone(),
                token: self.service_account.token.unwrap_or(false),
            },
            network: restricted.then(|| Network {
                from: network.from.clone(),
                to: network.to.iter().filter_map(|text| peer(text)).collect(),
            }),
            pull_secrets: self.pull_secrets.clone(),
            manifests: found.manifests.clone(),
            migrate: migrate::rules::resolve(&self.migrate),
            strategy: strategy::rules::resolve(self),
            tracks: BTreeMap::new(),
            aside: None,
        }
    }

    /// Returns the spec with the workers and scheduled processes that the repository declares, where the
    /// spec does not have them. What the spec has of a process stays.
    pub(crate) fn filled(&self, found: &[FoundProcess]) -> Self {
        let mut whole = self.clone();
        let runs = |kind| matches!(kind, ProcessKind::Worker | ProcessKind::Schedule);
        let fits = |name: &str| name != WEB && is_name(name, LONGEST_NAME);
        for found in found.iter().filter(|found| runs(found.kind) && fits(&found.name)) {
            let requested = whole.processes.entry(found.name.clone()).or_default();
            if requested.command.is_empty() {
                requested.command.clone_from(&found.command);
                if requested.schedule.is_none() {
                    requested.schedule.clone_from(&found.schedule);
                }
            }
        }
        whole
    }

    fn exposed(&self, listens: bool) -> Expose {
        let requested = &self.expose;
        let route = match (&requested.gateway, &requested.ingress_class) {
            _ if !listens => None,
            (Some(gateway), _) => Some(match gateway.split_once('/') {
                Some((namespace, name)) => {
                    Route::Gateway { namespace: Some(namespace.into()), name: name.into() }
                }
                None => Route::Gateway { namespace: None, name: gateway.clone() },
            }),
            (None, Some(class)) => {
                Some(Route::Ingress { class: class.clone(), tls: requested.tls_secret.clone() })
            }
            (None, None) => None,
        };
        Expose {
            service: listens.then(|| requested.service.unwrap_or(ServiceKind::Cluster)),
            port: requested.port.unwrap_or(80),
            hosts: requested.hosts.clone(),
            path: requested.path.clone().unwrap_or_else(|| "/".into()),
            route,
            annotations: requested.annotations.clone(),
        }
    }
}

/// Returns the process `web` with these values and defaults for the rest.
#[must_use]
pub fn web(port: u16, health: Option<&str>) -> Process {
    let requested = ProcessSpec {
        port: Some(port),
        health: health.map(str::to_owned),
        ..ProcessSpec::default()
    };
    process(WEB, &requested, &Detected::default())
}

fn process(name: &str, requested: &ProcessSpec, found: &Detected) -> Process {
    let is_web = name == WEB;
    let port = match requested.port {
        None if is_web => Some(found.port.unwrap_or(8080)),
        port => port,
    };
    let health = requested.health.clone().or_else(|| found.health.clone().filter(|_| is_web));
    let schedule = requested.schedule.as_ref().map(|cron| Schedule {
        cron: cron.clone(),
        timezone: requested.timezone.clone(),
        timeout: requested.timeout_seconds.unwrap_or(3600),
        retries: requested.retries.unwrap_or(0),
        overlap: requested.overlap.unwrap_or(false),
    });
    let ask = |probe: &ProbeSpec, budget: Budget| {
        let asked = self::probe(probe, budget, port, health.as_deref());
        asked.filter(|_| schedule.is_none())
    };
    let probes = Probes {
        startup: ask(&requested.probes.startup, STARTUP),
        readiness: ask(&requested.probes.readiness, READINESS),
        liveness: ask(&requested.probes.liveness, LIVENESS),
    };
    let replicas = requested.replicas.unwrap_or(1);
    let autoscale = requested.autoscale.max.map(|max| Autoscale {
        max,
        cpu: requested.autoscale.cpu.or_else(|| requested.autoscale.memory.is_none().then_some(70)),
        memory: requested.autoscale.memory,
    });
    let many = schedule.is_none() && replicas > 1;
    Process {
        name: name.into(),
        port,
        ports: requested.ports.clone(),
        command: requested.command.clone(),
        env: requested.env.clone(),
        replicas,
        resources: resources(requested),
        probes,
        autoscale,
        volumes: requested
            .volumes
            .iter()
            .map(|(name, requested)| (name.clone(), volume(requested)))
            .collect(),
        stateful: requested.stateful.unwrap_or(false),
        ordered: requested.ordered.unwrap_or(false),
        placement: Placement {
            nodes: requested.placement.nodes.clone(),
            tolerations: requested.placement.tolerations.clone(),
            spread: requested.placement.spread.unwrap_or_default(),
        },
        pre_stop_seconds: requested.termination.pre_stop_seconds.unwrap_or(if port.is_some() {
            5
        } else {
            0
        }),
        drain_seconds: requested.termination.drain_seconds.unwrap_or(15),
        max_unavailable: requested
            .max_unavailable
            .or(many.then_some(1))
            .filter(|_| schedule.is_none()),
        schedule,
    }
}

fn resources(requested: &ProcessSpec) -> Resources {
    let requested = &requested.resources;
    let memory = requested.memory.clone().unwrap_or_else(|| MEMORY.into());
    Resources {
        cpu: requested.cpu.clone().unwrap_or_else(|| CPU.into()),
        memory_limit: requested.memory_limit.clone().unwrap_or_else(|| doubled(&memory)),
        memory,
        cpu_limit: requested.cpu_limit.clone(),
        ephemeral_storage: requested.ephemeral_storage.clone(),
    }
}

fn probe(
    requested: &ProbeSpec,
    Budget(period, timeout, failures): Budget,
    port: Option<u16>,
    health: Option<&str>,
) -> Option<Probe> {
    if requested.off == Some(true) {
        return None;
    }
    let port = requested.port.or(port);
    let path = requested.http.as_deref().or(health);
    let check = match (&requested.grpc, port) {
        _ if !requested.command.is_empty() => Check::Exec { command: requested.command.clone() },
        (_, None) => return None,
        (Some(service), Some(port)) => Check::Grpc { port, service: service.clone() },
        (None, Some(port)) => match path {
            Some(path) if requested.tcp != Some(true) => Check::Http { path: path.into(), port },
            _ => Check::Tcp { port },
        },
    };
    Some(Probe {
        check,
        period: requested.period_seconds.unwrap_or(period),
        timeout: requested.timeout_seconds.unwrap_or(timeout),
        failures: requested.failures.unwrap_or(failures),
    })
}

fn volume(requested: &VolumeSpec) -> Volume {
    let source = if let Some(name) = &requested.claim {
        VolumeSource::Existing(name.clone())
    } else if let Some(name) = &requested.secret {
        VolumeSource::Secret(name.clone())
    } else if let Some(name) = &requested.config_map {
        VolumeSource::ConfigMap(name.clone())
    } else {
        match &requested.size {
            Some(size) if requested.scratch != Some(true) => VolumeSource::Claim {
                size: size.clone(),
                class: requested.class.clone(),
                access: requested.access.clone().unwrap_or_else(|| "ReadWriteOnce".into()),
            },
            size => VolumeSource::Scratch { size: size.clone() },
        }
    };
    let given = matches!(source, VolumeSource::Secret(_) | VolumeSource::ConfigMap(_));
    Volume {
        path: requested.path.clone().unwrap_or_default(),
        read_only: requested.read_only.unwrap_or(given),
        source,
    }
}

/// Reads `10.0.0.0/8:5432`, in brackets if the address has colons: `[2001:db8::/32]:443`. `None` means
/// that the text is no such peer.
pub(super) fn peer(text: &str) -> Option<Peer> {
    let (cidr, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((cidr, "")) => (cidr, None),
        Some((cidr, rest)) => (cidr, Some(rest.strip_prefix(':')?)),
        None if text.matches(':').count() > 1 => (text, None),
        None => text.split_once(':').map_or((text, None), |(cidr, port)| (cidr, Some(port))),
    };
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
    };
    is_cidr(cidr).then(|| Peer { cidr: cidr.into(), port })
}
