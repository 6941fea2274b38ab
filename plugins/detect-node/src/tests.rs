//! Tests of the plan, a rule each.

use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{Files, Outcome, bad_input, detect},
    tree,
};

mod frameworks;
mod managers;
mod starts;
mod versions;
mod workspaces;

const MANIFEST: &str = include_str!("../plugin.toml");

fn outcome(files: &Files) -> Outcome {
    detect(crate::detect, MANIFEST, files)
}

fn plan(files: &Files) -> Detection {
    outcome(files).plan()
}

fn refusal(files: &Files) -> Refusal {
    outcome(files).refusal()
}

/// An app that `node server.js` starts, with more of a package.json.
fn app(more: &str) -> Files {
    let text = format!("{{\"name\":\"shop\",\"scripts\":{{\"start\":\"node server.js\"}}{more}}}");
    tree! { "server.js" => "" }.with("package.json", &text)
}

#[test]
fn a_package_json_of_tools_is_refused_low_so_that_the_app_s_language_wins() {
    for tools in [r#"{"prettier":"^3.3.0"}"#, r#"{"husky":"^9.0.0"}"#] {
        let text = format!("{{\"private\":true,\"devDependencies\":{tools}}}");
        let found = refusal(&tree! { "app.py" => "" }.with("package.json", &text));
        assert_eq!(found.score, 20);
        assert_eq!(found.reason, "package.json has neither scripts.start nor main");
        assert_eq!(found.hint, "add `scripts.start` to package.json");
    }
}

#[test]
fn requirements_of_docs_do_not_hide_a_node_app() {
    let found = plan(&app("").with("requirements.txt", "mkdocs\n"));
    assert_eq!((found.score, found.start().as_str()), (80, "node server.js"));
}

#[test]
fn no_file_that_is_cut_or_wrong_ends_in_a_panic() {
    bad_input(
        crate::detect,
        MANIFEST,
        &app(r#","workspaces":["packages/*"],"packageManager":"pnpm@9.15.9","dependencies":{"a":"^1"}"#)
            .with("packages/a/package.json", r#"{"name":"a"}"#)
            .with("pnpm-lock.yaml", "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0\n")
            .with("pnpm-workspace.yaml", "packages:\n  - packages/*\n")
            .with(".nvmrc", "lts/iron\n")
            .with(".npmrc", "//r.example/:_authToken=${NPM_TOKEN}\n")
            .with("Procfile", "web: npm start\nworker: node worker.js\n"),
    );
    bad_input(
        crate::detect,
        MANIFEST,
        &app(r#","dependencies":{"a":"^1","next":"^15"}"#)
            .with(
                "package-lock.json",
                r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1","next":"^15"}}}}"#,
            )
            .with("next.config.mjs", "export default { output: 'standalone' }\n")
            .with("tsconfig.json", "{}"),
    );
    bad_input(
        crate::detect,
        MANIFEST,
        &app("")
            .with("yarn.lock", "__metadata:\n  version: 8\n")
            .with(".yarnrc.yml", "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.cjs\n")
            .with(".yarn/releases/yarn-4.cjs", ""),
    );
}
