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
fn an_app_that_is_made_comes_before_the_function_that_makes_it() {
    let files = tree! {
        "requirements.txt" => "flask\ngunicorn\n",
        "app/__init__.py" => "def create_app(config=Config):\n    return Flask(__name__)\n",
        "celery_worker.py" => "from app import create_app\n\napp = create_app()\n",
        "microblog.py" => "from app import create_app\n\napp = create_app()\n",
    };
    starts(&files, "exec gunicorn microblog:app --bind 0.0.0.0:$PORT", 80);
    let files = tree! {
        "requirements.txt" => "fastapi\nuvicorn\n",
        "app/main.py" => "def create_app() -> FastAPI:\n    return FastAPI()\n\n\napp = create_app()\n",
    };
    starts(&files, "exec uvicorn app.main:app --host 0.0.0.0 --port $PORT", 80);
}

#[test]
fn apps_are_found_in_files_of_packages() {
    for path in ["shop/webapp.py", "shop/wsgi.py", "shop/application.py"] {
        let files = tree! { "requirements.txt" => "flask\ngunicorn\n", path => FLASK, "shop/__init__.py" => "" };
        let module = path.trim_end_matches(".py").replace('/', ".");
        starts(&files, &format!("exec gunicorn {module}:app --bind 0.0.0.0:$PORT"), 80);
    }
    let files = tree! { "requirements.txt" => "fastapi\nuvicorn\n", "api/index.py" => FASTAPI };
    starts(&files, "exec uvicorn api.index:app --host 0.0.0.0 --port $PORT", 80);
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
fn of_several_apps_the_one_with_the_usual_name_is_served_however_it_is_made() {
    let requirements = "fastapi\nuvicorn\n";
    for text in [
        "from fastapi import FastAPI\n\nv1 = FastAPI()\napp = FastAPI()\napp.mount(\"/v1\", v1)\n",
        "from core.server import bootstrap\n\napp = bootstrap()\n",
        "server = Server()\napp = server.app\n",
    ] {
        let files = tree! { "requirements.txt" => requirements, "main.py" => text };
        starts(&files, "exec uvicorn main:app --host 0.0.0.0 --port $PORT", 80);
    }
    // `pip freeze` names what a framework of another kind depends on.
    let files = tree! {
        "requirements.txt" => "fastapi\ngradio\nuvicorn\n",
        "app.py" => "import gradio as gr\n\napp = gr.load(\"x\")\napp.launch()\n",
    };
    starts(&files, "exec env GRADIO_SERVER_PORT=$PORT python app.py", 80);
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
fn django_whose_static_files_are_in_a_bucket_does_not_collect_them_in_the_build() {
    let files = django("django\ngunicorn\n");
    let storages = |backend: &str| {
        format!(
            "STATIC_ROOT = 'x'\nSTORAGES = {{\n    \"default\": {{\"BACKEND\": \"storages.backends.s3.S3Storage\"}},\n    \
             \"staticfiles\": {{\n        \"BACKEND\": \"{backend}\",\n    }},\n}}\n"
        )
    };
    let nose = "whitenoise.storage.CompressedManifestStaticFilesStorage";
    for (settings, is_away) in [
        (storages("storages.backends.s3.S3Storage"), true),
        (storages(nose), false),
        (
            "STATIC_ROOT = 'x'\nSTATICFILES_STORAGE = 'shop.storages.StaticS3Boto3Storage'\n"
                .into(),
            true,
        ),
        (format!("STATIC_ROOT = 'x'\nSTATICFILES_STORAGE = \"{nose}\"\n"), false),
        ("STATIC_ROOT = 'x'\nif USE_S3:\n    STATICFILES_STORAGE = 'x.S3Storage'\n".into(), false),
    ] {
        let found = plan(&files.clone().with("shop/settings.py", settings.clone()));
        let collects = found.runs().iter().any(|run| run.contains("collectstatic"));
        assert_eq!(collects, !is_away, "{settings}");
    }
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
    let deep = tree! {
        "requirements.txt" => "django\ngunicorn\n",
        "src/site/manage.py" => "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "src/site/shop/settings.py" => "",
        "src/site/shop/wsgi.py" => "",
    };
    let last = plan(&deep).image.stages.pop().unwrap();
    assert_eq!(last.workdir.as_deref(), Some("/app/src/site"));
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
    let files = tree! { "requirements.txt" => "shiny\n", "app.py" => "from shiny import App\n" };
    starts(&files, "exec shiny run app.py --host 0.0.0.0 --port $PORT", 80);
    let files = tree! { "requirements.txt" => "gradio\n", "app.py" => "import gradio as gr\n" };
    starts(&files, "exec env GRADIO_SERVER_PORT=$PORT python app.py", 80);
}

#[test]
fn servers_of_their_own_listen_where_they_are_reached() {
    let sanic = "from sanic import Sanic\n\napp = Sanic(\"Shop\")\n";
    let files = tree! { "requirements.txt" => "sanic\n", "server.py" => sanic };
    let line = "exec sanic server:app --host 0.0.0.0 --port $PORT";
    starts(&files, line, 80);
    let run = |arguments: &str| {
        format!("{sanic}\nif __name__ == \"__main__\":\n    app.run({arguments})\n")
    };
    starts(&files.clone().with("server.py", run("host=\"0.0.0.0\", port=8000")), line, 80);
    let reads = run("host=\"0.0.0.0\", port=int(os.environ[\"PORT\"])");
    starts(&files.with("server.py", reads), "python server.py", 80);
    let files = tree! {
        "requirements.txt" => "python-fasthtml\n",
        "main.py" => "from fasthtml.common import *\n\napp, rt = fast_app()\n\nserve()\n",
    };
    starts(&files, "exec uvicorn main:app --host 0.0.0.0 --port $PORT", 80);
}

#[test]
fn flask_that_listens_on_the_loopback_interface_alone_is_run_by_flask() {
    let main = "if __name__ == \"__main__\":\n";
    for run in ["app.run(port=os.getenv(\"PORT\", default=5000))", "socketio.run(app)"] {
        let text = format!("{FLASK}\n{main}    {run}\n");
        let files = tree! { "requirements.txt" => "flask\n", "main.py" => text };
        starts(&files, "exec flask --app main:app run --host 0.0.0.0 --port $PORT", 80);
    }
}

#[test]
fn dash_is_reached_from_outside_and_has_all_its_pages() {
    let dash = "from dash import Dash\n\napp = Dash(__name__)\n";
    let main = "\nif __name__ == \"__main__\":\n    app.run(debug=True)\n";
    let open = ("HOST".to_owned(), "0.0.0.0".to_owned());
    let files = tree! { "requirements.txt" => "dash\n", "app.py" => format!("{dash}{main}") };
    starts(&files, "python app.py", 80);
    assert!(plan(&files).image.env.contains(&open));
    let served = format!("{dash}server = app.server\n");
    let pages = format!("import dash\nfrom app import app, server\n{main}");
    let files = tree! { "requirements.txt" => "dash\n", "app.py" => served, "index.py" => pages };
    starts(&files, "python index.py", 80);
    assert!(plan(&files).image.env.contains(&open));
    let files = files.with("requirements.txt", "dash\ngunicorn\n");
    starts(&files, "exec gunicorn index:server --bind 0.0.0.0:$PORT", 80);
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
    // The script is what the worker starts: it runs once.
    for line in ["worker: python3 main.py\n", "worker: bash start.sh\n"] {
        let bot = bot.clone().with("main.py", "import discord\n").with("Procfile", line);
        starts(&bot, line.trim_start_matches("worker: ").trim_end(), 80);
        assert!(plan(&bot).processes.is_empty(), "{line}");
    }
    let both = tree! {
        "requirements.txt" => "flask\ngunicorn\n", "app.py" => FLASK, "Procfile" => "worker: python bot.py\n",
    };
    starts(&both, "exec gunicorn app:app --bind 0.0.0.0:$PORT", 80);
    assert_eq!(plan(&both).processes.len(), 1);
}

#[test]
fn a_server_of_a_procfile_that_is_not_installed_is_warned_of() {
    let files = tree! {
        "requirements.txt" => "flask\n", "app.py" => FLASK, "Procfile" => "web: gunicorn app:app\n",
    };
    let warned = |files: &Files| {
        plan(files).warnings.iter().any(|one| one.message.contains("no manifest names gunicorn"))
    };
    assert!(warned(&files));
    assert!(!warned(&files.with("requirements.txt", "flask\ngunicorn\n")));
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
fn a_worker_of_celery_and_the_only_script_of_a_package_start() {
    let celery = "from celery import Celery\n\napp = Celery(\"tasks\")\n";
    let files = tree! { "requirements.txt" => "celery\nredis\n", "tasks.py" => celery };
    starts(&files, "celery -A tasks worker", 60);
    starts(&files.clone().with("main.py", "import tasks\n"), "python main.py", 60);
    let files = tree! { "requirements.txt" => "celery\n", "shop/celery.py" => celery, "shop/__init__.py" => "" };
    starts(&files, "celery -A shop worker", 60);
    let polls = "from aiohttp import web\nfrom polls.db import x\n\nif __name__ == \"__main__\":\n    web.run_app(x)\n";
    let files =
        tree! { "requirements.txt" => "aiohttp\n", "polls/main.py" => polls, "polls/db.py" => "" };
    starts(&files, "python -m polls.main", 80);
    for other in ["other/main.py", "polls/requirements.txt"] {
        let files = files.clone().with(other, polls);
        assert!(refusal(&files).reason.contains("nothing says how to start it"), "{other}");
    }
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
