//! Kubeconfigs of projects: read, refused by field, and cut down to the one context that is used.
//!
//! They come from strangers: nothing in them may run a program or read a file of the daemon's machine. No error quotes
//! what could be a secret.

use http::Uri;
use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use windlass_engine::ports::KubeconfigError;
use windlass_model::{own::cluster::LONGEST_KUBECONFIG, secret::Secret};

/// Command that writes a kubeconfig of the form that is taken.
const EXPORT: &str = "kubectl config view --raw --minify --flatten";

/// Name of cluster, user and context in what is kept.
const ONLY: &str = "cluster";

/// A kubeconfig as it is kept.
#[derive(Debug)]
pub(crate) struct Read {
    /// The only context, cluster and user.
    pub(crate) kubeconfig: Kubeconfig,
    pub(crate) server: Uri,
}

/// Returns an address without slashes at its end.
pub(crate) fn address(server: &Uri) -> String {
    server.to_string().trim_end_matches('/').to_owned()
}

impl Read {
    /// Returns the kubeconfig as it is sealed.
    pub(crate) fn sealed(&self) -> Result<Secret, KubeconfigError> {
        let odd = || {
            let problem = "holds characters that YAML does not have, or too many that are escaped";
            fault("kubeconfig", problem)
        };
        let sealed = Secret::new(serde_json::to_vec(&self.kubeconfig).map_err(|_| odd())?);
        // Whoever opens it has to read it.
        read(&sealed).map_err(|_| odd())?;
        Ok(sealed)
    }
}

fn fault(field: impl Into<String>, problem: impl Into<String>) -> KubeconfigError {
    KubeconfigError { field: field.into(), problem: problem.into() }
}

/// Reads a kubeconfig, and keeps its current context.
pub(crate) fn read(text: &Secret) -> Result<Read, KubeconfigError> {
    let length = text.reveal().len();
    if length > LONGEST_KUBECONFIG {
        let problem = format!("has {length} bytes; at most {LONGEST_KUBECONFIG} are allowed");
        return Err(fault("kubeconfig", problem));
    }
    let none = || {
        fault(
            "kubeconfig",
            format!("is no kubeconfig in YAML; expected what this writes: {EXPORT}"),
        )
    };
    // The parser's own error may quote a line with a token.
    let file = Kubeconfig::from_yaml(text.reveal_text().ok_or_else(none)?).map_err(|_| none())?;
    let context = context(&file)?;
    let (server, cluster) = cluster(&file, &context.cluster)?;
    let user = context.user.as_deref().unwrap_or_default();
    let user = user_of(&file, user)?;
    let kubeconfig = Kubeconfig {
        clusters: vec![NamedCluster {
            name: ONLY.into(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: ONLY.into(),
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: ONLY.into(),
            context: Some(Context {
                cluster: ONLY.into(),
                user: Some(ONLY.into()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        current_context: Some(ONLY.into()),
        ..Kubeconfig::default()
    };
    Ok(Read { kubeconfig, server })
}

/// Returns the context that is meant.
fn context(file: &Kubeconfig) -> Result<&Context, KubeconfigError> {
    let current = file.current_context.as_deref().filter(|name| !name.is_empty());
    let found = match (current, &*file.contexts) {
        (Some(name), contexts) => {
            let mut named = contexts.iter().filter(|context| context.name == name);
            let missing = || {
                let problem = format!("`{}` names no context of the file", cut(name));
                fault("kubeconfig.current-context", problem)
            };
            named.next().ok_or_else(missing)?
        }
        (None, [only]) => only,
        (None, []) => {
            return Err(fault(
                "kubeconfig.contexts",
                format!("is empty; expected what this writes: {EXPORT}"),
            ));
        }
        (None, _) => {
            let problem = format!(
                "is not set, and there are several contexts; expected what this writes: {EXPORT}"
            );
            return Err(fault("kubeconfig.current-context", problem));
        }
    };
    let empty = || fault("kubeconfig.contexts", format!("`{}` has no context", cut(&found.name)));
    found.context.as_ref().ok_or_else(empty)
}

/// Returns the cluster of this name as it is kept, with its address.
fn cluster(file: &Kubeconfig, name: &str) -> Result<(Uri, Cluster), KubeconfigError> {
    let mut named = file.clusters.iter().enumerate().filter(|(_, one)| one.name == name);
    let found = named.next().and_then(|(index, one)| Some((index, one.cluster.as_ref()?)));
    let missing = || {
        fault(
            "kubeconfig.clusters",
            format!("has no cluster `{}`, which the context names", cut(name)),
        )
    };
    let (index, cluster) = found.ok_or_else(missing)?;
    let at = |key: &str| format!("kubeconfig.clusters[{index}].cluster.{key}");
    let is_set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if is_set(&cluster.certificate_authority) {
        let problem =
            "names a file, which the daemon does not read; give `certificate-authority-data`";
        return Err(fault(at("certificate-authority"), problem));
    }
    if cluster.insecure_skip_tls_verify == Some(true) {
        let problem = "is refused: anybody on the way could take the credentials; give `certificate-authority-data`";
        return Err(fault(at("insecure-skip-tls-verify"), problem));
    }
    if is_set(&cluster.proxy_url) {
        let problem = "is refused: the daemon connects to the API server itself";
        return Err(fault(at("proxy-url"), problem));
    }
    let server = cluster.server.as_deref().unwrap_or_default();
    let wrong = |problem: &str| {
        fault(at("server"), format!("{problem}; expected one such as https://k8s.example.com:6443"))
    };
    let server: Uri = server.parse().map_err(|_| wrong("is no address"))?;
    if server.scheme_str() != Some("https") {
        return Err(wrong("is not https"));
    }
    let authority = server.authority().map_or("", http::uri::Authority::as_str);
    if server.host().is_none_or(str::is_empty)
        || authority.contains('@')
        || server.query().is_some()
    {
        return Err(wrong("has no host, or has more than a host, a port and a path"));
    }
    let kept = Cluster {
        server: Some(address(&server)),
        certificate_authority_data: cluster.certificate_authority_data.clone(),
        tls_server_name: cluster.tls_server_name.clone(),
        ..Cluster::default()
    };
    Ok((server, kept))
}

/// Returns the user of this name as it is kept.
fn user_of(file: &Kubeconfig, name: &str) -> Result<AuthInfo, KubeconfigError> {
    let mut named = file.auth_infos.iter().enumerate().filter(|(_, one)| one.name == name);
    let found = named.next().and_then(|(index, one)| Some((index, one.auth_info.as_ref()?)));
    let missing = || {
        fault("kubeconfig.users", format!("has no user `{}`, which the context names", cut(name)))
    };
    let (index, user) = found.ok_or_else(missing)?;
    let at = |key: &str| format!("kubeconfig.users[{index}].user{key}");
    let program = "wants a program to be run for its credentials; give a token or a certificate";
    if user.exec.is_some() {
        return Err(fault(at(".exec"), program));
    }
    if user.auth_provider.is_some() {
        return Err(fault(at(".auth-provider"), program));
    }
    for (key, path, instead) in [
        ("tokenFile", &user.token_file, "token"),
        ("client-certificate", &user.client_certificate, "client-certificate-data"),
        ("client-key", &user.client_key, "client-key-data"),
    ] {
        if path.as_deref().is_some_and(|path| !path.is_empty()) {
            let problem = format!("names a file, which the daemon does not read; give `{instead}`");
            return Err(fault(at(&format!(".{key}")), problem));
        }
    }
    let has_certificate = user.client_certificate_data.is_some() && user.client_key_data.is_some();
    let has_password = user.username.is_some() && user.password.is_some();
    if user.token.is_none() && !has_certificate && !has_password {
        let problem = "has no credentials; expected `token`, or `client-certificate-data` and `client-key-data`";
        return Err(fault(at(""), problem));
    }
    Ok(AuthInfo {
        username: user.username.clone(),
        password: user.password.clone(),
        token: user.token.clone(),
        client_certificate_data: user.client_certificate_data.clone(),
        client_key_data: user.client_key_data.clone(),
        impersonate: user.impersonate.clone(),
        impersonate_uid: user.impersonate_uid.clone(),
        impersonate_groups: user.impersonate_groups.clone(),
        impersonate_user_extra: user.impersonate_user_extra.clone(),
        ..AuthInfo::default()
    })
}

/// Returns the beginning of a name, for errors.
fn cut(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "server: https://k8s.example:6443";
    const USER: &str = "token: hunter22";

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    /// Returns a kubeconfig with this cluster and user, each in flow style without braces.
    fn file(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters:\n- name: c\n  cluster: {{ {cluster} }}\n\
             users:\n- name: u\n  user: {{ {user} }}\ncontexts:\n- name: it\n  context: {{ cluster: c, user: u }}\n"
        )
    }

    fn error(text: &str) -> String {
        let error = read(&secret(text)).unwrap_err().to_string();
        assert!(!error.contains("hunter22"), "{error}");
        error
    }

    #[test]
    fn what_is_kept_is_the_one_context_and_reads_the_same_again() {
        let more = file(CLUSTER, USER)
            + "- name: other\n  context: { cluster: c2, user: u2 }\npreferences: { colors: true }\n";
        let more = more.replace(
            "users:\n",
            "users:\n- name: u2\n  user: { exec: { command: /bin/sh, apiVersion: v1 }, token: hunter33 }\n",
        );
        let first = read(&secret(&more)).unwrap();
        assert_eq!(address(&first.server), "https://k8s.example:6443");
        let sealed = first.sealed().unwrap();
        let text = sealed.reveal_text().unwrap();
        assert!(text.contains("hunter22"), "the token is kept");
        assert!(!text.contains("hunter33") && !text.contains("/bin/sh"), "{text}");
        let again = read(&sealed).unwrap();
        assert_eq!(again.sealed().unwrap().reveal_text(), Some(text));
    }

    #[test]
    fn what_would_run_or_read_or_trust_too_much_is_refused_by_its_field() {
        for (cluster, user, field) in [
            (
                "server: \"https://a\", certificate-authority: /etc/passwd",
                USER,
                "clusters[0].cluster.certificate-authority: names a file",
            ),
            (
                "server: \"https://a\", insecure-skip-tls-verify: true",
                USER,
                "clusters[0].cluster.insecure-skip-tls-verify: is refused",
            ),
            (
                "server: \"https://a\", proxy-url: \"http://p\"",
                USER,
                "clusters[0].cluster.proxy-url: is refused",
            ),
            ("server: \"http://a\"", USER, "clusters[0].cluster.server: is not https"),
            (
                "server: \"https://me:hunter22@a\"",
                USER,
                "clusters[0].cluster.server: has no host, or has more",
            ),
            ("server: \"\"", USER, "clusters[0].cluster.server: is no"),
            ("server: /etc/hunter22", USER, "clusters[0].cluster.server: is not https"),
            (
                CLUSTER,
                "exec: { command: id, apiVersion: v1 }",
                "users[0].user.exec: wants a program",
            ),
            (
                CLUSTER,
                "auth-provider: { name: gcp }, token: hunter22",
                "users[0].user.auth-provider: wants a program",
            ),
            (CLUSTER, "tokenFile: /hunter22", "users[0].user.tokenFile: names a file"),
            (
                CLUSTER,
                "client-certificate: /c, client-key-data: eA==",
                "users[0].user.client-certificate: names a file",
            ),
            (
                CLUSTER,
                "client-certificate-data: eA==, client-key: /k",
                "users[0].user.client-key: names a file",
            ),
            (CLUSTER, "client-certificate-data: eA==", "users[0].user: has no credentials"),
            (CLUSTER, "", "users[0].user: has no credentials"),
        ] {
            let error = error(&file(cluster, user));
            assert!(error.starts_with(&format!("kubeconfig.{field}")), "{field}: {error}");
        }
    }

    #[test]
    fn a_context_is_current_or_the_only_one() {
        let good = file(CLUSTER, USER);
        let uncurrent = good.replace("current-context: it\n", "");
        read(&secret(&uncurrent)).unwrap();
        let several = format!("{uncurrent}- name: other\n  context: {{ cluster: c, user: u }}\n");
        assert!(error(&several).starts_with("kubeconfig.current-context: is not set"));
        let wrong = good.replace("current-context: it", "current-context: that");
        assert!(error(&wrong).starts_with("kubeconfig.current-context: `that` names no context"));
        assert!(
            error("apiVersion: v1\nkind: Config\n").starts_with("kubeconfig.contexts: is empty")
        );
        let other = good.replace("cluster: c,", "cluster: x,");
        assert!(error(&other).starts_with("kubeconfig.clusters: has no cluster `x`"));
        let other = good.replace("user: u }", "user: x }");
        assert!(error(&other).starts_with("kubeconfig.users: has no user `x`"));
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused_without_a_word_of_it() {
        for bad in ["token: [hunter22", "- hunter22", "hunter22", "clusters: hunter22"] {
            assert!(error(bad).starts_with("kubeconfig"), "{bad}");
        }
        let long = format!("{}# {}", file(CLUSTER, USER), "x".repeat(LONGEST_KUBECONFIG));
        assert!(error(&long).contains("at most 65536 are allowed"));
        read(&Secret::new(vec![0xff])).unwrap_err();
        let escaped = file(CLUSTER, &format!("token: \"{}\"", "\\x01".repeat(15_000)));
        let error = read(&secret(&escaped)).and_then(|read| read.sealed()).unwrap_err();
        assert_eq!(error.field, "kubeconfig");
    }
}
