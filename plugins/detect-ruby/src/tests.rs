//! Trees of every start, version and refusal.

use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{Files, Outcome, bad_input, detect, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");
const RACK: &str = "run ->(env) { [200, {}, [\"shop\"]] }\n";
const LOCK: &str = "GEM\n  remote: https://gems.example.com/\n  specs:\n    puma (6.4.2)\n      nio4r (~> 2.0)\n\n\
                    PLATFORMS\n  ruby\n  x86_64-linux\n\nDEPENDENCIES\n  puma\n\nRUBY VERSION\n   ruby 3.2.2p53\n\n\
                    BUNDLED WITH\n   2.5.3\n";

fn outcome(files: &Files) -> Outcome {
    detect(crate::detect, MANIFEST, files)
}

fn plan(files: &Files) -> Detection {
    outcome(files).plan()
}

fn refusal(files: &Files) -> Refusal {
    outcome(files).refusal()
}

fn rack() -> Files {
    tree! { "Gemfile" => "gem \"puma\"\n", "Gemfile.lock" => LOCK, "config.ru" => RACK }
}

fn rails() -> Files {
    tree! {
        "Gemfile" => "gem \"rails\"\ngem \"puma\"\ngem \"pg\"\ngem \"bootsnap\"\ngem \"propshaft\"\ngem \"jsbundling-rails\"\ngroup :development, :test do\n  gem \"rspec-rails\"\nend\n",
        "Gemfile.lock" => "GEM\n  specs:\n    rails (8.0.1)\n    puma (6.4.2)\n\nPLATFORMS\n  x86_64-linux\n\nDEPENDENCIES\n  bootsnap\n  jsbundling-rails\n  pg\n  propshaft\n  puma\n  rails\n  rspec-rails\n",
        ".ruby-version" => "ruby-3.3.6\n",
        "config/application.rb" => "",
        "config/puma.rb" => "port ENV.fetch(\"PORT\", 3000)\n",
        "app/assets/app.css" => "",
        "db/schema.rb" => "",
        "package.json" => "{ \"scripts\": { \"build\": \"esbuild\" } }",
    }
}

#[test]
fn a_rack_app_starts_by_the_server_in_its_gemfile() {
    let found = plan(&rack());
    assert_eq!(found.score, 80);
    assert!(found.start().ends_with("exec bundle exec puma -b tcp://0.0.0.0:$PORT"));
    assert_eq!(found.decided("ruby"), Some(("3.2.2", "Gemfile.lock:15 RUBY VERSION")));
    golden("goldens/rack.Dockerfile", &found);
    for (gem, start) in [
        ("falcon", "bundle exec falcon serve --bind http://0.0.0.0:$PORT"),
        ("unicorn", "bundle exec unicorn -o 0.0.0.0 -p $PORT"),
        ("thin", "bundle exec thin start -a 0.0.0.0 -p $PORT -R config.ru"),
    ] {
        let files = tree! { "Gemfile" => &*format!("gem '{gem}'\n"), "config.ru" => RACK };
        assert!(plan(&files).start().ends_with(start), "{gem}");
    }
    let refused = refusal(&tree! { "Gemfile" => "gem 'rack'\n", "config.ru" => RACK });
    assert!(refused.reason.contains("needs a server") && refused.hint.contains("puma"));
}

#[test]
fn rails_compiles_its_assets_and_owns_the_folders_that_it_writes_to() {
    let found = plan(&rails());
    assert_eq!((found.score, &*found.start()), (90, "bundle exec puma -C config/puma.rb"));
    let compile = "env SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=build-only SKIP_JS_BUILD=1 bundle exec rake assets:precompile";
    assert!(found.runs().iter().any(|run| run == compile), "{:?}", found.runs());
    assert_eq!(found.base(), "ruby:3.3.6-slim");
    assert_eq!(found.image.test_in.as_deref(), Some("test"));
    golden("goldens/rails.Dockerfile", &found);
    let other = "# port ENV['PORT']\nport ENV.fetch('HANAMI_PORT', 2300)\n";
    let start = plan(&rails().with("config/puma.rb", other)).start();
    assert!(start.ends_with("exec bundle exec puma -b tcp://0.0.0.0:$PORT"), "{start}");
}

#[test]
fn a_line_of_a_procfile_finds_gems_without_bundler_and_runs_in_production() {
    let found = plan(&rack().with("Procfile", "web: rackup config.ru -p $PORT\n"));
    let env = |name: &str| {
        let found = found.image.env.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!((&*env("RACK_ENV"), &*env("GEM_HOME")), ("production", "/bundle"));
    assert!(env("PATH").starts_with("/bundle/bin:") && env("BUNDLE_PATH").is_empty());
}

#[test]
fn sinatra_and_scripts_start_by_their_file() {
    let files = tree! {
        "Gemfile" => "gem 'sinatra'\ngem 'puma'\ngem 'rackup'\n",
        "app.rb" => "require 'sinatra'\nget('/') { 'shop' }\n",
    };
    let found = plan(&files);
    assert_eq!(found.score, 60);
    assert!(found.start().ends_with("exec bundle exec ruby app.rb -p $PORT -o 0.0.0.0"));
    let refused = refusal(&files.with("Gemfile", "gem 'sinatra'\n"));
    assert!(refused.reason.starts_with("app.rb:1"), "{}", refused.reason);
    let found =
        plan(&tree! { "Gemfile" => "gem 'discordrb'\n", "bot.rb" => "require 'discordrb'\n" });
    assert_eq!(found.start(), "bundle exec ruby bot.rb");
}

#[test]
fn gems_that_call_node_find_it_in_the_build() {
    let gemfile = "gem 'rails'\ngem 'puma'\ngem 'webpacker'\ngem 'uglifier'\n";
    let files = rails().without("Gemfile.lock").with("Gemfile", gemfile);
    let package = "{ \"dependencies\": { \"@rails/webpacker\": \"5.4.0\" } }";
    let found = plan(&files.with("package.json", package).wish("node", "22"));
    assert_eq!(found.image.stages.first().unwrap().base, "node:22-slim");
    let runs = found.runs();
    let place = |text: &str| runs.iter().position(|run| run.contains(text));
    let compiled =
        place("NODE_OPTIONS=--openssl-legacy-provider bundle exec rake assets:precompile");
    assert!(place("npm install") < compiled && compiled < place("rm -rf node_modules"), "{runs:?}");
    let stages = &found.image.stages;
    let with_runtime =
        stages.iter().filter(|stage| stage.packages.iter().any(|one| one == "nodejs"));
    assert_eq!(with_runtime.count(), 2, "ExecJS looks for a runtime at each start too");
    let old = "GEM\n  specs:\n    bootsnap (1.4.6)\n\nDEPENDENCIES\n  bootsnap\n  rails\n";
    let files = rails().with("Gemfile", "gem 'rails'\ngem 'bootsnap'\n").with("Gemfile.lock", old);
    assert!(!plan(&files).runs().iter().any(|run| run.contains("bootsnap")), "it has no command");
    let hanami = tree! {
        "Gemfile" => "gem 'hanami-assets'\ngem 'puma'\n", "config.ru" => RACK, "package.json" => "{}",
    };
    assert!(plan(&hanami).runs().iter().any(|run| run.contains("hanami assets compile")));
}

#[test]
fn versions_come_from_the_first_that_names_one() {
    let decided = |files: &Files| {
        let found = plan(files);
        let (version, source) = found.decided("ruby").unwrap();
        (version.to_owned(), source.to_owned())
    };
    let pair = |version: &str, source: &str| (version.to_owned(), source.to_owned());
    assert_eq!(decided(&rack().with(".ruby-version", "3.3.1\n")), pair("3.3.1", ".ruby-version:1"));
    let named = rack().with("Gemfile", "ruby \"3.4.1\"\ngem \"puma\"\n");
    assert_eq!(decided(&named), pair("3.4.1", "Gemfile:1 ruby"));
    let range = rack().with("Gemfile", "ruby \">= 3.2\", \"< 3.4\"\ngem \"puma\"\n");
    assert_eq!(decided(&range).0, "3.3");
    let tools = rack()
        .with("Gemfile", "ruby file: \".tool-versions\"\ngem \"puma\"\n")
        .with(".tool-versions", "ruby 3.3.1\n");
    assert_eq!(decided(&tools), pair("3.3.1", ".tool-versions:1 ruby"));
    let copied = plan(&tools).image.stages.into_iter().flat_map(|stage| stage.steps);
    let mut copied = copied.filter_map(|step| match step {
        windlass_plugin_sdk::Step::Copy(copy) => Some(copy.sources),
        _ => None,
    });
    assert!(copied.any(|sources| sources.contains(&".tool-versions".to_owned())));
}

#[test]
fn a_lock_for_another_platform_is_refused_with_the_command_to_run() {
    let lock = LOCK.replace("  ruby\n  x86_64-linux\n", "  arm64-darwin-23\n");
    let refused = refusal(&rack().with("Gemfile.lock", &*lock));
    assert!(refused.reason.starts_with("Gemfile.lock:7"), "{}", refused.reason);
    assert!(refused.hint.contains("bundle lock --add-platform x86_64-linux"));
    let stale = rack().with("Gemfile", "gem \"puma\"\ngem \"redis\"\n");
    assert!(refusal(&stale).reason.contains("Gemfile:2"));
}

#[test]
fn without_a_lock_the_day_decides_and_a_warning_says_so() {
    let found = plan(&rack().without("Gemfile.lock"));
    assert!(found.warnings.iter().any(|warning| warning.fix.contains("bundle lock")));
    assert!(!found.image.env.iter().any(|(name, _)| name == "BUNDLE_FROZEN"));
}

#[test]
fn what_is_no_app_is_not_mine_or_refused_by_name() {
    assert!(outcome(&tree! { "Gemfile" => "gem 'jekyll'\n", "_config.yml" => "" }).is_not_mine());
    assert!(refusal(&tree! { "shop.gemspec" => "" }).reason.contains("shop.gemspec"));
    let library = tree! { "Gemfile" => "gemspec\n", "shop.gemspec" => "" };
    assert!(refusal(&library).reason.contains("nothing says how to start it"));
    let gone = tree! { "Gemfile" => "gem 'money', path: 'libs/money'\n", "config.ru" => RACK };
    assert!(refusal(&gone).reason.starts_with("Gemfile:1"));
}

#[test]
fn bad_input_is_a_plan_or_a_refusal() {
    bad_input(crate::detect, MANIFEST, &rails());
    bad_input(crate::detect, MANIFEST, &rack().with("Procfile", "web: bundle exec puma\n"));
}
