//! Trees of every framework, version and refusal.

use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{Files, Outcome, bad_input, detect, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");
const INDEX: &str = "<?php echo 'shop';\n";

fn outcome(files: &Files) -> Outcome {
    detect(crate::detect, MANIFEST, files)
}

fn plan(files: &Files) -> Detection {
    outcome(files).plan()
}

fn refusal(files: &Files) -> Refusal {
    outcome(files).refusal()
}

fn laravel() -> Files {
    tree! {
        "composer.json" => "{\n  \"require\": {\n    \"php\": \"^8.2\",\n    \"ext-intl\": \"*\",\n    \"laravel/framework\": \"^11\"\n  },\n  \"require-dev\": { \"phpunit/phpunit\": \"^11\" }\n}\n",
        "composer.lock" => "{ \"packages\": [ { \"name\": \"laravel/framework\", \"require\": { \"ext-mbstring\": \"*\", \"ext-gd\": \"*\" } } ] }",
        "artisan" => "#!/usr/bin/env php\n",
        "public/index.php" => INDEX,
        "package.json" => "{ \"scripts\": { \"build\": \"vite build\" } }",
        ".php-version" => "8.3\n",
    }
}

#[test]
fn laravel_serves_its_public_folder_and_owns_its_storage() {
    let found = plan(&laravel().prefer("php", "8.3"));
    assert_eq!(found.score, 90);
    assert_eq!(found.decided("php"), Some(("8.3", "composer.json:3 require.php")));
    assert!(
        found.start().ends_with("exec frankenphp php-server --root /app/public --listen :$PORT")
    );
    let extensions = "install-php-extensions gd intl opcache";
    assert!(found.runs().iter().any(|run| run == extensions), "{:?}", found.runs());
    assert_eq!(found.image.test_in.as_deref(), Some("test"));
    golden("goldens/laravel.Dockerfile", &found);
}

#[test]
fn php_is_one_that_the_locked_packages_take_too() {
    let locked = |constraint: &str| {
        let lock = format!(
            "{{ \"packages\": [ {{ \"name\": \"laravel/framework\" }}, {{ \"name\": \"a/b\", \"require\": {{ \"php\": \"{constraint}\" }} }} ] }}"
        );
        plan(&laravel().with("composer.lock", &lock).without(".php-version"))
    };
    let version = |found: &Detection| found.decided("php").unwrap().0.to_owned();
    assert_eq!(version(&locked("~8.2.0 || ~8.3.0")), "8.3");
    let old = locked(">=7.1 <8.2");
    assert_eq!(version(&old), "8.2");
    assert!(old.runs().iter().any(|run| run.contains("install") && run.contains("php+")));
    assert!(old.warnings.iter().any(|warning| warning.message.contains("a/b: php >=7.1 <8.2")));
    let platform = laravel().with(
        "composer.json",
        "{ \"require\": { \"php\": \"^8.1\", \"laravel/framework\": \"^10\" }, \"config\": { \"platform\": { \"php\": \"8.1.0\" } } }",
    );
    assert_ne!(version(&plan(&platform)), "8.1", "which has no image, and a newer one is allowed");
}

#[test]
fn symfony_owns_var_and_runs_in_production() {
    let files = tree! {
        "composer.json" => "{ \"require\": { \"symfony/framework-bundle\": \"^7\" } }",
        "public/index.php" => INDEX,
    };
    let found = plan(&files);
    assert_eq!(found.score, 90);
    assert!(found.image.env.contains(&("APP_ENV".to_owned(), "prod".to_owned())));
    assert!(found.warnings.iter().any(|warning| warning.message.contains("no lock file")));
    let scripts = "{ \"require\": { \"symfony/framework-bundle\": \"^7\" },\n\"scripts\": { \"post-install-cmd\": [ \"@auto-scripts\" ] } }";
    let runs = plan(&files.with("composer.json", scripts).with("importmap.php", "<?php")).runs();
    let place = |text: &str| runs.iter().position(|run| run.contains(text));
    let script =
        place("APP_ENV=prod composer run-script --no-dev --no-interaction post-install-cmd");
    let compiled = place("APP_ENV=prod php bin/console asset-map:compile");
    assert!(script.is_some() && script < compiled, "{runs:?}");
}

#[test]
fn assets_that_take_files_of_packages_are_built_behind_composer() {
    let css = "@import '../../vendor/livewire/flux/dist/flux.css';\n";
    let runs = plan(&laravel().with("resources/css/app.css", css).wish("node", "22")).runs();
    let place = |text: &str| runs.iter().position(|run| run.contains(text));
    let installed = place("composer install");
    assert!(installed.is_some() && installed < place("npm run build"), "{runs:?}");
    let package = "{ \"scripts\": { \"build\": \"encore production\" }, \"devDependencies\": { \"@symfony/ux-turbo\": \"file:vendor/symfony/ux-turbo/assets\" } }";
    let encore = laravel().with("package.json", package).wish("node", "22");
    assert!(plan(&encore).runs().contains(&"npm run build".to_owned()));
    let own = laravel().with("resources/css/app.css", "@source '../../vendor/a/**/*.php';\n");
    assert!(!plan(&own).runs().iter().any(|run| run.contains("npm")));
}

#[test]
fn plain_files_are_served_from_their_folder() {
    let found = plan(&tree! { "index.php" => INDEX, ".php-version" => "8.3\n" });
    assert_eq!((found.score, found.decided("root")), (60, Some((".", "index.php"))));
    golden("goldens/plain.Dockerfile", &found);
    let slim = tree! {
        "composer.json" => "{ \"require\": { \"slim/slim\": \"^4\" } }", "public/index.php" => INDEX,
    };
    assert_eq!(plan(&slim).score, 80);
    let cake = tree! {
        "composer.json" => "{ \"require\": { \"cakephp/cakephp\": \"^5\" } }",
        "webroot/index.php" => INDEX,
        "index.php" => INDEX,
    };
    assert!(plan(&cake).start().contains("--root /app/webroot"));
    let wordpress =
        tree! { "index.php" => INDEX, "wp-load.php" => "", "wp-content/index.php" => "" };
    assert!(plan(&wordpress).start().contains("--root /app --listen"));
}

#[test]
fn folders_that_no_framework_names_are_served_too() {
    for folder in ["src", "htdocs", "public_html", "src/public"] {
        let found = plan(&Files::default().with(&format!("{folder}/index.php"), INDEX));
        assert_eq!(found.decided("root").unwrap().0, folder);
    }
    let own = tree! { "index.php" => INDEX, "src/index.php" => INDEX };
    assert_eq!(plan(&own).decided("root").unwrap().0, ".", "the app's own is before it");
    let drupal = tree! { "composer.json" => "{ \"require\": { \"drupal/core-composer-scaffold\": \"^10\", \"drupal/core-recommended\": \"^10\" },\n\"extra\": { \"drupal-scaffold\": { \"locations\": { \"web-root\": \"web/\" } } } }" };
    assert!(plan(&drupal).start().contains("--root /app/web"));
}

#[test]
fn a_page_with_a_script_of_php_beside_it_is_served_by_php() {
    let page = tree! { "index.html" => "<form action=contact.php>", "contact.php" => INDEX };
    let found = plan(&page);
    assert_eq!((found.score, found.decided("root")), (60, Some((".", "contact.php"))));
    assert!(outcome(&page.without("index.html")).is_not_mine(), "a library, or a part of one");
}

#[test]
fn drivers_that_the_code_uses_are_installed_although_nothing_requires_them() {
    let extensions = |files: &Files| {
        let runs = plan(files).runs();
        runs.into_iter().find(|run| run.starts_with("install-php-extensions")).unwrap()
    };
    let plain = tree! { "index.php" => "<?php\n$db = mysqli_connect('db');\n" };
    assert_eq!(extensions(&plain), "install-php-extensions opcache mysqli");
    let said = plan(&plain).evidence;
    assert!(said.iter().any(|line| line == "index.php:2: extension mysqli"), "{said:?}");
    let config = "<?php\nreturn ['connections' => [\n'mysql' => [],\n'pgsql' => [],\n]];\n";
    let with = laravel().with("config/database.php", config);
    assert_eq!(extensions(&with), "install-php-extensions gd intl opcache pdo_mysql pdo_pgsql");
}

#[test]
fn a_private_registry_wants_its_login_and_a_folder_the_whole_tree() {
    let files = tree! {
        "composer.json" => "{ \"repositories\": [\n{ \"type\": \"composer\", \"url\": \"https://php.example.com\" },\n{ \"type\": \"path\", \"url\": \"libs/money\" }\n] }",
        "libs/money/composer.json" => "{}",
        "public/index.php" => INDEX,
    };
    let found = plan(&files);
    let secret = found.build_secrets.first().unwrap();
    assert_eq!(
        (&*secret.variable, &*secret.source),
        ("COMPOSER_AUTH", "composer.json:2 repositories")
    );
    assert!(
        found.evidence.iter().any(|line| line.starts_with("composer.json:3 repositories: all"))
    );
}

#[test]
fn frameworks_own_the_folders_that_they_write_to() {
    for (package, root, folders) in [
        ("yiisoft/yii2", "web", &["runtime", "web/assets"][..]),
        ("codeigniter4/framework", "public", &["writable"][..]),
        ("cakephp/cakephp", "webroot", &["tmp", "logs"][..]),
    ] {
        let composer = format!("{{ \"require\": {{ \"{package}\": \"*\" }} }}");
        let files =
            tree! { "composer.json" => &*composer }.with(&format!("{root}/index.php"), INDEX);
        let owned = plan(&files).image.stages.pop().unwrap().steps.into_iter();
        let owned = owned.filter_map(|step| match step {
            windlass_plugin_sdk::Step::Copy(copy) if copy.owned => Some(copy.dest),
            _ => None,
        });
        let expected: Vec<String> = folders.iter().map(|folder| format!("/app/{folder}")).collect();
        assert_eq!(owned.collect::<Vec<_>>(), expected, "{package}");
    }
}

#[test]
fn patches_of_packages_are_there_before_the_install() {
    let files = tree! {
        "composer.json" => "{ \"extra\": { \"patches\": {\n \"a/b\": { \"x\": \"patches/b.patch\" } } } }",
        "public/index.php" => INDEX,
    };
    let said = plan(&files).evidence;
    assert!(said.iter().any(|line| line.contains("extra.patches: all files")), "{said:?}");
}

#[test]
fn what_cannot_be_served_is_refused_with_its_line() {
    let php = |range: &str| {
        tree! {
            "composer.json" => &*format!("{{ \"require\": {{ \"php\": \"{range}\" }} }}"),
            "index.php" => INDEX,
        }
    };
    let old = plan(&php("~7.4.0"));
    assert_eq!((&*old.start(), old.decided("php").unwrap().0), ("apache2-foreground", "7.4"));
    assert!(old.image.stages.iter().any(|stage| stage.base == "php:7.4-apache"));
    assert!(old.runs().iter().any(|run| run.contains("Listen ${PORT}")), "{:?}", old.runs());
    let refused = refusal(&php("~5.3.0"));
    assert!(refused.reason.contains("composer.json:1 require.php"), "{}", refused.reason);
    assert!(refusal(&php("banana")).reason.contains("composer.json:1"));
    let stale = laravel().with("composer.lock", "{ \"packages\": [] }");
    assert!(refusal(&stale).reason.contains("composer.json:5"));
    let tool = refusal(&tree! { "composer.json" => "{}", "bin/tool.php" => "" });
    assert!(tool.reason.contains("nothing says what to serve"));
    let content = refusal(&tree! { "wp-content/themes/a.php" => "", "wp-content/index.php" => "" });
    assert!(content.reason.contains("WordPress itself is not there"));
    let theme = tree! { "style.css" => "/*\nTheme Name: Shop\n*/", "index.php" => INDEX };
    assert!(refusal(&theme).reason.contains("a theme of WordPress"));
}

#[test]
fn bad_input_is_a_plan_or_a_refusal() {
    bad_input(crate::detect, MANIFEST, &laravel());
}
