//! Kubeconfigs: what passes our check runs no program, and of a project's own no file is read either.

#![no_main]

use futures::executor::block_on;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use windlass_engine::ports::ClusterProbe;
use windlass_kubernetes::{OwnProbe, runs_programs};
use windlass_model::{own::cluster::AllowedClusters, secret::Secret};

/// Probe that allows all hosts with public addresses.
static PROBE: LazyLock<OwnProbe> = LazyLock::new(|| {
    let allowed = AllowedClusters::parse(&["*".to_owned()], &[]);
    OwnProbe::new(Arc::new(allowed.unwrap_or_default()))
});

/// Checks what is kept of a project's kubeconfig: it reads the same again, and names no program and no file.
fn own(data: &[u8]) {
    let Ok(read) = PROBE.read(&Secret::new(data.to_vec())) else { return };
    assert!(read.server.starts_with("https://"), "{}", read.server);
    let Ok(again) = PROBE.read(&read.kept) else { panic!("what is kept is refused") };
    assert_eq!(again.server, read.server);
    let file = Kubeconfig::from_yaml(read.kept.reveal_text().unwrap_or_default());
    let Ok(file) = file else { panic!("what is kept is no kubeconfig") };
    assert!(!runs_programs(&file));
    for login in file.auth_infos.iter().filter_map(|named| named.auth_info.as_ref()) {
        let files = [&login.token_file, &login.client_certificate, &login.client_key];
        assert!(files.iter().all(|file| file.is_none()));
    }
    for cluster in file.clusters.iter().filter_map(|named| named.cluster.as_ref()) {
        let is_plain = cluster.certificate_authority.is_none() && cluster.proxy_url.is_none();
        assert!(is_plain && cluster.insecure_skip_tls_verify.is_none());
    }
}

fuzz_target!(|data: &[u8]| {
    own(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(mut file) = Kubeconfig::from_yaml(text) else { return };
    if runs_programs(&file) {
        return;
    }
    // Without paths, so that no file of this machine is opened, least of all one without an end.
    for named in &mut file.clusters {
        if let Some(cluster) = &mut named.cluster {
            cluster.certificate_authority = None;
        }
    }
    let config = block_on(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()));
    if let Ok(config) = config {
        let login = config.auth_info;
        assert!(login.exec.is_none() && login.auth_provider.is_none());
    }
});
