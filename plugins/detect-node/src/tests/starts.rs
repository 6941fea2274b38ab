//! Starts: Procfile, scripts, main, files.

use super::{app, plan, refusal};
use windlass_plugin_sdk::{testing::Files, tree};

fn started(start: &str, more: &str) -> Files {
    let text = format!("{{\"scripts\":{{\"start\":\"{start}\"{more}}}}}");
    tree! { "server.js" => "", "app/main.js" => "" }.with("package.json", &text)
}

#[test]
fn a_plain_script_is_the_first_process_itself() {
    for (line, start) in [
        ("node server.js", "node server.js"),
        ("node server", "node server"),
        ("NODE_ENV=production node server.js", "node server.js"),
        ("cross-env A=b node server.js", "node server.js"),
        ("nodemon server.js", "node server.js"),
        ("nodemon -w app server.js", "node server.js"),
        ("node --watch server.js", "node server.js"),
        ("npx http-server", "http-server"),
    ] {
        let found = plan(&started(line, ""));
        assert_eq!((found.start().as_str(), found.score), (start, 80), "{line}");
    }
    let found = plan(&started("cross-env A=b node server.js", ""));
    assert!(found.image.env.contains(&("A".into(), "b".into())));
}

#[test]
fn scripts_that_name_scripts_are_followed() {
    let more = r#","prod":"yarn serve","serve":"node app/main.js""#;
    for line in ["npm run prod", "yarn prod", "yarn run prod", "pnpm prod"] {
        assert_eq!(plan(&started(line, more)).start(), "node app/main.js", "{line}");
    }
    let circle = r#","a":"npm run b","b":"npm run a""#;
    let found = refusal(&started("npm run a", circle));
    assert!(found.reason.contains("name each other"), "{found:?}");
}

#[test]
fn a_start_of_a_folder_below_runs_there() {
    let root = |start: &str, build: &str| {
        let text = format!(r#"{{"scripts":{{"start":"{start}","build":"{build}"}}}}"#);
        let api = r#"{"name":"api","scripts":{"start":"node src/index.js"}}"#;
        tree! { "api/src/index.js" => "" }.with("package.json", &text).with("api/package.json", api)
    };
    let install = "npm install --prefix api && npm run build --prefix web";
    let found = plan(&root("npm run start --prefix api", install));
    assert_eq!(found.image.start, ["sh", "-c", "cd api && exec node src/index.js"]);
    assert!(found.runs().contains(&"npm run build".to_owned()), "{:?}", found.runs());
    let found = refusal(&root("npm run start --prefix api", "tsc"));
    assert!(found.reason.contains("starts a member"), "nothing installs it: {found:?}");
    let member = root("npm start -w api", "tsc")
        .with("package.json", r#"{"workspaces":["api"],"scripts":{"start":"npm start -w api"}}"#);
    assert_eq!(plan(&member).image.start, ["sh", "-c", "cd api && exec node src/index.js"]);
    let gone = member.with("api/package.json", r#"{"name":"api","scripts":{"start":"vite"}}"#);
    refusal(&gone);
}

#[test]
fn a_line_that_needs_a_shell_is_replaced_by_the_app() {
    let found = plan(&started("node server.js --port $PORT", ""));
    assert_eq!(found.image.start, ["sh", "-c", "exec node server.js --port $PORT"]);
    let found = plan(&started("node server.js", r#","prestart":"node migrate.js""#));
    assert_eq!(found.image.start, ["sh", "-c", "node migrate.js && exec node server.js"]);
}

#[test]
fn a_port_that_is_written_is_the_port() {
    let files = |text: &str| started("node server.js", "").with("server.js", text);
    let found = plan(&files("const app = express();\napp.listen(3000);\n"));
    assert_eq!(
        (found.image.port, found.decided("port")),
        (Some(3000), Some(("3000", "server.js:2")))
    );
    let found = plan(&files("app.listen(process.env.PORT || 3000);\n"));
    assert_eq!((found.image.port, found.decided("port")), (Some(8080), None));
}

#[test]
fn what_a_start_builds_is_built_once() {
    let more = r#","build":"tsc""#;
    let found = plan(&started("npm run build && node dist/a.js", more));
    assert_eq!(found.start(), "node dist/a.js");
    let builds = found.runs().iter().filter(|run| *run == "npm run build").count();
    assert_eq!(builds, 1);
    let found = plan(&started("node dist/a.js", r#","prestart":"tsc""#));
    assert_eq!(found.start(), "node dist/a.js");
    assert!(found.runs().contains(&"npm run prestart".to_owned()), "{:?}", found.runs());
}

#[test]
fn a_script_before_the_start_that_calls_a_build_is_of_the_build() {
    for line in ["yarn build", "npm run rebuild", "npm run clean && pnpm compile"] {
        let more = format!(r#","prestart":"{line}","build":"tsc","rebuild":"tsc","compile":"tsc""#);
        let found = plan(&started("node dist/a.js", &more));
        assert_eq!(found.start(), "node dist/a.js", "{line}");
        assert!(found.runs().contains(&"npm run prestart".to_owned()), "{line}");
    }
}

#[test]
fn the_build_of_heroku_is_the_build_where_there_is_no_other() {
    let more = r#","heroku-postbuild":"tsc""#;
    let runs = plan(&started("node dist/a.js", more)).runs();
    assert!(runs.contains(&"npm run heroku-postbuild".to_owned()), "{runs:?}");
    let runs = plan(&started("node dist/a.js", &format!("{more},\"build\":\"tsc\""))).runs();
    assert!(!runs.contains(&"npm run heroku-postbuild".to_owned()), "{runs:?}");
}

#[test]
fn a_script_for_production_is_the_start_where_start_is_none() {
    let prod = r#""build":"tsc","start:prod":"NODE_ENV=production node dist/a.js""#;
    for scripts in [prod.to_owned(), format!("{prod},\"start\":\"ts-node-dev a.ts\"")] {
        let files =
            tree! { "a.ts" => "" }.with("package.json", &format!("{{\"scripts\":{{{scripts}}}}}"));
        let found = plan(&files);
        assert_eq!((found.start().as_str(), found.score), ("node dist/a.js", 60), "{scripts}");
    }
    let built = r#""start:prod":"webpack --mode production""#;
    refusal(&tree! {}.with("package.json", &format!("{{\"scripts\":{{{built}}}}}")));
}

#[test]
fn a_development_server_is_never_the_start() {
    for line in ["vite", "ng serve", "webpack serve", "next dev", "nodemon --exec ts-node a.ts"] {
        let found = refusal(&started(line, ""));
        assert!(found.reason.contains("a development server"), "{line}: {found:?}");
        assert!(found.reason.starts_with("package.json:1 scripts.start"), "{line}: {found:?}");
    }
}

#[test]
fn what_a_watcher_runs_is_the_start_where_it_is_installed() {
    for (line, start) in [
        ("nodemon --exec ts-node a.ts", "ts-node a.ts"),
        ("npx nodemon --watch src --exec 'ts-node a.ts'", "ts-node a.ts"),
        ("nodemon -e ts --exec ts-node -r dotenv/config a.ts", "ts-node -r dotenv/config a.ts"),
        ("nodemon a.ts --exec tsx", "tsx a.ts"),
        ("nodemon a.ts", "ts-node a.ts"),
        ("tsx watch --clear-screen=false a.ts", "tsx a.ts"),
    ] {
        let more = r#"},"devDependencies":{"ts-node":"^10","tsx":"^4""#;
        let found = plan(&started(line, more).with("a.ts", ""));
        assert_eq!(found.start(), start, "{line}");
        assert!(!found.image.stages.iter().any(|stage| stage.name == "prune"), "{line}");
    }
    for line in ["nodemon --exec npm run dev", "nodemon --exec 'tsc && node a.js'", "nodemon a.ts"]
    {
        assert!(refusal(&started(line, "")).reason.contains("a development server"), "{line}");
    }
}

#[test]
fn a_start_by_another_language_s_program_leaves_the_app_to_that_language() {
    for line in [
        "python manage.py runserver",
        "bundle exec jekyll serve",
        "php artisan serve",
        "deno run -A main.ts",
        "cd api && go run .",
        "./mvnw spring-boot:run",
        "vendor/bin/heroku-php-apache2 public/",
    ] {
        let found = refusal(&started(line, ""));
        assert_eq!(found.score, 20, "{line}");
        assert!(found.reason.contains("is no program of Node"), "{line}: {found:?}");
    }
    for line in ["gulp watch", "webpack --watch", "live-server"] {
        assert!(refusal(&started(line, "")).reason.contains("development server"), "{line}");
    }
}

#[test]
fn a_start_of_a_missing_file_is_refused_unless_a_build_makes_it() {
    let found = refusal(&started("node gone.js", ""));
    assert_eq!(
        found.reason,
        "package.json:1 scripts.start: `gone.js` is not there, and no build makes it"
    );
    refusal(&started("node dist/a.js", ""));
    refusal(&started("node gone.js", r#","build":"tsc""#));
    plan(&started("node dist/a.js", r#","build":"tsc""#));
    let out = r#"{"compilerOptions":{"outDir":"./compiled"}}"#;
    plan(&started("node compiled/a.js", r#","build":"tsc""#).with("tsconfig.json", out));
}

#[test]
fn commands_that_listen_on_localhost_listen_for_others() {
    for (line, name) in
        [("fastify start -l info app.js", "FASTIFY_ADDRESS"), ("sirv public --no-clear", "HOST")]
    {
        let found = plan(&started(line, ""));
        assert!(found.image.env.contains(&(name.into(), "0.0.0.0".into())), "{line}");
    }
}

#[test]
fn variables_of_a_file_that_is_not_committed_are_left_to_the_cluster() {
    for line in ["node --env-file=.env server.js", "node --env-file .env server.js"] {
        assert_eq!(plan(&started(line, "")).start(), "node server.js", "{line}");
        let files = started(line, "").with(".env", "A=b\n");
        assert_eq!(plan(&files).start(), line);
    }
}

#[test]
fn a_development_dependency_that_the_start_needs_is_kept() {
    let text = r#"{"scripts":{"start":"ts-node a.ts"},"devDependencies":{"ts-node":"^10.0.0"}}"#;
    let found = plan(&tree! { "a.ts" => "" }.with("package.json", text));
    assert!(!found.image.stages.iter().any(|stage| stage.name == "prune"));
    let path = found.image.env.iter().find(|(name, _)| name == "PATH").unwrap();
    assert!(path.1.starts_with("/app/node_modules/.bin:"), "{path:?}");
}

#[test]
fn managers_that_the_image_lacks_start_nothing() {
    let text = r#"{"scripts":{"start":"pnpm migrate && node server.js","migrate":"sequelize db:migrate","worker":"A=b node worker.js"},"devDependencies":{"sequelize-cli":"^6.0.0"}}"#;
    let files = tree! { "server.js" => "", "worker.js" => "" }.with("package.json", text);
    let found = plan(&files);
    assert_eq!(found.image.start, ["sh", "-c", "npm run migrate && exec node server.js"]);
    assert!(!found.image.stages.iter().any(|stage| stage.name == "prune"), "the script needs it");
    let found = plan(&files.with("Procfile", "web: yarn start\nworker: pnpm worker\n"));
    assert_eq!(found.processes[0].command, ["env", "A=b", "node", "worker.js"]);
    assert_eq!(found.decided("start").map(|(value, _)| value), Some(found.start().as_str()));
}

#[test]
fn a_procfile_s_program_of_a_compiled_language_is_that_language_s() {
    for (manifest, line) in [
        ("go.mod", "web: bin/shop\n"),
        ("go.mod", "web: shop -port $PORT\n"),
        ("Cargo.toml", "web: ROCKET_PORT=$PORT ./target/release/shop\n"),
        ("shard.yml", "web: ./app\n"),
    ] {
        let files = app("").with(manifest, "").with("Procfile", line);
        let refused = refusal(&files);
        assert_eq!(refused.score, 20, "{line}");
        assert!(refused.reason.contains(manifest), "{}", refused.reason);
    }
    let own = app("").with("go.mod", "").with("Procfile", "web: node server.js\n");
    assert_eq!(plan(&own).start(), "node server.js");
}

#[test]
fn a_procfile_is_first_and_brings_its_processes() {
    let files = app("").with("Procfile", "web: npm start\nworker: node worker.js\n");
    let found = plan(&files);
    assert_eq!(found.start(), "node server.js", "npm swallows signals");
    assert_eq!(found.processes[0].name, "worker");
    let files = files.with("Procfile", "web: node other.js\n").with("other.js", "");
    assert_eq!(plan(&files).start(), "node other.js");
}

#[test]
fn a_worker_alone_is_the_start_and_runs_once() {
    let files = tree! { "bot.js" => "", "package.json" => r#"{"main":"index.js"}"# }
        .with("Procfile", "worker: node bot.js\nrelease: node bot.js --register\n");
    let found = plan(&files);
    assert_eq!(found.start(), "node bot.js");
    assert_eq!(found.decided("start"), Some(("node bot.js", "Procfile:1 worker")));
    let names: Vec<&str> = found.processes.iter().map(|process| &*process.name).collect();
    assert_eq!(names, ["release"]);
}

#[test]
fn a_script_of_a_page_is_no_start() {
    let page = tree! {
        "package.json" => r#"{"main":"index.js","devDependencies":{"prettier":"^3"}}"#,
        "index.html" => "<script src=index.js></script>",
        "index.js" => "document.title = 'shop';\n",
    };
    assert_eq!(refusal(&page).score, 20, "`static` plans it");
    let server = "require('node:http').createServer(handle).listen(process.env.PORT);\n";
    assert_eq!(plan(&page.with("index.js", server)).start(), "node index.js");
}

#[test]
fn main_bin_and_usual_files_are_inferred() {
    let main = tree! { "package.json" => r#"{"main":"./a.js"}"#, "a.js" => "" };
    assert_eq!((plan(&main).score, plan(&main).start().as_str()), (60, "node a.js"));
    let bin = tree! { "package.json" => r#"{"bin":{"shop":"cli.js"}}"#, "cli.js" => "" };
    assert_eq!(plan(&bin).start(), "node cli.js");
    let usual = tree! { "package.json" => "{}", "src/index.js" => "" };
    assert_eq!((plan(&usual).score, plan(&usual).start().as_str()), (60, "node src/index.js"));
    let built = tree! { "package.json" => r#"{"main":"dist/a.js","scripts":{"build":"tsc"}}"# };
    assert_eq!(plan(&built).start(), "node dist/a.js");
}
