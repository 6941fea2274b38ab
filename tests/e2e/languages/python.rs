//! Python by each of its managers, and by the frameworks that the package index serves.

use windlass_bed::Repository;
use windlass_tests::{Ended, SMALL, TestEnv, bed};

/// Submits a repository of these files.
fn submitted(env: &TestEnv, app: &str, files: &[(&str, &str)]) -> Ended {
    let name = format!("{}-{app}", env.name);
    let repository = Repository::new(&bed().layout, &name, true).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    for (path, text) in files {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    env.submit(app, repository.url(), &[])
}

/// Returns a program whose page is the value of `says`.
fn page(import: &str, says: &str) -> String {
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

const TEST: &str = "import unittest\n\n\nclass Cents(unittest.TestCase):\n    def test_cents(self):\n        \
                    self.assertEqual(round(1.5 * 100), 150)\n";

/// Says that the tests of an app were run.
fn tested(env: &TestEnv, ended: &Ended) {
    let tested = env.events(&ended.id).iter().any(|event| event["tested"]["passed"] == 1);
    assert!(tested, "one test passed: {}", ended.text);
}

#[test]
fn each_manager_installs_what_its_lock_says() {
    let env = TestEnv::new("t-py-managers");
    let six = page("import six", "'six ' + str(bool(six.PY3))");
    let plain = page("", "'shop'");
    let tests = [("test_cents.py", TEST)];

    let pdm = "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11,<3.12\"\n\
               dependencies = [\"six\"]\n\n[tool.pdm]\ndistribution = false\n";
    let files =
        [("pyproject.toml", pdm), ("pdm.lock", include_str!("python/pdm.lock")), ("main.py", &six)];
    let ended = submitted(&env, "pdm", &[&files[..], &tests].concat());
    ended.succeeded();
    tested(&env, &ended);
    env.serves("pdm", "six True");

    // What Poetry asks the index for is not served by every mirror: a lock without packages needs no index.
    let poetry = "[tool.poetry]\nname = \"shop\"\nversion = \"0.1.0\"\ndescription = \"A shop.\"\n\
                  authors = [\"Shop <shop@example.com>\"]\npackage-mode = false\n\n\
                  [tool.poetry.dependencies]\npython = \"~3.11\"\n";
    let files = [
        ("pyproject.toml", poetry),
        ("poetry.lock", include_str!("python/poetry.lock")),
        ("main.py", &*plain),
    ];
    let ended = submitted(&env, "poetry", &files);
    ended.succeeded();
    assert!(ended.text.contains("poetry.lock"), "{}", ended.text);
    env.serves("poetry", "shop");

    let uv =
        "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11,<3.12\"\n";
    let files =
        [("pyproject.toml", uv), ("uv.lock", include_str!("python/uv.lock")), ("main.py", &*plain)];
    submitted(&env, "uv", &files).succeeded();
    env.serves("uv", "shop");

    let pipfile = "[packages]\nsix = \"*\"\n\n[requires]\npython_version = \"3.11\"\n";
    let ended = submitted(&env, "pipenv", &[("Pipfile", pipfile), ("main.py", &*six)]);
    ended.succeeded();
    assert!(ended.text.contains("pipenv lock"), "a warning names the fix: {}", ended.text);
    env.serves("pipenv", "six True");
}

#[test]
fn frameworks_start_by_their_servers() {
    let env = TestEnv::new("t-py-frameworks");
    let fastapi = "from fastapi import FastAPI\nfrom fastapi.responses import PlainTextResponse\n\n\
                   app = FastAPI()\n\n\n@app.get(\"/\", response_class=PlainTextResponse)\n\
                   def page():\n    return \"fast\"\n";
    let requirements = "-r requirements/base.txt\nuvicorn\n";
    let files = [
        ("requirements.txt", requirements),
        ("requirements/base.txt", "fastapi\n"),
        ("app/main.py", fastapi),
        ("windlass.toml", "[resources]\ncpu = \"10m\"\nmemory = \"160Mi\"\n"),
    ];
    let ended = submitted(&env, "fastapi", &files);
    ended.succeeded();
    assert!(ended.text.contains("app/main.py:4"), "evidence names the app: {}", ended.text);
    env.serves("fastapi", "fast");

    let manage = "import os\nimport sys\n\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n\
                  from django.core.management import execute_from_command_line\n\nexecute_from_command_line(sys.argv)\n";
    let settings = "import os\nfrom pathlib import Path\n\nSECRET_KEY = os.environ[\"SECRET_KEY\"]\n\
                    ALLOWED_HOSTS = [\"*\"]\nROOT_URLCONF = \"shop.urls\"\n\
                    INSTALLED_APPS = [\"django.contrib.staticfiles\"]\nSTATIC_URL = \"static/\"\n\
                    STATICFILES_DIRS = [Path(__file__).parent.parent / \"assets\"]\n\
                    STATIC_ROOT = Path(__file__).parent.parent / \"collected\"\n";
    let urls = "from pathlib import Path\n\nfrom django.http import HttpResponse\nfrom django.urls import path\n\n\
                COLLECTED = Path(__file__).parent.parent / \"collected\"\n\n\
                urlpatterns = [path(\"\", lambda request: HttpResponse(f\"django {COLLECTED.is_dir()}\"))]\n";
    let wsgi = "import os\n\nfrom django.core.wsgi import get_wsgi_application\n\n\
                os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n\
                application = get_wsgi_application()\n";
    let files = [
        ("requirements.txt", "django\ngunicorn\n"),
        ("manage.py", manage),
        ("assets/page.css", "body {}\n"),
        ("shop/__init__.py", ""),
        ("shop/settings.py", settings),
        ("shop/urls.py", urls),
        ("shop/wsgi.py", wsgi),
        (
            "windlass.toml",
            "[env]\nSECRET_KEY = \"of-a-test\"\n\n[resources]\ncpu = \"10m\"\nmemory = \"160Mi\"\n",
        ),
    ];
    submitted(&env, "django", &files).succeeded();
    env.serves("django", "django True");

    let refused = [("requirements.txt", "fastapi\n"), ("main.py", fastapi)];
    let text = submitted(&env, "no-server", &refused).failed_with("detect", "plugin-failed");
    assert!(text.contains("add uvicorn to requirements.txt"), "{text}");
}
