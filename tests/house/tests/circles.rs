//! No file of a crate is in a circle with another one.

use std::path::{Path, PathBuf};
use windlass_house::{
    circles::{circles, describe, uses},
    module::read,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// Root files of all crates, found by their `Cargo.toml`.
fn crates(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
    {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            crates(&entry, found);
        }
        if name == "Cargo.toml" {
            let files = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file));
            found.extend(files.into_iter().filter(|file| file.is_file()));
        }
    }
}

#[test]
fn no_file_is_in_a_circle() {
    let root = root();
    let mut found = Vec::new();
    crates(&root, &mut found);
    assert!(found.len() > 15, "crates are looked for in the wrong place: {found:?}");
    let mut report = String::new();
    for file in found {
        let uses = uses(&read(&file).expect("the crate's sources"));
        for circle in circles(&uses) {
            let name = file.strip_prefix(&root).unwrap_or(&file).display();
            report += &format!(
                "{name}: {} files in a circle\n{}",
                circle.len(),
                describe(&uses, &circle)
            );
        }
    }
    let report = report.replace(&format!("{}/", root.display()), "");
    assert!(report.is_empty(), "files that use each other (cut the weaker arrow):\n{report}");
}
