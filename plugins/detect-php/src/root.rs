//! Folder that is served, and what the framework needs beside it.

use windlass_plugin_sdk::{App, Refusal, php::Project, score};

/// Folder that is served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    /// Below the app's folder. Empty means the app's own.
    pub(crate) folder: &'static str,
    pub(crate) score: u8,
    /// File and rule.
    pub(crate) source: String,
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// Folders that the app writes to.
    pub(crate) written: Vec<&'static str>,
    /// Folders within those, which the framework expects to be there.
    pub(crate) below: Vec<&'static str>,
    pub(crate) evidence: Vec<String>,
    pub(crate) is_laravel: bool,
}

/// Folders that frameworks serve, before the app's own.
const FOLDERS: [&str; 6] = ["public", "web", "webroot", "www", "pub", "httpdocs"];

/// Folders that are served where neither those nor the app's own have an `index.php`.
const INNER: [&str; 8] =
    ["public_html", "htdocs", "html", "docroot", "src/public", "app/public", "src", "app"];

/// Returns the folder that is served. `None` means that nothing of PHP is there.
///
/// # Errors
/// Names what is missing.
pub(crate) fn find(app: &App<'_>, project: &Project) -> Result<Option<Served>, Refusal> {
    if let Some(style) = app.read("style.css").ok().flatten()
        && style.text.contains("Theme Name:")
        && !app.has("wp-load.php")
    {
        let reason = "style.css: a theme of WordPress, and WordPress itself is not there";
        let hint = "commit WordPress beside it, or a Dockerfile on the image `wordpress`";
        return Err(refused(app, reason.to_owned(), hint));
    }
    let folder = FOLDERS.into_iter().find(|folder| app.has(&format!("{folder}/index.php")));
    // A page that sends its form to a script, such as `contact.php`, is served with it.
    let is_page = app.has("index.html") && !app.has("package.json");
    let has_scripts = || is_page && !app.glob(&["*.php"], 1).is_empty();
    let at_root = (app.has("index.php") || has_scripts()).then_some("");
    let is_wordpress = app.has("wp-load.php") || app.has("wp-settings.php");
    let inner = || INNER.into_iter().find(|folder| app.has(&format!("{folder}/index.php")));
    let folder = folder.filter(|_| !is_wordpress).or(at_root).or_else(inner);
    let Some(folder) = folder.or_else(|| scaffolded(project)) else {
        return nothing(app, project);
    };
    let file = match folder {
        "" if app.has("index.php") => "index.php".to_owned(),
        "" => app.glob(&["*.php"], 1).into_iter().next().unwrap_or_default(),
        folder => format!("{folder}/index.php"),
    };
    if app.has("artisan")
        && let Some(source) = project.names("laravel/framework")
    {
        return Ok(Some(Served {
            folder,
            score: score::FRAMEWORK,
            source: format!("{source} Laravel"),
            env: vec![("APP_ENV", "production"), ("LOG_CHANNEL", "stderr")],
            written: vec!["bootstrap/cache", "storage"],
            below: vec![
                "storage/framework/cache/data",
                "storage/framework/sessions",
                "storage/framework/views",
                "storage/logs",
            ],
            evidence: vec!["artisan: `migrate` is not run: run it by a hook".to_owned()],
            is_laravel: true,
        }));
    }
    if let Some(source) = project.names("symfony/framework-bundle") {
        return Ok(Some(Served {
            folder,
            score: score::FRAMEWORK,
            source: format!("{source} Symfony"),
            env: vec![("APP_ENV", "prod")],
            written: vec!["var"],
            evidence: vec![format!("{source}: migrations are not run: run them by a hook")],
            ..Served::default()
        }));
    }
    let named: [(&str, &str, &[&'static str]); 5] = [
        ("drupal/core-recommended", "Drupal", &[]),
        ("laravel/lumen-framework", "Lumen", &["storage"]),
        ("cakephp/cakephp", "CakePHP", &["tmp", "logs"]),
        // Yii publishes files of its packages below the folder that is served.
        ("yiisoft/yii2", "Yii", &["runtime", "web/assets"]),
        ("codeigniter4/framework", "CodeIgniter", &["writable"]),
    ];
    for (package, name, written) in named {
        if let Some(source) = project.names(package) {
            return Ok(Some(Served {
                folder,
                score: score::STARTED,
                source: format!("{source} {name}"),
                written: written.to_vec(),
                below: if name == "CodeIgniter" {
                    vec!["writable/cache", "writable/logs", "writable/session"]
                } else {
                    Vec::new()
                },
                ..Served::default()
            }));
        }
    }
    let is_app = project.composer.is_some() && !folder.is_empty();
    Ok(Some(Served {
        folder,
        score: if is_app { score::STARTED } else { score::INFERRED },
        source: if is_wordpress { "wp-load.php WordPress".to_owned() } else { file },
        ..Served::default()
    }))
}

/// Returns the folder that Drupal's packages write their `index.php` to, which repositories do not hold.
fn scaffolded(project: &Project) -> Option<&'static str> {
    project.names("drupal/core-composer-scaffold")?;
    let root = ["extra", "drupal-scaffold", "locations", "web-root"];
    let named = project.composer.as_ref()?.at(&root)?.text()?;
    let named = named.trim_start_matches("./").trim_matches('/');
    FOLDERS.into_iter().chain(INNER).chain([""]).find(|folder| *folder == named)
}

fn nothing(app: &App<'_>, project: &Project) -> Result<Option<Served>, Refusal> {
    if app.has_dir("wp-content") {
        let reason =
            "wp-content: themes and plugins of WordPress, and WordPress itself is not there";
        let hint = "commit WordPress beside it, or a Dockerfile on the image `wordpress`";
        return Err(refused(app, reason.to_owned(), hint));
    }
    if project.composer.is_none() {
        return Ok(None);
    }
    let reason = "composer.json: a PHP app, but nothing says what to serve: there is no index.php";
    let hint = "add public/index.php, or commit a Dockerfile for a command-line tool";
    Err(refused(app, reason.to_owned(), hint))
}

/// Refuses what PHP has and nothing serves.
fn refused(app: &App<'_>, reason: String, hint: &str) -> Refusal {
    app.refused("php", score::INFERRED, reason, hint)
}
