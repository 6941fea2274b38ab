//! Trees, and what is planned for them.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");

const SERVES: &str = "Deno.serve(() => new Response(\"shop\"));\n";

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn task(command: &str) -> String {
    format!("{{\n  // as jsonc\n  \"tasks\": {{\n    \"start\": \"{command}\",\n  }},\n}}\n")
}

#[test]
fn a_task_is_the_start() {
    let files = tree! {
        "deno.jsonc" => &task("deno run --allow-net main.ts"),
        "deno.lock" => "{}",
        "main.ts" => SERVES,
    };
    let plan = plan(&files);
    assert_eq!(plan.score, 80);
    assert_eq!(plan.start(), "deno run --allow-net main.ts");
    assert_eq!(plan.decided("start").map(|(_, source)| source), Some("deno.jsonc:4 tasks.start"));
    assert_eq!(plan.image.port, Some(8000));
    assert_eq!(plan.base(), "denoland/deno:2.9.7", "a major version alone is no tag");
    assert!(plan.runs().iter().any(|run| run == "deno install --frozen --entrypoint main.ts"));
    golden("goldens/task.Dockerfile", &plan);
}

#[test]
fn a_file_that_serves_is_started_with_few_rights() {
    let plan = plan(&tree! { "main.ts" => SERVES });
    assert_eq!(plan.score, 60);
    assert_eq!(plan.start(), "deno run --allow-net --allow-env --allow-read main.ts");
    assert!(plan.warnings.iter().any(|warning| warning.message.contains("deno.lock")));
}

#[test]
fn the_port_is_the_one_that_the_sources_say() {
    for (text, port) in [
        ("const port = Number(Deno.env.get(\"PORT\"));\nDeno.serve({ port }, f);\n", 8080),
        ("Deno.serve({ port: 3000 }, f);\n", 3000),
        (SERVES, 8000),
    ] {
        assert_eq!(plan(&tree! { "main.ts" => text }).image.port, Some(port), "{text}");
    }
}

#[test]
fn deno_serve_takes_the_port_from_the_environment() {
    let files = tree! {
        "deno.json" => &task("deno serve -A main.ts"),
        "main.ts" => "export default { fetch() { return new Response(\"shop\"); } };\n",
    };
    let plan = plan(&files);
    assert_eq!(plan.start(), "sh -c exec deno serve --host 0.0.0.0 --port=$PORT -A main.ts");
    assert_eq!(plan.image.port, Some(8080));
}

#[test]
fn a_task_that_watches_is_for_development() {
    let files = tree! {
        "deno.json" => "{ \"tasks\": { \"start\": \"deno run -A --watch=static/ dev.ts\",\
                        \"build\": \"deno run -A dev.ts build\", \"preview\": \"deno run -A main.ts\" },\
                        \"imports\": { \"$fresh/\": \"https://deno.land/x/fresh@1.7.3/\" } }",
        "dev.ts" => "",
        "main.ts" => "import { start } from \"$fresh/server.ts\";\n",
    };
    let plan = plan(&files);
    assert_eq!(plan.start(), "deno run -A main.ts");
    assert_eq!(plan.image.port, Some(8080));
    assert!(plan.runs().iter().any(|run| run == "deno task build"));
    assert!(plan.evidence.iter().any(|line| line.contains("development")));
}

#[test]
fn the_version_of_the_file_is_the_tag() {
    let files = |name: &str, text: &str| tree! { "main.ts" => SERVES }.with(name, text);
    assert_eq!(plan(&files(".dvmrc", "2.1.4\n")).base(), "denoland/deno:2.1.4");
    assert_eq!(plan(&files(".deno-version", "1.45.5\n")).base(), "denoland/deno:1.45.5");
    let first = plan(&files(".tool-versions", "deno 1.46.1\n"));
    assert!(first.runs().iter().any(|run| run == "deno cache main.ts"));
    let own = tree! { "main.ts" => SERVES }.prefer("deno", "2");
    assert_eq!(plan(&own).base(), "denoland/deno:2", "the operator's registry has it");
}

#[test]
fn node_goes_first_where_only_it_has_a_start() {
    let package = "{ \"scripts\": { \"start\": \"node a.js\" } }";
    let files = tree! { "deno.json" => "{}", "main.ts" => SERVES, "package.json" => package };
    assert_eq!(plan(&files).score, 60);
    let files = files.with("deno.json", &task("deno run -A main.ts"));
    assert_eq!(plan(&files).score, 80);
}

#[test]
fn a_member_of_a_workspace_is_built_from_its_root() {
    let files = tree! {
        "deno.json" => "{ \"workspace\": [\"./web\", \"./money\"] }",
        "deno.lock" => "{}",
        "web/deno.json" => &task("deno run --allow-net main.ts"),
        "web/main.ts" => SERVES,
        "money/deno.json" => "{ \"name\": \"@shop/money\", \"exports\": \"./mod.ts\" }",
        "money/mod.ts" => "",
    };
    let refused = refusal(&files);
    let folders: Vec<&str> = refused.candidates.iter().map(|one| one.folder.as_str()).collect();
    assert_eq!(folders, ["web"]);
    let plan = plan(&files.app("web"));
    assert_eq!(plan.context, "");
    assert_eq!(plan.image.stages[0].workdir.as_deref(), Some("/app/web"));
    golden("goldens/workspace.Dockerfile", &plan);
}

#[test]
fn what_starts_nothing_is_refused() {
    let library = tree! { "deno.json" => "{}", "mod.ts" => "export const a = 1;\n" };
    assert!(refusal(&library).reason.contains("deno.json"));
    let missing = tree! { "deno.json" => &task("deno run -A web.ts") };
    assert!(refusal(&missing).reason.contains("deno.json:4"));
}

#[test]
fn typescript_of_others_is_not_ours() {
    let files = tree! { "main.ts" => "import express from \"express\";\n", "package.json" => "{}" };
    assert!(testing::detect(detect, MANIFEST, &files).is_not_mine());
}

#[test]
fn bad_files_are_refused_by_name() {
    let files = tree! {
        "deno.json" => "{ \"tasks\": { \"start\": { \"command\": \"deno run -A main.ts\" } }, \"workspace\": [\"a\"] }",
        "main.ts" => SERVES,
        "a/deno.json" => "{}",
        ".dvmrc" => "2.1.4\n",
        "Procfile" => "web: deno run -A main.ts\n",
    };
    bad_input(detect, MANIFEST, &files);
}

#[test]
fn a_source_of_deno_is_found_without_a_configuration() {
    let text = "import { serve } from \"https://deno.land/std@0.200.0/http/server.ts\";\nserve(() => new Response(\"shop\"));\n";
    for path in ["index.ts", "src/index.ts"] {
        let files = tree! { path => text };
        assert!(plan(&files).start().ends_with(path), "{path}");
    }
}
