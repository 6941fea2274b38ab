//! Dockerfiles of recipes: whatever a plugin answers, each line is one that we write.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_engine::dockerfile::render;
use windlass_model::recipe::{BuildStage, BuildStep, Recipe};

/// Beginnings of lines, of the configuration of the server of files too.
const LINES: [&str; 12] = [
    "# ", "FROM ", "WORKDIR ", "ENV ", "    ", "COPY ", "RUN ", "EXPOSE ", "CMD [", "server {",
    "}", "WINDLASS",
];

fuzz_target!(|data: &[u8]| {
    let Ok(mut recipe) = serde_json::from_slice::<Recipe>(data) else { return };
    // The plugin host removes control characters from these fields.
    recipe.language.retain(|c| !c.is_control());
    recipe.detector.retain(|c| !c.is_control());
    let Ok(text) = render(&recipe) else { return };
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let known = LINES.iter().any(|begin| line.starts_with(begin));
        let user = if recipe.serves.is_some() { 101 } else { recipe.image.user };
        assert!(known || line == format!("USER {user}"), "{line:?} in {text}");
    }
    let written = |step: &&BuildStep| !matches!(step, BuildStep::Assets);
    let steps = |stage: &BuildStage| {
        stage.steps.iter().filter(written).count() + usize::from(!stage.packages.is_empty())
    };
    let steps: usize = recipe.image.stages.iter().map(steps).sum();
    let steps = steps + 2 * usize::from(recipe.serves.is_some());
    let copies = |line: &&str| line.starts_with("COPY ") || line.starts_with("RUN ");
    assert_eq!(text.split('\n').filter(copies).count(), steps, "{text}");
});
