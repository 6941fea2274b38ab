//! Pods that a Prometheus reads, as a file of targets: Debian's build of it cannot ask Kubernetes (it has no
//! `kubernetes_sd_configs`).

use crate::{Layout, Result, part::control_plane::kubectl_command, process::ending_with_us};
use serde_json::{Deserializer, Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, sleep, spawn},
    time::Duration,
};

/// Label of the app's name on its pods.
const LABEL: &str = "app.kubernetes.io/instance";

/// Time between two watches. The API server ends each one after half an hour or more.
const BETWEEN: Duration = Duration::from_secs(1);

/// Watch of an app's pods on the bed's own cluster. It keeps the file up to date, and ends with this value.
pub(super) struct Pods {
    watch: Arc<Watch>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Watch {
    is_over: AtomicBool,
    /// The program that watches now. `None` means that there is none.
    kubectl: Mutex<Option<Child>>,
}

impl Pods {
    /// Begins to watch. The file holds no targets at first.
    pub(super) fn watch(layout: &Layout, namespace: &str, app: &str, file: &Path) -> Result<Self> {
        write(file, &BTreeMap::new())?;
        let selector = format!("{LABEL}={app}");
        let args = ["get", "pods", "--watch", "--output-watch-events", "--output", "json"];
        let mut kubectl = kubectl_command(layout);
        kubectl.args(["--namespace", namespace, "--selector", &selector]).args(args);
        let log = layout.at("log/prometheus-pods-watch.log");
        let _ = fs::remove_file(&log);
        let (watch, file) = (Arc::new(Watch::default()), file.to_owned());
        let writer = spawn({
            let watch = watch.clone();
            move || watch.until_over(&kubectl, &file, &log)
        });
        Ok(Self { watch, writer: Some(writer) })
    }
}

impl Watch {
    fn until_over(&self, kubectl: &Command, file: &Path, log: &Path) {
        while !self.is_over.load(Ordering::SeqCst) {
            // The next watch may work, and the log has why this one did not.
            if let Ok(mut log) = File::options().create(true).append(true).open(log)
                && let Err(error) = self.once(kubectl, file, &log)
            {
                let _ = writeln!(log, "{error}");
            }
            sleep(BETWEEN);
        }
    }

    /// Watches until kubectl ends. Its messages go to the log.
    fn once(&self, kubectl: &Command, file: &Path, log: &File) -> Result<()> {
        let mut kubectl = ending_with_us(kubectl, "KILL");
        let mut child = kubectl.stdout(Stdio::piped()).stderr(log.try_clone()?).spawn()?;
        let events = child.stdout.take().ok_or("kubectl has no output")?;
        *self.kubectl() = Some(child);
        if self.is_over.load(Ordering::SeqCst) {
            self.end();
        }
        let kept = keep(events, file);
        self.end();
        kept
    }

    /// Ends kubectl. One that has ended by itself is no fault.
    fn end(&self) {
        if let Some(mut child) = self.kubectl().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn kubectl(&self) -> MutexGuard<'_, Option<Child>> {
        self.kubectl.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        self.watch.is_over.store(true, Ordering::SeqCst);
        self.watch.end();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Returns the scrape job that reads `/metrics` of the pods in the file.
pub(super) fn scrape(file: &Path) -> String {
    let file = file.display();
    format!(
        "- {{ job_name: pods, file_sd_configs: [{{ files: [\"{file}\"], refresh_interval: 1s }}] }}\n"
    )
}

/// Writes the file after each event, until there are no more.
fn keep(events: impl Read, file: &Path) -> Result<()> {
    let mut targets = BTreeMap::new();
    for event in Deserializer::from_reader(BufReader::new(events)).into_iter::<Value>() {
        note(&mut targets, &event?);
        write(file, &targets)?;
    }
    Ok(())
}

/// Notes one event of a watch: the addresses of each pod that runs, by its name.
fn note(targets: &mut BTreeMap<String, Vec<String>>, event: &Value) {
    let text = |path| event.pointer(path).and_then(Value::as_str);
    let Some(pod) = text("/object/metadata/name") else { return };
    let runs = text("/type") != Some("DELETED") && text("/object/status/phase") == Some("Running");
    match text("/object/status/podIP") {
        Some(ip) if runs => {
            let containers = event.pointer("/object/spec/containers").and_then(Value::as_array);
            let ports = containers.into_iter().flatten().filter_map(|one| one.get("ports"));
            let ports = ports.filter_map(Value::as_array).flatten();
            let ports = ports.filter_map(|port| port.get("containerPort")?.as_u64());
            targets.insert(pod.to_owned(), ports.map(|port| format!("{ip}:{port}")).collect());
        }
        _ => {
            targets.remove(pod);
        }
    }
}

/// Writes the file at once: Prometheus never reads a half of it.
fn write(file: &Path, targets: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let groups = targets
        .iter()
        .map(|(pod, targets)| json!({ "targets": targets, "labels": { "pod": pod } }));
    let new: PathBuf = file.with_extension("new");
    fs::write(&new, Value::from_iter(groups).to_string())?;
    Ok(fs::rename(new, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, name: &str, ip: Option<&str>, phase: &str) -> String {
        let container = json!({ "ports": [{ "containerPort": 8080 }] });
        json!({
            "type": kind,
            "object": {
                "metadata": { "name": name },
                "spec": { "containers": [container] },
                "status": { "podIP": ip, "phase": phase },
            },
        })
        .to_string()
    }

    #[test]
    fn the_file_has_the_pods_that_run() {
        let folder = std::env::temp_dir().join(format!("windlass-pods-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("pods.json");
        let events = [
            event("ADDED", "a", None, "Pending"),
            event("MODIFIED", "a", Some("10.0.0.1"), "Running"),
            event("ADDED", "b", Some("10.0.0.2"), "Running"),
            event("MODIFIED", "b", Some("10.0.0.2"), "Failed"),
            event("ADDED", "c", Some("10.0.0.3"), "Running"),
            event("DELETED", "c", Some("10.0.0.3"), "Running"),
        ];
        keep(events.concat().as_bytes(), &file).unwrap();
        let found: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(found, json!([{ "targets": ["10.0.0.1:8080"], "labels": { "pod": "a" } }]));
        keep("{".as_bytes(), &file).unwrap_err();
        fs::remove_dir_all(folder).unwrap();
    }
}
