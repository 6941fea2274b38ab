//! Claims of a release: the hosts and paths whose requests it takes, by `expose` and by its own manifests.

use crate::{
    job::Release,
    runtime::{Manifest, Route},
    spec::SpecError,
};
use serde_json::Value;

/// Field of the claims that `expose` makes.
const EXPOSED: &str = "expose.hosts";

/// Kinds of manifests whose hosts are read, besides `Service`. Of all of them the annotations are checked.
const ROUTES: [&str; 5] = ["Ingress", "HTTPRoute", "GRPCRoute", "TLSRoute", "Gateway"];

/// Kinds that lead requests by host, in ways of their own: kind, and group of the API.
const UNREADABLE: [(&str, &str); 23] = [
    ("IngressRoute", "traefik.io"),
    ("IngressRoute", "traefik.containo.us"),
    ("IngressRouteTCP", "traefik.io"),
    ("IngressRouteTCP", "traefik.containo.us"),
    ("VirtualService", "networking.istio.io"),
    ("Gateway", "networking.istio.io"),
    ("HTTPProxy", "projectcontour.io"),
    ("Route", "route.openshift.io"),
    ("Mapping", "getambassador.io"),
    ("Host", "getambassador.io"),
    ("ApisixRoute", "apisix.apache.org"),
    ("VirtualServer", "k8s.nginx.org"),
    ("VirtualServerRoute", "k8s.nginx.org"),
    ("DNSEndpoint", "externaldns.k8s.io"),
    ("ServiceEntry", "networking.istio.io"),
    ("ListenerSet", "gateway.networking.k8s.io"),
    ("XListenerSet", "gateway.networking.x-k8s.io"),
    ("TransportServer", "k8s.nginx.org"),
    ("DomainMapping", "serving.knative.dev"),
    ("TCPIngress", "configuration.konghq.com"),
    ("VirtualService", "gateway.solo.io"),
    ("AmbassadorMapping", "x.getambassador.io"),
    ("HTTPScaledObject", "http.keda.sh"),
];

/// Pseudo kind of a Service that takes the packets to addresses of its own choice, on all nodes (CVE-2020-8554).
pub(super) const EXTERNAL_IPS: &str = "Service.externalIPs";

/// A host and a path whose requests a release takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Field of the spec or file of the manifest, for errors.
    pub field: String,
    /// Host, in small letters: `shop.example.com`, or `*.example.com`. Empty means any host.
    pub host: String,
    /// Path or prefix of a path.
    pub path: String,
    /// Gateway or IngressClass that leads there. Empty means that the object names none.
    pub by: String,
}

impl Claim {
    /// Returns whether both take the same requests at the same gateway.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.by == other.by && self.is_same_place(other)
    }

    /// Returns whether both take the same host and path.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        let path = |claim: &Self| claim.path.trim_end_matches('/').to_owned();
        self.host == other.host && path(self) == path(other)
    }

    /// Returns whether a Gateway may prefer this route, which has no host, to a route of a host. At a listener with a
    /// host it takes that host's requests, and the longer path counts, then what else a route matches: a manifest may
    /// match methods and headers.
    pub(super) fn goes_before(&self, other: &Self) -> bool {
        let path = |claim: &Self| claim.path.trim_end_matches('/').to_owned();
        let is_preferred = match path(self).strip_prefix(&path(other)) {
            Some("") => self.field != EXPOSED,
            Some(rest) => rest.starts_with('/'),
            None => false,
        };
        let is_of_gateway = self.by.contains('/') && self.by == other.by;
        is_preferred && is_of_gateway && self.host.is_empty() && !other.host.is_empty()
    }

    pub(super) fn error(&self, problem: &str) -> SpecError {
        let value: String = self.host.chars().take(80).collect();
        let value = if value.is_empty() { "(any host)".to_owned() } else { value };
        SpecError { field: self.field.clone(), value, problem: problem.to_owned() }
    }
}

/// Returns all claims of a release.
#[must_use]
pub fn claims(release: &Release) -> Vec<Claim> {
    let expose = &release.runtime.expose;
    let namespace = release.app.namespace();
    let by = expose.route.as_ref().map(|route| match route {
        Route::Gateway { namespace: other, name } => {
            gateway(other.as_deref().unwrap_or(&namespace), name)
        }
        Route::Ingress { class, tls: _ } => class.clone(),
    });
    let mut all = Vec::new();
    if let Some(by) = by {
        let claim = |host: &str| Claim {
            field: EXPOSED.into(),
            host: host.to_ascii_lowercase(),
            path: expose.path.clone(),
            by: by.clone(),
        };
        all.extend(expose.hosts.iter().map(|host| claim(host)));
        if expose.hosts.is_empty() {
            all.push(claim(""));
        }
    }
    for (manifest, object) in objects(release) {
        of_object(manifest, &object, &namespace, &mut all);
    }
    all
}

/// Returns the annotations of what leads to the app: the field of each, and its key.
pub(super) fn annotated(release: &Release) -> Vec<(String, String)> {
    let own = release.runtime.expose.annotations.keys();
    let mut all: Vec<_> = own.map(|key| ("expose.annotations".to_owned(), key.clone())).collect();
    for (manifest, object) in objects(release) {
        let kind = text(&object, "/kind");
        if kind != "Service" && !ROUTES.contains(&kind) {
            continue;
        }
        for place in ["/metadata/annotations", "/spec/infrastructure/annotations"] {
            let keys = object.pointer(place).and_then(Value::as_object);
            let field = || format!("manifests: {}: {kind} annotations", manifest.file);
            all.extend(keys.into_iter().flatten().map(|(key, _)| (field(), key.clone())));
        }
    }
    all
}

/// Returns the manifests whose hosts cannot be read: the field of each, and its kind as `KIND.GROUP`.
pub(super) fn unreadable(release: &Release) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (manifest, object) in objects(release) {
        let (kind, group) = (text(&object, "/kind"), group(&object));
        if UNREADABLE.contains(&(kind, group)) {
            all.push((format!("manifests: {}", manifest.file), format!("{kind}.{group}")));
        }
        if (kind, group) == ("Service", "") && !list(&object, "/spec/externalIPs").is_empty() {
            all.push((format!("manifests: {}", manifest.file), EXTERNAL_IPS.to_owned()));
        }
    }
    all
}

fn objects(release: &Release) -> impl Iterator<Item = (&Manifest, Value)> {
    let read = |manifest| Some((manifest, read(manifest)?));
    release.runtime.manifests.iter().filter_map(read)
}

fn read(manifest: &Manifest) -> Option<Value> {
    serde_json::from_str(&manifest.json).ok()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns the group of an object's API. Empty means the core group.
fn group(object: &Value) -> &str {
    text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group)
}

fn gateway(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

fn of_object(manifest: &Manifest, object: &Value, namespace: &str, all: &mut Vec<Claim>) {
    let kind = text(object, "/kind");
    let mut claim = |host: &str, path: &str, by: &str| {
        all.push(Claim {
            field: format!(
                "manifests: {}: {kind} {}",
                manifest.file,
                text(object, "/metadata/name")
            ),
            host: host.to_ascii_lowercase(),
            path: if path.is_empty() { "/".into() } else { path.into() },
            by: by.into(),
        });
    };
    match (kind, group(object)) {
        ("Ingress", _) => {
            let old = text(object, "/metadata/annotations/kubernetes.io~1ingress.class");
            let class =
                Some(text(object, "/spec/ingressClassName")).filter(|name| !name.is_empty());
            let class = class.unwrap_or(old);
            if object.pointer("/spec/defaultBackend").is_some_and(|backend| !backend.is_null()) {
                claim("", "/", class);
            }
            for rule in list(object, "/spec/rules") {
                let host = text(rule, "/host");
                let paths = list(rule, "/http/paths");
                if paths.is_empty() {
                    claim(host, "/", class);
                }
                for path in paths {
                    claim(host, text(path, "/path"), class);
                }
            }
            // Certificates are ordered for these.
            for host in list(object, "/spec/tls").iter().flat_map(|tls| list(tls, "/hosts")) {
                claim(host.as_str().unwrap_or_default(), "/", class);
            }
        }
        ("HTTPRoute" | "GRPCRoute" | "TLSRoute", "gateway.networking.k8s.io") => {
            let matches = list(object, "/spec/rules").iter();
            let matches = matches.flat_map(|rule| list(rule, "/matches"));
            let mut paths: Vec<_> = matches.map(|one| text(one, "/path/value")).collect();
            if paths.is_empty() {
                paths.push("/");
            }
            let hosts = list(object, "/spec/hostnames").iter().filter_map(Value::as_str);
            let mut hosts: Vec<_> = hosts.collect();
            if hosts.is_empty() {
                hosts.push("");
            }
            for parent in list(object, "/spec/parentRefs") {
                let of = Some(text(parent, "/namespace")).filter(|name| !name.is_empty());
                let by = gateway(of.unwrap_or(namespace), text(parent, "/name"));
                for host in &hosts {
                    paths.iter().for_each(|path| claim(host, path, &by));
                }
            }
        }
        ("Gateway", "gateway.networking.k8s.io") => {
            // A listener without a host takes what its own routes take.
            let hosts = list(object, "/spec/listeners").iter();
            let hosts = hosts.map(|listener| text(listener, "/hostname"));
            let by = gateway(namespace, text(object, "/metadata/name"));
            hosts.filter(|host| !host.is_empty()).for_each(|host| claim(host, "/", &by));
        }
        _ => {}
    }
}
