//! Two projects against each other.

use super::*;
use crate::{
    app::App,
    job::Image,
    manifest,
    runtime::Runtime,
    spec::{Detected, Spec},
};

fn release(project: &str, spec: &str, manifests: &str) -> Release {
    let spec = Spec::from_toml(spec).unwrap();
    let manifests = match manifests {
        "" => Vec::new(),
        text => manifest::read("own.yaml", text).unwrap(),
    };
    let detected = Detected { manifests, ..Detected::default() };
    let runtime: Runtime = spec.resolve(&detected, Vec::new());
    Release {
        id: "1".into(),
        app: App::new(project, "web", "").unwrap(),
        clusters: vec!["default".into()],
        commit: "abc".into(),
        image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: None },
        runtime,
        hooks: Default::default(),
    }
}

fn exposed(project: &str, host: &str, path: &str) -> Release {
    let spec = format!(
        "expose = {{ hosts = [\"{host}\"], path = \"{path}\", gateway = \"infra/public\" }}"
    );
    release(project, &spec, "")
}

fn rules(rules: &[(&str, &[&str])]) -> Exposure {
    let rule = |(pattern, projects): &(&str, &[&str])| HostRule {
        pattern: (*pattern).into(),
        projects: projects.iter().map(ToString::to_string).collect(),
    };
    Exposure { hosts: rules.iter().map(rule).collect(), ..Exposure::default() }
}

const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: own}\nspec: {ingressClassName: public, rules: [{host: Shop.Example.com, http: {paths: [{path: /login}]}}]}\n";
const ROUTE: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: own}\nspec: {parentRefs: [{name: public, namespace: infra}], hostnames: [shop.example.com], rules: [{matches: [{path: {value: /login}}]}]}\n";

/// Also within the project: production's route comes with the repository.
#[test]
fn a_preview_takes_no_host_but_its_own() {
    let own = exposed("shop", "web-pr-7.example.com", "/");
    check_preview(&own, Some("web-pr-7.example.com")).unwrap();
    check_preview(&release("shop", "", ""), None).unwrap();
    let anywhere = ROUTE.replace("hostnames: [shop.example.com], ", "");
    assert_ne!(anywhere, ROUTE);
    for (release, value) in [
        (release("shop", "", INGRESS), "shop.example.com"),
        (release("shop", "", ROUTE), "shop.example.com"),
        (release("shop", "", &anywhere), "(any host)"),
    ] {
        for host in [Some("web-pr-7.example.com"), None] {
            let error = check_preview(&release, host).unwrap_err();
            assert_eq!(error.value, value);
            assert!(error.field.starts_with("manifests: own.yaml"), "{error}");
        }
    }
}

#[test]
fn a_host_that_another_project_has_is_not_taken_by_any_path() {
    let open = Exposure::default();
    let shop = exposed("shop", "shop.example.com", "/");
    for evil in [
        exposed("evil", "shop.example.com", "/login"),
        exposed("evil", "*.example.com", "/"),
        release("evil", "", INGRESS),
        release("evil", "", ROUTE),
    ] {
        open.check(&evil).unwrap();
        let error = open.compare(&evil, std::slice::from_ref(&shop)).unwrap_err().to_string();
        assert!(error.contains("is taken by a release of another project"), "{error}");
        assert!(!error.contains("`shop`"), "another project is not named: {error}");
        assert!(open.searches(&evil).contains("example.com"));
    }
    let error =
        open.compare(&release("evil", "", INGRESS), std::slice::from_ref(&shop)).unwrap_err();
    assert_eq!(error.field, "manifests: own.yaml: Ingress own");
    for other in ["shop.example.org", "example.com.evil.test", "a.shop.example.com"] {
        open.compare(&exposed("evil", other, "/"), std::slice::from_ref(&shop)).unwrap();
    }
    // Another app of the same project, and below a wildcard of another.
    open.compare(&exposed("shop", "shop.example.com", "/login"), &[shop]).unwrap();
    let wildcard = exposed("shop", "*.example.com", "/");
    assert!(open.compare(&exposed("evil", "a.example.com", "/"), &[wildcard]).is_err());
    // What is searched for finds each of two that overlap, whichever comes first.
    let found = |search: &Release, host: &str| {
        open.searches(search).iter().any(|text| host.contains(text.as_str()))
    };
    let hosts = ["*.test", "shop.test", "*.shop.test", "a.shop.test"];
    for (one, other) in hosts.iter().flat_map(|one| hosts.map(|other| (*one, other))) {
        let release =
            release("evil", "", &INGRESS.replace("Shop.Example.com", &format!("'{one}'")));
        assert!(!overlap(one, other) || found(&release, other), "{one} {other}");
    }
}

#[test]
fn the_operator_gives_hosts_to_projects() {
    let owned = rules(&[
        ("*.example.com", &["shop"]),
        ("both.example.com", &["shop", "blog"]),
        ("*.apps.example.com", &[]),
    ]);
    owned.check(&exposed("shop", "a.b.example.com", "/")).unwrap();
    owned.check(&exposed("shop", "*.example.com", "/")).unwrap();
    owned.check(&exposed("evil", "evil.apps.example.com", "/")).unwrap();
    for (host, problem) in [
        ("a.example.com", "gives `*.example.com` to them"),
        ("*.example.com", "gives `*.example.com` to them"),
        ("both.example.com", "gives `both.example.com` to them"),
        ("example.com", "is not among the hosts of the operator"),
        ("evil.test", "is not among the hosts of the operator"),
    ] {
        let error = owned.check(&exposed("evil", host, "/")).unwrap_err();
        assert_eq!((&*error.field, &*error.value), ("expose.hosts", host));
        assert!(error.problem.contains(problem), "{error}");
    }
    let without = release("evil", "expose = { gateway = \"infra/public\" }", "");
    assert_eq!(owned.check(&without).unwrap_err().value, "(any host)");
    // Several projects share a host: each has its paths.
    let shop = exposed("shop", "both.example.com", "/");
    owned
        .compare(&exposed("blog", "both.example.com", "/blog"), std::slice::from_ref(&shop))
        .unwrap();
    assert!(owned.compare(&exposed("blog", "both.example.com", "/"), &[shop]).is_err());
    // A host that the operator gave to another project is no longer that of a release.
    let before = exposed("blog", "shop.example.com", "/");
    owned.compare(&exposed("shop", "shop.example.com", "/"), &[before]).unwrap();
}

#[test]
fn routes_without_a_host_meet_at_the_same_gateway_only() {
    let open = Exposure::default();
    let at = |project, gateway: &str| {
        release(project, &format!("expose = {{ gateway = \"{gateway}\" }}"), "")
    };
    let shop = at("shop", "infra/public");
    assert!(open.compare(&at("evil", "infra/public"), std::slice::from_ref(&shop)).is_err());
    open.compare(&at("evil", "infra/other"), std::slice::from_ref(&shop)).unwrap();
    open.compare(&at("evil", "own"), &[at("shop", "own"), shop.clone()]).unwrap();
    // A listener may have a host: then a route without one takes that host's requests by its longer path.
    let hosted = exposed("shop", "shop.example.com", "/");
    let login = |gateway: &str| {
        let spec = format!("expose = {{ gateway = \"{gateway}\", path = \"/login\" }}");
        release("evil", &spec, "")
    };
    assert!(open.searches(&login("infra/public")).contains(""));
    assert!(open.compare(&login("infra/public"), std::slice::from_ref(&hosted)).is_err());
    open.compare(&login("infra/other"), std::slice::from_ref(&hosted)).unwrap();
    open.compare(&at("evil", "infra/public"), std::slice::from_ref(&hosted)).unwrap();
    rules(&[("*", &["evil", "shop"])])
        .compare(&login("infra/public"), std::slice::from_ref(&hosted))
        .unwrap();
    let posts = ROUTE.replace("hostnames: [shop.example.com], ", "");
    let posts = posts.replace("{path: {value: /login}}", "{method: POST}");
    assert!(open.compare(&release("evil", "", &posts), &[hosted]).is_err());
    let elsewhere = at("evil", "infra/public").at(&["eu".to_owned()]);
    open.compare(&elsewhere, &[shop]).unwrap();
}

#[test]
fn annotations_are_those_that_the_operator_allows() {
    let allowed = ["nginx.ingress.kubernetes.io/proxy-body-size", "cert-manager.io/*"];
    let rules = Exposure { annotations: allowed.map(String::from).into(), ..Exposure::default() };
    let annotated = |key: &str| {
        let spec = format!("expose.annotations = {{ \"{key}\" = \"x\" }}");
        rules.check(&release("evil", &spec, ""))
    };
    annotated("nginx.ingress.kubernetes.io/proxy-body-size").unwrap();
    annotated("cert-manager.io/issuer").unwrap();
    for key in ["nginx.ingress.kubernetes.io/configuration-snippet", "cert-manager.io.evil/issuer"]
    {
        let error = annotated(key).unwrap_err();
        assert_eq!((&*error.field, &*error.value), ("expose.annotations", key));
        assert!(error.problem.contains("cert-manager.io/*; the operator adds it"), "{error}");
    }
    let own = INGRESS.replace("{name: own}", "{name: own, annotations: {snippet: 'return 200;'}}");
    let error = rules.check(&release("evil", "", &own)).unwrap_err();
    assert_eq!(error.field, "manifests: own.yaml: Ingress annotations");
}

#[test]
fn routes_that_nobody_can_read_need_the_operators_word() {
    let own = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: own}\nspec: {hosts: [shop.example.com]}\n";
    let release = release("evil", "", own);
    let error = Exposure::default().check(&release).unwrap_err();
    assert_eq!(error.value, "VirtualService.networking.istio.io");
    let kinds = vec!["VirtualService.networking.istio.io".to_owned()];
    Exposure { kinds, ..Exposure::default() }.check(&release).unwrap();
    for (own, value) in [
        (
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: own}\nspec: {hosts: [shop.example.com]}\n",
            "ServiceEntry.networking.istio.io",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: own}\nspec: {externalIPs: [10.0.0.7], ports: [{port: 443}]}\n",
            "Service.externalIPs",
        ),
    ] {
        let error = Exposure::default().check(&self::release("evil", "", own)).unwrap_err();
        assert_eq!(error.value, value);
    }
}

/// Else whoever has a cluster of its own could keep any host from all others, and a name that two projects gave to their
/// clusters would be one place.
#[test]
fn a_host_in_a_projects_own_cluster_is_taken_from_nobody() {
    let open = Exposure { shared: vec!["eu".into()], ..Exposure::default() };
    let placed = |project: &str, clusters: &[&str]| {
        let clusters: Vec<_> = clusters.iter().map(ToString::to_string).collect();
        exposed(project, "shop.example.com", "/").at(&clusters)
    };
    for (one, other, is_refused) in [
        (&["ours"][..], &["ours"][..], false),
        (&["eu"], &["ours"], false),
        (&["ours"], &["eu"], false),
        (&["eu"], &["eu"], true),
        (&["eu", "ours"], &["eu", "theirs"], true),
    ] {
        let (one, other) = (placed("evil", one), placed("shop", other));
        let compared = open.compare(&one, std::slice::from_ref(&other));
        assert_eq!(compared.is_err(), is_refused, "{:?} {:?}", one.clusters, other.clusters);
    }
}
