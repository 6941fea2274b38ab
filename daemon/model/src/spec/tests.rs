use super::*;
use crate::recipe::{FoundProcess, ProcessKind};
use crate::runtime::{Check, Peer, Route, VolumeSource};

fn spec(text: &str) -> Spec {
    Spec::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_file_knows_its_keys_and_says_where_it_is_wrong() {
    let known = spec("port = 3000\n[test]\ncommand = [\"npm\", \"test\"]\n");
    assert_eq!((known.port, known.test.command.len()), (Some(3000), 2));
    let error = Spec::from_toml("port = 3000\nreplica = 2\n").unwrap_err();
    assert_eq!((&*error.field, &*error.value), ("windlass.toml:2", "replica = 2"));
    assert!(error.problem.contains("unknown field `replica`"), "{error}");
    let error = Spec::from_toml("health = \"healthz\"").unwrap_err();
    assert_eq!(error.field, "windlass.toml: health");
}

#[test]
fn scalars_replace_and_maps_merge() {
    let job = spec("port = 1\n[env]\nA = \"job\"\n[processes.worker]\nreplicas = 3");
    let file = spec(
        "port = 2\nreplicas = 3\n[env]\nA = \"file\"\nB = \"file\"\n[processes.worker]\ncommand = [\"w\", \"x\"]",
    );
    let both = job.merged_over(file);
    assert_eq!((both.port, both.replicas), (Some(1), Some(3)));
    assert_eq!(both.env, [("A".into(), "job".into()), ("B".into(), "file".into())].into());
    let worker = &both.processes["worker"];
    assert_eq!((worker.replicas, worker.command.len()), (Some(3), 2));
    assert_eq!(both.flatten()["processes.worker.replicas"], 3);
}

/// Such a process runs the command of the image.
#[test]
fn a_process_that_is_only_named_is_there_after_merging() {
    let (job, file) = (spec("replicas = 2"), spec("[processes.worker]"));
    let runtime = job.merged_over(file).resolve(&Detected::default(), vec![]);
    assert!(runtime.process("worker").is_some());
}

/// The same key has two places. The spec that comes first sets it at either.
#[test]
fn the_job_goes_over_the_file_in_either_place() {
    let file = spec("processes.web = { port = 3000, command = [\"a\"] }\nreplicas = 2");
    let job = spec("port = 4000\ncommand = [\"b\"]\nprocesses.web.replicas = 5");
    let both = job.merged_over(file);
    both.check().unwrap();
    let runtime = both.resolve(&Detected::default(), vec![]);
    let web = runtime.web().unwrap();
    assert_eq!((web.port, web.replicas, &*web.command), (Some(4000), 5, &["b".to_owned()][..]));
}

#[test]
fn what_nobody_says_is_decided() {
    let runtime = spec("[resources]\nmemory = \"96Mi\"").resolve(&Detected::default(), vec![]);
    let web = runtime.web().unwrap();
    assert_eq!((web.port, &*web.resources.memory_limit), (Some(8080), "192Mi"));
    let startup = web.probes.startup.as_ref().unwrap();
    assert_eq!((&startup.check, startup.failures), (&Check::Tcp { port: 8080 }, 120));
    assert_eq!((web.max_unavailable, runtime.expose.port, runtime.network), (None, 80, None));
}

#[test]
fn an_ordinary_company_needs_no_yaml() {
    let runtime = spec(
        r#"
        health = "/healthz"
        replicas = 2
        [resources]
        memory = "64Mi"
        [expose]
        hosts = ["shop.example.com"]
        gateway = "infra/public"
        [processes.web]
        autoscale = { max = 5 }
        ports = { metrics = 9090 }
        [processes.worker]
        command = ["./worker"]
        probes.liveness = { command = ["./alive"], period-seconds = 30 }
        volumes.spool = { path = "/spool", size = "1Gi" }
        stateful = true
        [processes.nightly]
        command = ["./report"]
        schedule = "30 3 * * *"
        timezone = "Europe/Berlin"
        [network]
        to = ["10.0.0.0/8:5432"]
        "#,
    )
    .resolve(&Detected { port: Some(3000), ..Detected::default() }, vec![]);
    let names: Vec<_> = runtime.processes.iter().map(|process| &*process.name).collect();
    assert_eq!(names, ["web", "nightly", "worker"]);
    let worker = runtime.process("worker").unwrap();
    assert_eq!((worker.port, &*worker.resources.memory), (None, "64Mi"));
    assert!(worker.probes.startup.is_none() && worker.probes.liveness.is_some());
    assert!(matches!(worker.volumes["spool"].source, VolumeSource::Claim { .. }));
    let route = Route::Gateway { namespace: Some("infra".into()), name: "public".into() };
    assert_eq!(runtime.expose.route, Some(route));
    let peer = Peer { cidr: "10.0.0.0/8".into(), port: Some(5432) };
    assert_eq!(runtime.network.unwrap().to, [peer]);
}

#[test]
fn what_cannot_be_names_field_value_and_rule() {
    let long = "x".repeat(300);
    for (text, field, problem) in [
        ("processes.web.port = 3000\nport = 3000", "port", "set it once"),
        (&*format!("processes.{long}.port = 1"), "processes", "1 to 11"),
        ("processes.web.ports = { a = 80, b = 80 }", "processes.web.ports.b", "named once"),
        ("processes.c.schedule = \"0 0 30 2 *\"", "processes.c.schedule", "never comes"),
        ("processes.web.schedule = \"@daily\"", "processes.web.schedule", "always runs"),
        ("processes.c = { schedule = \"@daily\", port = 1 }", "processes.c.port", "always runs"),
        ("processes.w.timezone = \"UTC\"", "processes.w.timezone", "schedule"),
        ("resources.cpu = \"1GB\"", "resources.cpu", "an amount of memory"),
        ("resources.memory = \"512\"", "resources.memory", "did you mean `512Mi`"),
        (
            "resources = { memory = \"1Gi\", memory-limit = \"512Mi\" }",
            "resources.memory-limit",
            "less than the request",
        ),
        ("expose.hosts = [\"shop.example.com\"]", "expose.hosts", "needs `expose.gateway`"),
        ("expose = { gateway = \"a/b/c\" }", "expose.gateway", "namespace/name"),
        ("expose = { gateway = \"a\", ingress-class = \"b\" }", "expose.gateway", "say one"),
        ("processes.web.off = true", "processes.web.off", "nothing to run"),
        ("processes.w.volumes.d = { size = \"1Gi\" }", "processes.w.volumes.d.path", "missing"),
        (
            "processes.w = { replicas = 2, volumes.d = { path = \"/d\", size = \"1Gi\" } }",
            "processes.w.volumes.d.size",
            "stateful = true",
        ),
        (
            "processes.w.probes.liveness.http = \"/h\"",
            "processes.w.probes.liveness.port",
            "no `port`",
        ),
        (
            "processes.w.probes.liveness = { tcp = true, command = [\"a\"] }",
            "processes.w.probes.liveness",
            "one thing",
        ),
        ("processes.w.autoscale.cpu = 50", "processes.w.autoscale.max", "missing"),
        ("labels = { \"a b\" = \"c\" }", "labels", "label's key"),
        ("labels = { a = \"b c\" }", "labels.a", "at most 63"),
        ("manifests = [\"../x.yaml\"]", "manifests", "within the app's folder"),
        ("network.to = [\"10.0.0.0\"]", "network.to", "CIDR"),
        ("pull-secrets = [\"A\"]", "pull-secrets", "object's name"),
        ("pull-secrets = [\"web-pull\"]", "pull-secrets", "holds the operator's login"),
        (
            "processes.w.volumes.c = { path = \"/c\", secret = \"web-pull\" }",
            "processes.w.volumes.c.secret",
            "holds the operator's login",
        ),
        (
            "processes.w.volumes.c = { path = \"/c\", secret = \"web-secrets-0123456789\" }",
            "processes.w.volumes.c.secret",
            "a Secret that Windlass makes",
        ),
        (
            "processes.w.volumes.c = { path = \"/c\", config-map = \"windlass-web\" }",
            "processes.w.volumes.c.config-map",
            "a ConfigMap that Windlass makes",
        ),
        (
            "expose = { ingress-class = \"a\", tls-secret = \"web-pull\" }",
            "expose.tls-secret",
            "holds the operator's login",
        ),
        ("env.PORT = \"1\"", "env", "say `port` instead"),
        ("env.A = \"1\"\nsecrets.A = \"b\"", "env", "set it once"),
        ("replicas = 101", "replicas", "0 to 100"),
    ] {
        let error = Spec::from_toml(text).unwrap_err();
        assert_eq!(error.field, format!("windlass.toml: {field}"), "{text}: {error}");
        assert!(error.problem.contains(problem), "{text}: {error}");
        assert!(error.to_string().len() < 400, "{error}");
    }
}

#[test]
fn ten_thousand_variables_are_taken_and_a_mebibyte_is_not() {
    let many = |count: usize, length: usize| Spec {
        env: (0..count).map(|n| (format!("V{n}"), "x".repeat(length))).collect(),
        ..Spec::default()
    };
    assert_eq!(many(10_000, 20).check(), Ok(()));
    let error = many(10_000, 100).check().unwrap_err();
    assert!(error.problem.contains("a ConfigMap holds 1 MiB"), "{error}");
    let error = many(1, 200_000).check().unwrap_err();
    assert_eq!(error.field, "env.V0");
}

/// Each block of TOML in the README and in the guide for apps is a `windlass.toml`.
#[test]
fn the_examples_of_the_guides_can_be_read() {
    let guides = [include_str!("../../../../README.md"), include_str!("../../../cli/README.md")];
    for guide in guides {
        for block in guide.split("```toml\n").skip(1) {
            let text = block.split("```").next().unwrap_or_default();
            Spec::from_toml(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
    }
}

/// Editors read the schema; `WINDLASS_BLESS=1` writes it.
#[test]
fn the_published_schema_is_of_this_code() {
    let file = windlass_blessed::reference("windlass.schema.json");
    let schema = serde_json::to_string_pretty(&Spec::schema()).unwrap() + "\n";
    assert!(windlass_blessed::holds(&file, &schema), "{} is not of this code", file.display());
}

/// The builder's options decide whose caches a build uses, and which program reads the Dockerfile.
#[test]
fn options_of_the_builder_are_no_arguments() {
    let with = |name: &str| {
        let arguments = [(name.to_owned(), "x".to_owned())].into();
        let build = BuildSpec { arguments, ..BuildSpec::default() };
        Spec { build, ..Spec::default() }.check()
    };
    for name in ["BUILDKIT_SYNTAX", "BUILDKIT_CACHE_MOUNT_NS", "buildkit_sandbox_hostname"] {
        let error = with(name).unwrap_err();
        assert_eq!((&*error.field, &*error.value), ("build.arguments", name));
        assert!(error.problem.contains("BUILDKIT_INLINE_CACHE"), "{error}");
    }
    for name in ["BUILDKIT_INLINE_CACHE", "BUILDKIT_DOCKERFILE_CHECK", "SOURCE_DATE_EPOCH", "GO"] {
        with(name).unwrap();
    }
}

fn found(name: &str, kind: ProcessKind, schedule: Option<&str>) -> FoundProcess {
    FoundProcess {
        name: name.into(),
        command: vec!["bin/run".into(), name.into()],
        kind,
        schedule: schedule.map(str::to_owned),
        source: "Procfile:2".into(),
    }
}

#[test]
fn processes_that_the_repository_declares_run_unless_the_spec_has_others() {
    let requested = spec(
        "[processes.mailer]\nreplicas = 2\n[processes.own]\ncommand = [\"mine\"]\n[processes.quiet]\noff = true",
    );
    let processes = ["worker", "mailer", "own", "quiet", "web", "of-twelve-ch"]
        .map(|name| found(name, ProcessKind::Worker, None))
        .into_iter()
        .chain([
            found("nightly", ProcessKind::Schedule, Some("@daily")),
            found("release", ProcessKind::Release, None),
        ])
        .collect();
    let runtime = requested.resolve(&Detected { processes, ..Detected::default() }, vec![]);
    let names: Vec<_> = runtime.processes.iter().map(|process| &*process.name).collect();
    assert_eq!(names, ["web", "mailer", "nightly", "own", "worker"]);
    let command = |name: &str| runtime.process(name).unwrap().command.join(" ");
    assert_eq!(command("worker"), "bin/run worker");
    assert_eq!(command("mailer"), "bin/run mailer", "the spec has no command of its own");
    assert_eq!(command("own"), "mine");
    assert_eq!(command("web"), "", "the image's own");
    assert_eq!(runtime.process("mailer").unwrap().replicas, 2);
    let nightly = runtime.process("nightly").unwrap();
    assert_eq!(nightly.schedule.as_ref().unwrap().cron, "@daily");
    assert_eq!(runtime.process("worker").unwrap().port, None);
}

#[test]
fn a_version_names_a_runtime_and_is_a_short_text() {
    spec("[build]\nversions = { node = \"20\", python = \">=3.11,<3.13\" }");
    for (bad, field) in [
        ("versions = { Node = \"20\" }", "build.versions"),
        ("versions = { node = \"\" }", "build.versions.node"),
        ("versions = { node = \"20\\n22\" }", "build.versions.node"),
    ] {
        let error = Spec::from_toml(&format!("[build]\n{bad}")).unwrap_err();
        assert!(error.field.contains(field), "{error}");
    }
}
