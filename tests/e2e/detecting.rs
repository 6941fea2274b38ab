//! Trees that a simpler reading builds wrong, or not at all: they are detected, built, and serve.

use serde_json::Value;
use windlass_bed::Repository;
use windlass_tests::{Ended, SMALL, TestEnv, bed};

/// Submits a repository of these files.
fn submitted(env: &TestEnv, app: &str, files: &[(&str, &str)], more: &[&str]) -> Ended {
    let name = format!("{}-{app}", env.name);
    let repository = Repository::new(&bed().layout, &name, true).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    for (path, text) in files {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    env.submit(app, repository.url(), more)
}

/// Returns a Go program whose page is the value of `says`.
fn go(import: &str, says: &str) -> String {
    format!(
        "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n\t\"os\"\n\n\t\"{import}\"\n)\n\n\
         func main() {{\n\
         \thttp.HandleFunc(\"/\", func(w http.ResponseWriter, _ *http.Request) {{ fmt.Fprintln(w, {says}) }})\n\
         \tpanic(http.ListenAndServe(\":\"+os.Getenv(\"PORT\"), nil))\n}}\n"
    )
}

/// Returns a Python program whose page is the value of `says`.
fn python(import: &str, says: &str) -> String {
    format!(
        "import http.server\nimport os\n{import}\n\n\n\
         class Page(http.server.BaseHTTPRequestHandler):\n\
         \x20   def do_GET(self):\n\
         \x20       self.send_response(200)\n\
         \x20       self.end_headers()\n\
         \x20       self.wfile.write(str({says}).encode())\n\n\n\
         if __name__ == \"__main__\":\n\
         \x20   port = int(os.environ.get(\"PORT\", \"8080\"))\n\
         \x20   http.server.ThreadingHTTPServer((\"\", port), Page).serve_forever()\n"
    )
}

#[test]
fn go_modules_that_lie_beside_each_other() {
    let env = TestEnv::new("t-go-beside");
    let main = go("example.com/shop/money", "money.Cents(1.5)");
    let money = [
        ("money/go.mod", "module example.com/shop/money\n\ngo 1.24\n"),
        (
            "money/money.go",
            "package money\n\nfunc Cents(euros float64) int { return int(euros*100 + 0.5) }\n",
        ),
    ];
    let module = "module example.com/shop\n\ngo 1.24\n\nrequire example.com/shop/money v0.0.0\n\n\
                  replace example.com/shop/money => ./money\n";
    let replaced = [&money[..], &[("go.mod", module), ("main.go", &*main)]].concat();
    submitted(&env, "replaced", &replaced, &[]).succeeded();
    env.serves("replaced", "150");

    let test = "package money\n\nimport \"testing\"\n\nfunc TestCents(t *testing.T) {\n\
                \tif Cents(1.5) != 150 {\n\t\tt.Fatal(\"rounding\")\n\t}\n}\n";
    let workspace = [
        ("go.work", "go 1.24\n\nuse (\n\t./api\n\t./money\n)\n"),
        ("api/go.mod", "module example.com/shop/api\n\ngo 1.24\n"),
        ("api/main.go", &*main),
        ("money/money_test.go", test),
    ];
    let ended = submitted(&env, "workspace", &[&money[..], &workspace].concat(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("go.work: a Go workspace"), "{}", ended.text);
    let tested = env.events(&ended.id).iter().any(|event| event["tested"]["passed"] == 1);
    assert!(tested, "tests of each module run: {}", ended.text);
    env.serves("workspace", "150");
}

#[test]
fn files_of_package_main_that_are_no_program() {
    let env = TestEnv::new("t-go-tagged");
    let main = go("example.com/shop", "shop.Name");
    let files = [
        ("go.mod", "module example.com/shop\n\ngo 1.24\n"),
        ("shop.go", "package shop\n\n// Name of the shop.\nconst Name = \"shop 19\"\n"),
        ("magefile.go", "//go:build mage\n\npackage main\n\nfunc Lint() error { return nil }\n"),
        ("internal/gen.go", "//go:build ignore\n\npackage main\n\nfunc main() {}\n"),
        ("testdata/sample/main.go", "package main\n\nfunc main() {}\n"),
        ("cmd/shop/main.go", &*main),
    ];
    submitted(&env, "app", &files, &[]).succeeded();
    env.serves("app", "shop 19");
}

#[test]
fn python_requirements_of_the_tree_itself() {
    let env = TestEnv::new("t-py-local");
    let app = python("from shop_money import cents", "cents(1.5)");
    let project = "[project]\nname = \"shop-money\"\nversion = \"0.1.0\"\n\n[build-system]\n\
                   requires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n\
                   [tool.setuptools]\npy-modules = [\"shop_money\"]\n";
    let files = [
        ("app.py", &*app),
        ("requirements.txt", "-r requirements/base.txt\n./libs/money\n"),
        ("requirements/base.txt", "# the standard library will do\n"),
        ("libs/money/pyproject.toml", project),
        ("libs/money/shop_money.py", "def cents(euros):\n    return round(euros * 100)\n"),
    ];
    submitted(&env, "app", &files, &[]).succeeded();
    env.serves("app", "150");
}

/// Returns the warnings of a job that name a detector without a plan.
fn warnings(env: &TestEnv, ended: &Ended) -> Vec<Value> {
    let all = env.events(&ended.id).into_iter().map(|event| event["warning"].clone());
    all.filter(|warning| warning.to_string().contains("could plan no build")).collect()
}

/// A refusal ends nothing where another detector knows the app, and is no warning: tools have a package.json, too.
#[test]
fn a_detector_that_refuses() {
    let env = TestEnv::new("t-refuses");
    let app = python("", "\"shop\"");
    let tools = "{ \"private\": true, \"devDependencies\": { \"prettier\": \"^3.3.0\" } }";
    let files = [
        ("app.py", &*app),
        ("requirements.txt", "# the standard library will do\n"),
        ("package.json", tools),
    ];
    let ended = submitted(&env, "app", &files, &[]);
    ended.succeeded();
    assert!(warnings(&env, &ended).is_empty(), "{}", ended.text);
    env.serves("app", "shop");
    let ended = submitted(&env, "app", &files, &["--recipe", "python"]);
    ended.succeeded();
    assert!(warnings(&env, &ended).is_empty(), "{}", ended.text);
    let text = submitted(&env, "app", &files, &["--recipe", "node"])
        .failed_with("detect", "plugin-failed");
    assert!(text.contains("scripts.start") && !text.contains("take the plugin out"), "{text}");

    let files = [
        (
            "package.json",
            "{ \"scripts\": { \"start\": \"node server.js\" }, \"dependencies\": { \"money\": \"workspace:*\" } }",
        ),
        ("server.js", ""),
        ("package-lock.json", "{}"),
        ("requirements.txt", "mkdocs\n"),
    ];
    let text = submitted(&env, "shop", &files, &[]).failed_with("detect", "plugin-failed");
    assert!(text.contains("npm does not know `workspace:`") && text.contains("python"), "{text}");
}
