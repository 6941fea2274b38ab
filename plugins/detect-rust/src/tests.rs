//! Trees, and what is planned for them.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");

const SHOP: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn shop() -> Files {
    tree! {
        "Cargo.toml" => SHOP,
        "Cargo.lock" => "version = 4\n",
        "src/main.rs" => "fn main() {}\n",
    }
}

#[test]
fn a_package_with_a_main_file_is_built_and_started() {
    let plan = plan(&shop());
    assert_eq!(plan.start(), "/app/bin/shop");
    assert_eq!(plan.build_base(), "rust:1-slim-bookworm");
    assert_eq!(plan.base(), "debian:bookworm-slim");
    assert_eq!(plan.score, 80);
    assert_eq!(plan.image.port, None, "nothing listens");
    golden("goldens/plain.Dockerfile", &plan);
}

#[test]
fn linkers_of_cargo_s_settings_are_installed() {
    let config = "[target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n\
                  rustflags = [\"-C\", \"link-arg=-fuse-ld=lld\"]\n\
                  [target.x86_64-apple-darwin]\nrustflags = [\"-C\", \"link-arg=-fuse-ld=mold\"]\n";
    let plan = plan(&shop().with(".cargo/config.toml", config));
    assert_eq!(plan.image.stages[0].packages, ["pkg-config", "clang", "lld"]);
    assert!(plan.evidence.contains(&".cargo/config.toml:2: links by clang".to_owned()));
}

#[test]
fn without_a_lock_the_user_is_warned_and_the_build_is_not_locked() {
    let plan = plan(&shop().without("Cargo.lock"));
    assert!(!plan.runs().iter().any(|run| run.contains("--locked")));
    assert!(plan.warnings.iter().any(|warning| warning.message.contains("Cargo.lock")));
}

#[test]
fn the_toolchain_file_is_the_version() {
    for (name, text, base, source) in [
        ("rust-toolchain", "1.80.1\n", "rust:1.80.1-slim-bookworm", "rust-toolchain:1"),
        (
            "rust-toolchain.toml",
            "[toolchain]\nchannel = \"nightly\"\n",
            "rustlang/rust:nightly-bookworm-slim",
            "rust-toolchain.toml:2 toolchain.channel",
        ),
        (".tool-versions", "rust 1.81.0\n", "rust:1.81.0-slim-bookworm", ".tool-versions:1 rust"),
        (
            "mise.toml",
            "[tools]\nrust = \"1.65\"\n",
            "rust:1.65-slim-bullseye",
            "mise.toml:2 tools.rust",
        ),
    ] {
        let plan = plan(&shop().with(name, text));
        assert_eq!(plan.build_base(), base, "{name}");
        assert_eq!(plan.decided("rust").map(|(_, source)| source), Some(source), "{name}");
    }
}

#[test]
fn a_minimum_of_the_manifest_allows_the_newest() {
    let plan = plan(&shop().with("Cargo.toml", &format!("{SHOP}rust-version = \"1.70\"\n")));
    assert_eq!(plan.build_base(), "rust:1-slim-bookworm");
    assert_eq!(plan.decided("rust"), Some(("1", "Cargo.toml:5 rust-version, a minimum")));
}

#[test]
fn the_user_s_word_is_before_all_files() {
    let files = shop().with("rust-toolchain", "1.80.1\n").wish("rust", "1.85");
    assert_eq!(plan(&files).build_base(), "rust:1.85-slim-bookworm");
}

#[test]
fn a_channel_without_an_image_is_refused_with_its_line() {
    let refusal = refusal(&shop().with("rust-toolchain.toml", "[toolchain]\nchannel = \"beta\"\n"));
    assert!(refusal.reason.contains("rust-toolchain.toml:2"), "{}", refusal.reason);
    assert!(refusal.hint.contains("stable"), "{}", refusal.hint);
}

#[test]
fn system_packages_follow_the_lock() {
    let lock = "version = 4\n\n[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.1\"\n\
                dependencies = [\n \"cc\",\n \"pkg-config\",\n]\n\n[[package]]\nname = \"prost-build\"\n";
    let plan = plan(&shop().with("Cargo.lock", lock));
    let stages = &plan.image.stages;
    let has = |stage: usize, name: &str| stages[stage].packages.iter().any(|have| have == name);
    assert!(has(0, "libssl-dev") && has(0, "protobuf-compiler") && has(0, "pkg-config"));
    assert!(has(1, "libssl3") && has(1, "ca-certificates") && !has(1, "libssl-dev"));
    assert!(plan.evidence.iter().any(|line| line.contains("Cargo.lock:4 openssl-sys")));
}

#[test]
fn of_several_programs_one_is_named() {
    let bins = |more: &str| {
        shop()
            .without("src/main.rs")
            .with("src/bin/mail.rs", "fn main() {}\n")
            .with("src/bin/desk/main.rs", "fn main() {}\n")
            .with("Cargo.toml", &format!("{SHOP}{more}"))
    };
    let text = refusal(&bins(""));
    assert!(text.reason.contains("desk, mail"), "{}", text.reason);
    assert!(text.hint.contains("default-run"));
    assert_eq!(plan(&bins("default-run = \"mail\"\n")).start(), "/app/bin/mail");
    let served = bins("").with("src/bin/server.rs", "fn main() {}\n");
    assert_eq!(plan(&served).start(), "/app/bin/server");
    let named = bins("").with("src/main.rs", "fn main() {}\n");
    assert_eq!(plan(&named).start(), "/app/bin/shop");
    assert!(refusal(&bins("default-run = \"nobody\"\n")).reason.contains("Cargo.toml:5"));
}

#[test]
fn features_that_a_program_requires_are_built() {
    let bin = "\n[[bin]]\nname = \"web\"\npath = \"src/web.rs\"\nrequired-features = [\"ssl\"]\n";
    let files = shop()
        .without("src/main.rs")
        .with("src/web.rs", "fn main() {}\n")
        .with("Cargo.toml", &format!("{SHOP}{bin}"));
    assert!(plan(&files).runs().iter().any(|run| run.contains("--bin web --features ssl")));
}

fn workspace() -> Files {
    let member = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n\n[dependencies]\n{more}")
    };
    tree! {
        "Cargo.toml" => "[workspace]\nmembers = [\"crates/*\"]\n",
        "Cargo.lock" => "version = 4\n",
        "crates/api/Cargo.toml" => &member("api", "axum = \"0.8\"\nmoney = { path = \"../money\" }\n"),
        "crates/api/src/main.rs" => "fn main() { bind(\"0.0.0.0:3000\") }\n",
        "crates/money/Cargo.toml" => &member("money", ""),
        "crates/money/src/lib.rs" => "",
        "crates/tool/Cargo.toml" => &member("tool", ""),
        "crates/tool/src/main.rs" => "fn main() {}\n",
    }
}

#[test]
fn of_a_workspace_the_member_that_serves_is_built() {
    let plan = plan(&workspace());
    assert_eq!(plan.start(), "/app/bin/api");
    assert_eq!(plan.score, 60);
    assert_eq!(plan.image.port, Some(3000));
    assert!(plan.runs().iter().any(|run| run.contains("-p api --bin api")));
    golden("goldens/workspace.Dockerfile", &plan);
}

#[test]
fn a_member_that_is_named_is_built_from_the_workspace_s_root() {
    let plan = plan(&workspace().app("crates/tool"));
    assert_eq!(plan.context, "");
    assert_eq!(plan.start(), "/app/bin/tool");
    assert_eq!(plan.score, 80);
}

#[test]
fn a_workspace_of_several_programs_names_its_candidates() {
    let files = workspace().with("crates/api/Cargo.toml", "[package]\nname = \"api\"\n");
    let refusal = refusal(&files);
    let folders: Vec<&str> = refusal.candidates.iter().map(|one| one.folder.as_str()).collect();
    assert_eq!(folders, ["crates/api", "crates/tool"]);
    let named = "[workspace]\nmembers = [\"crates/*\"]\ndefault-members = [\"crates/tool\"]\n";
    assert_eq!(plan(&files.with("Cargo.toml", named)).start(), "/app/bin/tool");
}

#[test]
fn a_member_that_is_missing_is_refused_with_its_line() {
    let files = workspace().with("Cargo.toml", "[workspace]\nmembers = [\n  \"crates/gone\",\n]\n");
    let refusal = refusal(&files);
    assert!(refusal.reason.contains("Cargo.toml:3"), "{}", refusal.reason);
}

#[test]
fn packages_beside_the_app_widen_the_context() {
    let api = format!("{SHOP}\n[dependencies]\nmoney = {{ path = \"../money\" }}\n");
    let files = tree! {
        "api/Cargo.toml" => &api,
        "api/Cargo.lock" => "version = 4\n",
        "api/src/main.rs" => "fn main() {}\n",
        "money/Cargo.toml" => "[package]\nname = \"money\"\n",
        "money/src/lib.rs" => "",
    };
    let plan = plan(&files.app("api"));
    assert_eq!(plan.context, "");
    assert_eq!(plan.image.stages[0].workdir.as_deref(), Some("/app/api"));
    let out =
        shop().with("Cargo.toml", &format!("{SHOP}\n[dependencies]\nx = {{ path = \"../x\" }}\n"));
    assert!(refusal(&out).reason.contains("outside of the repository"));
}

#[test]
fn rocket_listens_where_it_is_reached() {
    let files = shop()
        .with("Cargo.toml", &format!("{SHOP}\n[dependencies]\nrocket = \"0.5\"\n"))
        .with("Rocket.toml", "[default]\n")
        .with("templates/index.html.hbs", "");
    let plan = plan(&files);
    assert_eq!(plan.start(), "sh -c ROCKET_PORT=$PORT exec /app/bin/shop");
    assert!(plan.image.env.contains(&("ROCKET_ADDRESS".into(), "0.0.0.0".into())));
    golden("goldens/rocket.Dockerfile", &plan);
}

#[test]
fn a_loopback_address_is_warned_of() {
    let main = "fn main() { TcpListener::bind(\"127.0.0.1:4000\"); }\n";
    let plan = plan(&shop().with("src/main.rs", main));
    assert_eq!(plan.image.port, Some(4000));
    assert!(plan.warnings.iter().any(|warning| warning.message.contains("src/main.rs:1")));
}

#[test]
fn a_procfile_names_programs_of_cargo() {
    let files = shop()
        .with("src/bin/mail.rs", "fn main() {}\n")
        .with("Procfile", "web: ./target/release/shop --fast\nmail: target/release/mail\n");
    let plan = plan(&files);
    assert_eq!(plan.start(), "/app/bin/shop --fast");
    assert!(plan.runs().iter().any(|run| run.contains("--bin shop --bin mail")));
    let mail = plan.processes.iter().find(|process| process.name == "mail");
    assert_eq!(mail.map(|process| process.command.join(" ")).as_deref(), Some("/app/bin/mail"));
}

#[test]
fn what_is_no_server_is_refused() {
    let library = shop().without("src/main.rs").with("src/lib.rs", "");
    assert!(refusal(&library).reason.contains("has no program"));
    assert!(refusal(&shop().with("Trunk.toml", "")).reason.contains("trunk"));
    let leptos = format!("{SHOP}\n[package.metadata.leptos]\noutput-name = \"shop\"\n");
    assert!(refusal(&shop().with("Cargo.toml", &leptos)).reason.contains("cargo leptos"));
}

#[test]
fn a_tree_without_a_manifest_is_not_ours() {
    let files = shop().without("Cargo.toml");
    assert!(testing::detect(detect, MANIFEST, &files).is_not_mine());
}

#[test]
fn bad_files_are_refused_by_name() {
    let files = workspace()
        .with("rust-toolchain.toml", "[toolchain]\nchannel = \"1.80\"\n")
        .with(".cargo/config.toml", "[build]\ntarget = \"x86_64-unknown-linux-musl\"\n")
        .with("Procfile", "web: target/release/api\n");
    bad_input(detect, MANIFEST, &files);
}
