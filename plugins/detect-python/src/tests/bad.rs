use super::{ITSELF, MANIFEST, refusal};
use windlass_plugin_sdk::{
    testing::{Files, bad_input},
    tree,
};

fn checked(files: &Files) {
    bad_input(crate::detect, MANIFEST, files);
}

#[test]
fn a_file_that_is_cut_or_of_wrong_types_is_a_plan_or_a_refusal() {
    checked(&tree! {
        "requirements.txt" => "-r base.txt\n--extra-index-url https://${TOKEN}@pypi.example.com/\nflask[async]>=3 \\\n  --hash=sha256:a\n",
        "base.txt" => "gunicorn\n",
        ".python-version" => "3.12\n",
        "Procfile" => "web: gunicorn app:app\nworker: python worker.py\n",
        "app.py" => "from flask import Flask\napp = Flask(__name__)\n",
    });
    checked(&tree! {
        "pyproject.toml" => "[project]\nname = \"shop\"\nrequires-python = \">=3.11\"\ndependencies = [\"fastapi[standard]\"]\n[dependency-groups]\ndev = [\"pytest\"]\n[project.scripts]\nshop = \"shop:main\"\n[tool.uv]\nrequired-version = \">=0.5\"\n[tool.uv.sources]\nmoney = { path = \"libs/money\" }\n",
        "uv.lock" => "requires-python = \">=3.11\"\n\n[[package]]\nname = \"fastapi\"\n",
        "main.py" => "from fastapi import FastAPI\napp = FastAPI()\n",
    });
    checked(&tree! {
        "Pipfile" => "[packages]\nflask = { version = \"*\", extras = [\"async\"] }\n[requires]\npython_version = \"3.11\"\n",
        "Pipfile.lock" => "{ \"default\": { \"flask\": { \"version\": \"==3.0.0\" } } }",
        "main.py" => ITSELF,
    });
    checked(&tree! {
        "setup.py" => "setup(python_requires='>=3.9', install_requires=['flask'])\n",
        "setup.cfg" => "[options]\npython_requires = >=3.9\ninstall_requires =\n    flask\n",
        "manage.py" => "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "shop/wsgi.py" => "",
        "shop/settings.py" => "SECRET_KEY = os.environ['SECRET_KEY']\nSTATIC_ROOT = 'x'\n",
    });
}

#[test]
fn a_manifest_that_cannot_be_parsed_is_refused_with_its_line() {
    let files = tree! { "pyproject.toml" => "[project]\nname = \n", "main.py" => ITSELF };
    let refused = refusal(&files);
    assert!(refused.reason.contains("pyproject.toml:2"), "{}", refused.reason);
}

#[test]
fn a_lock_that_is_out_of_step_is_refused_before_anything_is_built() {
    let files = tree! {
        "pyproject.toml" => "[project]\nname = \"shop\"\ndependencies = [\n  \"Flask\",\n  \"redis\",\n]\n",
        "poetry.lock" => "[[package]]\nname = \"flask\"\n",
        "main.py" => ITSELF,
    };
    let refused = refusal(&files);
    assert!(refused.reason.contains("pyproject.toml:5"), "{}", refused.reason);
    assert!(refused.hint.contains("poetry lock"), "{}", refused.hint);
    let files = tree! {
        "Pipfile" => "[packages]\nflask = \"*\"\nredis = \"*\"\n",
        "Pipfile.lock" => "{ \"default\": { \"flask\": {} } }",
        "main.py" => ITSELF,
    };
    assert!(refusal(&files).reason.contains("Pipfile:3"));
}

#[test]
fn requirements_that_are_not_there_are_refused_with_their_line() {
    for (line, named) in [
        ("-r base.txt", "requirements.txt:2"),
        ("-c constraints.txt", "requirements.txt:2"),
        ("./libs/money", "requirements.txt:2"),
        ("-e ../money", "outside of the repository"),
        ("file:///opt/money", "outside of the repository"),
    ] {
        let files =
            tree! { "requirements.txt" => &*format!("flask\n{line}\n"), "main.py" => ITSELF };
        let refused = refusal(&files);
        assert!(refused.reason.contains(named), "{line}: {}", refused.reason);
        assert_eq!(refused.language, "python");
    }
}

#[test]
fn a_script_without_a_manifest_imports_nothing_that_is_not_installed() {
    let refused = refusal(
        &tree! { "app.py" => "import os\nfrom flask import Flask\napp = Flask(__name__)\n" },
    );
    assert!(refused.reason.starts_with("app.py:2: imports flask"), "{}", refused.reason);
    assert!(refused.hint.contains("requirements.txt"), "{}", refused.hint);
}

#[test]
fn condas_environment_and_notebooks_alone_are_refused_by_name() {
    let conda = refusal(&tree! { "environment.yml" => "name: shop\n", "main.py" => ITSELF });
    assert!(conda.reason.contains("environment.yml") && conda.hint.contains("requirements.txt"));
    let notebook = refusal(&tree! { "shop.ipynb" => "{}" });
    assert!(notebook.reason.contains("shop.ipynb"), "{}", notebook.reason);
}
