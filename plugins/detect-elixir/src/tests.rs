//! Trees, and what is planned for them.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn mix(app: &str, more: &str, dependencies: &str) -> String {
    format!(
        "defmodule Shop.MixProject do\n  use Mix.Project\n\n  def project do\n    [\n      \
         app: :{app},\n{more}      deps: deps()\n    ]\n  end\n\n  def application do\n    \
         [mod: {{Shop.Application, []}}]\n  end\n\n  defp deps do\n    [{dependencies}]\n  end\n\n  \
         defp aliases do\n    [\n      \"assets.deploy\": [\"esbuild default --minify\"]\n    ]\n  \
         end\nend\n"
    )
}

fn phoenix() -> Files {
    tree! {
        "mix.exs" => &mix("shop", "      elixir: \"~> 1.15\",\n", "{:phoenix, \"~> 1.7\"}, {:bandit, \"~> 1.0\"}"),
        "mix.lock" => "%{}\n",
        "config/config.exs" => "import Config\nimport_config \"#{config_env()}.exs\"\n",
        "config/prod.exs" => "import Config\n",
        "config/runtime.exs" => "if System.get_env(\"PHX_SERVER\") do\nend\n\
                                 System.get_env(\"SECRET_KEY_BASE\") || raise \"missing\"\n",
        "lib/shop/release.ex" => "def migrate, do: :ok\n",
    }
}

#[test]
fn phoenix_is_released_with_its_assets() {
    let files = phoenix().prefer("elixir", "1.17");
    let plan = plan(&files);
    assert_eq!(plan.score, 90);
    assert_eq!(plan.start(), "/app/bin/shop start");
    assert_eq!(plan.base(), plan.build_base(), "the release needs the libraries of its build");
    assert_eq!(plan.base(), "elixir:1.17-slim");
    let runs = plan.runs();
    assert!(runs.iter().any(|run| run == "mix deps.get --only prod"));
    let packages = &plan.image.stages[0].packages;
    assert!(packages.iter().any(|name| name == "git"), "Phoenix's icons are a repository of git");
    assert!(runs.iter().any(|run| run == "mix assets.deploy"));
    assert!(plan.image.env.contains(&("PHX_SERVER".into(), "true".into())));
    let secret = plan.warnings.iter().find(|warning| warning.message.contains("SECRET_KEY_BASE"));
    assert!(secret.is_some_and(|warning| warning.message.starts_with("config/runtime.exs:3")));
    assert!(plan.evidence.iter().any(|line| line.contains("lib/shop/release.ex")));
    golden("goldens/phoenix.Dockerfile", &plan);
}

#[test]
fn assets_of_an_old_phoenix_are_bundled_by_npm_and_digested() {
    let package = "{ \"scripts\": { \"deploy\": \"webpack --mode production\" }, \"devDependencies\": { \"webpack\": \"4.41.5\" } }";
    let old = mix("shop", "", "{:phoenix, \"~> 1.5\"}").replace("assets.deploy", "ecto.setup");
    let runs = plan(&tree! { "mix.exs" => &old, "assets/package.json" => package }).runs();
    let place = |text: &str| runs.iter().position(|run| run.contains(text));
    let bundled = place("openssl-legacy-provider; npm run deploy --prefix assets");
    assert!(bundled.is_some() && bundled < place("mix phx.digest"), "{runs:?}");
    let own = plan(&phoenix().with("assets/package.json", package)).runs();
    assert!(!own.iter().any(|run| run.contains("npm run")), "the alias bundles them");
}

#[test]
fn a_project_without_dependencies_asks_no_registry() {
    let files = tree! {
        "mix.exs" => &mix("shop", "", ""),
        "lib/shop.ex" => "System.get_env(\"PORT\")\n",
    };
    let plan = plan(&files.prefer("elixir", "1.14"));
    assert_eq!(plan.score, 60);
    assert_eq!(plan.image.port, Some(8080));
    assert!(!plan.runs().iter().any(|run| run.contains("hex") || run.contains("deps")));
    golden("goldens/plain.Dockerfile", &plan);
}

#[test]
fn plug_is_a_server() {
    let plan = plan(&tree! { "mix.exs" => &mix("shop", "", "{:plug_cowboy, \"~> 2.0\"}") });
    assert_eq!(plan.score, 80);
    assert!(plan.warnings.iter().any(|warning| warning.message.contains("mix.lock")));
}

#[test]
fn versions_of_elixir_and_erlang_are_one_tag() {
    for (name, text, base, source) in [
        (".elixir-version", "1.16.3\n", "elixir:1.16.3-slim", ".elixir-version:1"),
        (
            "elixir_buildpack.config",
            "elixir_version=1.16.2\nerlang_version=26.2.5\n",
            "elixir:1.16.2-otp-26-slim",
            "elixir_buildpack.config:1 elixir_version",
        ),
        (
            ".tool-versions",
            "erlang 27.0\nelixir 1.17.2-otp-27\n",
            "elixir:1.17.2-otp-27-slim",
            ".tool-versions:2 elixir",
        ),
    ] {
        let plan = plan(&phoenix().with(name, text));
        assert_eq!(plan.base(), base, "{name}");
        assert_eq!(plan.decided("elixir").map(|(_, source)| source), Some(source), "{name}");
    }
    let asked = plan(&phoenix());
    assert_eq!(asked.decided("elixir").map(|(_, source)| source), Some("mix.exs:7 elixir"));
}

#[test]
fn the_release_that_mix_names_is_started() {
    let releases =
        "      releases: [\n        web: [\n          steps: [:assemble]\n        ]\n      ],\n";
    let files = tree! { "mix.exs" => &mix("shop", releases, "{:phoenix, \"~> 1.7\"}") };
    assert_eq!(plan(&files).start(), "/app/bin/web start");
    let two =
        "      releases: [\n        web: [\n        ],\n        mail: [\n        ]\n      ],\n";
    let refused = refusal(&tree! { "mix.exs" => &mix("shop", two, "{:phoenix, \"~> 1.7\"}") });
    assert!(refused.reason.contains("web, mail"), "{}", refused.reason);
}

fn umbrella() -> Files {
    tree! {
        "mix.exs" => "def project do\n[apps_path: \"apps\", deps: []]\nend\n",
        "apps/money/mix.exs" => &mix("money", "      build_path: \"../../_build\",\n", ""),
        "apps/web/mix.exs" => &mix("web", "      build_path: \"../../_build\",\n", "{:phoenix, \"~> 1.7\"}"),
    }
}

#[test]
fn of_an_umbrella_the_app_with_phoenix_is_released() {
    let plan = plan(&umbrella());
    assert_eq!(plan.start(), "/app/bin/web start");
    assert_eq!(plan.image.stages[0].workdir.as_deref(), Some("/app/apps/web"));
    let app = super::tests::plan(&umbrella().app("apps/web"));
    assert_eq!(app.context, "");
    assert_eq!(app.start(), "/app/bin/web start");
}

#[test]
fn an_umbrella_with_several_servers_names_them() {
    let admin = mix("admin", "", "{:phoenix, \"~> 1.7\"}");
    let refused = refusal(&umbrella().with("apps/admin/mix.exs", &admin));
    let folders: Vec<&str> = refused.candidates.iter().map(|one| one.folder.as_str()).collect();
    assert_eq!(folders, ["apps/admin", "apps/web"]);
}

#[test]
fn what_cannot_be_released_is_refused() {
    let library = "def project do\n[app: :shop]\nend\n";
    assert!(
        refusal(&tree! { "mix.exs" => library }).reason.contains("mix.exs: the project starts no")
    );
    let out = mix("shop", "", "{:money, path: \"../money\"}");
    assert!(refusal(&tree! { "mix.exs" => &out }).reason.contains("outside of the repository"));
}

#[test]
fn bad_files_are_refused_by_name() {
    let files = phoenix()
        .with(".tool-versions", "elixir 1.17.2-otp-27\n")
        .with("elixir_buildpack.config", "erlang_version=26.2\n")
        .with("Procfile", "web: mix phx.server\n");
    bad_input(detect, MANIFEST, &files);
    bad_input(detect, MANIFEST, &umbrella());
}
