//! Package managers: which one, how it installs, and what it needs.

use super::{app, plan, refusal};
use windlass_plugin_sdk::testing::golden;

const BERRY: &str = "__metadata:\n  version: 8\n  cacheKey: 10c0\n";
const PNPM: &str = "lockfileVersion: '9.0'\n";

#[test]
fn each_manager_installs_what_its_lock_says() {
    for (lock, text, install) in [
        ("package-lock.json", "{}", "npm ci"),
        ("npm-shrinkwrap.json", "{}", "npm ci"),
        ("yarn.lock", "# yarn lockfile v1\n", "yarn install --frozen-lockfile"),
        ("yarn.lock", BERRY, "yarn install --immutable"),
        ("pnpm-lock.yaml", PNPM, "pnpm install --frozen-lockfile"),
        ("bun.lock", "{}", "bun install --frozen-lockfile"),
    ] {
        let found = plan(&app("").with(lock, text));
        assert!(found.runs().contains(&install.to_owned()), "{lock}: {:?}", found.runs());
        assert!(found.warnings.is_empty(), "{lock}: {:?}", found.warnings);
    }
}

#[test]
fn an_app_without_a_lock_is_installed_with_a_warning() {
    for (named, install) in [
        ("", "npm install"),
        (r#","packageManager":"yarn@1.22.22""#, "yarn install"),
        (r#","packageManager":"yarn@4.5.0""#, "yarn install"),
        (r#","packageManager":"pnpm@9.15.9""#, "pnpm install"),
    ] {
        let found = plan(&app(&format!(r#"{named},"dependencies":{{"a":"^1.0.0"}}"#)));
        assert!(found.runs().contains(&install.to_owned()), "{named}: {:?}", found.runs());
        assert_eq!(found.warnings[0].message, "no lock file: versions are those of the day");
    }
}

#[test]
fn the_manifest_s_word_decides_between_locks_and_the_others_are_named() {
    let both = |more: &str| {
        app(more).with("yarn.lock", "# yarn lockfile v1\n").with("package-lock.json", "{}")
    };
    let named = plan(&both(r#","packageManager":"npm@10.9.0""#));
    assert_eq!(named.decided("npm"), Some(("10.9.0", "package.json:1 packageManager")));
    assert!(named.warnings[0].message.starts_with("yarn.lock is not read"), "{:?}", named.warnings);
    let first = plan(&both(""));
    assert!(first.runs().contains(&"yarn install --frozen-lockfile".to_owned()));
    assert_eq!(first.warnings[0].fix, "delete package-lock.json");
    let engine = r#","devEngines":{"packageManager":{"name":"npm"}}"#;
    assert!(plan(&both(engine)).runs().contains(&"npm ci".to_owned()));
    let unknown = refusal(&app(r#","packageManager":"cnpm@9""#));
    assert!(unknown.reason.contains("none of npm, yarn, pnpm, bun"), "{unknown:?}");
}

#[test]
fn corepack_brings_the_version_that_the_manifest_or_the_lock_s_form_says() {
    let pinned =
        plan(&app(r#","packageManager":"pnpm@9.15.9+sha512.abc""#).with("pnpm-lock.yaml", PNPM));
    assert!(pinned.runs().contains(&"corepack enable".to_owned()));
    assert!(!pinned.runs().iter().any(|run| run.starts_with("corepack prepare")));
    assert_eq!(pinned.decided("pnpm").map(|(version, _)| version), Some("9.15.9"));
    for (form, version) in [("5.4", "7"), ("'6.0'", "8"), ("'9.0'", "9")] {
        let lock = format!("lockfileVersion: {form}\n");
        let runs = plan(&app("").with("pnpm-lock.yaml", &lock)).runs();
        assert!(runs.contains(&format!("corepack prepare pnpm@{version} --activate")), "{runs:?}");
    }
    // pnpm 9 fails on a workspace's file without `packages`: create-next-app and `pnpm approve-builds` write one.
    let settings = "ignoredBuiltDependencies:\n  - sharp\n";
    let files = app("").with("pnpm-lock.yaml", PNPM).with("pnpm-workspace.yaml", settings);
    let runs = plan(&files).runs();
    assert!(runs.contains(&"corepack prepare pnpm@10 --activate".to_owned()), "{runs:?}");
    // Images of Node 25 and later have neither corepack nor yarn.
    let new = app(r#","engines":{"node":"26.0.0"}"#);
    let runs = plan(&new.clone().with("pnpm-lock.yaml", PNPM)).runs();
    assert!(runs.contains(&"npm install --global corepack".to_owned()), "{runs:?}");
    let runs = plan(&new.with("yarn.lock", "# yarn lockfile v1\n")).runs();
    assert!(runs.contains(&"npm install --global yarn@1".to_owned()), "{runs:?}");
}

#[test]
fn an_exact_release_gets_a_corepack_that_installs() {
    // These images have a corepack that knows npm's old keys only.
    let exact = app(r#","engines":{"node":"20.17.0"}"#).with("pnpm-lock.yaml", PNPM);
    let runs = plan(&exact).runs();
    assert_eq!(runs[0], "npm install --global --force corepack@0.24.1", "{runs:?}");
}

#[test]
fn yarn_of_the_repository_itself_is_used() {
    let files = app("")
        .with("yarn.lock", BERRY)
        .with(".yarnrc.yml", "yarnPath: .yarn/releases/yarn-4.5.0.cjs\n");
    let missing = refusal(&files);
    assert!(missing.reason.contains("yarnPath"), "{missing:?}");
    let runs = plan(&files.with(".yarn/releases/yarn-4.5.0.cjs", "")).runs();
    let install = "node /app/.yarn/releases/yarn-4.5.0.cjs install --immutable".to_owned();
    assert!(runs.contains(&install) && !runs.contains(&"corepack enable".to_owned()), "{runs:?}");
}

#[test]
fn what_an_install_reads_is_there_before_it() {
    let dependencies = r#","engines":{"node":"22"},"dependencies":{"a":"^1.0.0"},"devDependencies":{"typescript":"^5.0.0"}"#;
    let base = app(dependencies);
    let npm = plan(&base.clone().with(
        "package-lock.json",
        r#"{"packages":{"":{"dependencies":{"a":"^1.0.0"},"devDependencies":{"typescript":"^5.0.0"}}}}"#,
    ));
    golden("goldens/npm.Dockerfile", &npm);
    let yarn = "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.0.0\"\n\ntypescript@^5.0.0:\n  version \"5.0.0\"\n";
    golden("goldens/yarn1.Dockerfile", &plan(&base.clone().with("yarn.lock", yarn)));
    let berry = base
        .clone()
        .with("yarn.lock", BERRY)
        .with(".yarnrc.yml", "yarnPath: .yarn/releases/yarn-4.5.0.cjs\nnodeLinker: node-modules\n")
        .with(".yarn/releases/yarn-4.5.0.cjs", "");
    golden("goldens/berry.Dockerfile", &plan(&berry));
    let pnpm = base
        .clone()
        .with("pnpm-lock.yaml", PNPM)
        .with("patches/a.patch", "")
        .with(".npmrc", "hoist=true\n");
    golden("goldens/pnpm.Dockerfile", &plan(&pnpm));
    golden("goldens/bun.Dockerfile", &plan(&base.with("bun.lock", "{}")));
}

#[test]
fn scripts_and_local_packages_get_the_whole_tree_first() {
    for more in [
        r#","dependencies":{"money":"file:./money"}"#,
        r#","dependencies":{"money":"link:money"},"packageManager":"yarn@1.22.22""#,
    ] {
        let found = plan(&app(more).with("money/package.json", "{}"));
        assert!(found.evidence.iter().any(|line| line.contains("all files are there")), "{more}");
    }
    let script = |line: &str| {
        let text = format!(r#"{{"scripts":{{"start":"node server.js","postinstall":"{line}"}}}}"#);
        plan(&app("").with("package.json", &text))
    };
    let says = |line: &str| {
        script(line)
            .evidence
            .iter()
            .any(|line| line.starts_with("package.json:1 scripts.postinstall"))
    };
    assert!(says("node setup.js") && !says("husky install") && !says("patch-package"));
}

#[test]
fn a_package_beside_the_app_widens_the_context() {
    let files = app("")
        .without("package.json")
        .with(
            "web/package.json",
            r#"{"scripts":{"start":"node a.js"},"dependencies":{"money":"file:../money"}}"#,
        )
        .with("web/a.js", "")
        .with("money/package.json", "{}")
        .app("web");
    let found = plan(&files);
    assert_eq!(found.context, "");
    let build = found.image.stages.iter().find(|stage| stage.name == "build").unwrap();
    assert_eq!(build.workdir.as_deref(), Some("/app/web"));
    let outside = app(r#","dependencies":{"money":"file:../money"}"#);
    assert!(refusal(&outside).reason.contains("outside of the repository"));
    let missing = app(r#","dependencies":{"money":"file:./money"}"#);
    assert!(refusal(&missing).reason.contains("`money` is not there"));
}

#[test]
fn protocols_that_the_manager_does_not_know_are_refused_with_their_line() {
    for spec in ["workspace:*", "catalog:", "portal:./x", "link:./x"] {
        let found = refusal(&app(&format!(r#","dependencies":{{"x":"{spec}"}}"#)));
        assert!(found.reason.starts_with("package.json:1 dependencies: x is"), "{found:?}");
        assert!(found.reason.contains("npm does not know"), "{found:?}");
    }
    let alone = app(r#","dependencies":{"x":"workspace:*"}"#).with("pnpm-lock.yaml", PNPM);
    assert!(refusal(&alone).reason.contains("no workspace"), "{:?}", refusal(&alone));
}

#[test]
fn a_script_of_the_install_keeps_the_tools_that_it_calls() {
    let text = r#"{"scripts":{"start":"node server.js","prepare":"husky"},"devDependencies":{"husky":"^9.0.0"}}"#;
    let files = app("").with("package.json", text);
    let pruned = |files| plan(&files).image.stages.iter().any(|stage| stage.name == "prune");
    assert!(!pruned(files.clone().with("pnpm-lock.yaml", PNPM)), "husky is not there any more");
    assert!(pruned(files.with("package-lock.json", "{}")), "npm prune runs no script");
}

#[test]
fn an_addon_gets_a_compiler_where_it_is_installed_and_not_where_it_runs() {
    let packages = |more: &str| {
        let stages = plan(&app(more)).image.stages;
        let of = |name: &str| {
            stages.iter().find(|stage| stage.name == name).map(|stage| stage.packages.clone())
        };
        (of("build").unwrap(), of("run").unwrap())
    };
    let (build, run) = packages(r#","dependencies":{"better-sqlite3":"^9.0.0"}"#);
    assert_eq!(build, ["g++", "make", "python3"]);
    assert!(run.is_empty());
    let (build, _) = packages(r#","dependencies":{"x":"git+https://git.example/x.git"}"#);
    assert_eq!(build, ["ca-certificates", "git"]);
    assert!(packages("").0.is_empty());
}

#[test]
fn prisma_gets_its_schema_and_openssl() {
    let files = app(r#","dependencies":{"@prisma/client":"^6.0.0"}"#)
        .with("prisma/schema.prisma", "generator client {}\n");
    let found = plan(&files);
    let copies = found.image.stages.iter().flat_map(|stage| &stage.steps).filter(
        |step| matches!(step, windlass_plugin_sdk::Step::Copy(copy) if copy.sources == ["prisma"]),
    );
    assert_eq!(copies.count(), 1);
    assert_eq!(found.image.stages.last().unwrap().packages, ["openssl"]);
}

#[test]
fn a_lock_that_is_out_of_step_is_refused_before_a_build_finds_it() {
    let base = app(r#","dependencies":{"a":"^2.0.0"}"#);
    for (lock, text) in [
        ("package-lock.json", r#"{"packages":{"":{"dependencies":{"a":"^1.0.0"}}}}"#),
        ("yarn.lock", "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.0.0\"\n"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1.0.0\n        version: 1.0.0\n",
        ),
    ] {
        let found = refusal(&base.clone().with(lock, text));
        let expected = format!("{lock} is out of step with package.json:1 (`a`)");
        assert_eq!(found.reason, expected);
        let right = text.replace("^1.0.0", "^2.0.0");
        plan(&base.clone().with(lock, &right));
    }
}

#[test]
fn secrets_of_registries_are_mounted_under_the_names_of_their_files() {
    let npmrc = "# ours\n//r.example/:_authToken=${NPM_TOKEN}\n@shop:registry=https://${HOST}/\n";
    let found = plan(&app("").with(".npmrc", npmrc).with("package-lock.json", "{}"));
    let secrets: Vec<_> = found
        .build_secrets
        .iter()
        .map(|secret| (secret.variable.as_str(), secret.source.as_str(), secret.required))
        .collect();
    assert_eq!(secrets, [("NPM_TOKEN", ".npmrc:2", true), ("HOST", ".npmrc:3", false)]);
    let yarnrc = "npmAuthToken: \"${TOKEN}\"\nnodeLinker: node-modules\n";
    let found = plan(&app("").with(".yarnrc.yml", yarnrc).with("yarn.lock", BERRY));
    assert_eq!(found.build_secrets[0].variable, "TOKEN");
    let mounted = found.image.stages.iter().flat_map(|stage| &stage.steps).filter(
        |step| matches!(step, windlass_plugin_sdk::Step::Run(run) if !run.secrets.is_empty()),
    );
    assert_eq!(mounted.count(), 1, "the install alone: there is nothing to prune");
}
