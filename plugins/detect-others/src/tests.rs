//! Rules of the detector, one or two tests a language.

use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{Files, bad_input, detect, golden, render},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");

fn plan(files: &Files) -> Detection {
    detect(crate::detect, MANIFEST, files).plan()
}

/// Asserts that a tree is refused, as an app of this language, for a reason with this text.
#[track_caller]
fn refused(files: &Files, language: &str, reason: &str) -> Refusal {
    let refusal = detect(crate::detect, MANIFEST, files).refusal();
    assert_eq!(refusal.language, language, "{refusal:?}");
    assert!(refusal.reason.contains(reason) && !refusal.hint.is_empty(), "{refusal:?}");
    refusal
}

#[test]
fn a_leiningen_project_starts_its_main_namespace() {
    let project = "(defproject shop/web \"0.1.0\"\n  :dependencies [[ring \"1.9\"]]\n  :main web.core\n  :profiles {:uberjar {:aot :all}})\n";
    let found = plan(&tree! { "project.clj" => project }.prefer("java", "21"));
    assert_eq!(found.start(), "java -jar /app/app.jar");
    assert_eq!(found.decided("start"), Some(("java -jar /app/app.jar", "project.clj:3 :main")));
    assert_eq!(found.build_base(), "clojure:temurin-21-lein");
    golden("goldens/clojure.Dockerfile", &found);
    refused(&tree! { "project.clj" => "(defproject a \"1\")\n" }, "clojure", "no `:main`");
}

#[test]
fn a_procfile_says_which_jar_is_started_and_how() {
    let files = tree! {
        "project.clj" => "(defproject web \"1\" :uberjar-name \"web.jar\")\n",
        "Procfile" => "web: java $JVM_OPTS -cp target/web.jar clojure.main -m web.core\nmail: java -cp target/web.jar clojure.main -m web.mail\nrepl: lein repl\n",
        "system.properties" => "java.runtime.version=17\n",
    };
    let found = plan(&files);
    assert!(found.start().ends_with("-cp target/web.jar clojure.main -m web.core"));
    assert_eq!(found.build_base(), "clojure:temurin-17-lein");
    let text = render("others", &found);
    assert!(text.contains("COPY --from=build /app.jar /app/target/web.jar\n"), "{text}");
    let names: Vec<_> = found.processes.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["mail"]);
    assert!(found.warnings.iter().any(|one| one.message.starts_with("Procfile:3 repl")));
    let tool = files.with("Procfile", "web: lein run\n");
    refused(&tool, "clojure", "no `:main`");
}

#[test]
fn a_handler_of_ring_is_built_by_the_plugin() {
    let project =
        "(defproject a \"1\"\n  :plugins [[lein-ring \"0.12.5\"]]\n  :ring {:handler a.b/app})\n";
    let found = plan(&tree! { "project.clj" => project });
    assert!(found.runs().contains(&"lein ring uberjar".to_owned()), "{:?}", found.runs());
    assert_eq!(found.decided("start"), Some(("java -jar /app/app.jar", "project.clj:3 :ring")));
}

#[test]
fn a_clojure_project_without_a_build_is_refused() {
    let files = tree! { "deps.edn" => "{:aliases {:build {:ns-default build}}}\n" };
    refused(&files, "clojure", "no alias `:build` with a function `uber`");
    let found = plan(&files.with("build.clj", "(defn uber [_] nil)\n"));
    assert!(found.runs().contains(&"clojure -T:build uber".to_owned()), "{:?}", found.runs());
}

#[test]
fn a_gleam_program_is_a_shipment_of_a_version_that_the_manifest_allows() {
    let files = tree! {
        "gleam.toml" => "name = \"web\"\ngleam = \">= 1.19.1\"\n",
        "src/web.gleam" => "pub fn main() {}\n",
    };
    let found = plan(&files);
    assert_eq!(found.decided("gleam"), Some(("1.19.1", "gleam.toml:2 gleam")));
    golden("goldens/gleam.Dockerfile", &found);
    // A lock of today names libraries that older compilers refuse.
    let older = files.clone().with("gleam.toml", "name = \"web\"\ngleam = \">= 1.9.1\"\n");
    assert_eq!(plan(&older).decided("gleam"), Some(("1.18.1", "default")));
    refused(&files.without("src/web.gleam"), "gleam", "a library");
}

#[test]
fn a_haskell_package_has_one_executable() {
    let files = tree! { "web.cabal" => "name: web\n\nexecutable web-server\n  main-is: Main.hs\n" };
    let found = plan(&files);
    assert_eq!(found.start(), "/app/web-server");
    golden("goldens/haskell.Dockerfile", &found);
    let two = files.with("web.cabal", "executable a\nexecutable b\n-- executable c\n");
    refused(&two, "haskell", "nothing says which executable is the app: a, b");
    refused(&tree! { "stack.yaml" => "" }, "haskell", "no file of Cabal");
}

#[test]
fn a_dart_server_is_compiled_and_flutter_is_refused() {
    let files = tree! {
        "pubspec.yaml" => "name: web\nenvironment:\n  sdk: ^3.0.0\n",
        "bin/server.dart" => "void main() {}\n",
    };
    golden("goldens/dart.Dockerfile", &plan(&files));
    let flutter = "name: web\ndependencies:\n  flutter:\n    sdk: flutter\n";
    refused(&files.with("pubspec.yaml", flutter), "dart", "pubspec.yaml:3: Flutter");
}

#[test]
fn a_swift_package_starts_its_executable_target() {
    let manifest = "// swift-tools-version:6.1\nlet package = Package(\n  dependencies: [.package(url: \"https://github.com/vapor/vapor.git\", from: \"4.0.0\")],\n  targets: [\n    .executableTarget(\n      name: \"App\",\n      dependencies: []),\n    .testTarget(name: \"AppTests\"),\n  ])\n";
    let found = plan(&tree! { "Package.swift" => manifest, "Public/a.css" => "" });
    assert_eq!((found.score, found.build_base()), (80, "swift:6.1-bookworm"));
    golden("goldens/swift.Dockerfile", &found);
    for (version, base) in [
        ("5.4", "swift:5.4-focal"),
        ("5.10.0", "swift:5.10.0-focal"),
        ("5.10", "swift:5.10-bookworm"),
        ("6.0.3", "swift:6.0.3-bookworm"),
    ] {
        let files = tree! { "Package.swift" => manifest, ".swift-version" => version };
        assert_eq!(plan(&files).build_base(), base);
    }
    let library = "let package = Package(targets: [.target(name: \"A\")])\n";
    refused(&tree! { "Package.swift" => library }, "swift", "a library");
}

#[test]
fn an_older_swift_package_starts_the_target_with_a_main_file() {
    let manifest = "// swift-tools-version:5.2\nlet package = Package(\n  dependencies: [.package(url: \"https://github.com/vapor/vapor.git\", from: \"4.0.0\")],\n  targets: [\n    .target(\n      name: \"App\",\n      dependencies: []),\n    .target(name: \"Run\", dependencies: [.target(name: \"App\")]),\n  ])\n";
    let files = tree! { "Package.swift" => manifest, "Sources/Run/main.swift" => "import App\n" };
    let found = plan(&files);
    assert!(found.runs().iter().any(|line| line.ends_with("--product Run")), "{:?}", found.runs());
    let options = "@Option var hostname: String = \"127.0.0.1\"\n@Option var port: Int = 8080\n";
    let other = tree! {
        "Package.swift" => "let package = Package(targets: [.executableTarget(name: \"A\")])\n",
        "Sources/A/A.swift" => options,
    };
    assert!(plan(&other).start().ends_with("--hostname 0.0.0.0 --port $PORT"));
}

#[test]
fn a_crystal_shard_starts_its_target() {
    let shard = "name: web\nversion: 0.1.0\ndependencies:\n  kemal:\n    github: kemalcr/kemal\ntargets:\n  web:\n    main: src/web.cr\n";
    let found = plan(&tree! { "shard.yml" => shard, "shard.lock" => "version: 2.0\n" });
    assert_eq!(found.start(), "sh -c exec /app/bin/web --port $PORT");
    golden("goldens/crystal.Dockerfile", &found);
    refused(&tree! { "shard.yml" => "name: a\n" }, "crystal", "a library");
}

#[test]
fn a_cmake_project_starts_its_only_program() {
    let cmake = "cmake_minimum_required(VERSION 3.20)\nproject(web CXX)\nfind_package(OpenSSL REQUIRED)\nadd_executable(\n  ${PROJECT_NAME} main.cpp)\nadd_executable(web_tests t.cpp) # not this\n";
    let files = |cmake: &str| tree! { "main.cpp" => "" }.with("CMakeLists.txt", cmake);
    let found = plan(&files(cmake));
    assert_eq!(found.decided("start"), Some(("/app/web", "CMakeLists.txt:4 add_executable")));
    golden("goldens/cmake.Dockerfile", &found);
    for (value, path) in [
        ("${CMAKE_BINARY_DIR}/bin", "/app/build/bin/web"),
        ("\"${PROJECT_SOURCE_DIR}/out/bin\"", "/app/out/bin/web"),
        ("${CMAKE_SOURCE_DIR}", "/app/web"),
        ("bin", "/app/build/bin/web"),
    ] {
        let line = format!("set(CMAKE_RUNTIME_OUTPUT_DIRECTORY {value})\n");
        let set = cmake.replace("find_package", &format!("{line}find_package"));
        let text = render("others", &plan(&files(&set)));
        assert!(text.contains(&format!("COPY --from=build {path} /app/web\n")), "{text}");
        let own = set.replace(value, "${OUT}/bin");
        refused(&files(&own), "cpp", "CMakeLists.txt:3 CMAKE_RUNTIME_OUTPUT_DIRECTORY: nothing");
    }
    let two = format!("{cmake}add_executable(other other.cpp)\n");
    refused(&files(&two), "cpp", "which program is the app: web, other");
    let unknown = cmake.replace("OpenSSL", "Qt6");
    refused(&files(&unknown), "cpp", "CMakeLists.txt:3: nothing says");
}

#[test]
fn a_makefile_names_its_program() {
    let files = tree! { "Makefile" => "CC = gcc\nTARGET := web\nall: $(TARGET)\n$(TARGET): main.c\n\t$(CC) -o $@ $<\n", "main.c" => "" };
    let found = plan(&files);
    assert_eq!(found.decided("start"), Some(("/app/web", "Makefile:2 TARGET")));
    golden("goldens/make.Dockerfile", &found);
    for text in ["run:\n\tgcc main.c\n", "TARGET = libweb.a\n$(TARGET): a.o\n", "NAME = web\n"] {
        let files = tree! { "main.c" => "" }.with("Makefile", text);
        refused(&files, "cpp", "Makefile: nothing says");
    }
    let all = "all: web\nweb: main.c\n\tgcc -o web main.c\n";
    let found = plan(&tree! { "main.c" => "" }.with("Makefile", all));
    assert_eq!(found.decided("start"), Some(("/app/web", "Makefile:1 all")));
}

#[test]
fn c_and_scripts_beside_another_language_are_its_own() {
    let files = tree! {
        "package.json" => "{}",
        "Makefile" => "TARGET = web\n",
        "main.c" => "",
        "start.sh" => "node a.js\n",
    };
    assert!(detect(crate::detect, MANIFEST, &files).is_not_mine());
}

#[test]
fn a_script_alone_is_the_app() {
    let found = plan(&tree! { "start.sh" => "#!/usr/bin/env bash\nsleep 1\n" });
    assert_eq!((found.start().as_str(), found.score), ("bash start.sh", 60));
    golden("goldens/shell.Dockerfile", &found);
    assert_eq!(plan(&tree! { "run.sh" => "sleep 1\n" }).start(), "sh run.sh");
}

#[test]
fn a_script_that_starts_what_the_image_lacks_is_refused() {
    for line in
        ["python3 -m http.server $PORT", "cd app && exec node a.js", "A=b docker compose up"]
    {
        let files = tree! {}.with("run.sh", format!("#!/bin/sh\n# python\n{line}\n"));
        refused(&files, "shell", "run.sh:3: `");
    }
    let text = "echo \"run node a.js\"\nnodes=3\ntrap 'exit 0' TERM; while :; do sleep 1; done\n";
    assert_eq!(plan(&tree! { "start.sh" => text }).start(), "sh start.sh");
}

#[test]
fn languages_without_a_plan_are_refused_by_name() {
    for (file, language, shown) in [
        ("build.mill", "scala", "Scala by Mill"),
        ("build.zig", "zig", "Zig"),
        ("cpanfile", "perl", "Perl"),
        ("app-1.rockspec", "lua", "Lua"),
        ("app.nimble", "nim", "Nim"),
        ("dune-project", "ocaml", "OCaml"),
        ("rebar.config", "erlang", "Erlang"),
        ("app.R", "r", "R is not"),
        ("Project.toml", "julia", "Julia"),
    ] {
        let refusal = refused(&tree! { "README.md" => "" }.with(file, ""), language, shown);
        assert!(refusal.hint.contains("Dockerfile"), "{refusal:?}");
    }
}

#[test]
fn no_input_stops_the_detector() {
    for files in [
        tree! { "project.clj" => "(defproject a \"1\" :main a :uberjar-name \"a.jar\")", ".java-version" => "21" },
        tree! { "gleam.toml" => "name = \"a\"\ngleam = \">= 1.7.0 and < 2\"\n", "src/a.gleam" => "pub fn main" },
        tree! { "a.cabal" => "executable a\n  main-is: A.hs\n", ".tool-versions" => "ghc 9.4.8\n" },
        tree! { "pubspec.yaml" => "name: a\n", "bin/a.dart" => "", ".tool-versions" => "dart 3.1.0\n" },
        tree! { "Package.swift" => "// swift-tools-version:5.9\n.executableTarget(name: \"A\")", ".swift-version" => "6.0\n" },
        tree! { "shard.yml" => "name: a\ntargets:\n  a:\n    main: a.cr\n" },
        tree! { "CMakeLists.txt" => "project(a)\nadd_executable(${PROJECT_NAME} a.c)\nadd_subdirectory(src)\n", "src/CMakeLists.txt" => "find_package(ZLIB REQUIRED)\n" },
        tree! { "Makefile" => "TARGET = ./a\n$(TARGET): a.c\n", "a.c" => "" },
        tree! { "start.sh" => "#!/bin/bash\n" },
    ] {
        bad_input(crate::detect, MANIFEST, &files);
    }
}
