//! The detector of README.md's guide, as its reader copies it. Its own tests run with it.

#[path = "../guide/src/lib.rs"]
mod guide;

#[test]
fn the_guide_shows_what_is_copied() {
    let readme = include_str!("../README.md");
    for text in [include_str!("../guide/src/lib.rs"), include_str!("../guide/plugin.toml")] {
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default().trim();
        assert!(readme.contains(code), "README.md does not show:\n{code}");
    }
    let tests = include_str!("../guide/src/lib.rs").split("\n#[cfg(test)]").nth(1);
    assert!(readme.contains(tests.unwrap_or_default().trim()), "README.md shows other tests");
}
