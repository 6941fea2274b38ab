use super::*;
use windlass_engine::logs::LogLimits;

fn load(text: &str) -> Result<Config, ConfigError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    Config::load(Some(file.path()))
}

const LEAST: &str = "registry = \"r.example\"\n[builder]\naddress = \"unix:///b\"\n";

#[test]
fn a_little_is_enough_and_the_rest_has_defaults() {
    let config = load(LEAST).unwrap();
    assert_eq!((config.slots().builds, config.drain_seconds), (4, 10));
    assert_eq!((config.plans, config.listen.max_connections_per_peer), (4, 400));
    assert_eq!(config.socket(), Path::new("/var/lib/windlass/windlass.sock"));
}

#[test]
fn limits_have_names_and_the_former_one_is_read() {
    let builds = |text: &str| load(text).unwrap().slots().builds;
    assert_eq!(builds(&format!("{LEAST}[limits]\nbuilds = 8\n")), 8);
    assert_eq!(builds(&format!("jobs = 8\n{LEAST}")), 8);
    for (text, expected) in [
        (format!("{LEAST}[limits]\nreleases = 0\n"), "limits.releases: is 0; expected at least 1"),
        (format!("jobs = 0\n{LEAST}"), "jobs: is 0; expected at least 1"),
        (format!("jobs = 8\n{LEAST}[limits]\nbuilds = 2\n"), "former name of `limits.builds`"),
        (format!("jobs = 8\n{LEAST}[limits]\nbuilds = 4\n"), "former name of `limits.builds`"),
        (format!("{LEAST}[limits]\nbuild = 2\n"), "did you mean `builds`?"),
    ] {
        let error = load(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_journals_limits_have_defaults_and_bounds() {
    let config = load(LEAST).unwrap();
    assert_eq!((config.journal.reserve_mib, config.journal.min_free_mib), (64, 16));
    assert_eq!(config.logs.limits(), LogLimits::default());
    let config = load(&format!("{LEAST}[logs]\nstage-lines = 100\nstage-mib = 2\n")).unwrap();
    let stage = config.logs.limits().stage;
    assert_eq!((stage.lines, stage.bytes), (100, 2 << 20));
    let error = load(&format!("{LEAST}[logs]\nend-lines = 0\n")).unwrap_err().to_string();
    assert!(error.contains("logs.end-lines: `0`; expected a number from 1 to 10000"), "{error}");
}

#[test]
fn traces_are_off_and_need_an_address_by_http() {
    assert!(load(LEAST).unwrap().traces.is_none());
    let traces = |lines: &str| load(&format!("{LEAST}[traces]\n{lines}\n"));
    let config = traces("endpoint = \"http://127.0.0.1:4318\"").unwrap();
    assert_eq!(config.traces.unwrap().endpoint, "http://127.0.0.1:4318");
    for (lines, expected) in [
        ("endpoint = \"127.0.0.1:4318\"", "traces.endpoint: `127.0.0.1:4318` is no URL"),
        (
            "endpoint = \"https://x\"\nheaders-file = \"/nowhere/h\"",
            "traces.headers-file: /nowhere/h: ",
        ),
        ("", "endpoint"),
    ] {
        let error = traces(lines).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    let error = load(&format!("job = 3\n{LEAST}")).unwrap_err().to_string();
    assert!(error.contains("unknown key `job`: did you mean `jobs`?"), "{error}");
    let error = load(&format!("{LEAST}adress = \"x\"\n")).unwrap_err().to_string();
    assert!(error.contains("did you mean `address`?"), "{error}");
}

#[test]
fn a_builder_names_frontends_and_shared_images() {
    let config = load(LEAST).unwrap();
    assert_eq!(config.builder.frontends, ["docker/dockerfile"]);
    assert!(config.builder.shared_images.is_empty());
    load(&format!("{LEAST}frontends = []\nshared-images = [\"r.example/base\"]\n")).unwrap();
    for (line, expected) in [
        ("frontends = [\"a b\"]", "builder.frontends[0]: `a b` is no image"),
        ("shared-images = [\"base\"]", "builder.shared-images[0]: `base` is no path below"),
        ("shared-images = [\"r.example/\"]", "is no path below `registry`"),
        ("shared-images = [\"r.example/tools/go:1\"]", "without a tag"),
    ] {
        let error = load(&format!("{LEAST}{line}\n")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_grant_with_an_unknown_key_is_refused() {
    let grant = "[[plugins]]\npath = \"p\"\n[plugins.grant]\nhtpp = []\n";
    let error = load(&format!("{LEAST}{grant}")).unwrap_err().to_string();
    assert!(error.contains("unknown key `htpp`: did you mean `http`?"), "{error}");
    let both = "[[registries]]\nhost = \"r\"\nusername = \"u\"\nplugin = \"p\"\n";
    let error = load(&format!("{LEAST}{both}")).unwrap_err().to_string();
    assert!(error.contains("either `username` and `password-file`, or `plugin`"), "{error}");
}

#[test]
fn a_login_for_pulls_is_as_whole_as_the_other() {
    let registry = |pull: &str| {
        format!(
            "{LEAST}[[registries]]\nhost = \"r\"\nusername = \"u\"\npassword-file = \"/p\"\npull = {pull}\n"
        )
    };
    load(&registry("{ username = \"u\", password-file = \"/q\" }")).unwrap();
    load(&registry("{ plugin = \"ecr\", settings = { region = \"eu\" } }")).unwrap();
    for half in ["{ username = \"u\" }", "{}", "{ username = \"u\", plugin = \"ecr\" }"] {
        let error = load(&registry(half)).unwrap_err().to_string();
        assert!(error.contains("registries: r: pull: needs either `username`"), "{error}");
    }
    let one = "[[registries]]\nhost = \"r\"\nplugin = \"p\"\n";
    let error = load(&format!("{LEAST}{one}{one}")).unwrap_err().to_string();
    assert!(error.contains("registries: r: is named twice"), "{error}");
}

#[test]
fn hosts_have_owners_and_annotations_are_listed() {
    let hosts = |tables: &str| load(&format!("{LEAST}{tables}"));
    let table =
        |pattern: &str| format!("[[hosts]]\npattern = \"{pattern}\"\nprojects = [\"shop\"]\n");
    let config = hosts(&(table("*.example.com") + &table("Shop.test") + &table("*"))).unwrap();
    assert_eq!(config.exposure().hosts[1].pattern, "shop.test");
    let default = hosts("").unwrap().exposure().annotations;
    assert!(default.iter().any(|key| key.ends_with("/proxy-body-size")));
    assert!(!default.iter().any(|key| key.contains("snippet") || key.ends_with('*')));
    for (tables, expected) in [
        (table("a.*.com"), "hosts[0].pattern: `a.*.com` must be a host"),
        (table("**.com"), "hosts[0].pattern"),
        (table("a.test") + &table("A.test"), "hosts[1].pattern: `A.test` is named twice"),
        (table("a.test").replace("\"shop\"", "\"Shop\""), "hosts[0].projects: `Shop`"),
        ("[expose]\nannotations = [\"*\"]\n".into(), "expose.annotations: `*` must be a key"),
        ("[expose]\nannotations = [\"/*\"]\n".into(), "expose.annotations: `/*` must be a key"),
    ] {
        let error = hosts(&tables).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn several_clusters_have_names_and_no_two_the_same() {
    let cluster =
        |name: &str| format!("[[clusters]]\nname = \"{name}\"\nkubeconfig = \"{name}\"\n");
    let config = load(&format!("{LEAST}{}{}", cluster("eu"), cluster("us"))).unwrap();
    assert_eq!(config.targets().all.len(), 2);
    assert_eq!(load(LEAST).unwrap().clusters()[0].name, "default");
    for (text, expected) in [
        (cluster("eu") + &cluster("eu"), "clusters[1].name: `eu` is named twice"),
        (
            cluster("eu") + &cluster("us").replace("kubeconfig = \"us\"", "kubeconfig = \"eu\""),
            "clusters[1].kubeconfig: is that of `eu`",
        ),
        (cluster("EU"), "clusters[0].name: `EU` must start with a letter a-z"),
        (cluster("eu") + "[cluster]\n", "cannot stand beside `clusters`"),
        ("[cluster]\nname = \"eu\"\n".into(), "the only cluster is named `default`"),
    ] {
        let error = load(&format!("{LEAST}{text}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_cluster_has_a_prometheus_by_http_whose_token_stays_a_secret() {
    assert!(load(LEAST).unwrap().clusters()[0].prometheus.is_none());
    let cluster = |table: &str| load(&format!("{LEAST}[cluster]\nprometheus = {table}\n"));
    let config = cluster("{ address = \"http://127.0.0.1:9090\" }").unwrap();
    let settings = config.clusters()[0].prometheus.clone().unwrap();
    assert_eq!(settings.address, "http://127.0.0.1:9090");
    for (table, expected) in [
        ("{ address = \"prometheus\" }", "cluster.prometheus.address: `prometheus` is no URL"),
        ("{ address = \"https://u:hunter2@x\" }", "cluster.prometheus.address: holds a login"),
        (
            "{ address = \"https://x\", token-file = \"/nowhere/t\" }",
            "cluster.prometheus.token-file: /nowhere/t: ",
        ),
        (
            "{ address = \"https://x\", ca = \"/nowhere/ca\" }",
            "cluster.prometheus.ca: /nowhere/ca: ",
        ),
        ("{ address = \"https://x\", token = \"hunter2\" }", "unknown key `token`"),
    ] {
        let error = cluster(table).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
    }
    let several = "[[clusters]]\nname = \"eu\"\nprometheus = { address = \"ftp://x\" }\n";
    let error = load(&format!("{LEAST}{several}")).unwrap_err().to_string();
    assert!(error.contains("clusters[0].prometheus.address: `ftp://x` must begin"), "{error}");
}

#[test]
fn projects_bring_clusters_only_where_the_operator_allows_hosts() {
    let none = load(LEAST).unwrap();
    assert!(none.own_clusters.allowed().unwrap().is_closed());
    let some =
        "[own-clusters]\nallow = [\"*.k8s.example\"]\nprivate-addresses = [\"10.0.0.0/8\"]\n";
    let some = load(&format!("{LEAST}{some}")).unwrap().own_clusters.allowed().unwrap();
    assert!(some.admits_host("a.k8s.example") && !some.admits_host("k8s.other"));
    for (table, field) in [
        ("allow = [\"https://a\"]", "own-clusters.allow[0]: `https://a`"),
        ("private-addresses = [\"a\"]", "own-clusters.private-addresses[0]: `a`"),
    ] {
        let error = load(&format!("{LEAST}[own-clusters]\n{table}\n")).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn a_wrong_value_is_refused_with_those_that_are_expected() {
    let error = load(&format!("cluster-order = \"both\"\n{LEAST}")).unwrap_err().to_string();
    let expected = "unknown variant `both`, expected `sequential` or `parallel`";
    assert!(error.contains(expected) && error.contains("cluster-order"), "{error}");
    let error = load(&format!("{LEAST}[cluster]\npod-security = \"strict\"\n"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`strict`, expected one of `privileged`, `baseline`"), "{error}");
}

#[test]
fn a_token_never_travels_in_clear() {
    let error = load(&format!("{LEAST}[listen]\ntcp = \"0.0.0.0:1\"\n")).unwrap_err();
    assert!(error.to_string().contains("needs `certificate`"), "{error}");
    load(&format!("{LEAST}[listen]\ntcp = \"127.0.0.1:1\"\n")).unwrap();
}

#[test]
fn webhooks_and_metrics_have_addresses_of_their_own() {
    let listen = |lines: &str| load(&format!("{LEAST}[listen]\n{lines}\n"));
    let config = load(LEAST).unwrap();
    assert!(config.listen.hooks.is_none() && config.listen.admin.is_none());
    let config = listen(
        "hooks = \"0.0.0.0:8443\"\nhooks-url = \"https://deploy.example.com/ci\"\nadmin = \"[::1]:9464\"",
    );
    let read = config.unwrap().listen;
    assert_eq!(read.hooks, Some(([0, 0, 0, 0], 8443).into()));
    assert_eq!(read.hooks_url.as_deref(), Some("https://deploy.example.com/ci"));
    listen("hooks = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"").unwrap();
    for (lines, expected) in [
        ("hooks-url = \"https://a.test\"", "listen.hooks-url: needs `hooks`"),
        (
            "tcp = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"",
            "listen.admin: `127.0.0.1:1` is that of `tcp`",
        ),
        (
            "hooks = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"",
            "listen.admin: `127.0.0.1:1` is that of `hooks`",
        ),
    ] {
        let error = listen(lines).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for bad in
        ["a.test", "ftp://a.test", "https://a.test/", "https://u@a.test", "https://a.test?x", ""]
    {
        let error = listen(&format!("hooks = \"127.0.0.1:1\"\nhooks-url = \"{bad}\""));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("listen.hooks-url: `{bad}` must be a URL")), "{error}");
    }
}

#[test]
fn a_network_of_proxies_is_one_and_is_not_everybody() {
    let listen = |list: &str| load(&format!("{LEAST}[listen]\ntrusted-proxies = [{list}]\n"));
    let read = listen("\"10.0.0.0/8\", \"192.0.2.7\"").unwrap().listen.trusted_proxies;
    assert_eq!(read, ["10.0.0.0/8", "192.0.2.7"]);
    for (list, expected) in [
        ("\"10.0.0.0/8\", \"x\"", "listen.trusted-proxies[1]: `x` is no network"),
        ("\"0.0.0.0/0\"", "listen.trusted-proxies[0]: `0.0.0.0/0` has everybody in it"),
    ] {
        let error = listen(list).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_principal_that_could_never_call_is_refused() {
    let hash = "0123456789abcdef".repeat(4);
    let principal = |lines: &str| {
        format!(
            "[[principals]]\nname = \"ci\"\nprojects = [\"shop\"]\nverbs = [\"read\"]\n{lines}\n"
        )
    };
    let token = format!("token-sha256 = \"{hash}\"");
    load(&format!("{LEAST}{}", principal(&token))).unwrap();
    for (text, expected) in [
        (principal(""), "principals[0].token-sha256: is missing, and so is `certificate-sha256`"),
        (principal("token-sha256 = \"t0ken\""), "token-sha256: has 5 characters"),
        (principal(&token) + &principal(&token), "principals[1].token-sha256: is that of `ci` too"),
        (
            principal(&format!("certificate-sha256 = \"{hash}\"")),
            "certificate-sha256: needs `listen.client-ca`",
        ),
        (principal(&token).replace("\"shop\"", "\"Shop\""), "principals[0].projects: `Shop`"),
        (principal(&token).replace("[\"shop\"]", "[]"), "principals[0].projects: is empty"),
        (principal(&token).replace("[\"read\"]", "[]"), "principals[0].verbs: is empty"),
    ] {
        let error = load(&format!("{LEAST}{text}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("t0ken"), "a token is not repeated: {error}");
    }
}

/// Each block of TOML in the operator's guide is a configuration, or a part of one.
#[test]
fn the_examples_of_the_guide_can_be_loaded() {
    let guide = include_str!("../../../deploy/README.md");
    let mut count = 0;
    for block in guide.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let mut whole: toml::Table = toml::from_str(LEAST).unwrap();
        whole.extend(toml::from_str::<toml::Table>(block).unwrap());
        let text = toml::to_string(&whole).unwrap();
        load(&text).unwrap_or_else(|error| panic!("{error}\n{block}"));
        count += 1;
    }
    assert!(count > 5, "{count} examples");
}

#[test]
fn git_has_hosts_that_can_match_and_limits_that_allow_something() {
    let config = load(LEAST).unwrap();
    assert_eq!(config.checkout.max_files, 200_000);
    for (text, expected) in [
        (
            "[egress]\nallow = [\"https://git.corp\"]\n",
            "egress.allow: `https://git.corp` matches no URL",
        ),
        ("[egress]\nca = \"/nonexistent.pem\"\n", "egress.ca: /nonexistent.pem"),
        ("[outgoing]\nca = \"/nonexistent.pem\"\n", "outgoing.ca: /nonexistent.pem"),
        ("[outgoing]\nallow = [\"*.corp\"]\n", "outgoing.allow: `*.corp` names no place"),
        ("[checkout]\nmax-bytes = 0\n", "checkout.max-bytes: must be at least 1"),
    ] {
        let error = load(&format!("{LEAST}{text}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_limit_that_is_none_is_refused() {
    for (text, expected) in [
        ("plans = 0\n", "plans: `0` must be 1 to 1000"),
        ("keep-releases = 1\n", "keep-releases: `1` must be 2 to 1000"),
        ("keep-releases = 1001\n", "keep-releases: `1001` must be 2 to 1000"),
        ("plan-seconds = 3601\n", "plan-seconds: `3601` must be 1 to 3600"),
        ("listen = { header-seconds = 0 }\n", "listen.header-seconds: `0` must be 1 to 600"),
        ("max-waiting-jobs = 0\n", "max-waiting-jobs: `0` must be"),
    ] {
        let error = load(&format!("{text}{LEAST}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_variable_overrides_the_file_and_those_of_others_do_not_count() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), LEAST).unwrap();
    let all = [
        ("WINDLASSD_JOBS", "8"),
        ("WINDLASSD_LISTEN__TCP", "127.0.0.1:7443"),
        ("WINDLASS_SERVICE_HOST", "10.0.0.1"),
        ("WINDLASS_PORT", "tcp://10.0.0.1:7443"),
        ("WINDLASS_TOKEN", "t0ken"),
    ];
    let all = all.map(|(name, value)| (name.into(), value.into()));
    let config = Config::load_with(Some(file.path()), all).unwrap();
    assert_eq!((config.jobs, config.listen.tcp), (Some(8), Some(([127, 0, 0, 1], 7443).into())));
}

#[test]
fn what_a_reload_leaves_is_named() {
    let before = load(LEAST).unwrap();
    let hash = "0123456789abcdef".repeat(4);
    let principal = format!(
        "[[principals]]\nname = \"ci\"\nprojects = [\"shop\"]\nverbs = [\"read\"]\ntoken-sha256 = \"{hash}\"\n"
    );
    let later = load(&format!("jobs = 9\nlisten = {{ idle-seconds = 9 }}\n{LEAST}{principal}"));
    assert_eq!(before.for_next_start(&later.unwrap()), ["jobs", "listen"]);
}

#[test]
fn a_queue_is_of_one_principal() {
    let queue = "[amqp]\nurl = \"amqp://127.0.0.1\"\nqueue = \"jobs\"\ndead = \"dead\"\n\
                 principal = \"queue\"\nuser = \"u\"\npassword-file = \"/p\"\n";
    let principal = |verb: &str| {
        let hash = "0".repeat(64);
        format!(
            "[[principals]]\nname = \"queue\"\ntoken-sha256 = \"{hash}\"\nprojects = [\"shop\"]\nverbs = [\"{verb}\"]\n"
        )
    };
    load(&format!("{LEAST}{queue}projects = [\"shop\"]\n")).unwrap();
    load(&format!("{LEAST}{queue}{}", principal("deploy"))).unwrap();
    for (text, expected) in [
        (queue.to_owned(), "amqp.principal: `queue` is none of `[[principals]]`"),
        (format!("{queue}{}", principal("read")), "amqp.principal: `queue` lacks the verb"),
        (
            format!("{queue}projects = [\"shop\"]\n{}", principal("deploy")),
            "amqp.projects: `queue` is one of",
        ),
        (format!("{queue}prefetch = 0\n"), "amqp.prefetch: `0` must be 1 to 300"),
        (queue.replace("127.0.0.1", "mq.example"), "amqp.url: `amqp://` leads to `mq.example`"),
    ] {
        let error = load(&format!("{LEAST}{text}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn nobody_brings_a_registry_unless_the_operator_lets_them() {
    assert!(load(LEAST).unwrap().own_registries.rules().unwrap().is_empty());
    let own = |lines: &str| load(&format!("{LEAST}[own-registries]\n{lines}\n"));
    let config = own("allow = [\"*.example.com\"]\nplugins = [\"registry-ecr\"]").unwrap();
    assert!(config.own_registries.rules().unwrap().allows("r.example.com"));
    for (lines, expected) in [
        ("allow = [\"https://ghcr.io\"]", "own-registries.allow: `https://ghcr.io` is no host"),
        ("private-addresses = [\"10\"]", "own-registries.private-addresses: `10` is no network"),
        ("plain-http = [\"*\"]", "own-registries.plain-http: `*` is no host"),
        ("ca = \"/nowhere/ca\"", "own-registries.ca: /nowhere/ca: "),
        ("allowed = []", "did you mean `allow`?"),
    ] {
        let error = own(lines).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
