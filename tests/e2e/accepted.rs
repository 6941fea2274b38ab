//! Whatever spec Windlass accepts, the API server accepts: specs are drawn at random and planned against the cluster,
//! which tries each object without making it (`dryRun`).

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use windlass_tests::{TestEnv, bed};

/// Number of specs that are tried. A failure is shrunk, and the smallest spec that still fails is printed.
const SPECS: u32 = 40;

/// Number of plans that search for a smaller spec. Each asks the API server.
const SHRINKING: u32 = 60;

/// Draws an object that has each field in two of three cases, with one of the field's values.
fn object(
    fields: &[(&'static str, &[Value])],
) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let field = |(name, values): &(&'static str, &[Value])| {
        let value = prop::option::weighted(2.0 / 3.0, prop::sample::select(values.to_vec()));
        (Just(*name), value)
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    fields.prop_map(|fields| {
        let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        there.collect::<Map<_, _>>()
    })
}

fn long(length: usize) -> String {
    "x".repeat(length)
}

fn probe() -> impl Strategy<Value = Value> {
    let budget = object(&[
        ("period-seconds", &[json!(1), json!(3600)]),
        ("timeout-seconds", &[json!(1), json!(300)]),
        ("failures", &[json!(1), json!(1000)]),
    ]);
    let asked = prop::sample::select(vec![
        ("http", json!("/healthz?deep=1")),
        ("tcp", json!(true)),
        ("grpc", json!("")),
        ("grpc", json!("shop.v1")),
        ("command", json!(["test", "-s", "/x"])),
        ("off", json!(true)),
    ]);
    (budget, asked).prop_map(|(mut probe, (name, value))| {
        probe.insert(name.to_owned(), value);
        Value::Object(probe)
    })
}

fn process() -> impl Strategy<Value = Value> {
    let process = object(&[
        ("replicas", &[json!(0), json!(1), json!(2), json!(100)]),
        ("command", &[json!(["a"]), json!(["sh", "-c", "echo $PORT \"x\" \n"])]),
        ("env", &[json!({}), json!({ "A": "", "_B9": "ü\n" }), json!({ "LONG": long(100_000) })]),
        ("max-unavailable", &[json!(1), json!(100)]),
        ("stateful", &[json!(true), json!(false)]),
        ("ordered", &[json!(true)]),
        ("autoscale", &[json!({ "max": 1000 }), json!({ "max": 100, "cpu": 1, "memory": 1000 })]),
        ("ports", &[json!({ "metrics": 9090, "admin-2": 65535 }), json!({ "same": 80 })]),
        (
            "placement",
            &[
                json!({ "spread": "required", "nodes": { "example.com/pool": "A_b.c-1" } }),
                json!({ "spread": "off", "tolerations": [{ "key": "" }] }),
                json!({ "tolerations": [{ "key": "a", "value": "b", "effect": "NoExecute" }] }),
            ],
        ),
        (
            "termination",
            &[
                json!({ "pre-stop-seconds": 0, "drain-seconds": 1 }),
                json!({ "pre-stop-seconds": 300, "drain-seconds": 3600 }),
            ],
        ),
        (
            "volumes",
            &[
                json!({ "data": { "path": "/data", "size": "1Gi", "class": "fast" } }),
                json!({ "a": { "path": "/a", "scratch": true, "size": "1.5Gi" }, "b": { "path": "/a/b" } }),
                json!({ "s": { "path": "/s", "secret": "some.secret" }, "c": { "path": "/c", "config-map": "x" } }),
                json!({ "m": { "path": "/m", "size": "500M", "access": "ReadWriteMany" } }),
                json!({ "e": { "path": "/e", "claim": "mine", "read-only": true } }),
            ],
        ),
        (
            "resources",
            &[
                json!({ "cpu": "1m", "memory": "1Mi" }),
                json!({ "cpu": "0.5", "memory": "1.5Gi", "ephemeral-storage": "1T" }),
                json!({ "cpu": "2", "cpu-limit": "2", "memory-limit": "4Gi" }),
            ],
        ),
    ]);
    let probes = || prop::option::of(probe());
    let port = prop::option::of(prop::sample::select(vec![json!(1), json!(8080), json!(65535)]));
    (process, probes(), probes(), probes(), port).prop_map(
        |(mut process, startup, readiness, liveness, port)| {
            let probes = [("startup", startup), ("readiness", readiness), ("liveness", liveness)];
            for (which, probe) in probes {
                if let Some(probe) = probe {
                    let probes = process.entry("probes").or_insert_with(|| json!({}));
                    probes[which] = probe;
                }
            }
            if let Some(port) = port {
                process.insert("port".into(), port);
            }
            Value::Object(process)
        },
    )
}

/// Draws a process that runs by a schedule.
fn scheduled() -> impl Strategy<Value = Value> {
    let schedules = vec![json!("@daily"), json!("*/5 0-6 1,15 JAN-MAR MON-FRI")];
    let cron = object(&[
        ("timezone", &[json!("Europe/Berlin"), json!("UTC")]),
        ("retries", &[json!(0), json!(10)]),
        ("timeout-seconds", &[json!(1), json!(604_800)]),
        ("overlap", &[json!(true), json!(false)]),
    ]);
    (cron, prop::sample::select(schedules)).prop_map(|(mut cron, schedule)| {
        cron.insert("schedule".into(), schedule);
        Value::Object(cron)
    })
}

fn spec() -> impl Strategy<Value = Value> {
    let spec = object(&[
        ("env", &[json!({ "A": "1" }), json!({ "LONG": long(100_000) })]),
        ("labels", &[json!({ "team": "" }), json!({ "example.com/team": long(63) })]),
        ("annotations", &[json!({ "Example.com/x": long(1000) })]),
        ("pull-secrets", &[json!(["a", "b.c"])]),
        (
            "service-account",
            &[
                json!({ "name": "builder" }),
                json!({ "token": true, "annotations": { "a/b": "c" } }),
            ],
        ),
        (
            "network",
            &[
                json!({ "restrict": true }),
                json!({ "from": ["infra"], "to": ["10.0.0.0/8:5432", "[2001:db8::/32]:443", "::/0"] }),
            ],
        ),
        (
            "expose",
            &[
                json!({ "service": "load-balancer", "port": 443 }),
                json!({ "ingress-class": "public", "hosts": ["*.example.com", "a.example.com"], "tls-secret": "t", "path": "/api" }),
                json!({ "ingress-class": "public" }),
            ],
        ),
    ]);
    // The last name is the longest that a process may have: names of its objects contain it.
    let longest = prop_oneof![scheduled(), process()];
    let maybe = prop::option::of::<BoxedStrategy<Value>>;
    (spec, maybe(process().boxed()), maybe(process().boxed()), maybe(longest.boxed())).prop_map(
        |(mut spec, web, worker, longest)| {
            let processes = [("web", web), ("worker", worker), ("zzzzzzzzzzz", longest)];
            let named = processes
                .into_iter()
                .filter_map(|(name, process)| Some((name.to_owned(), process?)));
            spec.insert("processes".into(), Value::Object(named.collect()));
            Value::Object(spec)
        },
    )
}

#[test]
fn whatever_we_accept_the_api_server_accepts() {
    let env = TestEnv::new("t-accepted");
    env.fresh();
    // The longest name that an app may have: names of its objects contain it.
    let app = format!("t-accepted/{}", long(30));
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    repository.commit("one").unwrap();
    let file = bed().layout.at("daemons/t-accepted/spec.json");
    let path = file.display().to_string();
    let (accepted, refused) = (Cell::new(0), RefCell::new(Vec::new()));
    let config = Config { cases: SPECS, max_shrink_iters: SHRINKING, ..Config::default() };
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..config });
    let tried = runner.run(&spec(), |spec| {
        std::fs::write(&file, spec.to_string()).unwrap();
        let args =
            ["--output", "json", "plan", &app, "--repository", repository.url(), "--spec", &path];
        let answer = env.daemon.windlass(&args).unwrap();
        match answer.code {
            0 => accepted.set(accepted.get() + 1),
            // Windlass refused the spec, before the cluster was asked.
            2 if answer.text.contains("field-invalid") => refused.borrow_mut().push(answer.text),
            code => return Err(TestCaseError::fail(format!("{code}: {}", answer.text))),
        }
        Ok(())
    });
    // Long values are cut. The file has the whole spec.
    if let Err(error) = tried {
        panic!("{:.6000}", error.to_string());
    }
    let refused = refused.into_inner();
    println!("{} accepted, {} refused by us", accepted.get(), refused.len());
    assert!(accepted.get() > SPECS / 4, "{refused:#?}");
}
