//! No file of a crate is in a circle with another one.

use windlass_house::{circles::report, crates};

#[test]
fn no_file_is_in_a_circle() {
    let root = crates::workspace();
    let found = crates::roots(&root).expect("the workspace");
    assert!(found.len() > 15, "crates are looked for in the wrong place: {found:?}");
    let report = report(&root).expect("the sources");
    assert!(report.is_empty(), "files that use each other (cut the weaker arrow):\n{report}");
}
