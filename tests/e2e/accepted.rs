//! Whatever spec we accept, the API server accepts: specs drawn at random, planned against the cluster,
//! which tries each object without making it.

use serde_json::{Map, Value, json};
use windlass_tests::TestEnv;

/// Specs that are tried; the run's own number is printed, and draws the same ones again.
const SPECS: usize = 40;

/// A small generator of numbers (xorshift64*): the same ones for the same seed, on every machine.
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % below
    }

    fn of(&mut self, all: &[Value]) -> Value {
        all[self.next(all.len())].clone()
    }

    /// Each field in two of three times with one of its values.
    fn object(&mut self, fields: &[(&str, &[Value])]) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, values) in fields {
            if self.next(3) > 0 {
                object.insert((*name).to_owned(), self.of(values));
            }
        }
        object
    }
}

fn long(length: usize) -> String {
    "x".repeat(length)
}

fn probe(draw: &mut Draw) -> Value {
    let mut probe = draw.object(&[
        ("period-seconds", &[json!(1), json!(3600)]),
        ("timeout-seconds", &[json!(1), json!(300)]),
        ("failures", &[json!(1), json!(1000)]),
    ]);
    let asked = [
        ("http", json!("/healthz?deep=1")),
        ("tcp", json!(true)),
        ("grpc", json!("")),
        ("grpc", json!("shop.v1")),
        ("command", json!(["test", "-s", "/x"])),
        ("off", json!(true)),
    ];
    let (name, value) = &asked[draw.next(asked.len())];
    probe.insert((*name).to_owned(), value.clone());
    Value::Object(probe)
}

fn process(draw: &mut Draw, name: &str) -> Value {
    let mut process = draw.object(&[
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
    for which in ["startup", "readiness", "liveness"] {
        if draw.next(2) == 0 {
            let probes = process.entry("probes").or_insert_with(|| json!({}));
            probes[which] = probe(draw);
        }
    }
    if draw.next(2) == 0 {
        process.insert("port".into(), draw.of(&[json!(1), json!(8080), json!(65535)]));
    }
    if name == "zzzzzzzzzzz" && draw.next(2) == 0 {
        let schedule = draw.of(&[json!("@daily"), json!("*/5 0-6 1,15 JAN-MAR MON-FRI")]);
        let mut cron = draw.object(&[
            ("timezone", &[json!("Europe/Berlin"), json!("UTC")]),
            ("retries", &[json!(0), json!(10)]),
            ("timeout-seconds", &[json!(1), json!(604_800)]),
            ("overlap", &[json!(true), json!(false)]),
        ]);
        cron.insert("schedule".into(), schedule);
        return Value::Object(cron);
    }
    Value::Object(process)
}

fn spec(draw: &mut Draw) -> Value {
    let mut spec = draw.object(&[
        ("env", &[json!({ "A": "1" }), json!({ "LONG": long(100_000) })]),
        ("labels", &[json!({ "team": "" }), json!({ "example.com/team": long(63) })]),
        ("annotations", &[json!({ "Example.com/x": long(1000) })]),
        ("pull-secrets", &[json!(["a", "b.c"])]),
        ("service-account", &[json!({ "name": "builder" }), json!({ "token": true, "annotations": { "a/b": "c" } })]),
        ("network", &[json!({ "restrict": true }), json!({ "from": ["infra"], "to": ["10.0.0.0/8:5432", "[2001:db8::/32]:443", "::/0"] })]),
        (
            "expose",
            &[
                json!({ "service": "load-balancer", "port": 443 }),
                json!({ "ingress-class": "public", "hosts": ["*.example.com", "a.example.com"], "tls-secret": "t", "path": "/api" }),
                json!({ "ingress-class": "public" }),
            ],
        ),
    ]);
    let names = ["web", "worker", "zzzzzzzzzzz"];
    let mut processes = Map::new();
    for name in names {
        if draw.next(2) == 0 {
            processes.insert(name.into(), process(draw, name));
        }
    }
    spec.insert("processes".into(), Value::Object(processes));
    Value::Object(spec)
}

#[test]
fn whatever_we_accept_the_api_server_accepts() {
    let env = TestEnv::new("t-accepted");
    env.fresh();
    // The longest name that an app may have: those of its objects are made of it.
    let app = format!("t-accepted/{}", long(30));
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    repository.commit("one").unwrap();
    let seed = u64::from(std::process::id()) << 20 | 1;
    println!("seed {seed}");
    let (mut draw, mut accepted, mut refused) = (Draw(seed), 0, Vec::new());
    for number in 0..SPECS {
        let spec = spec(&mut draw);
        let file = env.spec_file("spec", &spec.to_string());
        let json = file.replace(".toml", ".json");
        std::fs::rename(&file, &json).unwrap();
        let args =
            ["--output", "json", "plan", &app, "--repository", repository.url(), "--spec", &json];
        let answer = env.daemon.windlass(&args).unwrap();
        match answer.code {
            0 => accepted += 1,
            // By us, before anybody is asked.
            2 if answer.text.contains("field-invalid") => refused.push(answer.text),
            code => panic!(
                "seed {seed}, number {number}: {code}: {}\n{:.3000}",
                answer.text,
                spec.to_string()
            ),
        }
    }
    println!("{accepted} accepted, {} refused by us", refused.len());
    assert!(accepted > SPECS / 4, "{refused:#?}");
}
