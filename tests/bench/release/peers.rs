//! Peers on the same objects: kubectl and Helm.

use crate::{
    Release,
    meter::{Counter, Taken, cpu, requests},
    ours::{Ours, quota},
};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Instant,
};
use windlass_tests::{Namespace, bed};

/// Time limit of both peers. Their default is ten minutes and more.
const LIMIT: &str = "60s";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Kubectl,
    Helm,
}

pub(crate) struct Peers<'a> {
    ours: &'a Ours,
    counter: Counter,
}

impl Peer {
    fn namespace(self) -> &'static str {
        match self {
            Self::Kubectl => "bench-kubectl",
            Self::Helm => "bench-helm",
        }
    }
}

impl<'a> Peers<'a> {
    pub(crate) fn start(ours: &'a Ours) -> Self {
        for namespace in [Peer::Kubectl.namespace(), Peer::Helm.namespace()] {
            Namespace::of(namespace).fresh();
        }
        Self { ours, counter: Counter::start("bench-release-peers") }
    }

    pub(crate) fn release(&self, peer: Peer, release: Release, round: usize) -> Taken {
        let namespace = peer.namespace();
        let files = self.ours.ejected(release, round, namespace);
        quota(&Namespace::of(namespace), release == Release::Quota);
        let agent = if peer == Peer::Helm { "Helm" } else { "kubectl" };
        let before = (requests(agent), self.counter.bytes(), cpu("self", true), Instant::now());
        let output = match peer {
            Peer::Kubectl => self.kubectl(&files, namespace),
            Peer::Helm => self.helm(&files, namespace),
        };
        let verdict = before.3.elapsed().as_secs_f64();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        Taken {
            requests: requests(agent) - before.0,
            bytes: self.counter.bytes() - before.1,
            cpu: cpu("self", true) - before.2,
            verdict,
            outcome: if output.status.success() { "succeeded".into() } else { last.to_owned() },
        }
    }

    fn kubectl(&self, files: &Path, namespace: &str) -> Output {
        let run = |args: &[&str]| {
            let mut command = Command::new(bed().layout.program("kubectl"));
            command.arg("--kubeconfig").arg(&self.counter.kubeconfig).args(["-n", namespace]);
            command.args(args).output().unwrap()
        };
        let files = files.display().to_string();
        let applied = run(&["apply", "--server-side", "--force-conflicts", "--filename", &files]);
        if applied.status.success() {
            run(&["rollout", "status", "deployment/app", &format!("--timeout={LIMIT}")])
        } else {
            applied
        }
    }

    fn helm(&self, files: &Path, namespace: &str) -> Output {
        let chart = files.with_extension("chart");
        let _ = fs::remove_dir_all(&chart);
        fs::create_dir_all(chart.join("templates")).unwrap();
        let about = "apiVersion: v2\nname: app\nversion: 0.1.0\n";
        fs::write(chart.join("Chart.yaml"), about).unwrap();
        for entry in fs::read_dir(files).unwrap().flatten() {
            let _ =
                fs::copy(entry.path(), chart.join("templates").join(entry.file_name())).unwrap();
        }
        let mut command = Command::new(bed().layout.program("helm"));
        command.env("KUBECONFIG", &self.counter.kubeconfig);
        command.env("HELM_CACHE_HOME", chart.join("cache")).args(["upgrade", "--install", "app"]);
        command.arg(&chart).args(["--namespace", namespace, "--wait", "--timeout", LIMIT]);
        command.output().unwrap()
    }
}
