//! A Go module with a dependency: its downloads are a layer that a changed line does not rebuild.

use serde_json::Value;
use windlass_tests::{SMALL, TestEnv};

const MODULE: &str =
    "module example.com/shop\n\ngo 1.22\n\nrequire github.com/google/uuid v1.6.0\n";

const SUMS: &str = "\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
";

const TEST: &str = "package page

import \"testing\"

func TestWord(t *testing.T) {
\tif Word() == \"\" {
\t\tt.Fatal(\"no word\")
\t}
}
";

const MAIN: &str = "package main

import (
\t\"fmt\"
\t\"net/http\"
\t\"os\"

\t\"example.com/shop/page\"
\t\"github.com/google/uuid\"
)

func main() {
\tid := uuid.NewSHA1(uuid.NameSpaceURL, []byte(\"shop\"))
\thttp.HandleFunc(\"/\", func(w http.ResponseWriter, _ *http.Request) {
\t\tfmt.Fprintln(w, page.Word(), id.Version())
\t})
\tpanic(http.ListenAndServe(\":\"+os.Getenv(\"PORT\"), nil))
}
";

fn page(word: &str) -> String {
    format!("package page\n\n// Word of the page.\nfunc Word() string {{ return \"{word}\" }}\n")
}

/// Returns whether the build took the step of the downloads from its cache.
fn has_cached_downloads(events: &[Value]) -> bool {
    let built = events.iter().map(|event| &event["build_step"]);
    let mut downloads =
        built.filter(|built| built["name"].as_str().is_some_and(|step| step.contains("download")));
    downloads.any(|built| built["cached"] == true)
}

#[test]
fn a_go_module_is_built_tested_and_served_and_its_downloads_are_kept() {
    let env = TestEnv::new("t-go-module");
    let repository = env.repository();
    for (path, text) in [
        ("windlass.toml", SMALL),
        ("go.mod", MODULE),
        ("go.sum", SUMS),
        ("cmd/shop/main.go", MAIN),
        ("page/page.go", &*page("one")),
        ("page/page_test.go", TEST),
        ("cmd/job/main.go", "package main\n\nfunc main() {}\n"),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    let tested = env.events(&ended.id).iter().any(|event| event["tested"]["passed"] == 1);
    assert!(tested, "{}", ended.text);
    env.serves("app", "one VERSION_5");

    repository.write("page/page.go", &page("two")).unwrap();
    repository.commit("two").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(has_cached_downloads(&env.events(&ended.id)), "{}", ended.text);
    env.serves("app", "two VERSION_5");
}
