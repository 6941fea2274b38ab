//! Workspaces: roots, members, and what is built and shipped of them.

use super::{plan, refusal};
use windlass_plugin_sdk::{
    Step,
    testing::{Files, golden},
    tree,
};

fn pnpm() -> Files {
    tree! {
        "package.json" => r#"{"name":"shop","packageManager":"pnpm@9.15.9","engines":{"node":">=20 <23"}}"#,
        "pnpm-lock.yaml" => "lockfileVersion: '9.0'\n",
        "pnpm-workspace.yaml" => "packages:\n  - apps/*\n  - packages/*\n",
        "tsconfig.base.json" => "{}",
        "apps/web/package.json" => r#"{"name":"web","scripts":{"start":"node server.js"},"dependencies":{"@shop/money":"workspace:*"}}"#,
        "apps/web/server.js" => "",
        "apps/admin/package.json" => r#"{"name":"admin","scripts":{"start":"node a.js"}}"#,
        "packages/money/package.json" => r#"{"name":"@shop/money","scripts":{"build":"tsc"}}"#,
        "packages/money/index.js" => "",
        "packages/other/package.json" => r#"{"name":"other"}"#,
    }
}

#[test]
fn a_root_app_is_installed_with_the_manifests_of_its_members() {
    let text = r#"{"name":"shop","packageManager":"pnpm@9.15.9","engines":{"node":">=22"},"scripts":{"start":"node server.js"},"dependencies":{"@shop/money":"workspace:*"}}"#;
    let files = pnpm().with("package.json", text).with("server.js", "").prefer("node", "22");
    let found = plan(&files);
    assert_eq!((found.start().as_str(), found.base()), ("node server.js", "node:22-slim"));
    assert!(found.runs().contains(&"pnpm install --frozen-lockfile".to_owned()));
    let build = found.image.stages.iter().find(|stage| stage.name == "build").unwrap();
    let copied = build.steps.iter().filter_map(|step| match step {
        Step::Copy(copy) => Some((copy.sources.join(" "), copy.dest.clone())),
        _ => None,
    });
    let copied: Vec<(String, String)> = copied.collect();
    assert!(copied.contains(&("packages/money/package.json".into(), "./packages/money/".into())));
    let root = copied.iter().find(|(_, dest)| dest == "./").unwrap();
    assert_eq!(root.0, "package.json pnpm-lock.yaml pnpm-workspace.yaml");
}

#[test]
fn a_member_ships_what_it_needs_and_no_other_member() {
    let found = plan(&pnpm().app("apps/web"));
    golden("goldens/pnpm-workspace.Dockerfile", &found);
    assert_eq!(found.context, "");
    let build = found.image.stages.iter().find(|stage| stage.name == "build").unwrap();
    let copied: Vec<&str> = build
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Copy(copy) => copy.sources.first().map(String::as_str),
            _ => None,
        })
        .collect();
    assert!(copied.contains(&"packages/money") && copied.contains(&"apps/web"), "{copied:?}");
    assert!(!copied.contains(&"packages/other") && !copied.contains(&"apps/admin"), "{copied:?}");
    assert!(found.runs().iter().any(|run| run.starts_with("pnpm --filter web...")));
}

#[test]
fn names_that_a_dockerfile_cannot_hold_come_with_the_tree() {
    let found = plan(&pnpm().with("notes of today.txt", "").app("apps/web"));
    let whole = found.image.stages.iter().flat_map(|stage| &stage.steps).any(
        |step| matches!(step, Step::Copy(copy) if copy.sources == ["."] && copy.dest == "/app/"),
    );
    assert!(whole, "{:?}", found.image.stages);
}

#[test]
fn a_root_that_starts_nothing_is_refused_with_its_apps() {
    let found = refusal(&pnpm());
    let folders: Vec<&str> =
        found.candidates.iter().map(|candidate| candidate.folder.as_str()).collect();
    assert_eq!(folders, ["apps/admin", "apps/web"]);
    assert!(found.reason.starts_with("pnpm-workspace.yaml:"), "{found:?}");
    assert_eq!(found.hint, "name one by --directory");
}

#[test]
fn a_script_that_starts_a_member_is_no_start_of_the_root() {
    let text = r#"{"name":"shop","packageManager":"pnpm@9.15.9","scripts":{"start":"pnpm --filter web start"}}"#;
    assert_eq!(refusal(&pnpm().with("package.json", text)).candidates.len(), 2);
}

#[test]
fn members_are_built_after_those_that_they_need() {
    let files = tree! {
        "package.json" => r#"{"name":"shop","workspaces":["packages/*"]}"#,
        "package-lock.json" => "{}",
        "packages/web/package.json" => r#"{"name":"web","scripts":{"start":"node a.js","build":"x"},"dependencies":{"ui":"*"}}"#,
        "packages/web/a.js" => "",
        "packages/ui/package.json" => r#"{"name":"ui","scripts":{"build":"x"},"dependencies":{"core":"*"}}"#,
        "packages/core/package.json" => r#"{"name":"core","scripts":{"build":"x"},"dependencies":{"ui":"*"}}"#,
    };
    let found = plan(&files.clone().app("packages/web"));
    let runs = found.runs();
    let builds: Vec<&str> =
        runs.iter().map(String::as_str).filter(|run| run.contains("run build")).collect();
    let expected =
        ["npm run build --workspace core", "npm run build --workspace ui", "npm run build"];
    assert_eq!(builds, expected);
    let turbo = files
        .with("package.json", r#"{"workspaces":["packages/*"],"devDependencies":{"turbo":"^2"}}"#)
        .with("turbo.json", "{}")
        .app("packages/web");
    let runs = plan(&turbo).runs();
    assert!(runs.contains(&"npx --no-install turbo run build --filter web".to_owned()), "{runs:?}");
}

#[test]
fn a_member_that_is_missing_is_refused() {
    let text = r#"{"name":"web","scripts":{"start":"node server.js"},"dependencies":{"@shop/gone":"workspace:*"}}"#;
    let found = refusal(&pnpm().with("apps/web/package.json", text).app("apps/web"));
    assert!(found.reason.contains("has no member `@shop/gone`"), "{found:?}");
}

#[test]
fn a_framework_of_a_member_is_found_where_the_manager_hoists_it() {
    let files = tree! {
        "package.json" => r#"{"workspaces":["apps/*"]}"#,
        "apps/web/package.json" => r#"{"name":"web","scripts":{"build":"next build"},"dependencies":{"next":"^15"}}"#,
    };
    let found = plan(&files.clone().with("package-lock.json", "{}").app("apps/web"));
    assert_eq!(found.start(), "next start");
    let path = found.image.env.iter().find(|(name, _)| name == "PATH").unwrap();
    assert!(path.1.contains("/app/node_modules/.bin"), "{path:?}");
    let pnpm = files.with("pnpm-workspace.yaml", "packages: [apps/*]\n").with("pnpm-lock.yaml", "");
    assert!(plan(&pnpm.app("apps/web")).start().starts_with("node node_modules/next"));
}
