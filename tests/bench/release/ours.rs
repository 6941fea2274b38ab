//! Windlass's side: a daemon, and one app of nine objects around a Deployment.

use crate::{
    Release,
    meter::{Counter, Taken, cpu, requests},
};
use serde_json::Value;
use std::{fs, path::PathBuf};
use windlass_bed::{Repository, daemon::Config};
use windlass_tests::{Namespace, TestEnv, bed};

/// Spec of the app. Its objects are Namespace, ServiceAccount, NetworkPolicy, PodDisruptionBudget, ConfigMap, Service,
/// Deployment, HorizontalPodAutoscaler and Ingress.
const SPEC: &str = "replicas = 2\nenv = { COLOR = \"blue\" }\nannotations = { ROUND = \"0\" }\nresources = { cpu = \"10m\", memory = \"32Mi\" }\nnetwork = { from = [\"kube-system\"] }\nexpose = { hosts = [\"bench.example.com\"], ingress-class = \"public\" }\nprocesses.web.autoscale = { max = 3, cpu = 60 }\nprocesses.web.termination = { pre-stop-seconds = 0, drain-seconds = 1 }\n";

pub(crate) struct Ours {
    pub(crate) env: TestEnv,
    counter: Counter,
    repository: Repository,
}

impl Ours {
    pub(crate) fn start() -> Self {
        let counter = Counter::start("bench-release-ours");
        let mut config = Config::of(bed()).unwrap();
        config.kubeconfig.clone_from(&counter.kubeconfig);
        let env = TestEnv::with("bench-release", &config);
        env.fresh();
        let repository = Repository::new(&bed().layout, "bench-release", true).unwrap();
        repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
        repository.write("index.html", "bench\n").unwrap();
        repository.write("bad.yaml", BAD).unwrap();
        repository.commit("bench").unwrap();
        Self { env, counter, repository }
    }

    fn spec(&self, release: Release, round: usize) -> PathBuf {
        let text = match release {
            Release::Unauthorized => {
                let off = "processes.web.off = true\nmanifests = [\"bad.yaml\"]\n";
                let lines = SPEC
                    .lines()
                    .filter(|line| !line.contains("processes.web") && !line.contains("expose"));
                lines.collect::<Vec<_>>().join("\n") + "\n" + off
            }
            Release::Crash => {
                format!("command = [\"sh\", \"-c\", \"sleep 1; echo no database; exit 3\"]\n{SPEC}")
            }
            _ => SPEC.to_owned(),
        };
        // Each release has something new, except for the unchanged one.
        let round = if release == Release::Unchanged { 0 } else { round + 1 };
        let text = text.replace("ROUND = \"0\"", &format!("ROUND = \"{}{round}\"", release.name()));
        let file = bed().layout.at(&format!("daemons/bench-release/{}.toml", release.name()));
        fs::write(&file, text).unwrap();
        file
    }

    pub(crate) fn release(&self, release: Release, round: usize) -> Taken {
        let file = self.spec(release, round).display().to_string();
        quota(&self.env, release == Release::Quota);
        let process = self.env.daemon.id().unwrap().to_string();
        let id = self.env.submit_detached("app", self.repository.url(), &["--spec", &file]);
        // The bench of jobs measures what comes before the plan.
        let planned = self.env.await_event(&id, |event| event["planned"].is_object());
        let before = (requests("windlass"), self.counter.bytes(), cpu(&process, false));
        let verdict = self.env.await_event(&id, |event| {
            event["rolling_back"].is_object() || event["ended"].is_object()
        });
        let taken = Taken {
            requests: requests("windlass") - before.0,
            bytes: self.counter.bytes() - before.1,
            cpu: cpu(&process, false) - before.2,
            verdict: at(&verdict) - at(&planned),
            outcome: String::new(),
        };
        let ended = self.env.watch(&id);
        let outcome = ended.diagnosis["code"].as_str().unwrap_or(&ended.outcome).to_owned();
        let expected = match release {
            Release::Good | Release::Unchanged => "succeeded",
            Release::Unauthorized => "pull-unauthorized",
            Release::Crash => "app-crashes",
            Release::Quota => "quota-exceeded",
        };
        assert_eq!(outcome, expected, "{}", ended.text);
        Taken { outcome, ..taken }
    }

    /// Writes the same objects as files for another namespace, and returns their folder.
    pub(crate) fn ejected(&self, release: Release, round: usize, namespace: &str) -> PathBuf {
        let file = self.spec(release, round).display().to_string();
        let to = bed()
            .layout
            .at(&format!("daemons/bench-release/{namespace}-{}-{round}", release.name()));
        let _ = fs::remove_dir_all(&to);
        let folder = to.display().to_string();
        let live = self.env.namespace();
        let path = "{.spec.template.spec.containers[0].image}";
        let image = self.env.get("deployment/app", path);
        let answer = self
            .env
            .daemon
            .windlass(&[
                "eject",
                "bench-release/app",
                "--repository",
                self.repository.url(),
                "--spec",
                &file,
                "--to",
                &folder,
                "--image",
                &image,
            ])
            .unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
        for entry in fs::read_dir(to.join("kubernetes")).unwrap().flatten() {
            let text = fs::read_to_string(entry.path()).unwrap().replace(&live, namespace);
            let mut object: Value = serde_json::from_str(&text).unwrap();
            if object["kind"] == "Namespace" {
                fs::remove_file(entry.path()).unwrap();
                continue;
            }
            object["metadata"]["namespace"] = namespace.into();
            fs::write(entry.path(), object.to_string()).unwrap();
        }
        to.join("kubernetes")
    }
}

/// A Deployment whose image needs a login that the cluster does not have.
const BAD: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: app }\nspec:\n  replicas: 2\n  selector: { matchLabels: { app.kubernetes.io/instance: app, app.kubernetes.io/name: app } }\n  template:\n    metadata: { labels: { app.kubernetes.io/instance: app, app.kubernetes.io/name: app } }\n    spec:\n      containers: [{ name: app, image: \"10.200.0.1:21051/bench/none:1\", resources: { requests: { cpu: 10m, memory: 32Mi } } }]\n";

fn at(event: &Option<Value>) -> f64 {
    event.as_ref().and_then(|event| event["at"].as_f64()).unwrap_or_default()
}

/// Sets a quota that permits no further pod, or removes it.
pub(crate) fn quota(namespace: &Namespace, wanted: bool) {
    namespace.delete("quota/bench");
    if wanted {
        namespace.create("quota bench --hard=pods=1");
    }
}
