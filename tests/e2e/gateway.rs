//! Requests through a real gateway, and routes that it does not take.

use crate::cases::{Case, spec_file};
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread::scope,
};
use windlass_bed::{Report, layout::port, part::gateway};
use windlass_tests::{Stand, bed};

#[test]
fn a_route_is_taken_or_its_refusal_is_told() {
    let _gateway = gateway::up(&bed().layout, &Report::printed()).unwrap();
    let stand = Stand::new("t-gateway");
    let repository = stand.small_app();
    repository.write("windlass.toml", "").unwrap();
    let own = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: own }}\nspec:\n  hostnames: [own.bed.test]\n  parentRefs: [{{ name: public, namespace: {} }}]\n  rules: [{{ backendRefs: [{{ name: kubernetes, namespace: default, port: 443 }}] }}]\n",
        gateway::NAMESPACE
    );
    repository.write("own.yaml", &own).unwrap();
    repository.commit("one").unwrap();
    let route = |gateway: &str, host: &str| {
        format!(
            "expose = {{ gateway = \"{}/{gateway}\", hosts = [\"{host}\"] }}",
            gateway::NAMESPACE
        )
    };
    let cases = [
        Case::of("taken", "", &route("public", "shop.bed.test")),
        Case::of("host", "no listener of the gateway is for", &route("public", "shop.example.com")),
        Case::of(
            "space",
            "takes no routes from this namespace",
            &route("private", "shop.bed.test"),
        ),
        Case::of(
            "own",
            "leads into a namespace that does not allow it",
            "manifests = [\"own.yaml\"]",
        ),
    ];
    scope(|scope| {
        for case in &cases {
            let (stand, repository) = (&stand, &repository);
            scope.spawn(move || {
                let file = spec_file(stand, case.name, &case.spec);
                let ended = stand.submit(case.name, repository.url(), &["--spec", &file]);
                if case.code.is_empty() {
                    ended.succeeded();
                } else {
                    let text = ended.failed_with("release", "route-refused");
                    assert!(text.contains(case.code), "{text}");
                }
            });
        }
    });
    let page = through_the_gateway("shop.bed.test");
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("one\n"), "{page}");
}

/// The answer to a request for this host, whole.
fn through_the_gateway(host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port::GATEWAY)).unwrap();
    let head = format!("GET /index.html HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
