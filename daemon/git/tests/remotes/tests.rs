//! Questions about refs and changed files.

use crate::server::Server;
use std::fmt::Write;
use windlass_git::CheckoutLimits;
use windlass_model::error::GitError;

type Test = fn();

pub(crate) const ALL: [(&str, Test); 7] = [
    ("a_tag_leads_to_its_commit", a_tag_leads_to_its_commit),
    ("ten_thousand_refs_are_listed", ten_thousand_refs_are_listed),
    ("a_list_of_refs_has_a_bound", a_list_of_refs_has_a_bound),
    ("files_are_named_over_both_protocols", files_are_named_over_both_protocols),
    ("a_missing_commit_is_named", a_missing_commit_is_named),
    ("contents_are_not_fetched", contents_are_not_fetched),
    ("no_more_files_than_asked_for", no_more_files_than_asked_for),
];

fn a_tag_leads_to_its_commit() {
    let server = Server::new(true);
    assert!(server.refs().unwrap().is_empty(), "nothing was pushed");
    let first = server.commit(&[("a", b"1")]);
    server.git(&["tag", "light"]);
    server.git(&["tag", "--annotate", "--message", "one", "v1"]);
    let second = server.commit(&[("a", b"2")]);
    let tag = server.git(&["rev-parse", "v1"]);
    assert_ne!(tag, first);
    let expected =
        [("refs/heads/main", &second), ("refs/tags/light", &first), ("refs/tags/v1", &first)];
    let expected = expected.map(|(name, id)| (name.to_owned(), id.clone()));
    assert_eq!(server.refs().unwrap(), expected);
}

/// Writes many branches at once, all of the newest commit.
fn branches(server: &Server, count: usize) {
    let commit = server.git(&["rev-parse", "HEAD"]);
    let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for n in 0..count {
        writeln!(text, "{commit} refs/heads/b{n:06}").unwrap();
    }
    std::fs::write(server.repository().join(".git/packed-refs"), text).unwrap();
}

fn ten_thousand_refs_are_listed() {
    let server = Server::new(true);
    let commit = server.commit(&[("a", b"1")]);
    branches(&server, 10_000);
    let refs = server.refs().unwrap();
    assert_eq!(refs.len(), 10_001);
    assert_eq!(refs[9_999], ("refs/heads/b009999".to_owned(), commit));
}

fn a_list_of_refs_has_a_bound() {
    let server = Server::new(true);
    server.commit(&[("a", b"1")]);
    branches(&server, 50_000);
    let error = server.refs().unwrap_err();
    assert!(matches!(error, GitError::Tree { .. }), "{error:?}");
    assert!(error.to_string().contains("50000"), "{error}");
    branches(&server, 400_000);
    let error = server.refs().unwrap_err();
    assert!(matches!(error, GitError::Tree { .. }), "{error:?}");
    assert!(error.to_string().contains("16777216 bytes, the limit of a list of refs"), "{error}");
}

/// Version 2 hands out any commit. In version 0 a server says whether it does, and the tips of refs are handed out in any
/// case.
fn files_are_named_over_both_protocols() {
    for (has_v2, by_id) in [(true, false), (false, true), (false, false)] {
        let server = Server::new(has_v2);
        let allowed = if by_id { "true" } else { "false" };
        server.git(&["config", "uploadpack.allowReachableSHA1InWant", allowed]);
        let first = server.commit(&[
            ("web/src/main.rs", b"a program that moves to another folder"),
            ("web/README.md", b"1"),
            ("api/main.rs", b"1"),
            ("docs/a.md", b"1"),
        ]);
        server.git(&["branch", "before"]);
        server.git(&["branch", "side"]);
        server.git(&["rm", "--quiet", "docs/a.md"]);
        server.commit(&[]);
        server.git(&["mv", "web/src", "web/source"]);
        server.commit(&[]);
        server.git(&["checkout", "--quiet", "side"]);
        server.commit(&[("api/main.rs", b"2")]);
        server.git(&["checkout", "--quiet", "main"]);
        server.git(&["merge", "--quiet", "--no-ff", "--message", "merge", "side"]);
        let merged = server.git(&["rev-parse", "HEAD"]);
        let expected = ["api/main.rs", "docs/a.md", "web/source/main.rs", "web/src/main.rs"];
        let changed =
            |from: &str, to: &str| server.changed(from, to, 100, CheckoutLimits::default());
        assert_eq!(changed(&first, &merged).unwrap(), expected, "{has_v2} {by_id}");
        assert_eq!(changed(&merged, &merged).unwrap(), [""; 0]);
        // No ref leads to the first commit any more.
        server.git(&["branch", "--delete", "--force", "before"]);
        match changed(&first, &merged) {
            Ok(paths) => assert!(paths == expected && (has_v2 || by_id), "{paths:?}"),
            Err(GitError::NoCommit { commit, .. }) => {
                assert!(commit == first && !has_v2 && !by_id, "{commit}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn a_missing_commit_is_named() {
    for has_v2 in [true, false] {
        let server = Server::new(has_v2);
        let there = server.commit(&[("a", b"1")]);
        server.git(&["tag", "--annotate", "--message", "one", "v1"]);
        let tag = server.git(&["rev-parse", "v1"]);
        let absent = "1234567890".repeat(4);
        for (from, to, missing) in [
            (&absent, &there, &absent),
            (&there, &absent, &absent),
            (&tag, &there, &tag),
            (&"a branch".to_owned(), &there, &"a branch".to_owned()),
        ] {
            let error = server.changed(from, to, 100, CheckoutLimits::default()).unwrap_err();
            let GitError::NoCommit { commit, message, .. } = error else { panic!("{error:?}") };
            assert_eq!(commit, *missing, "{message}");
        }
    }
}

/// A file that would exceed the limit of all that a server may send, and that does not compress.
fn contents_are_not_fetched() {
    let server = Server::new(true);
    let mut state = 1_u64;
    let large: Vec<u8> = (0..3 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .collect();
    let first = server.commit(&[("large", &large), ("small", b"1")]);
    let second = server.commit(&[("small", b"2")]);
    let limits = || CheckoutLimits { max_transfer: 1 << 20, ..CheckoutLimits::default() };
    let error = server.changed(&first, &second, 100, limits()).unwrap_err();
    assert!(matches!(error, GitError::Tree { .. }), "{error:?}");
    assert!(error.to_string().contains("`checkout.max-transfer`"), "{error}");
    server.git(&["config", "uploadpack.allowFilter", "true"]);
    assert_eq!(server.changed(&first, &second, 100, limits()).unwrap(), ["small"]);
}

fn no_more_files_than_asked_for() {
    let server = Server::new(true);
    let first = server.commit(&[("a", b"1")]);
    let second = server.commit(&[("a", b"2"), ("b", b"2"), ("c", b"2")]);
    let changed = |most| server.changed(&first, &second, most, CheckoutLimits::default());
    assert_eq!(changed(3).unwrap(), ["a", "b", "c"]);
    let error = changed(2).unwrap_err();
    assert!(matches!(error, GitError::Tree { .. }), "{error:?}");
    assert!(error.to_string().contains("more than 2 files"), "{error}");
}
