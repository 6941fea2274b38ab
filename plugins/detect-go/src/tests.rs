//! Rules of the detector, each by a tree of its own.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal, score,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");
const MAIN: &str = "package main\n\nfunc main() {}\n";

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn module() -> Files {
    tree! { "go.mod" => "module example.com/shop\n\ngo 1.22\n", "main.go" => MAIN }
}

/// Returns the line of the program's build.
fn build(plan: &Detection) -> String {
    plan.runs().into_iter().find(|line| line.starts_with("go build")).unwrap()
}

#[test]
fn a_module_is_one_binary_without_the_toolchain() {
    let plan = plan(&module().with("go.sum", "").with("package.json", "{}"));
    assert_eq!(plan.score, score::STARTED);
    golden("goldens/module.Dockerfile", &plan);
}

#[test]
fn a_procfile_s_go_run_is_the_program_itself() {
    for (line, start) in [
        ("web: go run main.go -v", "/app/app -v"),
        ("web: go run .", "/app/app"),
        ("web: go run main.go -port $PORT", "sh -c exec /app/app -port $PORT"),
        ("web: go run ./cmd/job", "/app/app"),
    ] {
        let files = module().with("Procfile", line).with("cmd/job/main.go", MAIN);
        let plan = plan(&files);
        assert_eq!(plan.start(), start, "{line}");
        let package = if line.ends_with("job") { "./cmd/job" } else { "." };
        assert!(build(&plan).ends_with(package), "{line}");
    }
}

#[test]
fn a_replaced_folder_is_there_before_the_download() {
    let text = "module example.com/shop\n\ngo 1.22\n\nrequire example.com/shop/money v0.0.0\n\n\
                replace example.com/shop/money => ./money\n";
    let files = tree! {
        "go.mod" => text,
        "main.go" => MAIN,
        "money/go.mod" => "module example.com/shop/money\n",
        "money/money.go" => "package money\n",
    };
    golden("goldens/replace.Dockerfile", &plan(&files));
}

#[test]
fn a_workspace_is_built_at_its_root() {
    let files = tree! {
        "go.work" => "go 1.24\n\nuse (\n\t./api\n\t./money\n)\n",
        "api/go.mod" => "module example.com/shop/api\n\ngo 1.24\n",
        "api/main.go" => MAIN,
        "money/go.mod" => "module example.com/shop/money\n\ngo 1.24\n",
        "money/money.go" => "package money\n",
    };
    let plan = plan(&files);
    assert_eq!(plan.evidence[0], "go.work: a Go workspace");
    assert!(build(&plan).ends_with(" ./api"), "{}", build(&plan));
    golden("goldens/workspace.Dockerfile", &plan);
}

#[test]
fn an_app_of_a_workspace_is_built_in_the_workspace() {
    let files = tree! {
        "go.work" => "go 1.24\n\nuse (\n\t./api\n\t./money\n)\n",
        "api/go.mod" => "module example.com/shop/api\n\nrequire example.com/shop/money v0.0.0\n",
        "api/main.go" => MAIN,
        "money/go.mod" => "module example.com/shop/money\n",
        "money/money.go" => "package money\n",
    };
    let plan = plan(&files.app("api"));
    assert_eq!(plan.context, "");
    golden("goldens/workspace-app.Dockerfile", &plan);
}

#[test]
fn a_replaced_folder_above_is_in_the_context() {
    let text = "module example.com/shop\n\nrequire example.com/money v0.0.0\n\n\
                replace example.com/money => ../../libs/money\n";
    let files = tree! {
        "apps/shop/go.mod" => text,
        "apps/shop/main.go" => MAIN,
        "libs/money/go.mod" => "module example.com/money\n",
    };
    let above = plan(&files.app("apps/shop"));
    assert_eq!(above.context, "");
    golden("goldens/replace-above.Dockerfile", &above);
    let outside = module().with("go.mod", "module a.b/c\n\nreplace a.b/d => ../d\n");
    let refusal = refusal(&outside);
    assert_eq!(refusal.reason, "go.mod:3: replace `../d` is outside of the repository");
}

#[test]
fn a_replaced_folder_that_is_missing_is_refused_where_it_is_required() {
    let text = "module a.b/c\n\nrequire a.b/d v1.0.0\n\nreplace a.b/d => ./d\n";
    let refusal = refusal(&module().with("go.mod", text));
    assert_eq!(refusal.reason, "go.mod:5: replace `d`: there is no d/go.mod");
    plan(&module().with("go.mod", "module a.b/c\n\nreplace a.b/d => ./d\n"));
}

#[test]
fn without_sums_the_download_writes_them_and_the_user_is_warned() {
    let text = "module example.com/shop\n\ngo 1.22\n\nrequire github.com/google/uuid v1.6.0\n";
    let files = module().with("go.mod", text);
    let without = plan(&files);
    assert!(without.runs().contains(&"go mod download all".to_owned()), "{:?}", without.runs());
    assert!(without.warnings.iter().any(|one| one.message.starts_with("go.sum")));
    let with = plan(&files.with("go.sum", ""));
    assert!(with.runs().contains(&"go mod download".to_owned()) && with.warnings.is_empty());
}

#[test]
fn copies_of_modules_are_downloaded_no_more() {
    let files = module()
        .with("go.mod", "module a.b/c\n\ngo 1.22\n\nreplace a.b/d => ../d\n")
        .with("vendor/modules.txt", "# a.b/d v0.0.0 => ../d\n");
    let runs = plan(&files).runs();
    assert!(!runs.iter().any(|line| line.contains("download")), "{runs:?}");
}

#[test]
fn a_folder_within_a_module_is_built_from_the_module() {
    let files = tree! {
        "go.mod" => "module example.com/shop\n\ngo 1.22\n",
        "cmd/api/main.go" => MAIN,
        "cmd/job/main.go" => MAIN,
        "lib/shop.go" => "package lib\n",
    };
    let job = plan(&files.clone().app("cmd/job"));
    assert_eq!(job.context, "");
    assert!(build(&job).ends_with(" ."), "{}", build(&job));
    assert!(testing::detect(detect, MANIFEST, &files.app("lib")).is_not_mine());
}

#[test]
fn several_programs_are_candidates() {
    let files = tree! {
        "go.mod" => "module example.com/shop\n",
        "cmd/mail/main.go" => MAIN,
        "cmd/job/main.go" => MAIN,
    };
    let refusal = refusal(&files);
    assert_eq!(refusal.reason, "several main packages: cmd/job, cmd/mail");
    assert_eq!(refusal.language, "go");
    let folders: Vec<&str> = refusal.candidates.iter().map(|one| &*one.folder).collect();
    assert_eq!(folders, ["cmd/job", "cmd/mail"]);
    assert!(refusal.hint.contains("--directory cmd/job"), "{}", refusal.hint);
}

#[test]
fn files_that_are_no_program_do_not_count() {
    let files = tree! {
        "go.mod" => "module example.com/shop\n",
        "shop.go" => "package shop\n",
        "magefile.go" => "//go:build mage\n\npackage main\n\nfunc main() {}\n",
        "internal/gen.go" => "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
        "testdata/sample/main.go" => MAIN,
        "cmd/shop/main.go" => "package main // import \"example.com/shop/cmd/shop\"\n\nfunc main() {}\n",
    };
    let plan = plan(&files);
    assert!(build(&plan).ends_with(" ./cmd/shop"), "{}", build(&plan));
}

#[test]
fn a_root_program_is_found_among_4_001_files() {
    let mut files = module();
    for number in 0..4_001 {
        files = files.with(&format!("a/p{number}/x.go"), "package p\n");
    }
    let plan = plan(&files);
    assert!(build(&plan).ends_with(" ."), "{}", build(&plan));
    assert!(plan.evidence.iter().any(|line| line.contains("more than 4000 Go files")));
}

#[test]
fn the_version_is_the_toolchain_s_else_the_newest_that_go_allows() {
    let of = |text: &str| {
        let plan = plan(&module().with("go.mod", text));
        let (value, source) = plan.decided("go").unwrap();
        (value.to_owned(), source.to_owned(), plan.build_base().to_owned())
    };
    let (value, source, base) = of("module a.b/c\n\ngo 1.22\n\ntoolchain go1.24.4\n");
    assert_eq!((&*value, &*source), ("1.24.4", "go.mod:5 toolchain go1.24.4"));
    assert_eq!(base, "golang:1.24.4-bookworm");
    let (value, source, _) = of("module a.b/c\n\ngo 1.22\n");
    assert_eq!((&*value, &*source), ("1.27", "go.mod:3 go 1.22 or newer"));
    let preferred = plan(&module().prefer("go", "1"));
    assert_eq!(preferred.build_base(), "golang:1-bookworm");
    let wished = plan(&module().wish("go", "1.26"));
    assert_eq!(wished.build_base(), "golang:1.26-bookworm");
}

#[test]
fn embedded_files_wait_for_assets_and_are_not_copied() {
    let files = module()
        .with("main.go", "package main\n\nimport \"example.com/shop/web\"\n\nfunc main() {}\n")
        .with(
            "web/web.go",
            "package web\n\nimport \"embed\"\n\n//go:embed dist\nvar files embed.FS\n",
        )
        .with("web/dist/index.html", "")
        .with("templates/page.html", "")
        .with("config/config.go", "package config\n");
    let plan = plan(&files);
    golden("goldens/embed.Dockerfile", &plan);
    assert!(
        plan.evidence.iter().any(|line| line.starts_with("templates/:")),
        "{:?}",
        plan.evidence
    );
    assert!(!plan.evidence.iter().any(|line| line.starts_with("config/:")), "{:?}", plan.evidence);
}

#[test]
fn a_port_that_the_program_writes_is_the_app_s() {
    let main = "package main\n\nfunc main() {\n\thttp.ListenAndServe(\":3000\", nil)\n}\n";
    let files = module().with("main.go", main);
    let found = plan(&files);
    assert_eq!(
        (found.image.port, found.decided("port")),
        (Some(3000), Some(("3000", "main.go:4")))
    );
    let reads =
        files.clone().with("config/c.go", "package config\n\nvar p = os.Getenv(\"PORT\")\n");
    assert_eq!(plan(&reads).decided("port"), None);
    let told = files.with("Procfile", "web: shop -port $PORT\n");
    assert_eq!(plan(&told).decided("port"), None);
}

#[test]
fn c_is_compiled_where_the_program_imports_it() {
    let cgo = |plan: Detection| plan.image.stages[0].env[0].1.clone();
    let c = "package main\n\n/* int x; */\nimport \"C\"\n\nfunc main() {}\n";
    assert_eq!(cgo(plan(&module().with("main.go", c))), "1");
    let sqlite = "module a.b/c\n\nrequire github.com/mattn/go-sqlite3 v1.14.22\n";
    let plan_of_sqlite = plan(&module().with("go.mod", sqlite));
    let source = "go.mod:3: github.com/mattn/go-sqlite3 is built by cgo".to_owned();
    assert!(plan_of_sqlite.evidence.contains(&source), "{:?}", plan_of_sqlite.evidence);
    assert_eq!(cgo(plan_of_sqlite), "1");
    let apart = module().with("fast/fast.go", "package fast\n\nimport \"C\"\n");
    assert_eq!(cgo(plan(&apart)), "0");
}

#[test]
fn a_procfile_starts_what_is_built() {
    let files = module()
        .with("cmd/worker/main.go", MAIN)
        .with("Procfile", "web: bin/shop -v\nworker: bin/worker\nrelease: bin/shop migrate\n");
    let plan = plan(&files);
    assert_eq!(plan.image.start, ["/app/app", "-v"]);
    let worker = plan.processes.iter().find(|process| process.name == "worker").unwrap();
    assert_eq!(worker.command, ["/app/worker"]);
    golden("goldens/procfile.Dockerfile", &plan);
}

#[test]
fn without_a_module_the_way_to_one_is_named() {
    for files in [
        tree! { "cmd/shop/main.go" => MAIN },
        tree! { "main.go" => MAIN, "vendor/modules.txt" => "" },
        tree! { "Gopkg.toml" => "" },
        tree! { "glide.yaml" => "" },
    ] {
        let refusal = refusal(&files);
        assert_eq!(refusal.reason, "no go.mod: Go builds modules");
        assert!(refusal.hint.contains("go mod init"), "{}", refusal.hint);
        assert_eq!((&*refusal.language, refusal.score), ("go", score::STARTED));
    }
    let library = tree! { "tool.go" => "package tool\n", "package.json" => "{}" };
    assert!(testing::detect(detect, MANIFEST, &library).is_not_mine());
}

#[test]
fn a_module_that_is_missing_is_refused_with_its_line() {
    let files = tree! { "go.work" => "go 1.24\n\nuse ./api\nuse ../out\n", "api/go.mod" => "module a.b/c\n" };
    let refusal = refusal(&files);
    assert_eq!(refusal.reason, "go.work:4: use `../out` is outside of the repository");
}

#[test]
fn bad_input_never_traps() {
    bad_input(detect, MANIFEST, &module());
    let files = tree! {
        "go.work" => "go 1.24\n\nuse ./api\nuse (\n\t./money\n)\n",
        "api/go.mod" => "module a.b/c\n\ngo 1.22\ntoolchain go1.24.4\nrequire a.b/d v1.0.0\n",
        "api/main.go" => "package main\n\nimport (\n\t\"C\"\n)\n\n//go:embed a/*\nfunc main() {}\n",
        "money/go.mod" => "module a.b/d\n\nreplace a.b/e v1.0.0 => ../money\n",
        "Procfile" => "web: bin/api $PORT\n",
    };
    bad_input(detect, MANIFEST, &files);
}
