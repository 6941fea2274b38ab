//! End-to-end tests on the bed. They are one program, so that they run side by side: each test has a project of
//! its own, and all but the cases have a daemon and a repository of their own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

mod accepted;
mod approvals;
mod apps;
mod attached;
mod bad_registry;
mod building;
mod case;
mod cases;
mod claims;
mod clusters;
mod controllers;
mod deleted_namespaces;
mod detecting;
mod disk_full;
mod dockerfiles;
mod documents;
mod doors;
mod ejected;
mod false_positives;
mod faulty_api_server;
mod forks;
mod gateway;
mod hooks;
mod hostile;
mod kinds;
mod languages;
mod leases;
mod login_links;
mod lying_broker;
mod migrations;
mod monitoring;
mod nodes;
mod operator;
mod own_clusters;
mod own_registries;
mod page;
mod previews;
mod queue;
mod quick;
mod quotas;
mod refused_deletion;
mod registries;
mod release;
mod requests;
mod resume;
mod rights;
mod source;
mod strategies;
mod testing;
mod user_manifests;
mod verdicts;
