//! Plans are rendered as the engine renders them: `daemon/engine/tests/goldens.rs` reads the same files.

use serde_json::Value;
use windlass_plugin_sdk::{
    Detection, Stage, StageExt, StaticSite, Step, StepExt, assets, copy, copy_from, run, stage,
    testing::render,
};

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn optional(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let list = value.as_array().into_iter().flatten().map(texts);
    list.filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone()))).collect()
}

fn step(value: &Value) -> Step {
    if value == "assets" {
        return assets();
    }
    let (made, value) = match value.get("run") {
        Some(value) => {
            let made = run(&texts(&value["argv"]));
            (made.cached(&texts(&value["caches"])).secrets(&texts(&value["secrets"])), value)
        }
        None => {
            let value = &value["copy"];
            let (sources, dest) = (texts(&value["sources"]), text(value, "dest"));
            let made = match optional(value, "from") {
                Some(from) => {
                    let mut made = copy_from(&from, "", &dest);
                    if let Step::Copy(copy) = &mut made {
                        copy.sources = sources;
                    }
                    made
                }
                None => copy(&sources, &dest),
            };
            let is_owned = value["owned"].as_bool().unwrap_or_default();
            (if is_owned { made.owned() } else { made }, value)
        }
    };
    match optional(value, "why") {
        Some(why) => made.why(why),
        None => made,
    }
}

fn one(value: &Value) -> Stage {
    let mut made =
        stage(&text(value, "name"), text(value, "base")).packages(&texts(&value["packages"]));
    made.env = pairs(&value["env"]);
    made.workdir = optional(value, "workdir");
    made.why = optional(value, "why");
    made.steps = value["steps"].as_array().into_iter().flatten().map(step).collect();
    made
}

fn plan(value: &Value) -> Detection {
    let mut plan = Detection::new(&text(value, "language"), 80);
    for decision in value["decisions"].as_array().into_iter().flatten() {
        plan.decide(&text(decision, "subject"), text(decision, "value"), text(decision, "source"));
    }
    let image = &value["image"];
    plan.image.stages = image["stages"].as_array().into_iter().flatten().map(one).collect();
    plan.image.start = texts(&image["start"]);
    plan.image.env = pairs(&image["env"]);
    let site = &value["serves"];
    plan.serves = site.is_object().then(|| StaticSite {
        stage: optional(site, "stage"),
        folder: text(site, "folder"),
        fallback: optional(site, "fallback"),
        not_found: optional(site, "not_found"),
        immutable: texts(&site["immutable"]),
    });
    plan
}

#[test]
fn a_plan_is_rendered_as_the_engine_renders_it() {
    for (json, expected) in [
        (include_str!("../goldens/app.json"), include_str!("../goldens/app.Dockerfile")),
        (include_str!("../goldens/site.json"), include_str!("../goldens/site.Dockerfile")),
    ] {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(render(&text(&value, "detector"), &plan(&value)), expected);
    }
}
