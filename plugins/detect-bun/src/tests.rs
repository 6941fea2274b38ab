//! Trees, and what is planned for them.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");

const SERVES: &str = "Bun.serve({ fetch: () => new Response(\"shop\") });\n";

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn is_not_mine(files: &Files) -> bool {
    testing::detect(detect, MANIFEST, files).is_not_mine()
}

fn shop(package: &str) -> Files {
    tree! { "package.json" => package, "bun.lock" => "{ \"lockfileVersion\": 1 }\n", "src/index.ts" => SERVES }
}

#[test]
fn a_start_by_bun_runs_on_bun() {
    let files = shop(
        "{\n  \"dependencies\": { \"hono\": \"^4.0.0\" },\n  \"scripts\": {\n    \
         \"start\": \"NODE_ENV=production bun run src/index.ts\",\n    \"build\": \"bun build.ts\"\n  }\n}\n",
    );
    let plan = plan(&files);
    assert_eq!(plan.score, 80);
    assert_eq!(plan.start(), "bun run src/index.ts");
    assert_eq!(plan.base(), "oven/bun:1-slim");
    assert_eq!(plan.image.port, Some(8080));
    let runs = plan.runs();
    assert!(runs.iter().any(|run| run == "bun install --frozen-lockfile"));
    assert!(runs.iter().any(|run| run == "bun run build"));
    assert!(runs.iter().any(|run| run == "bun install --production --frozen-lockfile"));
    golden("goldens/locked.Dockerfile", &plan);
}

#[test]
fn a_lock_of_bun_alone_is_node_s() {
    assert!(is_not_mine(&shop("{ \"scripts\": { \"start\": \"node server.js\" } }")));
    assert!(is_not_mine(&shop(
        "{ \"scripts\": { \"start\": \"bun run serve\", \"serve\": \"next start\" } }"
    )));
    let without = shop("{ \"scripts\": { \"start\": \"bun src/index.ts\" } }").without("bun.lock");
    assert_eq!(plan(&without).start(), "bun src/index.ts", "nothing else can start it");
}

#[test]
fn the_manager_or_the_server_says_bun() {
    let manager =
        "{ \"packageManager\": \"bun@1.2.3\", \"scripts\": { \"start\": \"bun src/index.ts\" } }";
    let plan = plan(&shop(manager).without("bun.lock"));
    assert_eq!(plan.decided("bun").map(|(version, _)| version), Some("1.2.3"));
    assert_eq!(plan.base(), "oven/bun:1.2.3-slim");
    assert!(!plan.runs().iter().any(|run| run.contains("install")), "there are no packages");
    let module = super::tests::plan(&shop("{ \"module\": \"src/index.ts\" }"));
    assert_eq!((module.score, module.start().as_str()), (60, "bun src/index.ts"));
    golden("goldens/plain.Dockerfile", &module);
}

#[test]
fn starters_of_bun_have_no_start_and_run_on_bun() {
    let elysia = tree! {
        "package.json" => "{ \"scripts\": { \"dev\": \"bun run --watch src/index.ts\" }, \"dependencies\": { \"elysia\": \"latest\" }, \"module\": \"src/index.js\" }",
        "src/index.ts" => "import { Elysia } from \"elysia\";\nconst app = new Elysia().listen(3000);\n",
    };
    let found = plan(&elysia);
    assert_eq!((found.start().as_str(), found.image.port), ("bun src/index.ts", Some(3000)));
    let hono = "{ \"scripts\": { \"dev\": \"bun run --hot src/index.ts\" }, \"dependencies\": { \"hono\": \"^4.0.0\" } }";
    let hono = tree! { "package.json" => hono, "src/index.ts" => "export default app\n" };
    assert_eq!(plan(&hono).start(), "bun src/index.ts");
}

#[test]
fn what_bun_only_installs_is_node_s() {
    let next = "{ \"packageManager\": \"bun@1.2.3\", \"scripts\": { \"start\": \"next start\" }, \"dependencies\": { \"next\": \"15\" } }";
    assert!(is_not_mine(&shop(next)));
    let node =
        "{ \"packageManager\": \"bun@1.2.3\", \"scripts\": { \"start\": \"node dist/a.js\" } }";
    assert!(is_not_mine(&shop(node)));
    let line = shop("{}").with("Procfile", "web: bun src/index.ts\n");
    assert_eq!(plan(&line).start(), "bun src/index.ts");
}

#[test]
fn versions_are_read_from_files() {
    let package = "{ \"engines\": { \"bun\": \"^1.1.0\" }, \"scripts\": { \"start\": \"bun src/index.ts\" } }";
    let own = plan(&shop(package).with(".bun-version", "1.1.38\n"));
    assert_eq!(own.decided("bun"), Some(("1.1.38", ".bun-version:1")));
    let tools = plan(&shop(package).with(".tool-versions", "bun 1.2.0\n"));
    assert_eq!(tools.decided("bun"), Some(("1.2.0", ".tool-versions:1 bun")));
    assert_eq!(plan(&shop(package)).base(), "oven/bun:1-slim");
}

#[test]
fn a_port_that_is_written_is_the_port() {
    let written = shop("{ \"module\": \"src/index.ts\" }")
        .with("src/index.ts", "Bun.serve({\n  port: 3000,\n  fetch,\n});\n");
    let plan = plan(&written);
    assert_eq!(plan.image.port, Some(3000));
    assert_eq!(plan.decided("port"), Some(("3000", "src/index.ts:2")));
}

#[test]
fn scripts_of_the_install_keep_all_packages() {
    let plan = plan(&shop(
        "{ \"devDependencies\": { \"a\": \"1.0.0\" }, \"scripts\": { \"start\": \"bun src/index.ts\",\
         \"postinstall\": \"bun gen.ts\" } }",
    ));
    assert!(!plan.runs().iter().any(|run| run.contains("--production")));
    assert!(plan.evidence.iter().any(|line| line.contains("scripts.postinstall")));
}

#[test]
fn what_is_for_development_or_missing_is_refused() {
    let hot = refusal(&shop("{ \"scripts\": { \"start\": \"bun --hot src/index.ts\" } }"));
    assert!(hot.reason.contains("--hot"), "{}", hot.reason);
    let missing = refusal(&shop("{ \"scripts\": { \"start\": \"bun src/web.ts\" } }"));
    assert!(missing.reason.contains("src/web.ts"), "{}", missing.reason);
    let nothing = tree! { "package.json" => "{ \"packageManager\": \"bun@1.2.3\" }" };
    assert!(refusal(&nothing).reason.contains("scripts.start"));
}

#[test]
fn bad_files_are_refused_by_name() {
    let files = shop(
        "{ \"packageManager\": \"bun@1.2.3\", \"scripts\": { \"start\": \"bun src/index.ts\" } }",
    )
    .with(".bun-version", "1.1.38\n")
    .with("Procfile", "web: bun src/index.ts\n");
    bad_input(detect, MANIFEST, &files);
}
