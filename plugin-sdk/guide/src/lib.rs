//! Programs of Lua: a main.lua.

use windlass_plugin_sdk::{App, Detection, Found, Refusal, StageExt, detector, score, stage};

/// Plans an app with a main.lua.
pub fn detect(app: &App<'_>) -> Found {
    let Some(main) = app.read("main.lua")? else { return Ok(None) };
    if main.text.trim().is_empty() {
        let reason = format!("`{}:1`: an empty program", main.path);
        return Err(Refusal::new(reason, "write what it does, and commit it"));
    }
    let mut plan = Detection::new("lua", score::INFERRED);
    plan.context = app.folder.to_owned();
    plan.decide("start", "lua main.lua", format!("{}:1", main.path));
    plan.image.stages = vec![stage("run", "nickblah/lua:5.4").copy(&["."], "./")];
    plan.image.start = vec!["lua".into(), "main.lua".into()];
    Ok(Some(plan))
}

detector!(detect, language = "lua");

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_main_is_started() {
        let files = tree! { "main.lua" => "print('hello')\n" };
        let plan = testing::detect(super::detect, MANIFEST, &files).plan();
        assert_eq!(plan.base(), "nickblah/lua:5.4");
        assert_eq!(plan.decided("start"), Some(("lua main.lua", "main.lua:1")));
    }

    #[test]
    fn whatever_is_committed_gets_an_answer() {
        let files = tree! { "main.lua" => "print('hello')\n" };
        testing::bad_input(super::detect, MANIFEST, &files);
    }
}
