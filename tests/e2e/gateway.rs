//! Requests through a real gateway, and routes that the gateway refuses.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread::scope,
};
use windlass_bed::{layout::port, part::gateway};
use windlass_tests::{SMALL, TestEnv};

#[test]
fn a_route_is_taken_or_its_refusal_is_reported() {
    windlass_tests::gateway();
    let env = TestEnv::new("t-gateway");
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    let own = format!(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: own
spec:
  hostnames: [own.bed.test]
  parentRefs: [{{ name: public, namespace: {} }}]
  rules:
    - backendRefs: [{{ name: kubernetes, namespace: default, port: 443 }}]
",
        gateway::NAMESPACE
    );
    repository.write("own.yaml", &own).unwrap();
    repository.commit("one").unwrap();
    let route = |gateway: &str, host: &str| {
        format!(
            "expose = {{ gateway = \"{}/{gateway}\", hosts = [\"{host}\"] }}\n{SMALL}",
            gateway::NAMESPACE
        )
    };
    // App, configuration, and a text of the diagnosis. An empty text means that the route is accepted.
    let cases = [
        ("taken", route("public", "shop.bed.test"), ""),
        ("host", route("public", "shop.example.com"), "no listener of the gateway is for"),
        ("space", route("private", "shop.bed.test"), "takes no routes from this namespace"),
        (
            "own",
            format!("manifests = [\"own.yaml\"]\n{SMALL}"),
            "leads into a namespace that does not allow it",
        ),
    ];
    scope(|scope| {
        for (app, spec, refusal) in &cases {
            let (env, repository) = (&env, &repository);
            scope.spawn(move || {
                let file = env.spec_file(app, spec);
                let ended = env.submit(app, repository.url(), &["--spec", &file]);
                if refusal.is_empty() {
                    ended.succeeded();
                } else {
                    let text = ended.failed_with("release", "route-refused");
                    assert!(text.contains(refusal), "{text}");
                }
            });
        }
    });
    let page = through_the_gateway("shop.bed.test");
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("one\n"), "{page}");
}

/// Returns the whole answer to a request for this host.
fn through_the_gateway(host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port::GATEWAY)).unwrap();
    let head = format!("GET /index.html HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
