//! Requests from options, and what is printed.

use super::*;
use crate::{args::Command, snapshots::same};
use clap::Parser;
use prost_types::Timestamp;

const NOW_MS: u64 = 1_764_093_182_000;

/// Returns the request of a command line, with this standard input.
fn made(line: &str, stdin: &str) -> Result<v1::PutRegistryRequest, String> {
    let args = Args::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
    let Command::Registry(Registry::Put(put)) = args.command else { panic!("{line}") };
    request(&put, &mut stdin.as_bytes()).map_err(|failure| failure.to_string())
}

#[test]
fn secrets_come_from_files_and_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (push, key) = (file("push", "may-write\r\n"), file("key", "{}\n"));
    let settings = file("settings", "{\"region\": \"eu\"}");
    let start = "windlass registry put shop ghcr.io";
    let one = made(&format!("{start} --push-user ci --password-stdin"), "hunter22\n").unwrap();
    assert_eq!(one.push.unwrap().password, b"hunter22");
    assert_eq!((&*one.project, &*one.host, &*one.images, one.pull), ("shop", "ghcr.io", "", None));
    let line = format!(
        "{start} --images ghcr.io/acme --push-user ci --push-password-file {push} --pull-user r --password-stdin --no-check"
    );
    let two = made(&line, "may-read").unwrap();
    assert_eq!(two.push.unwrap().password, b"may-write");
    assert_eq!(two.pull.unwrap().password, b"may-read");
    assert!(two.no_check && two.images == "ghcr.io/acme");
    let line = format!(
        "{start} --push-plugin registry-ecr --push-secret aws={key} --push-settings {settings}"
    );
    let login = made(&line, "").unwrap().push.unwrap();
    assert_eq!((&*login.plugin, &*login.settings_json), ("registry-ecr", "{\"region\": \"eu\"}"));
    assert_eq!(login.secrets["aws"], b"{}");
}

#[test]
fn a_password_that_is_missing_is_named_by_its_option() {
    let start = "windlass registry put shop ghcr.io";
    for (options, expected) in [
        ("--push-user a", "--push-user: needs a password: --push-password-file FILE"),
        ("--pull-user a", "--pull-user: needs a password: --pull-password-file FILE"),
        ("--push-user a --pull-user b --password-stdin", "--password-stdin: is of one user"),
        ("--push-plugin p --password-stdin", "--password-stdin: no user without a password"),
        ("--push-user a --push-password-file /nowhere/x", "--push-password-file: /nowhere/x: "),
        ("--push-plugin p --push-secret aws", "expected NAME=FILE"),
    ] {
        let error = made(&format!("{start} {options}"), "hunter22").unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter22"), "{error}");
    }
}

#[test]
fn registries_read_as_they_should() {
    let user = |user: &str| Some(v1::RegistryAccount { user: user.into(), ..Default::default() });
    let ghcr = v1::Registry {
        project: "shop".into(),
        host: "ghcr.io".into(),
        images: "ghcr.io/acme".into(),
        push: user("ci"),
        pull: user("nodes"),
        version: 3,
        by: "uid:1000".into(),
        at: Some(Timestamp { seconds: 1_764_093_182 - 400_000, nanos: 0 }),
        finding: String::new(),
        removed: false,
    };
    let plugin = v1::RegistryAccount { plugin: "registry-ecr".into(), ..Default::default() };
    let odd = v1::Registry {
        host: "r.example.com".into(),
        images: String::new(),
        push: Some(plugin),
        pull: None,
        finding: "push: r.example.com refuses the login: 401".into(),
        ..ghcr.clone()
    };
    let finding = v1::RegistryFinding {
        login: "push".into(),
        message: "ghcr.io refuses the login: 401".into(),
        fix: "put the user with a password or token that is valid".into(),
    };
    let gone = v1::Registry {
        images: String::new(),
        push: None,
        pull: None,
        version: 4,
        removed: true,
        ..ghcr.clone()
    };
    let scenes = [
        ("put", stored(&ghcr)),
        ("put without a check", stored(&odd)),
        ("history", history(&[gone, ghcr.clone(), odd.clone()], NOW_MS)),
        ("list", list(&[ghcr, odd], NOW_MS)),
        ("accepted", tested("ghcr.io", &[])),
        ("refused", tested("ghcr.io", &[finding])),
    ];
    let text =
        |lines: &[Line]| -> String { lines.iter().map(|line| line.show(false) + "\n").collect() };
    let scenes: String =
        scenes.iter().map(|(name, lines)| format!("--- {name}\n{}", text(lines))).collect();
    same("registries", &scenes);
    assert!(list(&[], NOW_MS).is_empty());
}
