//! The server of a folder of files: nginx without root, which listens on `$PORT`.

use super::text::{environment, instruction};
use std::fmt::Write;
use windlass_model::recipe::{Recipe, StaticSite};

/// Image of the server.
const SERVER: &str = "nginxinc/nginx-unprivileged:1-alpine-slim";
/// Name of the server's stage.
pub(super) const STAGE: &str = "run";
/// User of the server's image.
const USER: u32 = 101;
const PORT: u16 = 8080;

/// Gives a recipe that serves a folder the port and the user of the server.
pub(crate) fn settle(recipe: &mut Recipe) {
    let Some(site) = &recipe.serves else { return };
    let plan = &mut recipe.image;
    plan.port = Some(PORT);
    plan.user = USER;
    if site.fallback.is_some() && plan.health.is_none() {
        plan.health = Some("/".into());
    }
}

/// Writes the server's stage. The base's own command starts it: signals arrive.
pub(super) fn stage(text: &mut String, site: &StaticSite, env: &[(String, String)]) {
    instruction(text, "# Static files: nginx without root, which listens on $PORT");
    instruction(text, &format!("FROM {SERVER} AS {STAGE}"));
    let own = [("PORT".to_owned(), PORT.to_string()), filter()];
    environment(text, &own.into_iter().chain(env.iter().cloned()).collect::<Vec<_>>());
    instruction(text, "COPY <<\"WINDLASS\" /etc/nginx/templates/default.conf.template");
    let _ = write!(text, "\n{}WINDLASS", configuration(site));
    let folder = site.folder.trim_end_matches('/');
    let source = match &site.stage {
        Some(stage) => format!("--from={stage} {}", if folder.is_empty() { "/" } else { folder }),
        None => format!("{folder}/"),
    };
    instruction(text, &format!("COPY {source} /srv"));
    instruction(text, &format!("USER {USER}"));
    instruction(text, &format!("EXPOSE {PORT}"));
}

/// Returns the variable that keeps the server's entrypoint from replacing nginx's own variables.
fn filter() -> (String, String) {
    ("NGINX_ENVSUBST_FILTER".into(), "^PORT".into())
}

fn configuration(site: &StaticSite) -> String {
    let last = match &site.fallback {
        Some(file) => format!("/{}", rooted(file)),
        None => "=404".into(),
    };
    let mut text = format!(
        "server {{
    listen ${{PORT}};
    root /srv;
    absolute_redirect off;
    gzip on;
    gzip_types text/css application/javascript application/json image/svg+xml;
    location / {{
        add_header Cache-Control \"no-cache\";
        try_files $uri $uri/index.html $uri.html {last};
    }}
"
    );
    // What a repository keeps beside its pages is nobody's to read: `.env.production`, `.github`, the app's own spec.
    text.push_str("    location ~ /\\.(?!well-known/) {\n        return 404;\n    }\n");
    if site.stage.is_none() {
        text.push_str("    location = /windlass.toml {\n        return 404;\n    }\n");
    }
    let mut folders = site.immutable.clone();
    folders.sort();
    folders.dedup();
    for folder in folders {
        let _ = write!(
            text,
            "    location {folder} {{
        add_header Cache-Control \"public, max-age=31536000, immutable\";
        try_files $uri =404;
    }}
"
        );
    }
    if let Some(page) = &site.not_found {
        let _ = writeln!(text, "    error_page 404 /{};", rooted(page));
    }
    text.push_str("}\n");
    text
}

/// Returns a path relative to the server's root.
fn rooted(path: &str) -> &str {
    path.trim_start_matches("./").trim_start_matches('/')
}
