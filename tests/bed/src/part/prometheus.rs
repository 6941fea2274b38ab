//! A Prometheus that reads the metrics of a daemon every second. Only tests of metrics start it.

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

/// Name of the job under which the daemon is read, as the alert rules have it.
pub const JOB: &str = "windlass";

/// A Prometheus that runs, without data at first.
pub struct Prometheus {
    _running: Running,
}

/// Starts Prometheus in an empty folder. It reads `/metrics` at this port of loopback, and evaluates the repository's
/// alert rules. The first call fetches it.
pub fn up(layout: &Layout, admin: u16) -> Result<Prometheus> {
    let programs = install::prometheus(layout)?;
    let folder = layout.at("prometheus");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let config = folder.join("prometheus.yml");
    let text = format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
         rule_files: [\"{}\"]\n\
         scrape_configs:\n\
         - {{ job_name: {JOB}, static_configs: [{{ targets: [\"127.0.0.1:{admin}\"] }}] }}\n",
        rules().join("rules.yaml").display()
    );
    fs::write(&config, text)?;
    let log = layout.at("log/prometheus.log");
    let args = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{}", port::PROMETHEUS),
        "--log.level=warn".to_owned(),
    ];
    let mut running = start("prometheus", &log, &programs.join("prometheus"), args)?;
    await_ready(&mut running, &log, Duration::from_secs(30), || get("/-/ready").is_ok())?;
    Ok(Prometheus { _running: running })
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
    /// Returns the value of an expression that has one series. `None` means that it has none now.
    pub fn value(&self, expression: &str) -> Result<Option<f64>> {
        let answer = get(&format!("/api/v1/query?query={}", encoded(expression)))?;
        let value = answer.pointer("/data/result/0/value/1").and_then(Value::as_str);
        Ok(value.map(str::parse::<f64>).transpose()?)
    }

    /// Returns all rules, each with its name and the fault of its last evaluation. An empty fault means none.
    pub fn rules(&self) -> Result<Vec<(String, String)>> {
        let answer = get("/api/v1/rules")?;
        let groups = answer.pointer("/data/groups").and_then(Value::as_array);
        let rules = groups.into_iter().flatten().filter_map(|group| group.get("rules")?.as_array());
        let text = |rule: &Value, key: &str| {
            rule.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(rules.flatten().map(|rule| (text(rule, "name"), text(rule, "lastError"))).collect())
    }
}

/// Asks Prometheus. An answer that is no JSON is null.
fn get(path: &str) -> Result<Value> {
    let page = fetch("127.0.0.1", port::PROMETHEUS, path)?;
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
