//! Dockerfiles of recipes: whatever a plugin answers, each line is one that we write.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_engine::dockerfile::render;
use windlass_model::recipe::Recipe;

const LINES: [&str; 9] =
    ["# ", "FROM ", "WORKDIR ", "ENV ", "    ", "COPY ", "RUN ", "EXPOSE ", "CMD ["];

fuzz_target!(|data: &[u8]| {
    let Ok(mut recipe) = serde_json::from_slice::<Recipe>(data) else { return };
    // The plugin host removes control characters from these fields.
    recipe.language.retain(|c| !c.is_control());
    recipe.detector.retain(|c| !c.is_control());
    let Ok(text) = render(&recipe) else { return };
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let known = LINES.iter().any(|begin| line.starts_with(begin));
        assert!(known || line == format!("USER {}", recipe.image.user), "{line:?} in {text}");
    }
    let steps: usize = recipe.image.stages.iter().map(|stage| stage.steps.len()).sum();
    let copies = |line: &&str| line.starts_with("COPY ") || line.starts_with("RUN ");
    assert_eq!(text.split('\n').filter(copies).count(), steps, "{text}");
});
