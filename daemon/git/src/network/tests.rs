use super::*;
use crate::sockets::fake::Fake;
use proptest::{prelude::*, test_runner::Config};
use tokio::runtime::{Builder, Runtime};
use windlass_model::address::is_global;

/// The only private server that the operator named.
const NAMED: &str = "127.0.0.1:18001";

fn names(name: &str, _: usize) -> Vec<SocketAddr> {
    let ip = match name {
        "git.example" | "git.example." => "1.1.1.1",
        "both.example" => {
            return ["1.1.1.1:0", "10.0.0.1:0"]
                .map(|text| text.parse::<SocketAddr>().unwrap())
                .into();
        }
        // As getaddrinfo reads numbers.
        "2130706433" | "127.1" | "0x7f.1" | "localhost" => "127.0.0.1",
        _ => "10.0.0.1",
    };
    vec![SocketAddr::new(ip.parse().unwrap(), 0)]
}

fn servers() -> (Servers, Fake) {
    let fake = Fake::new(names, |_, _| String::new());
    let egress = Egress { allow: vec![NAMED.into()], ca: None };
    // Without the authorities of this machine, which take long to read.
    let roots = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let network = Network::new(egress, Box::new(fake.clone())).unwrap();
    let servers = Servers::new(Arc::new(network));
    (Servers { tls: Some(Arc::new(roots)), ..servers }, fake)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Parts of which two readers may make two hosts.
fn texts() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec![
        "https://",
        "http://",
        "git://",
        "HTTPS://",
        "https:/\\",
        "https:\\\\",
        "https:",
        "ssh://",
        "https:///",
        " https://",
        "ht\ttps://",
    ]);
    let host = || {
        prop::sample::select(vec![
            "127.0.0.1",
            "git.example",
            "GIT.example",
            "git.example.",
            "both.example",
            "internal.corp",
            "localhost",
            "0x7f.1",
            "2130706433",
            "127.1",
            "0177.0.0.1",
            "10.0.0.1",
            "1.1.1.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[2606:4700::1111]",
            "169.254.169.254",
            "\u{ff11}27.0.0.1",
            "127\u{3002}0.0.1",
            "b\u{fc}cher.example",
            "xn--bcher-kva.example",
            "git%2eexample",
            "git.example%00",
            "user:pass@git.example",
            "",
        ])
    };
    let port = || {
        prop::sample::select(vec!["", ":18001", ":18002", ":443", ":0443", ":", ":99999", ":1x"])
    };
    let joint = prop::sample::select(vec![
        "", "?", "#", "@", "?@", "#@", "\\", "\\@", "/@", ";@", "%40", "%23@", "\t", "\n", "%00",
        "/", "/..", " ", "/\\", ":@",
    ]);
    let path = prop::sample::select(vec![
        "",
        "/a/b.git",
        "/../x",
        "/.git",
        "/%2e%2e/x",
        "/a b",
        "//x",
        "/x?y=z",
        "/x#y",
    ]);
    (scheme, host(), port(), joint, host(), port(), path).prop_map(
        |(scheme, host, port, joint, other, second, path)| match joint {
            "" => format!("{scheme}{host}{port}{path}"),
            _ => format!("{scheme}{host}{port}{joint}{other}{second}{path}"),
        },
    )
}

/// Compares what the policy read in a text with the address at which a socket opens.
fn compare(text: &str) {
    let (mut servers, fake) = servers();
    let runtime = runtime();
    let url = runtime.block_on(async {
        let url = servers.admit(text).await.ok()?;
        // TLS fails, since the server is none. Where the socket opened is seen all the same.
        let _ = servers.connect(&url).await;
        let _ = servers.connect(&url).await;
        Some(url)
    });
    let seen = fake.seen.lock().unwrap();
    let Some(url) = url else {
        assert!(seen.dialled.is_empty(), "refused and dialled: {text}");
        return;
    };
    assert!(!seen.dialled.is_empty(), "allowed and not dialled: {text}");
    assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
    let host = url.host_str().unwrap().trim_matches(['[', ']']);
    for address in &seen.dialled {
        let is_named = address.to_string() == NAMED;
        assert!(
            is_named || is_global(address.ip()) && url.scheme() == "https",
            "{text}: {address}"
        );
        assert_eq!(address.port(), port(&url), "{text}");
        match host.parse::<IpAddr>() {
            Ok(ip) => assert_eq!(address.ip(), ip, "{text}"),
            Err(_) => assert_eq!(seen.resolved, [(host.to_owned(), port(&url))], "{text}"),
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_socket_opens_where_the_policy_looked(text in texts()) {
        compare(&text);
    }

    #[test]
    fn no_text_at_all_opens_a_socket_elsewhere(text in "(https?|git)://[0-9a-z.:@?#/\\\\\\[\\]%\t]{1,40}") {
        compare(&text);
    }
}

/// The table of the review: each text had one host for the policy, and another for libgit2.
#[test]
fn texts_with_two_hosts_are_refused() {
    for text in [
        "https://1.1.1.1?@127.0.0.1:18443/internal/repo.git",
        "https://1.1.1.1#@127.0.0.1:18443/internal/repo.git",
        "https://git.example#@gitlab.corp/secret/repo.git",
        "http://127.0.0.1:18001?@127.0.0.1:18002/internal/repo.git",
        "http://127.0.0.1:18002/x.git",
        "https://both.example/x.git",
    ] {
        let (mut servers, fake) = servers();
        let refused = runtime().block_on(servers.admit(text));
        assert!(refused.is_err(), "{text}");
        assert!(fake.seen.lock().unwrap().dialled.is_empty(), "{text}");
    }
}

/// DNS rebinding: the second answer is never asked for.
#[test]
fn a_name_is_resolved_once() {
    let fake = Fake::new(
        |_, before: usize| {
            let ip = if before == 0 { "1.1.1.1:0" } else { "127.0.0.1:0" };
            vec![ip.parse().unwrap()]
        },
        |_, _| String::new(),
    );
    let network = Network::new(Egress::default(), Box::new(fake.clone())).unwrap();
    let mut servers = Servers::new(Arc::new(network));
    runtime().block_on(async {
        let url = servers.admit("https://rebinding.example/x.git").await.unwrap();
        for _ in 0..3 {
            let _ = servers.connect(&url).await;
        }
    });
    let seen = fake.seen.lock().unwrap();
    assert_eq!(seen.resolved, [("rebinding.example".to_owned(), 443)]);
    let expected: SocketAddr = "1.1.1.1:443".parse().unwrap();
    assert_eq!(seen.dialled, [expected; 3]);
}

#[test]
fn a_file_of_authorities_is_read_or_named() {
    let error = tls(Some(Path::new("/nonexistent.pem"))).unwrap_err().to_string();
    assert!(error.contains("egress.ca: /nonexistent.pem"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = tls(Some(file.path())).unwrap_err().to_string();
    assert!(error.contains("no certificate"), "{error}");
}

/// A machine without descriptors is no server that cannot be reached.
#[test]
fn what_this_machine_lacks_is_no_fault_of_the_server() {
    let error = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
    let lack = lacking("cannot open a socket", &error);
    assert!(
        matches!(lack, Some(FetchError::Local(why)) if why.starts_with("cannot open a socket: "))
    );
    let error = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_eq!(lacking("cannot open a socket", &error), None);
}
