//! Releases that must fail, each for its own reason, all at once.

use std::time::Instant;
use windlass_bed::{Repository, daemon::Config};
use windlass_tests::{Stand, bed, dockerfile};

/// One app, and what is wrong with it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What it must be called.
    pub(crate) code: &'static str,
    /// What it says of itself.
    pub(crate) spec: String,
    /// An object of its own.
    pub(crate) manifest: Option<String>,
}

impl Case {
    pub(crate) fn of(name: &'static str, code: &'static str, spec: &str) -> Self {
        // A table of the case's own goes last.
        let small = match spec.contains("resources") {
            true => String::new(),
            false => "resources = { cpu = \"10m\", memory = \"32Mi\" }\n".to_owned(),
        };
        Self { name, code, spec: small + spec + "\n", manifest: None }
    }

    /// The last words of a program of its own.
    fn says(&self) -> Option<&str> {
        self.manifest.as_ref()?.split_once("echo ")?.1.split(';').next()
    }
}

/// A program that serves at once.
pub(crate) const SERVE: &str =
    "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8080)";

/// The app is this program.
pub(crate) fn python(code: &str) -> String {
    format!("command = [\"python3\", \"-c\", {code:?}]\n")
}

/// An image of root that is on every node of the bed.
pub(crate) const HELPER: &str = "HELPER";

/// An app of one Deployment of its own. `field`: of the pod's spec; after `CONTAINER` of its
/// container's; after `REPLICAS` there are two pods.
pub(crate) fn own(name: &'static str, code: &'static str, image: &str, field: &str) -> Case {
    let (replicas, field) = match field.strip_prefix("REPLICAS ") {
        Some(field) => (2, field),
        None => (1, field),
    };
    let (of_container, of_pod) = match field.strip_prefix("CONTAINER ") {
        Some(field) => (format!(", {field}"), String::new()),
        None => (String::new(), field.to_owned()),
    };
    let helper = format!("{}/library/python:3.11-slim", bed().registry());
    let image = if image == HELPER { &helper } else { image };
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {name}-own }}\nspec:\n  replicas: {replicas}\n  selector: {{ matchLabels: {{ own: {name} }} }}\n  template:\n    metadata: {{ labels: {{ own: {name} }} }}\n    spec:\n      terminationGracePeriodSeconds: 1\n      containers: [{{ name: own, image: \"{image}\", command: [sleep, '600']{of_container} }}]\n      {of_pod}\n"
    );
    let spec = format!("processes.web.off = true\nmanifests = [\"own/{name}.yaml\"]\n");
    Case { name, code, spec, manifest: Some(manifest) }
}

/// A daemon that runs many jobs at once, whose namespace has this pod security.
pub(crate) fn stand(name: &'static str, pod_security: &str) -> (Stand, Repository) {
    let mut config = Config::of(bed()).unwrap();
    config.more = "jobs = 24\n".into();
    config.cluster = format!("pod-security = \"{pod_security}\"");
    let stand = Stand::with(name, &config);
    let repository = Repository::new(&bed().layout, name, true).unwrap();
    let bad = "USER root\nRUN printf garbage > /bad && chmod 755 /bad\nUSER 10001\n";
    let text = dockerfile().replace("USER 10001\n", bad);
    repository.write("Dockerfile", &text).unwrap();
    repository.write("index.html", "one\n").unwrap();
    (stand, repository)
}

pub(crate) fn spec_file(stand: &Stand, name: &str, text: &str) -> String {
    let file = bed().layout.at(&format!("daemons/{}/{name}.toml", stand.name));
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Submits all, and expects of each its own code.
pub(crate) fn judged(stand: &Stand, repository: &Repository, cases: &[Case]) {
    for case in cases {
        if let Some(manifest) = &case.manifest {
            repository.write(&format!("own/{}.yaml", case.name), manifest).unwrap();
        }
    }
    repository.commit("cases").unwrap();
    let began = Instant::now();
    let jobs: Vec<_> = cases
        .iter()
        .map(|case| {
            let file = spec_file(stand, case.name, &case.spec);
            let id = stand.submit_detached(case.name, repository.url(), &["--spec", &file]);
            (case, id)
        })
        .collect();
    let mut wrong = Vec::new();
    for (case, id) in jobs {
        let ended = stand.watch(&id);
        let seconds = began.elapsed().as_secs_f32();
        println!("{}: {} after {seconds:.1} s", case.name, ended.diagnosis["code"]);
        if ended.diagnosis["code"] != case.code || ended.diagnosis["stage"] != "release" {
            let told = if ended.diagnosis.is_null() {
                ended.text.clone()
            } else {
                ended.diagnosis.to_string()
            };
            wrong.push(format!("{} must be {}: {told}", case.name, case.code));
        }
        if ended.diagnosis.is_null() {
            continue;
        }
        if let Some(said) = case.says()
            && !ended.diagnosis["evidence"].to_string().contains(said)
        {
            wrong.push(format!("{} does not quote `{said}`: {:#}", case.name, ended.diagnosis));
        }
        let fixes = ended.diagnosis["fixes"].as_array().map_or(0, Vec::len);
        if fixes == 0 || ended.diagnosis["reference"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("{} has no fix or no page: {:#}", case.name, ended.diagnosis));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Applies objects as the cluster's admin.
pub(crate) fn apply(stand: &Stand, text: &str) {
    let file = bed().layout.at(&format!("daemons/{}/applied.yaml", stand.name));
    std::fs::write(&file, text).unwrap();
    let _ = stand.kubectl(&["apply", "--filename", &file.display().to_string()]);
}
