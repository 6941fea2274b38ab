//! Detectors: whatever a repository holds, each answers, and a refusal says what to do.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_plugin_sdk::testing::{Files, Outcome, detect, render};

/// Names that detectors look for.
const NAMES: [&str; 60] = [
    ".node-version",
    ".nvmrc",
    ".python-version",
    ".ruby-version",
    ".sdkmanrc",
    ".tool-versions",
    ".yarnrc.yml",
    "CMakeLists.txt",
    "Cargo.lock",
    "Cargo.toml",
    "Gemfile",
    "Gemfile.lock",
    "Pipfile",
    "Pipfile.lock",
    "Procfile",
    "Shop.csproj",
    "_config.yml",
    "angular.json",
    "app.py",
    "artisan",
    "astro.config.mjs",
    "build.gradle",
    "build.gradle.kts",
    "bun.lock",
    "composer.json",
    "composer.lock",
    "config.ru",
    "config/application.rb",
    "deno.json",
    "gleam.toml",
    "global.json",
    "go.mod",
    "go.work",
    "gradle/wrapper/gradle-wrapper.properties",
    "hugo.toml",
    "index.html",
    "index.php",
    "main.go",
    "main.ts",
    "manage.py",
    "mise.toml",
    "mix.exs",
    "mkdocs.yml",
    "next.config.js",
    "package-lock.json",
    "package.json",
    "package.yaml",
    "packages/a/package.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "pom.xml",
    "pyproject.toml",
    "requirements.txt",
    "rust-toolchain.toml",
    "server.js",
    "settings.gradle",
    "setup.cfg",
    "uv.lock",
    "vite.config.ts",
    "yarn.lock",
];

/// Files of one tree.
const MOST: usize = 6;

/// Makes a tree: of each file a byte for its name, two for its length, then the text.
fn tree(mut data: &[u8]) -> Files {
    let mut files = Files::default();
    for _ in 0..MOST {
        let [name, high, low, rest @ ..] = data else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (text, after) = rest.split_at(length);
        if let Some(path) = NAMES.get(usize::from(*name) % NAMES.len()) {
            files = files.with(*path, String::from_utf8_lossy(text).into_owned());
        }
        data = after;
    }
    files
}

macro_rules! ask {
    ($files:expr, $($detector:ident $folder:literal),* $(,)?) => {
        $(
            let manifest = include_str!(concat!("../../../plugins/", $folder, "/plugin.toml"));
            match detect($detector::detect, manifest, $files) {
                Outcome::NotMine => {}
                Outcome::Plan(plan) => {
                    let _ = render($folder, &plan);
                    assert!(!plan.language.is_empty() && plan.score <= 100);
                }
                Outcome::Refused(refusal) => {
                    assert!(!refusal.reason.is_empty() && !refusal.hint.is_empty(), "{refusal:?}");
                }
            }
        )*
    };
}

fuzz_target!(|data: &[u8]| {
    let files = &tree(data);
    ask!(
        files,
        detect_bun "detect-bun",
        detect_deno "detect-deno",
        detect_dotnet "detect-dotnet",
        detect_elixir "detect-elixir",
        detect_go "detect-go",
        detect_java "detect-java",
        detect_node "detect-node",
        detect_others "detect-others",
        detect_php "detect-php",
        detect_python "detect-python",
        detect_ruby "detect-ruby",
        detect_rust "detect-rust",
        detect_static "detect-static",
    );
});
