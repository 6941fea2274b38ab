//! The harness itself.

use super::*;
use crate::{Found, StageExt, StepExt, copy, run, stage};

const MANIFEST: &str =
    "name = \"lua\"\nworld = \"detector\"\nmarkers = [\"app.lua\", \"rocks.json\"]\n";

fn mine(app: &crate::App<'_>) -> Found {
    let Some(file) = app.read("rocks.json")? else { return Ok(None) };
    let json = read::json(&file)?;
    let Some(start) = json.get("start") else {
        return Err(Refusal::new(format!("{}: no start", file.path), "add `start`"));
    };
    let start = start.want_text(&file.path, "start")?;
    let mut plan = Detection::new("lua", score::STARTED);
    plan.decide("start", start, format!("{}:{} start", file.path, file.line_of("start")));
    plan.image.stages = vec![
        stage("build", "debian:bookworm-slim")
            .why("The rocks are compiled.")
            .env("A", "$b \"c\"")
            .packages(&["lua5.4", "gcc", "gcc"])
            .step(copy(&["rocks.json", "a b"], ".").why("Before the tree: this layer stays."))
            .step(run(&["luarocks", "make"]).cached(&["/root/.cache"]).secrets(&["ROCKS_TOKEN"]))
            .copy(&["."], "./"),
        stage("run", "build").workdir("/srv").step(copy(&["data"], "data").owned()),
    ];
    plan.image.start = vec!["lua".into(), start.into()];
    plan.image.health = app.has("health.lua").then(|| "/healthz".to_owned());
    Ok(Some(plan))
}

fn rocks() -> Files {
    tree! { "rocks.json" => "{\n  \"start\": \"app.lua\"\n}\n", "app.lua" => "" }
}

#[test]
fn a_plan_is_rendered_as_the_engine_renders_it() {
    let plan = detect(mine, MANIFEST, &rocks()).plan();
    let expected = r#"# lua app, found by `lua`
# start app.lua: rocks.json:2 start

# The rocks are compiled.
FROM debian:bookworm-slim AS build
WORKDIR /app
ENV A="\$b \"c\""
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc lua5.4 \
    && rm -rf /var/lib/apt/lists/*
# Before the tree: this layer stays.
COPY ["rocks.json", "a b", "./"]
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=rocks-token,env=ROCKS_TOKEN ["luarocks", "make"]
COPY . ./

FROM build AS run
WORKDIR /srv
COPY --chown=10001:10001 data data
USER 10001
EXPOSE 8080
CMD ["lua", "app.lua"]
"#;
    assert_eq!(render("lua", &plan), expected);
    assert_eq!((plan.base(), plan.build_base()), ("debian:bookworm-slim", "debian:bookworm-slim"));
    assert_eq!(plan.runs(), ["luarocks make"]);
    assert_eq!(plan.start(), "lua app.lua");
}

#[test]
fn a_detector_is_asked_where_a_marker_matches_or_it_is_named() {
    let files = tree! { "main.lua" => "" };
    assert!(detect(|_| panic!("asked"), MANIFEST, &files).is_not_mine());
    let named =
        detect(|app| Err(Refusal::new(format!("{}", app.named), "x")), MANIFEST, &files.named());
    let refusal = named.refusal();
    assert_eq!(
        (&*refusal.reason, &*refusal.language, refusal.score),
        ("true", "lua", score::INFERRED)
    );
}

#[test]
fn the_app_is_a_folder_and_its_markers_are_relative() {
    let files = tree! { "apps/a/app.lua" => "", "app.lua" => "" }.app("apps/a");
    let refusal =
        detect(|app| Err(Refusal::new(app.matched.join(" "), app.folder)), MANIFEST, &files);
    let refusal = refusal.refusal();
    assert_eq!((&*refusal.reason, &*refusal.hint), ("app.lua", "apps/a"));
}

#[test]
fn bad_input_accepts_a_detector_that_answers() {
    bad_input(mine, MANIFEST, &rocks());
}

#[test]
#[should_panic(expected = "rocks.json, cut at byte 0: the detector panics")]
fn bad_input_finds_a_panic() {
    let careless = |app: &crate::App<'_>| -> Found {
        let text = app.read("rocks.json")?.map(|file| file.text).unwrap_or_default();
        assert!(text.starts_with('{') || app.matched.is_empty());
        Ok(None)
    };
    bad_input(careless, MANIFEST, &tree! { "rocks.json" => "{}" });
}

#[test]
#[should_panic(expected = "refused without file or hint")]
fn bad_input_finds_a_refusal_that_does_not_help() {
    bad_input(|_| Err(Refusal::new("no", "")), MANIFEST, &rocks());
}
