//! Versions of Node, and who says them.

use super::{app, plan, refusal};

#[test]
fn the_newest_release_that_a_range_allows_is_taken() {
    for (range, version) in
        [(">=18 <21", "20"), ("<23", "22"), ("18.x || 20.x", "20"), ("20.17.0", "20.17.0")]
    {
        let found = plan(&app(&format!(",\"engines\":{{\"node\":\"{range}\"}}")));
        assert_eq!(found.base(), format!("node:{version}-slim"), "{range}");
        assert_eq!(found.decided("node"), Some((version, "package.json:1 engines.node")));
    }
}

#[test]
fn the_nearest_file_says_the_version_and_evidence_names_it() {
    let engines = r#","engines":{"node":"18"}"#;
    let found = plan(&app(engines).with(".nvmrc", "lts/iron\n"));
    assert_eq!(found.decided("node"), Some(("20", ".nvmrc:1")));
    let found = plan(&app(engines).with(".node-version", "# ours\r\nv20.17.0\r\n"));
    assert_eq!(found.decided("node"), Some(("20.17.0", ".node-version:2")));
    let found = plan(&app(engines).with(".tool-versions", "nodejs 20.17.0\n"));
    assert_eq!(found.base(), "node:20.17.0-slim");
    let volta = r#","engines":{"node":"18"},"volta":{"node":"20.11.1"}"#;
    let found = plan(&app(volta).with(".nvmrc", "22\n"));
    assert_eq!(found.decided("node"), Some(("20.11.1", "package.json:1 volta.node")));
    let engine = r#","devEngines":{"runtime":[{"name":"bun"},{"name":"node","version":"22"}]}"#;
    assert_eq!(plan(&app(engine)).base(), "node:22-slim");
    let found = plan(&app(engines).with(".nvmrc", "22").wish("node", "20"));
    assert_eq!(found.base(), "node:20-slim", "the user's word is first");
}

#[test]
fn a_member_without_a_version_has_that_of_the_folders_above() {
    let files = app("")
        .without("package.json")
        .with("package.json", r#"{"workspaces":["web"],"engines":{"node":"20"}}"#)
        .with("web/package.json", r#"{"name":"web","scripts":{"start":"node a.js"}}"#)
        .with("web/a.js", "")
        .app("web");
    assert_eq!(plan(&files).base(), "node:20-slim");
    assert_eq!(plan(&files.with(".nvmrc", "22")).base(), "node:22-slim");
}

#[test]
fn a_version_that_cannot_exist_is_refused_with_file_and_text() {
    let found = refusal(&app("").with(".nvmrc", "banana\n"));
    assert!(found.reason.contains(".nvmrc:1") && found.reason.contains("banana"), "{found:?}");
}
