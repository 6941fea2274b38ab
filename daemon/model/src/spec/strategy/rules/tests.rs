use super::*;
use crate::spec::Detected;

fn resolved(text: &str) -> Strategy {
    let spec = Spec::from_toml(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    spec.resolve(&Detected::default(), Vec::new()).strategy
}

/// Returns the strategy of a table of strategies, beside other keys before it.
fn with(keys: &str, strategy: &str) -> String {
    format!("{keys}\n[strategy]\n{strategy}")
}

#[test]
fn what_nobody_says_of_a_strategy_is_decided() {
    assert_eq!(resolved(""), Strategy::default());
    assert_eq!(resolved("strategy.kind = \"rolling\""), Strategy::default());
    let recreate = Strategy { kind: StrategyKind::Recreate, ..Strategy::default() };
    assert_eq!(resolved("strategy.kind = \"recreate\""), recreate);
    let canary = Strategy {
        kind: StrategyKind::Canary,
        weights: vec![5, 25, 50, 100],
        hold_seconds: 60,
        gate_seconds: GATE_SECONDS,
        ..Strategy::default()
    };
    assert_eq!(resolved("strategy.kind = \"canary\""), canary);
    let by_gateway = Strategy { traffic: Traffic::Gateway, ..canary };
    assert_eq!(resolved("strategy.kind = \"canary\"\nexpose.gateway = \"infra/a\""), by_gateway);
    let blue_green = Strategy {
        kind: StrategyKind::BlueGreen,
        gate_seconds: GATE_SECONDS,
        keep_seconds: 600,
        ..Strategy::default()
    };
    // Requests are switched by the Service, whatever leads to it.
    for route in ["", "expose.gateway = \"infra/a\"", "expose.ingress-class = \"nginx\""] {
        assert_eq!(resolved(&with(route, "kind = \"blue-green\"")), blue_green, "{route}");
    }
}

#[test]
fn every_key_of_a_canary_is_taken() {
    let strategy = resolved(
        r#"
        [expose]
        gateway = "infra/public"
        [strategy]
        kind = "canary"
        weights = [1, 60, 100]
        hold-seconds = 120
        gates = [100, 60, 100]
        gate-seconds = 3600
        keep-seconds = 30
        check = "/healthz?deep=1"
        [strategy.metrics.errors]
        builtin = "success-rate"
        min = 99.5
        [strategy.metrics.slow]
        builtin = "latency"
        source = "istio"
        max = 2
        interval-seconds = 30
        failures = 1
        inconclusive = 0
        [strategy.metrics.orders]
        query = "sum(rate(orders_total{app=\"$APP\"}[$WINDOW]))"
        min = 1
        max = 100
        "#,
    );
    assert_eq!((&*strategy.weights, &*strategy.gates), (&[1, 60, 100][..], &[60, 100][..]));
    let seconds = (strategy.hold_seconds, strategy.gate_seconds, strategy.keep_seconds);
    assert_eq!((strategy.traffic, seconds), (Traffic::Gateway, (120, 3600, 30)));
    assert_eq!(strategy.check.as_deref(), Some("/healthz?deep=1"));
    let errors = Metric {
        query: Query::SuccessRate(Source::Traefik),
        min: Number::from_f64(99.5),
        max: None,
        interval_seconds: 15,
        failures: 0,
        inconclusive: 4,
    };
    assert_eq!(strategy.metrics["errors"], errors);
    let slow = &strategy.metrics["slow"];
    assert_eq!(slow.query, Query::Latency(Source::Istio));
    assert_eq!((slow.interval_seconds, slow.failures, slow.inconclusive), (30, 1, 0));
    let orders = &strategy.metrics["orders"];
    assert!(matches!(&orders.query, Query::Promql(query) if query.contains("$WINDOW")));
    assert_eq!((&orders.min, &orders.max), (&Some(1.into()), &Some(100.into())));
}

/// A metric that nothing exports would end each release.
#[test]
fn a_builtin_metric_is_read_from_what_leads_to_the_app() {
    let metric = "kind = \"canary\"\nmetrics.m = { builtin = \"success-rate\", min = 99 }";
    let source = |keys: &str, more: &str| {
        let strategy = resolved(&with(keys, &format!("{metric}\n{more}")));
        match strategy.metrics["m"].query {
            Query::SuccessRate(source) => source,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(source("expose.gateway = \"infra/a\"", ""), Source::Traefik);
    assert_eq!(source("expose.ingress-class = \"nginx-internal\"", ""), Source::Nginx);
    assert_eq!(source("", "traffic = \"istio\""), Source::Istio);
    for (keys, source, problem) in [
        ("", "", "only where a Gateway shares"),
        ("expose.ingress-class = \"traefik\"", "", "only where a Gateway shares"),
        ("", "source = \"nginx\", ", "needs `expose.ingress-class`"),
    ] {
        let metric = format!("metrics.m = {{ {source}builtin = \"success-rate\", min = 99 }}");
        let text = with(keys, &format!("kind = \"canary\"\n{metric}"));
        let error = Spec::from_toml(&text).unwrap_err();
        assert_eq!(error.field, "windlass.toml: strategy.metrics.m.source", "{text}: {error}");
        assert!(error.problem.contains(problem), "{text}: {error}");
    }
}

#[test]
fn a_strategy_that_cannot_be_names_field_value_and_rule() {
    let metric = |keys: &str| format!("kind = \"canary\"\nmetrics.m = {{ {keys} }}");
    let many = |count: u32| {
        let weights: Vec<_> = (1..count).chain([100]).map(|one| one.to_string()).collect();
        format!("kind = \"canary\"\nweights = [{}]", weights.join(", "))
    };
    let long = "x".repeat(5000);
    let rules: Vec<(String, &str, &str, &str)> = vec![
        ("weights = [100]".into(), "weights", "", "is for `canary`, and `strategy.kind` is `rolling`"),
        ("kind = \"recreate\"\nhold-seconds = 5".into(), "hold-seconds", "", "`canary` and `blue-green`"),
        ("gates = [100]".into(), "gates", "", "`canary` and `blue-green`"),
        ("gate-seconds = 60".into(), "gate-seconds", "", "`canary` and `blue-green`"),
        ("keep-seconds = 0".into(), "keep-seconds", "", "`canary` and `blue-green`"),
        ("check = \"/\"".into(), "check", "", "`canary` and `blue-green`"),
        ("metrics.m = { query = \"up\", min = 1 }".into(), "metrics", "", "`canary` and `blue-green`"),
        ("kind = \"blue-green\"\nweights = [5, 100]".into(), "weights", "", "is for `canary`"),
        ("kind = \"blue-green\"\ntraffic = \"istio\"".into(), "traffic", "", "is for `canary`"),
        // Weights.
        ("kind = \"canary\"\nweights = [25, 5, 100]".into(), "weights", "25, 5, 100", "must rise, from 1 to 100"),
        ("kind = \"canary\"\nweights = [5, 5, 100]".into(), "weights", "5, 5, 100", "must rise"),
        ("kind = \"canary\"\nweights = [0, 100]".into(), "weights", "0, 100", "must rise"),
        ("kind = \"canary\"\nweights = [5, 101]".into(), "weights", "5, 101", "must rise"),
        ("kind = \"canary\"\nweights = [5, 25]".into(), "weights", "5, 25", "must end with 100"),
        (many(21), "weights", "", "are too many: at most 20"),
        ("kind = \"canary\"\nweights = [75, 100]".into(), "weights", "75", "use at most 50, or a gateway"),
        // Gates.
        ("kind = \"canary\"\ngates = [10]".into(), "gates", "10", "is no weight of this release: 5, 25, 50, 100"),
        ("kind = \"blue-green\"\ngates = [50]".into(), "gates", "50", "is no weight of this release: 100"),
        ("kind = \"canary\"\ngate-seconds = 59".into(), "gate-seconds", "59", "must be 60 to 2592000"),
        ("kind = \"canary\"\ngate-seconds = 2592001".into(), "gate-seconds", "2592001", "must be 60"),
        // Times: nothing waits for a year.
        ("kind = \"canary\"\nhold-seconds = 31536000".into(), "hold-seconds", "31536000", "must be 0 to 86400"),
        ("kind = \"canary\"\nkeep-seconds = 86401".into(), "keep-seconds", "86401", "must be 0 to 86400"),
        // Traffic.
        ("kind = \"canary\"\ntraffic = \"gateway\"".into(), "traffic", "gateway", "needs `expose.gateway`"),
        ("kind = \"canary\"\ncheck = \"healthz\"".into(), "check", "healthz", "must be a path that starts with `/`"),
        // Metrics.
        ("kind = \"blue-green\"\nmetrics.m = { query = \"up\", min = 1 }".into(), "hold-seconds", "0", "say how long"),
        ("kind = \"canary\"\nhold-seconds = 0\nmetrics.m = { query = \"up\", min = 1 }".into(), "hold-seconds", "0", "say how long"),
        ("kind = \"canary\"\nweights = [100]\nmetrics.m = { query = \"up\", min = 1 }".into(), "weights", "100", "no step at which metrics are measured"),
        ("kind = \"canary\"\nmetrics.Bad = { query = \"up\", min = 1 }".into(), "metrics", "Bad", "1 to 30 lower-case"),
        (metric("query = \"up\", builtin = \"latency\", max = 1"), "metrics.m.query", "", "stands beside `builtin`"),
        (metric("min = 1"), "metrics.m.query", "", "is missing"),
        (metric("query = \" \", min = 1"), "metrics.m.query", " ", "must have 1 to 4096 bytes"),
        (metric(&format!("query = \"{long}\", min = 1")), "metrics.m.query", "", "must have 1 to 4096 bytes"),
        (metric("query = \"up\", source = \"nginx\", min = 1"), "metrics.m.source", "", "is for `builtin`"),
        (metric("query = \"up\""), "metrics.m.min", "", "else every value is well"),
        (metric("query = \"up\", min = 2, max = 1"), "metrics.m.min", "2", "no value is well"),
        (metric("query = \"up\", min = 1, interval-seconds = 0"), "metrics.m.interval-seconds", "0", "must be 1 to 3600"),
        (metric("query = \"up\", min = 1, interval-seconds = 61"), "metrics.m.interval-seconds", "61", "longer than the hold"),
        (metric("query = \"up\", min = 1, failures = 101"), "metrics.m.failures", "101", "must be 0 to 100"),
        (metric("query = \"up\", min = 1, inconclusive = 101"), "metrics.m.inconclusive", "101", "must be 0 to 100"),
        (metric("builtin = \"success-rate\", max = 5"), "metrics.m.min", "", "a least value"),
        (metric("builtin = \"latency\", min = 5"), "metrics.m.max", "", "a largest value"),
        (metric("builtin = \"success-rate\", min = 0.99"), "metrics.m.min", "0.99", "did you mean `99`?"),
        (metric("builtin = \"success-rate\", min = 101"), "metrics.m.min", "101", "must be 0 to 100"),
        ("kind = \"blue-green\"\nhold-seconds = 60\nmetrics.m = { builtin = \"latency\", max = 1 }".into(), "metrics.m.builtin", "latency", "none come to the new version before the switch"),
    ];
    for (text, field, value, problem) in rules {
        let error = Spec::from_toml(&with("", &text)).unwrap_err();
        assert_eq!(error.field, format!("windlass.toml: strategy.{field}"), "{text}: {error}");
        assert!(error.problem.contains(problem), "{text}: {error}");
        assert!(value.is_empty() || error.value == value, "{text}: {error}");
        assert!(error.to_string().len() < 400, "{error}");
    }
}

/// These are refused before anything is built: two versions could not run side by side.
#[test]
fn two_versions_that_cannot_run_side_by_side_are_refused() {
    for kind in ["blue-green", "canary"] {
        for (keys, field, problem) in [
            (
                "processes.web.off = true\nprocesses.w.command = [\"w\"]",
                "strategy.kind",
                "needs `web`",
            ),
            ("processes.web.stateful = true", "strategy.kind", "`web` is `stateful`"),
            (
                "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\" }",
                "strategy.kind",
                "its volume `data` (`ReadWriteOnce`); use `recreate`",
            ),
            (
                "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\", access = \"ReadWriteOncePod\" }",
                "strategy.kind",
                "its volume `data`",
            ),
            ("processes.green.command = [\"w\"]", "processes", "has objects of its own"),
            ("processes.preview.command = [\"w\"]", "processes", "has objects of its own"),
        ] {
            let text = with(keys, &format!("kind = \"{kind}\""));
            let error = Spec::from_toml(&text).unwrap_err();
            assert_eq!(error.field, format!("windlass.toml: {field}"), "{text}: {error}");
            assert!(error.problem.contains(problem), "{text}: {error}");
        }
        for keys in [
            "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\", access = \"ReadWriteMany\" }",
            "processes.web.volumes.tmp = { path = \"/tmp\", scratch = true, size = \"1Gi\" }",
            "processes.w = { command = [\"w\"], stateful = true }",
        ] {
            resolved(&with(keys, &format!("kind = \"{kind}\"")));
        }
    }
    for kind in ["rolling", "recreate"] {
        resolved(&with("processes.web.stateful = true", &format!("kind = \"{kind}\"")));
    }
}

#[test]
fn istio_and_a_gateway_are_two_ways_to_share() {
    let text = with("expose.gateway = \"infra/a\"", "kind = \"canary\"\ntraffic = \"istio\"");
    let error = Spec::from_toml(&text).unwrap_err();
    assert_eq!((&*error.field, &*error.value), ("windlass.toml: strategy.traffic", "istio"));
    assert!(error.problem.contains("stands beside `expose.gateway`"), "{error}");
}

#[test]
fn weights_that_pods_cannot_make_are_made_by_a_route() {
    let weights = "kind = \"canary\"\nweights = [75, 100]";
    assert_eq!(resolved(&with("expose.gateway = \"a\"", weights)).weights, [75, 100]);
    assert_eq!(resolved(&with("", &format!("{weights}\ntraffic = \"istio\""))).weights, [75, 100]);
    let by_pods = format!("{weights}\ntraffic = \"replicas\"");
    let error = Spec::from_toml(&with("expose.gateway = \"a\"", &by_pods)).unwrap_err();
    assert_eq!((&*error.field, &*error.value), ("windlass.toml: strategy.weights", "75"));
}

/// TOML knows these numbers, and Prometheus answers with them.
#[test]
fn a_bound_is_a_number() {
    for bound in ["nan", "inf", "-inf"] {
        let metric = format!("kind = \"canary\"\nmetrics.m = {{ query = \"up\", min = {bound} }}");
        let error = Spec::from_toml(&with("", &metric)).unwrap_err();
        assert!(error.field.starts_with("windlass.toml:"), "{bound}: {error}");
    }
}

#[test]
fn a_kind_that_is_none_is_answered_with_those_that_are() {
    let error = Spec::from_toml("[strategy]\nkind = \"bluegreen\"").unwrap_err();
    assert_eq!(error.field, "windlass.toml:2");
    assert!(error.problem.contains("blue-green"), "{error}");
}

/// A job that is to go out at once does not fail by weights of the file.
#[test]
fn a_job_of_another_strategy_leaves_the_files_keys() {
    let file = "kind = \"canary\"\nweights = [10, 100]\nmetrics.m = { query = \"up\", min = 1 }";
    let file = Spec::from_toml(&with("", file)).unwrap();
    let over = |job: &str| {
        let both = Spec::from_toml(job).unwrap().merged_over(file.clone());
        both.check().unwrap_or_else(|error| panic!("{job}: {error}"));
        both.resolve(&Detected::default(), Vec::new()).strategy
    };
    assert_eq!(over("strategy.kind = \"rolling\""), Strategy::default());
    assert_eq!(over("strategy.kind = \"blue-green\"").kind, StrategyKind::BlueGreen);
    // The same strategy keeps them.
    for (job, hold_seconds) in [
        ("strategy.kind = \"canary\"", 60),
        ("strategy = { kind = \"canary\", hold-seconds = 30 }", 30),
        ("replicas = 2", 60),
    ] {
        let strategy = over(job);
        assert_eq!((&*strategy.weights, strategy.metrics.len()), (&[10, 100][..], 1), "{job}");
        assert_eq!(strategy.hold_seconds, hold_seconds, "{job}");
    }
}
