//! No file of a crate is in a circle with another one.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::{env::temp_dir, fs, process};
use windlass_house::{circles::report, crates};

/// Writes a crate with these files, and returns its report.
fn report_of(name: &str, files: &[(&str, &str)]) -> String {
    let root = temp_dir().join(format!("windlass-house-{}-{name}", process::id()));
    let all = files.iter().chain(&[("../Cargo.toml", ""), ("lib.rs", "mod x;\nmod y;")]);
    fs::create_dir_all(root.join("src/x")).unwrap();
    for (file, text) in all {
        fs::write(root.join("src").join(file), text).unwrap();
    }
    let report = report(&root);
    fs::remove_dir_all(&root).unwrap();
    report.unwrap_or_else(|error| error)
}

/// Each is one circle, written in a way of its own.
#[test]
fn a_circle_is_found_in_whatever_way_it_is_written() {
    let inner = ("x/inner.rs", "pub struct Item(crate::y::Y);");
    let y = ("y.rs", "pub struct Y;\nfn f(_: crate::x::X) {}");
    let circles: [(&str, &[(&str, &str)]); 6] = [
        ("plain", &[("x.rs", "use crate::y::Y;\npub struct X(Y);"), y]),
        ("re-export", &[("x.rs", "pub(crate) use super::y::Y;\npub struct X(Y);"), y]),
        ("renamed", &[("x.rs", "use crate as root;\npub struct X(root::y::Y);"), y]),
        ("not-test", &[("x.rs", "#[cfg(not(test))]\nuse crate::y::Y;\npub struct X(Y);"), y]),
        (
            "glob",
            &[
                ("x.rs", "mod inner;\npub use inner::*;"),
                inner,
                ("y.rs", "use crate::x::Item;\npub struct Y;"),
            ],
        ),
        (
            "module",
            &[
                ("x.rs", "mod inner;\npub use inner::Item;"),
                inner,
                ("y.rs", "use crate::x;\npub struct Y;\nfn f(_: x::Item) {}"),
            ],
        ),
    ];
    for (name, files) in circles {
        let report = report_of(name, files);
        assert!(report.contains("2 files in a circle"), "{name}: {report:?}");
    }
    let tree = [("x.rs", "use crate::y::Y;\npub struct X(Y);"), ("y.rs", "pub struct Y;")];
    assert_eq!(report_of("tree", &tree), "");
}

#[test]
fn no_file_is_in_a_circle() {
    let root = crates::workspace();
    let found = crates::roots(&root).expect("the workspace");
    assert!(found.len() > 15, "crates are looked for in the wrong place: {found:?}");
    let report = report(&root).expect("the sources");
    assert!(report.is_empty(), "files that use each other (cut the weaker arrow):\n{report}");
}
