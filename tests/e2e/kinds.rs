//! An ordinary web company's app, with everything that a spec can request, on a real cluster: its plan, and what is
//! deleted when a spec does not request it any more.

use crate::ejected;
use serde_json::Value;
use std::path::Path;
use windlass_bed::daemon::Config;
use windlass_tests::{TestEnv, bed};

const WHOLE: &str = r#"
health = "/"
replicas = 2
manifests = ["own/seed.yaml"]
env = { COLOR = "blue" }
labels = { team = "shop" }
annotations = { "example.com/scrape" = "true" }
resources = { cpu = "10m", memory = "32Mi", ephemeral-storage = "64Mi" }
expose = { hosts = ["shop.example.com"], ingress-class = "public", tls-secret = "shop-tls" }
service-account = { token = true, annotations = { "example.com/role" = "shop" } }
network = { from = ["kube-system"], to = ["10.0.0.0/8:5432"] }

[processes.web]
ports = { metrics = 9090 }
autoscale = { max = 3, cpu = 60 }
volumes.tmp = { path = "/scratch", scratch = true, size = "16Mi" }
placement = { spread = "preferred", tolerations = [{ key = "dedicated" }] }

[processes.worker]
command = ["sh", "-c", "hostname > /spool/name && sleep 3600"]
stateful = true
replicas = 2
env = { QUEUE = "mail" }
probes.liveness = { command = ["test", "-s", "/spool/name"], period-seconds = 5 }
volumes.spool = { path = "/spool", size = "1Gi", class = "t-kinds" }
termination.drain-seconds = 1

[processes.files]
command = ["python3", "-m", "http.server", "9000"]
port = 9000
volumes.data = { path = "/data", size = "1Gi", class = "t-kinds" }
termination = { pre-stop-seconds = 0, drain-seconds = 1 }

[processes.nightly]
command = ["true"]
schedule = "30 3 * * *"
timezone = "Europe/Berlin"
"#;

const SEED: &str = "
apiVersion: batch/v1
kind: Job
metadata:
  name: seed
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: seed, image: $WINDLASS_IMAGE, command: ['true'] }]
";

/// Returns a `PersistentVolume` of the workload's class, in a folder of the bed.
fn volume(number: u32, path: &Path) -> String {
    format!(
        "
apiVersion: v1
kind: PersistentVolume
metadata:
  name: t-kinds-{number}
  labels: {{ test: t-kinds }}
spec:
  capacity: {{ storage: 1Gi }}
  accessModes: [ReadWriteOnce]
  storageClassName: t-kinds
  hostPath: {{ path: {} }}
",
        path.display()
    )
}

/// Returns the same spec without the worker, the nightly report and the Job.
fn less() -> String {
    let (before, _) = WHOLE.split_once("[processes.worker]").unwrap();
    let (_, files) = WHOLE.split_once("[processes.files]").unwrap();
    let (files, _) = files.split_once("[processes.nightly]").unwrap();
    let before = before.replace("manifests = [\"own/seed.yaml\"]\n", "").replace("blue", "green");
    format!("{before}\n[processes.files]{files}")
}

#[test]
fn all_that_can_be_said_is_made_and_goes_again() {
    let env = TestEnv::with("t-kinds", &Config::of(bed()).unwrap());
    // An earlier run may have left these.
    env.delete(&format!("namespace/{}", env.namespace()));
    env.delete("persistentvolumes --selector test=t-kinds");
    let folder = bed().layout.at("daemons/t-kinds/volumes");
    for number in 0..3 {
        let path = folder.join(number.to_string());
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .unwrap();
        env.apply(&volume(number, &path));
    }
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    repository.write("own/seed.yaml", SEED).unwrap();
    repository.commit("whole").unwrap();
    let whole = env.spec_file("whole", WHOLE);
    let source = ["plan", "t-kinds/app", "--repository", repository.url(), "--spec"];
    let plan = |file: &str| {
        let args = [&["--output", "json"][..], &source, &[file]].concat();
        let answer = env.daemon.windlass(&args).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
        serde_json::from_str::<Value>(answer.text.trim()).unwrap()
    };
    let verbs = |plan: &Value, verb: &str| -> Vec<String> {
        let changes = plan["changes"].as_array().unwrap().iter();
        let found = changes.filter(|change| change["verb"] == verb);
        found.map(|change| change["object"].as_str().unwrap().to_owned()).collect()
    };
    let planned = plan(&whole);
    assert_eq!(verbs(&planned, "create").len(), planned["manifests"].as_array().unwrap().len());
    assert_eq!(planned["decided_by"]["processes.web.autoscale.max"], "job");

    env.submit("app", repository.url(), &["--spec", &whole]).succeeded();
    env.serves("app", "one");
    assert_eq!(env.json("statefulset/app-worker")["status"]["readyReplicas"], 2);
    let name = |pod: &str| env.exec(pod, &["cat", "/spool/name"]);
    assert_eq!(
        (name("app-worker-0").trim(), name("app-worker-1").trim()),
        ("app-worker-0", "app-worker-1")
    );
    assert_eq!(env.json("cronjob/app-nightly")["spec"]["timeZone"], "Europe/Berlin");
    assert_eq!(env.json("hpa/app")["spec"]["minReplicas"], 2);
    assert_eq!(env.json("ingress/app")["spec"]["tls"][0]["secretName"], "shop-tls");
    assert_eq!(env.json("pdb/app")["spec"]["maxUnavailable"], 1);
    assert_eq!(env.json("deployment/app-files")["spec"]["strategy"]["type"], "Recreate");
    let jobs = env.json("jobs");
    assert!(jobs["items"][0]["metadata"]["name"].as_str().unwrap().starts_with("seed-"), "{jobs}");
    assert_eq!(jobs["items"][0]["status"]["succeeded"], 1);
    let listed = env.json("configmap/windlass-app")["data"]["objects"].to_string();
    assert!(listed.contains("app-nightly") && listed.contains("uid"), "{listed}");

    // The same spec again changes only what runs the image, which is not known before the build.
    let again = plan(&whole);
    for object in verbs(&again, "update") {
        let kind = object.split(' ').next().unwrap();
        assert!(["Deployment", "StatefulSet", "CronJob"].contains(&kind), "{object}: {again:#}");
    }

    ejected::is_the_same(&env, &source[1..4], &whole);

    let less = env.spec_file("less", &less());
    let planned = plan(&less);
    let deleted = verbs(&planned, "delete");
    for object in
        ["CronJob app-nightly", "PodDisruptionBudget app-worker", "Service app-worker-pods"]
    {
        assert!(deleted.iter().any(|one| one == object), "{object}: {deleted:?}");
    }
    assert!(deleted.iter().any(|one| one.starts_with("Job seed-")), "{deleted:?}");
    let ended = env.submit("app", repository.url(), &["--spec", &less]);
    ended.succeeded();
    assert!(
        ended.text.contains("StatefulSet app-worker is not in this release any more"),
        "{}",
        ended.text
    );
    let left = env.names("cronjobs,jobs,statefulsets,pvc");
    assert!(!left.contains("nightly") && !left.contains("seed"), "{left}");
    assert!(
        left.contains("statefulset.apps/app-worker") && left.contains("app-files-data"),
        "{left}"
    );
    env.serves("app", "one");
    env.delete_later("persistentvolumes --selector test=t-kinds");
}
