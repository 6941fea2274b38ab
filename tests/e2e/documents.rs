//! Documents of this repository: each link leads somewhere, and the README stays short.

use std::{fs, path::Path, process::Command};
use windlass_bed::{build::root, process::run};

#[test]
fn links_lead_somewhere() {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
    let files = run(Command::new("git").current_dir(root()).args(list)).unwrap();
    assert!(files.lines().count() > 5, "{files}");
    let mut broken = Vec::new();
    for file in files.lines() {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        let folder = root().join(file).parent().unwrap().to_owned();
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            let is_elsewhere = link.contains("://") || link.starts_with("mailto:");
            if !is_elsewhere && !path.is_empty() && !folder.join(path).exists() {
                broken.push(format!("{file}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Returns the targets of `[text](target)`, outside of blocks of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next())
}

#[test]
fn the_readme_is_read_in_one_go() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    // The table of languages is looked up, and not read.
    let lines = text.lines().filter(|line| !line.starts_with('|')).count();
    assert!(lines <= 150, "README.md has {lines} lines: what is above belongs to another room");
}

/// Files of the top level that people and tools look for.
#[test]
fn the_top_level_has_what_people_look_for() {
    for file in ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"] {
        assert!(Path::new(&root()).join(file).exists(), "{file}");
    }
}
