//! Recipes are rendered as the plugins' test harness renders them: `plugin-sdk/tests/parity.rs` reads the same files.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::{fs, path::Path};
use windlass_engine::dockerfile::render;
use windlass_model::recipe::Recipe;

#[test]
fn a_recipe_is_rendered_as_the_harness_of_plugins_renders_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk/goldens");
    for name in ["app", "site"] {
        let json = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let recipe: Recipe = serde_json::from_str(&json).unwrap();
        let expected = fs::read_to_string(folder.join(format!("{name}.Dockerfile"))).unwrap();
        assert_eq!(render(&recipe).unwrap(), expected, "{name}");
    }
}
