//! The end of the demo: a canary that a bad version ends. On the bed's own cluster a Prometheus reads what the pods
//! answer; another cluster's pods have addresses that it does not reach, so that a check ends the canary there.

use super::{CANARY, NAMESPACE, Show, title};
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::{scope, sleep},
    time::Duration,
};
use windlass_bed::{
    Bed, Repository, Result,
    daemon::get,
    part::prometheus::{self, Prometheus},
};

/// Time between two requests to the app while the canary runs.
const BETWEEN: Duration = Duration::from_millis(100);

/// Bound on the errors of the new version. `$WORKLOAD` is the Deployment of its pods.
const METRIC: &str = r#"
# At most one of twenty answers of the new version may be an error.
[strategy.metrics.answers]
query = '''
100 * sum(rate(app_answers_total{pod=~"$WORKLOAD-.*", code!~"5.."}[10s]))
  / sum(rate(app_answers_total{pod=~"$WORKLOAD-.*"}[10s]))
'''
min = 95
interval-seconds = 5
"#;

/// The page of the app, and pages of worse versions: one of which every second answer is an error, and one that has
/// nothing else.
const PAGE: &str = "    return \"Hello from Python\\n\"\n";
const HALF: &str = "    code = 200 if sum(answers.values()) % 2 == 0 else 500\n    return \"Hello from Python\\n\", code\n";
const NONE: &str = "    return \"Hello from Python\\n\", 500\n";

impl Show {
    /// Starts the Prometheus of the demo. `None` means that it would not reach the pods.
    pub(super) fn prometheus(bed: &Bed) -> Result<Option<Prometheus>> {
        if bed.existing.kubeconfig.is_some() {
            return Ok(None);
        }
        println!(
            "demo: a Prometheus reads what the app {CANARY} answers; the first time fetches 19 MB"
        );
        prometheus::of_pods(&bed.layout, NAMESPACE, CANARY).map(Some)
    }

    /// Releases a version of the app that answers with errors.
    pub(super) fn end_canary(&self, repository: &Repository) -> Result<()> {
        let is_measured = self.prometheus.is_some();
        title(if is_measured {
            "a canary with errors: half of the requests come to it, and its metrics end it"
        } else {
            "a canary with errors: its check ends it before it gets a request"
        });
        if is_measured {
            let file = repository.folder().join("windlass.toml");
            let text = std::fs::read_to_string(file)?;
            repository.write("windlass.toml", &(text + METRIC))?;
        }
        repository.edit("app.py", PAGE, if is_measured { HALF } else { NONE })?;
        repository.commit("Say hello with errors")?;
        if is_measured {
            let address = self.address(CANARY)?;
            let is_over = AtomicBool::new(false);
            scope(|scope| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        // An answer with an error is what the metric is for.
                        let _ = get(&address, 80, "/");
                        sleep(BETWEEN);
                    }
                });
                let deployed = self.deploy(repository, CANARY, false);
                is_over.store(true, Ordering::Relaxed);
                deployed
            })?;
        } else {
            self.deploy(repository, CANARY, false)?;
        }
        self.failed_by(CANARY, if is_measured { "metric-failed" } else { "check-failed" })?;
        self.serves(CANARY, "Hello from Python")
    }

    /// Checks that the newest job of an app failed with this code, and not for another reason.
    fn failed_by(&self, app: &str, code: &str) -> Result<()> {
        let args = ["--output", "json", "jobs", "--project", "demo", "--app", app];
        let text = self.daemon.windlass(&args)?.text;
        let newest: Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
        let found = newest.pointer("/ended/diagnosis/code").and_then(Value::as_str);
        if found == Some(code) {
            return Ok(());
        }
        let found = found.unwrap_or("no diagnosis");
        Err(format!("{app} was to fail with `{code}`, not with {found}").into())
    }
}
