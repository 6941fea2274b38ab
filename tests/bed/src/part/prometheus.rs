//! A Prometheus that reads the metrics of a daemon, of the gateway, or of pods every second. Only tests of metrics and the
//! demo start it.

use crate::{
    Layout, Result, build,
    daemon::fetch,
    install,
    layout::port,
    process::{Running, await_ready, run, start},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

mod pods;

use pods::Pods;

/// Name of the job under which the daemon is read, as the alert rules have it.
pub const JOB: &str = "windlass";

/// Name of the job under which the gateway is read.
pub const GATEWAY_JOB: &str = "traefik";

/// A Prometheus that runs, without data at first.
pub struct Prometheus {
    _running: Running,
    port: u16,
    /// `None` means that it reads fixed addresses.
    _pods: Option<Pods>,
}

/// A Prometheus to start: its name and port, and what it reads.
struct Wanted {
    name: &'static str,
    port: u16,
    /// Item of `scrape_configs`.
    scrape: String,
    /// The repository's alert rules are evaluated.
    has_rules: bool,
}

/// Starts Prometheus in an empty folder. It reads `/metrics` of a daemon at this port of loopback, and evaluates the
/// repository's alert rules. The first call fetches it.
pub fn up(layout: &Layout, admin: u16) -> Result<Prometheus> {
    let scrape = fixed(JOB, admin);
    Wanted { name: "prometheus", port: port::PROMETHEUS, scrape, has_rules: true }.up(layout)
}

/// Starts a Prometheus in an empty folder that reads the bed's gateway. It may run beside that of [`up`]. The first
/// call fetches it.
pub fn of_gateway(layout: &Layout) -> Result<Prometheus> {
    let wanted = Wanted {
        name: "prometheus-gateway",
        port: port::GATEWAY_PROMETHEUS,
        scrape: fixed(GATEWAY_JOB, port::GATEWAY_ADMIN),
        has_rules: false,
    };
    wanted.up(layout)
}

/// Starts a Prometheus in an empty folder that reads the pods of an app on the bed's own cluster, whose series get the
/// label `pod`. It may run beside the others. The first call fetches it.
pub fn of_pods(layout: &Layout, namespace: &str, app: &str) -> Result<Prometheus> {
    let name = "prometheus-pods";
    // Beside its folder, which is emptied.
    let file = layout.at("prometheus-pods.json");
    let pods = Pods::watch(layout, namespace, app, &file)?;
    let scrape = pods::scrape(&file);
    let wanted = Wanted { name, port: port::PODS_PROMETHEUS, scrape, has_rules: false };
    Ok(Prometheus { _pods: Some(pods), ..wanted.up(layout)? })
}

/// Returns a job that reads `/metrics` at a port of loopback.
fn fixed(job: &str, port: u16) -> String {
    format!("- {{ job_name: {job}, static_configs: [{{ targets: [\"127.0.0.1:{port}\"] }}] }}\n")
}

impl Wanted {
    fn up(&self, layout: &Layout) -> Result<Prometheus> {
        let programs = install::prometheus(layout)?;
        let folder = layout.at(self.name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let config = folder.join("prometheus.yml");
        fs::write(&config, self.config())?;
        let log = layout.at(&format!("log/{}.log", self.name));
        let port = self.port;
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--log.level=warn".to_owned(),
        ];
        let mut running = start(self.name, &log, &programs.join("prometheus"), args)?;
        await_ready(&mut running, &log, Duration::from_secs(30), || get(port, "/-/ready").is_ok())?;
        Ok(Prometheus { _running: running, port, _pods: None })
    }

    /// Returns the file `prometheus.yml`.
    fn config(&self) -> String {
        let mut text =
            "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\n"
                .to_owned();
        if self.has_rules {
            text.push_str(&format!("rule_files: [\"{}\"]\n", rules().join("rules.yaml").display()));
        }
        text.push_str("scrape_configs:\n");
        text.push_str(&self.scrape);
        text
    }
}

/// Returns the folder of the alert rules and their tests.
#[must_use]
pub fn rules() -> PathBuf {
    build::root().join("deploy/monitoring")
}

/// Runs `promtool` to its end in a folder, and returns what it printed.
pub fn promtool(layout: &Layout, folder: &Path, args: &[&str]) -> Result<String> {
    let program = install::prometheus(layout)?.join("promtool");
    run(Command::new(program).current_dir(folder).args(args))
}

impl Prometheus {
    /// Returns the address for a client.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the value of an expression that has one series. `None` means that it has none now.
    pub fn value(&self, expression: &str) -> Result<Option<f64>> {
        let answer = get(self.port, &format!("/api/v1/query?query={}", encoded(expression)))?;
        let value = answer.pointer("/data/result/0/value/1").and_then(Value::as_str);
        Ok(value.map(str::parse::<f64>).transpose()?)
    }

    /// Returns all rules, each with its name and the fault of its last evaluation. An empty fault means none.
    pub fn rules(&self) -> Result<Vec<(String, String)>> {
        let answer = get(self.port, "/api/v1/rules")?;
        let groups = answer.pointer("/data/groups").and_then(Value::as_array);
        let rules = groups.into_iter().flatten().filter_map(|group| group.get("rules")?.as_array());
        let text = |rule: &Value, key: &str| {
            rule.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(rules.flatten().map(|rule| (text(rule, "name"), text(rule, "lastError"))).collect())
    }
}

/// Asks the Prometheus at this port. An answer that is no JSON is null.
fn get(port: u16, path: &str) -> Result<Value> {
    let page = fetch("127.0.0.1", port, path)?;
    if page.status != 200 {
        return Err(format!("{path}: {}: {}", page.status, page.body).into());
    }
    Ok(serde_json::from_str(&page.body).unwrap_or_default())
}

/// Returns a text as a part of a URL.
fn encoded(text: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_read_without_the_rules_of_a_daemon() {
        let of = |scrape, has_rules| Wanted { name: "p", port: 1, scrape, has_rules }.config();
        let text = of(fixed(GATEWAY_JOB, 2), false);
        assert!(text.contains("job_name: traefik") && text.contains("127.0.0.1:2"), "{text}");
        assert!(!text.contains("rule_files"), "{text}");
        assert!(of(fixed(JOB, 3), true).contains("rules.yaml"));
    }
}
