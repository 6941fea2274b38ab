//! An app that ends until another workload of its release is there: its first release succeeds.

use windlass_tests::{SMALL, Stand, dockerfile};

/// A database that takes its time to come up, at a fixed address: pods of the bed have no DNS.
fn store(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: store }}\nspec: {{ clusterIP: {address}, selector: {{ own: store }}, ports: [{{ port: 5432 }}] }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: store }}\nspec:\n  selector: {{ matchLabels: {{ own: store }} }}\n  template:\n    metadata: {{ labels: {{ own: store }} }}\n    spec:\n      terminationGracePeriodSeconds: 1\n      containers:\n        - name: store\n          image: $WINDLASS_IMAGE\n          command: [python3, store.py]\n          readinessProbe: {{ tcpSocket: {{ port: 5432 }}, periodSeconds: 2 }}\n"
    )
}

const STORE: &str = "import socketserver, time\ntime.sleep(40)\nsocketserver.TCPServer((\"\", 5432), socketserver.BaseRequestHandler).serve_forever()\n";
const WAIT: &str = "import os, socket, sys\ntry:\n    socket.create_connection((os.environ[\"STORE\"], 5432), timeout=2).close()\nexcept OSError as why:\n    sys.exit(f\"no database: {why}\")\n";
const WEB: &str = "import http.server\nhttp.server.ThreadingHTTPServer((\"\", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()\n";

/// A stand with a repository of these programs.
fn stand(name: &'static str, address: &str, spec: &str) -> (Stand, windlass_bed::Repository) {
    let (stand, text) = (Stand::new(name), dockerfile());
    let repository = stand.small_app();
    let text = text.replace("COPY index.html ./", "COPY index.html store.py wait.py web.py ./");
    let store = store(address);
    for (file, text) in [
        ("Dockerfile", text.as_str()),
        ("store.py", STORE),
        ("wait.py", WAIT),
        ("web.py", WEB),
        ("deploy/store.yaml", store.as_str()),
        ("windlass.toml", spec),
    ] {
        repository.write(file, text).unwrap();
    }
    let _ = stand.fresh_namespace();
    (stand, repository)
}

#[test]
fn a_web_that_ends_until_its_database_is_there() {
    let address = "10.96.200.200";
    let spec = format!(
        "manifests = [\"deploy/store.yaml\"]\nenv = {{ STORE = \"{address}\" }}\ncommand = [\"sh\", \"-c\", \"python3 wait.py && exec python3 web.py\"]\n{SMALL}"
    );
    let (stand, repository) = stand("t-waits", address, &spec);
    repository.commit("one").unwrap();
    stand.submit("app", repository.url(), &[]).succeeded();
    stand.serves("app", "one");
}

#[test]
fn an_init_container_that_ends_until_its_database_is_there() {
    let address = "10.96.200.201";
    let spec =
        "processes.web.off = true\nmanifests = [\"deploy/store.yaml\", \"deploy/front.yaml\"]\n";
    let (stand, repository) = stand("t-waits-init", address, spec);
    let front = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: front }}\nspec:\n  selector: {{ matchLabels: {{ own: front }} }}\n  template:\n    metadata: {{ labels: {{ own: front }} }}\n    spec:\n      terminationGracePeriodSeconds: 1\n      initContainers: [{{ name: database, image: $WINDLASS_IMAGE, command: [python3, wait.py], env: [{{ name: STORE, value: {address} }}] }}]\n      containers: [{{ name: front, image: $WINDLASS_IMAGE, command: [python3, web.py], readinessProbe: {{ tcpSocket: {{ port: 8080 }}, periodSeconds: 2 }} }}]\n"
    );
    repository.write("deploy/front.yaml", &front).unwrap();
    repository.commit("one").unwrap();
    stand.submit("app", repository.url(), &[]).succeeded();
}
