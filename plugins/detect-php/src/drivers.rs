//! Extensions that the code uses and no package requires: drivers of databases, images, archives.

use windlass_plugin_sdk::{App, php::Project};

/// Text in the code, and the extension that it needs.
const USED: [(&str, &str); 11] = [
    ("mysqli_", "mysqli"),
    ("new mysqli(", "mysqli"),
    ("mysql:host=", "pdo_mysql"),
    ("mysql:dbname=", "pdo_mysql"),
    ("'mysql' =>", "pdo_mysql"),
    ("pgsql:host=", "pdo_pgsql"),
    ("pgsql:dbname=", "pdo_pgsql"),
    ("'pgsql' =>", "pdo_pgsql"),
    ("pg_connect(", "pgsql"),
    ("imagecreate", "gd"),
    ("new ZipArchive", "zip"),
];

/// Packages that speak to a database by a driver that they only suggest.
const SUGGESTED: [(&str, &[&str]); 8] = [
    ("codeigniter4/framework", &["mysqli"]),
    ("doctrine/dbal", &["pdo_mysql", "pdo_pgsql"]),
    ("doctrine/doctrine-bundle", &["pdo_mysql", "pdo_pgsql"]),
    ("doctrine/orm", &["pdo_mysql", "pdo_pgsql"]),
    ("drupal/core-recommended", &["pdo_mysql"]),
    ("johnpbloch/wordpress", &["mysqli"]),
    ("roots/wordpress", &["mysqli"]),
    ("yiisoft/yii2", &["pdo_mysql"]),
];

/// Files that are looked through, at most this many.
const MOST: u32 = 120;

/// Returns these extensions, each with the line that needs it.
pub(crate) fn drivers(app: &App<'_>, project: &Project) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, source: String| {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), source));
        }
    };
    for (package, names) in SUGGESTED {
        let Some(source) = project.names(package) else { continue };
        for name in names {
            add(name, source.clone());
        }
    }
    if app.has("wp-settings.php") {
        add("mysqli", "wp-settings.php WordPress".to_owned());
    }
    let mut paths = vec!["config/database.php".to_owned()];
    paths.extend(app.glob(&["*.php", "*/*.php", "*/*/*.php"], MOST));
    for path in paths.iter().filter(|path| !path.starts_with("vendor/")) {
        // A file that is no text is not the app's own code.
        let Some(file) = app.read(path).ok().flatten() else { continue };
        for (number, line) in file.lines() {
            if line.trim_start().starts_with(['#', '*', '/']) {
                continue;
            }
            for (_, name) in USED.iter().filter(|(text, _)| line.contains(text)) {
                add(name, format!("{path}:{number}"));
            }
        }
    }
    all
}
