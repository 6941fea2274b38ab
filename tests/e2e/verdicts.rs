//! What is wrong with a release, caused for real: each case is an app of its own, all side by side.

use crate::cases::{Case, HELPER, apply, judged, own, python, stand};
use windlass_tests::Stand;

/// Answers every GET with this status, after so many seconds.
fn answers(status: u32, after: u32) -> String {
    format!(
        "import http.server as h, time\nclass A(h.BaseHTTPRequestHandler):\n  def do_GET(s):\n    time.sleep({after}); s.send_response({status}); s.end_headers()\nh.ThreadingHTTPServer(('', 8080), A).serve_forever()"
    )
}

/// Takes a connection, and ends it without an answer.
const RESETS: &str =
    "import socket\ns = socket.create_server(('', 8080))\nwhile True: s.accept()[0].close()";

/// An app of one Deployment of its own that runs this. `field`: as of [`own`].
fn runs(name: &'static str, code: &'static str, command: &str, field: &str) -> Case {
    let mut case = own(name, code, HELPER, field);
    case.manifest = case.manifest.map(|text| text.replace("[sleep, '600']", command));
    case
}

/// Two pods, so that what is only likely is believed sooner.
const TWO: &str = "replicas = 2\n";

#[test]
fn what_a_container_says() {
    let (stand, repository) = stand("t-says", "privileged");
    // It runs, says nothing, and is never ready: only its Deployment's own time tells.
    let mut stuck = own(
        "stuck",
        "not-ready-in-time",
        HELPER,
        "CONTAINER readinessProbe: { exec: { command: ['false'] } }",
    );
    let soon = |text: String| {
        text.replace("  replicas: 1", "  replicas: 1\n  progressDeadlineSeconds: 20")
    };
    stuck.manifest = stuck.manifest.map(soon);
    // An init container that has done its work is still to be seen.
    let mut prepared = own(
        "prepared",
        "not-listening",
        HELPER,
        "CONTAINER readinessProbe: { tcpSocket: { port: 9999 } }",
    );
    let init =
        "      initContainers: [{ name: migrate, image: $WINDLASS_IMAGE, command: ['true'] }]\n";
    prepared.manifest = prepared.manifest.map(|text| text + init);
    let mut subpath = own(
        "subpath",
        "container-config-unusable",
        HELPER,
        "CONTAINER volumeMounts: [{ name: ca, mountPath: /ca, subPath: ca.crt/x }]",
    );
    let volume = "      volumes: [{ name: ca, configMap: { name: kube-root-ca.crt } }]\n";
    subpath.manifest = subpath.manifest.map(|text| text + volume);
    // Its pods say that they are of somebody else's.
    let init = "initContainers: [{ name: wait, image: $WINDLASS_IMAGE, command: [sh, -c, 'echo no such queue; exit 1'] }]";
    let mut labelled = own("labelled", "init-fails", HELPER, init);
    let instance = "labels: { own: labelled, app.kubernetes.io/instance: chart, app.kubernetes.io/component: web }";
    labelled.manifest =
        labelled.manifest.map(|text| text.replace("labels: { own: labelled }", instance));
    let cases = [
        labelled,
        Case::of("denied", "not-executable", "command = [\"/etc/passwd\"]"),
        Case::of("format", "exec-format", "command = [\"/bad\"]"),
        Case::of("returns", "app-returns", "command = [\"true\"]"),
        Case::of(
            "segfault",
            "native-crash",
            "command = [\"sh\", \"-c\", \"python3 -c 'import ctypes; ctypes.string_at(0)'; exit $?\"]",
        ),
        Case::of(
            "liveness",
            "liveness-kills",
            "processes.web.probes.liveness = { command = [\"false\"], period-seconds = 1, failures = 1 }\nprocesses.web.probes.readiness.http = \"/nope\"\nprocesses.web.termination = { pre-stop-seconds = 0, drain-seconds = 1 }",
        ),
        Case::of(
            "refused",
            "not-listening",
            &format!("{TWO}processes.web.probes.readiness = {{ tcp = true, port = 9999 }}"),
        ),
        Case::of(
            "path",
            "health-path-missing",
            &format!("{TWO}processes.web.probes.readiness.http = \"/nope\""),
        ),
        Case::of(
            "login",
            "health-refused",
            &format!(
                "{TWO}{}processes.web.probes.readiness.http = \"/\"",
                python(&answers(401, 0))
            ),
        ),
        Case::of(
            "resets",
            "no-http-answer",
            &format!("{TWO}{}processes.web.probes.readiness.http = \"/\"", python(RESETS)),
        ),
        Case::of(
            "unwell",
            "health-unwell",
            &format!(
                "{TWO}{}processes.web.probes.readiness.http = \"/\"",
                python(&answers(503, 0))
            ),
        ),
        Case::of(
            "slow",
            "health-slow",
            &format!(
                "{TWO}{}processes.web.probes.readiness = {{ http = \"/\", timeout-seconds = 1 }}",
                python(&answers(200, 3))
            ),
        ),
        Case::of(
            "evicted",
            "node-pressure",
            &format!(
                "{TWO}resources.ephemeral-storage = \"16Mi\"\n{}",
                python("open('/tmp/x', 'wb').write(b'x' * (64 << 20)); import time; time.sleep(600)")
            ),
        ),
        own("init", "init-fails", HELPER, "initContainers: [{ name: wait, image: $WINDLASS_IMAGE, command: [sh, -c, 'echo no database; exit 1'] }]"),
        // A sidecar that ended once, before the app, and runs.
        runs(
            "beside",
            "app-crashes",
            "[sh, -c, 'echo no table; exit 3']",
            "volumes: [{ name: kept, emptyDir: {} }]\n      initContainers: [{ name: proxy, image: $WINDLASS_IMAGE, restartPolicy: Always, command: [sh, -c, 'test -e /kept/x || { touch /kept/x && exit 1; }; sleep 600'], volumeMounts: [{ name: kept, mountPath: /kept }] }]",
        ),
        // A sidecar that returns.
        own("sidecar", "init-fails", HELPER, "initContainers: [{ name: proxy, image: $WINDLASS_IMAGE, restartPolicy: Always, command: ['true'] }]"),
        // Its probe has it ended, which it does well. Without the other probe it would be ready for long enough
        // between two ends, on a node that is busy.
        runs(
            "asked",
            "liveness-kills",
            "[sh, -c, 'trap \"exit 0\" TERM; sleep 600 & wait']",
            "CONTAINER livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 3 }, readinessProbe: { exec: { command: ['false'] } }",
        ),
        own("root", "user-refused", HELPER, "securityContext: { runAsNonRoot: true }"),
        own("zero", "user-refused", HELPER, "securityContext: { runAsNonRoot: true, runAsUser: 0 }"),
        own("config", "config-missing", HELPER, "CONTAINER envFrom: [{ configMapRef: { name: missing } }]"),
        own("key", "config-key-missing", HELPER, "CONTAINER env: [{ name: A, valueFrom: { configMapKeyRef: { name: kube-root-ca.crt, key: missing } } }]"),
        own("name", "image-name-invalid", "r.example/${IMAGE}", ""),
        own("never", "image-never-pulled", "r.example/never:1", "CONTAINER imagePullPolicy: Never"),
        Case {
            name: "job",
            code: "job-failed",
            spec: "processes.web.off = true\nmanifests = [\"own/job.yaml\"]\n".into(),
            manifest: Some("apiVersion: batch/v1\nkind: Job\nmetadata: { name: seed }\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{ name: seed, image: $WINDLASS_IMAGE, command: [sh, -c, 'echo no such table; exit 1'] }]\n".into()),
        },
        stuck,
        prepared,
        subpath,
    ];
    judged(&stand, &repository, &cases);
}

#[test]
fn what_no_node_takes() {
    let (stand, repository) = stand("t-nodes", "privileged");
    let _ = stand.fresh_namespace();
    // An earlier run's.
    forget(&stand, "--wait=true");
    tainted_node(&stand);
    // A disk of another node.
    apply(
        &stand,
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: { name: t-nodes-elsewhere, labels: { test: t-nodes } }\nspec:\n  capacity: { storage: 1Gi }\n  accessModes: [ReadWriteOnce]\n  storageClassName: t-nodes-elsewhere\n  hostPath: { path: /tmp }\n  persistentVolumeReclaimPolicy: Retain\n  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [elsewhere] }] }] } }\n",
    );
    let cases = [
        Case::of("taint", "taint", "processes.web.placement.nodes = { pool = \"t-nodes\" }"),
        Case::of("labels", "no-node-matches", "processes.web.placement.nodes = { disk = \"ssd\" }"),
        Case::of(
            "unbound",
            "volume-unbound",
            "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\", class = \"none-such\" }",
        ),
        Case::of(
            "claim",
            "volume-unbound",
            "processes.web.volumes.data = { path = \"/data\", claim = \"none-such\" }",
        ),
        Case::of(
            "elsewhere",
            "volume-elsewhere",
            "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\", class = \"t-nodes-elsewhere\" }",
        ),
        Case::of(
            "mount",
            "mount-missing",
            "processes.web.volumes.tls = { path = \"/tls\", secret = \"none-such\" }",
        ),
        own(
            "ports",
            "port-taken",
            HELPER,
            "REPLICAS CONTAINER ports: [{ containerPort: 8080, hostPort: 21999 }]",
        ),
        own(
            "apart",
            "spread-impossible",
            HELPER,
            "REPLICAS affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { own: apart } } }] } }",
        ),
    ];
    judged(&stand, &repository, &cases);
    forget(&stand, "--wait=false");
}

/// A disk goes once nobody claims it: while the namespace is there, nobody waits for that.
fn forget(stand: &Stand, wait: &str) {
    let _ =
        stand.kubectl(&["delete", "persistentvolumes,nodes", "--selector", "test=t-nodes", wait]);
}

/// A node that only its taint keeps pods off; nothing runs there.
fn tainted_node(stand: &Stand) {
    apply(
        stand,
        "apiVersion: v1\nkind: Node\nmetadata: { name: t-nodes-tainted, labels: { pool: t-nodes, test: t-nodes } }\nspec: { taints: [{ key: dedicated, value: gpu, effect: NoSchedule }] }\n",
    );
    let status = "{\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"100\"},\"capacity\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"100\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Test\",\"lastHeartbeatTime\":\"2100-01-01T00:00:00Z\"}]}}";
    let _ = stand.kubectl(&[
        "patch",
        "node",
        "t-nodes-tainted",
        "--subresource=status",
        "--type=merge",
        "--patch",
        status,
    ]);
}

#[test]
fn what_the_api_server_refuses() {
    let (stand, repository) = stand("t-refused", "baseline");
    let namespace = stand.fresh_namespace();
    let level = "pod-security.kubernetes.io/enforce=baseline";
    let _ = stand.kubectl(&["label", "namespace", &namespace, level]);
    apply(
        &stand,
        &format!(
            "apiVersion: v1\nkind: LimitRange\nmetadata: {{ name: small, namespace: {namespace} }}\nspec: {{ limits: [{{ type: Container, max: {{ memory: 256Mi }} }}] }}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{ name: t-refused, labels: {{ test: t-refused }} }}\nspec:\n  matchConstraints: {{ resourceRules: [{{ apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [pods] }}] }}\n  validations: [{{ expression: \"!('deny' in object.metadata.labels)\", message: images must come from the house }}]\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{ name: t-refused, labels: {{ test: t-refused }} }}\nspec: {{ policyName: t-refused, validationActions: [Deny], matchResources: {{ namespaceSelector: {{ matchLabels: {{ kubernetes.io/metadata.name: {namespace} }} }} }} }}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{ name: t-refused, labels: {{ test: t-refused }} }}\nwebhooks: [{{ name: policy.example.com, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Fail, timeoutSeconds: 2, clientConfig: {{ url: \"https://127.0.0.1:9/\" }}, objectSelector: {{ matchLabels: {{ asked: \"yes\" }} }}, rules: [{{ apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [pods] }}] }}]\n"
        ),
    );
    let cases = [
        Case::of(
            "limits",
            "limit-range",
            "resources = { memory = \"300Mi\", memory-limit = \"300Mi\" }",
        ),
        Case::of("account", "account-missing", "service-account.name = \"none-such\""),
        Case::of("policy", "webhook-denies", "labels.deny = \"yes\""),
        Case::of(
            "webhook",
            "webhook-down",
            "labels.asked = \"yes\"\nprocesses.worker.command = [\"sleep\", \"600\"]",
        ),
        own("security", "pod-security", HELPER, "hostNetwork: true"),
        Case {
            manifest: Some("apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: { name: shop }\nspec: {}\n".into()),
            ..Case::of("kind", "kind-missing", "manifests = [\"own/kind.yaml\"]")
        },
        Case::of("balancer", "no-address", "expose.service = \"load-balancer\""),
        Case::of(
            "set",
            "volume-unbound",
            "processes.web = { stateful = true, volumes.data = { path = \"/data\", size = \"1Gi\", class = \"none-such\" } }",
        ),
    ];
    judged(&stand, &repository, &cases);
    // The same StatefulSet with a larger disk.
    let larger = "processes.web = { stateful = true, volumes.data = { path = \"/data\", size = \"2Gi\", class = \"none-such\" } }";
    judged(&stand, &repository, &[Case::of("set", "field-immutable", larger)]);
    let kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings,validatingwebhookconfigurations";
    let _ = stand.kubectl(&["delete", kinds, "--selector", "test=t-refused"]);
}

/// Somebody turns the Service away from the pods while they come up.
#[test]
fn a_service_that_leads_nowhere() {
    let (stand, repository) = stand("t-nowhere", "baseline");
    repository.commit("one").unwrap();
    let id = stand.submit_detached("app", repository.url(), &[]);
    let applied = stand.await_event(&id, |event| {
        event["step"]["what"].as_str().is_some_and(|what| what.starts_with("wait"))
    });
    assert!(applied.is_some(), "{:#?}", stand.events(&id));
    let patch = "{\"spec\":{\"selector\":{\"app.kubernetes.io/name\":\"other\"}}}";
    let namespace = stand.namespace();
    let _ = stand.kubectl(&["-n", &namespace, "patch", "service", "app", "--patch", patch]);
    let _ = stand.watch(&id).failed_with("release", "no-endpoints");
}

#[test]
fn a_namespace_that_is_being_deleted() {
    let (stand, repository) = stand("t-leaving", "baseline");
    let namespace = stand.fresh_namespace();
    let held = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: held, namespace: {namespace}, finalizers: [example.com/held] }}\n"
    );
    apply(&stand, &held);
    let _ = stand.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
    repository.commit("one").unwrap();
    let text =
        stand.submit("app", repository.url(), &[]).failed_with("release", "namespace-terminating");
    assert!(text.contains(&namespace), "{text}");
    let free = "{\"metadata\":{\"finalizers\":null}}";
    let _ = stand.kubectl(&[
        "-n",
        &namespace,
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "--patch",
        free,
    ]);
}
