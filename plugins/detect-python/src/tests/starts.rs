use super::{ITSELF, outcome, plan, refusal};
use windlass_plugin_sdk::{
    testing::{Files, golden},
    tree,
};

const FLASK: &str = "from flask import Flask\n\napp = Flask(__name__)\n";
const FASTAPI: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

fn starts(files: &Files, line: &str, score: u8) {
    let found = plan(files);
    assert!(found.start().ends_with(line), "`{}` is not `{line}`", found.start());
    assert_eq!(found.score, score, "{line}");
    assert!(found.decided("start").is_some(), "{line}: no decision names the start");
}

#[test]
fn an_app_that_serves_itself_starts_so_although_it_is_flask() {
    let run = "app.run(host=\"0.0.0.0\", port=int(os.environ[\"PORT\"]))";
    let text = format!("{FLASK}\nif __name__ == \"__main__\":\n    {run}\n");
    let files = tree! {
        "requirements.txt" => "flask==3.1.0\n",
        "app.py" => &*text,
        "package.json" => "{ \"devDependencies\": { \"prettier\": \"^3\" } }",
    };
    starts(&files, "python app.py", 80);
    // Flask's own default is port 5000 of the loopback interface.
    let fixed = text.replace(run, "app.run(debug=True)");
    let served = "exec flask --app app:app run --host 0.0.0.0 --port $PORT";
    starts(&files.clone().with("app.py", &*fixed), served, 80);
    let with = files.with("requirements.txt", "flask\ngunicorn\n");
    starts(&with, "exec gunicorn app:app --bind 0.0.0.0:$PORT", 80);
}

#[test]
fn flask_starts_by_the_server_that_is_installed() {
    let files = tree! { "requirements.txt" => "flask\nwaitress\n", "app.py" => FLASK };
    starts(&files, "exec waitress-serve --port=$PORT app:app", 80);
    let factory = "def create_app():\n    return Flask(__name__)\n";
    let files = tree! { "requirements.txt" => "flask\ngunicorn\n", "shop/__init__.py" => factory };
    starts(&files, "exec gunicorn 'shop:create_app()' --bind 0.0.0.0:$PORT", 80);
    let files = tree! { "requirements.txt" => "flask\n", "shop/__init__.py" => factory };
    starts(&files, "exec flask --app shop run --host 0.0.0.0 --port $PORT", 60);
    assert!(plan(&files).warnings.iter().any(|warning| warning.fix.contains("gunicorn")));
    let files = tree! {
        "requirements.txt" => "flask\ngunicorn\n",
        "wsgi.py" => "from shop import create_app\n\napplication = create_app()\n",
        "shop/__init__.py" => factory,
    };
    starts(&files, "exec gunicorn wsgi:application --bind 0.0.0.0:$PORT", 80);
}

#[test]
fn an_app_that_a_function_makes_is_named_where_it_is_made() {
    let files = tree! {
        "requirements.txt" => "flask\ngunicorn\n",
        "shop/__init__.py" => "def create_app(config):\n    return Flask(__name__)\n",
        "flasky.py" => "from shop import create_app\n\napp = create_app('production')\n",
        "config.py" => "",
    };
    starts(&files, "exec gunicorn flasky:app --bind 0.0.0.0:$PORT", 80);
    let files = tree! {
        "requirements.txt" => "fastapi\nuvicorn\n",
        "app/main.py" => "def get_application() -> FastAPI:\n    return FastAPI()\n\n\napp = get_application()\n",
    };
    starts(&files, "exec uvicorn app.main:app --host 0.0.0.0 --port $PORT", 80);
}

#[test]
fn asgi_apps_start_by_the_server_that_is_installed() {
    for (requirements, line) in [
        ("fastapi\nuvicorn\n", "exec uvicorn main:app --host 0.0.0.0 --port $PORT"),
        ("fastapi[standard]\n", "exec uvicorn main:app --host 0.0.0.0 --port $PORT"),
        ("fastapi\nhypercorn\n", "exec hypercorn main:app --bind 0.0.0.0:$PORT"),
        (
            "fastapi\ngranian\n",
            "exec granian --interface asgi --host 0.0.0.0 --port $PORT main:app",
        ),
    ] {
        let files = tree! { "requirements.txt" => requirements, "main.py" => FASTAPI };
        starts(&files, line, 80);
    }
    let files = tree! { "requirements.txt" => "fastapi\n", "main.py" => FASTAPI };
    let refused = refusal(&files);
    assert!(refused.reason.starts_with("main.py:3"), "{}", refused.reason);
    assert!(refused.hint.contains("add uvicorn to requirements.txt"), "{}", refused.hint);
}

#[test]
fn a_module_is_named_as_it_imports_its_neighbours() {
    let requirements = "fastapi\nuvicorn\n";
    let absolute = format!("from app.db import x\n{FASTAPI}");
    let files = tree! {
        "requirements.txt" => requirements, "app/main.py" => &*absolute, "app/db.py" => "",
    };
    starts(&files, "uvicorn app.main:app --host 0.0.0.0 --port $PORT", 80);
    let beside = format!("from db import x\n{FASTAPI}");
    let files = files.with("app/main.py", &*beside);
    starts(&files, "uvicorn main:app --host 0.0.0.0 --port $PORT", 80);
    let path = plan(&files)
        .image
        .env
        .iter()
        .any(|(name, value)| (&**name, &**value) == ("PYTHONPATH", "/app/app"));
    assert!(path, "the folder of `db` is searched");
}

fn django(requirements: &str) -> Files {
    tree! {
        "requirements.txt" => requirements,
        ".python-version" => "3.12\n",
        "manage.py" => "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n",
        "shop/settings.py" => "import os\nSECRET_KEY = os.environ[\"SECRET_KEY\"]\nDEBUG = os.environ.get('DEBUG')\nSTATIC_ROOT = 'static'\n",
        "shop/wsgi.py" => "",
        "shop/asgi.py" => "",
    }
}

#[test]
fn django_starts_by_the_server_that_is_installed_and_collects_its_files() {
    let files = django("Django==5.1\ngunicorn\n");
    starts(&files, "exec gunicorn shop.wsgi --bind 0.0.0.0:$PORT", 90);
    let found = plan(&files);
    let collect = "env SECRET_KEY=build-only python manage.py collectstatic --noinput";
    assert!(found.runs().iter().any(|run| run == collect), "{:?}", found.runs());
    golden("goldens/django.Dockerfile", &found);
    starts(
        &django("django\nchannels\ndaphne\n"),
        "exec daphne -b 0.0.0.0 -p $PORT shop.asgi:application",
        90,
    );
    starts(
        &django("django\nuvicorn\n"),
        "exec uvicorn shop.asgi:application --host 0.0.0.0 --port $PORT",
        90,
    );
    let refused = refusal(&django("django\n"));
    assert_eq!(refused.score, 90);
    assert!(refused.reason.starts_with("requirements.txt:1"), "{}", refused.reason);
    assert!(refused.hint.contains("add gunicorn to requirements.txt"), "{}", refused.hint);
}

#[test]
fn django_collects_by_the_settings_that_its_server_has() {
    let files = tree! {
        "requirements.txt" => "django\ngunicorn\n",
        "manage.py" => "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.local')\n",
        "config/wsgi.py" => "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.production')\n",
        "config/settings/local.py" => "X = env('ONLY_LOCAL')\n",
        "config/settings/base.py" => "STATIC_ROOT = 'x'\nDATABASES = {'default': env.db('DATABASE_URL')}\nDEBUG = config('DEBUG', cast=bool)\n",
        "config/settings/production.py" => "from .base import *\nSECRET_KEY = env('SECRET_KEY')\n",
    };
    let collect = "env DJANGO_SETTINGS_MODULE=config.settings.production SECRET_KEY=build-only \
                   DATABASE_URL=sqlite://:memory: DEBUG=0 python manage.py collectstatic --noinput";
    let runs = plan(&files).runs();
    assert!(runs.iter().any(|run| run == collect), "{runs:?}");
}

#[test]
fn django_names_its_entry_by_its_settings() {
    let files = tree! {
        "requirements.txt" => "django\ngunicorn\n",
        "manage.py" => "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf.settings')\n",
        "conf/settings.py" => "WSGI_APPLICATION = 'core.wsgi.application'\n",
        "core/wsgi.py" => "",
    };
    starts(&files, "exec gunicorn core.wsgi --bind 0.0.0.0:$PORT", 90);
    let refused = refusal(&files.without("core/wsgi.py"));
    assert!(refused.reason.contains("there is no wsgi.py"), "{}", refused.reason);
}

#[test]
fn django_in_a_folder_runs_there() {
    let files = tree! {
        "requirements.txt" => "django\ngunicorn\n",
        "site/manage.py" => "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.base')\n",
        "site/shop/settings/base.py" => "",
        "site/shop/wsgi.py" => "",
    };
    starts(&files, "exec gunicorn shop.wsgi --bind 0.0.0.0:$PORT", 90);
    let last = plan(&files).image.stages.pop().unwrap();
    assert_eq!(last.workdir.as_deref(), Some("/app/site"));
    // A line of a Procfile is run where the Procfile is.
    let files = files.with("Procfile", "web: cd site && gunicorn shop.wsgi --bind 0.0.0.0:$PORT\n");
    assert_eq!(plan(&files).image.stages.pop().unwrap().workdir, None);
}

#[test]
fn tools_with_servers_of_their_own_listen_on_the_port() {
    let files =
        tree! { "requirements.txt" => "streamlit\n", "dash.py" => "import streamlit as st\n" };
    starts(
        &files,
        "exec streamlit run dash.py --server.port $PORT --server.address 0.0.0.0 --server.headless true",
        80,
    );
    let files = tree! { "requirements.txt" => "gradio\n", "app.py" => "import gradio as gr\n" };
    starts(&files, "exec env GRADIO_SERVER_PORT=$PORT python app.py", 80);
}

#[test]
fn a_procfile_comes_first_and_its_workers_are_processes() {
    let files = django("django\n").with(
        "Procfile",
        "web: gunicorn shop.wsgi --bind 0.0.0.0:$PORT\nworker: celery -A shop worker\nrelease: python manage.py migrate\n",
    );
    let found = plan(&files);
    assert!(found.start().contains("gunicorn shop.wsgi"), "{}", found.start());
    let names: Vec<_> = found.processes.iter().map(|process| &*process.name).collect();
    assert_eq!(names, ["worker", "release"]);
    let bot = tree! { "requirements.txt" => "discord.py\n", "Procfile" => "worker: python shop/bot.py\n" };
    starts(&bot, "python shop/bot.py", 80);
}

#[test]
fn a_procfile_of_another_language_makes_no_python_app() {
    let refused = refusal(&tree! {
        "requirements.txt" => "mkdocs\n", "Procfile" => "web: node server.js\n",
    });
    assert_eq!(refused.score, 20);
    assert!(refused.reason.contains("Procfile:1"), "{}", refused.reason);
}

#[test]
fn console_scripts_and_packages_start_where_nothing_else_does() {
    let project = "[project]\nname = \"shop\"\n[build-system]\nrequires = [\"hatchling\"]\n[project.scripts]\n";
    let files = tree! {
        "pyproject.toml" => &*format!("{project}shop = \"shop:main\"\n"), "shop/__init__.py" => "",
    };
    starts(&files, "/venv/bin/shop", 60);
    let files =
        files.with("pyproject.toml", &*format!("{project}check = \"a:b\"\nserve = \"a:c\"\n"));
    starts(&files, "/venv/bin/serve", 80);
    let files = tree! { "requirements.txt" => "aiohttp\n", "shop/__main__.py" => "" };
    starts(&files, "python -m shop", 60);
}

#[test]
fn scripts_start_by_their_names() {
    let files = tree! { "requirements.txt" => "", "bot.py" => ITSELF };
    starts(&files, "python bot.py", 80);
    let files = tree! { "requirements.txt" => "", "main.py" => "print('x')\n" };
    starts(&files, "python main.py", 60);
    starts(&tree! { "main.py" => ITSELF }, "python main.py", 60);
}

#[test]
fn what_starts_nothing_is_refused_and_what_is_no_app_is_not_mine() {
    let refused = refusal(&tree! { "requirements.txt" => "mkdocs\n" });
    assert!(refused.reason.contains("nothing says how to start it"), "{}", refused.reason);
    assert!(outcome(&tree! { "build_docs.py" => "x = 1\n", "go.mod" => "" }).is_not_mine());
    assert!(outcome(&tree! { "pyproject.toml" => "[tool.ruff]\n" }).is_not_mine());
    let root = tree! {
        "api/requirements.txt" => "flask\n", "api/app.py" => ITSELF, "docs/requirements.txt" => "x\n",
    };
    let refused = refusal(&root);
    let folders: Vec<_> = refused.candidates.iter().map(|one| &*one.folder).collect();
    assert_eq!((folders, refused.score), (vec!["api"], 20));
}
