//! The Dockerfile of a plan, as the engine renders it. A test of the daemon renders each golden by both.

use crate::answer::{CopyFiles, Detection, RunCommand, Stage, StaticSite, Step};
use std::fmt::Write;

/// Decisions in the head.
const MOST_DECISIONS: usize = 30;
/// Characters of a comment.
const LONGEST_COMMENT: usize = 200;

/// Returns the Dockerfile. `detector` is the name in the manifest.
#[must_use]
pub fn render(detector: &str, plan: &Detection) -> String {
    let mut text = comment(&format!("{} app, found by `{detector}`", plan.language));
    for decision in plan.decisions.iter().take(MOST_DECISIONS) {
        let line = format!("{} {}: {}", decision.subject, decision.value, decision.source);
        instruction(&mut text, &comment(&line));
    }
    let last = plan.image.stages.len().saturating_sub(1);
    for (index, stage) in plan.image.stages.iter().enumerate() {
        text.push('\n');
        stage_lines(&mut text, stage, plan);
        if index == last && plan.serves.is_none() {
            ending(&mut text, plan);
        }
    }
    if let Some(site) = &plan.serves {
        text.push('\n');
        server(&mut text, site, &plan.image.env);
    }
    text.push('\n');
    text
}

fn instruction(text: &mut String, line: &str) {
    text.push('\n');
    text.push_str(line);
}

fn comment(text: &str) -> String {
    let is_end = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let plain = |c: char| if is_end(c) { ' ' } else { c };
    let text: String = text.chars().take(LONGEST_COMMENT).map(plain).collect();
    format!("# {}", text.trim())
}

fn reason(text: &mut String, why: Option<&str>) {
    if let Some(why) = why.filter(|why| !why.trim().is_empty()) {
        instruction(text, &comment(why));
    }
}

fn stage_lines(text: &mut String, stage: &Stage, plan: &Detection) {
    reason(text, stage.why.as_deref());
    instruction(text, &format!("FROM {} AS {}", stage.base, stage.name));
    instruction(text, &format!("WORKDIR {}", stage.workdir.as_deref().unwrap_or("/app")));
    environment(text, &stage.env);
    packages(text, stage, plan);
    for step in &stage.steps {
        match step {
            Step::Copy(CopyFiles { from, sources, dest, owned, why }) => {
                reason(text, why.as_deref());
                let from = from.as_ref().map(|from| format!("--from={from} ")).unwrap_or_default();
                let user = plan.image.user;
                let owner = if *owned { format!("--chown={user}:{user} ") } else { String::new() };
                instruction(text, &format!("COPY {from}{owner}{}", paths(sources, dest)));
            }
            Step::Run(RunCommand { command, caches, secrets, why }) => {
                reason(text, why.as_deref());
                text.push_str("\nRUN ");
                for cache in caches {
                    let _ = write!(text, "--mount=type=cache,target={cache} ");
                }
                for variable in secrets {
                    // As if the app declared the secret by this name.
                    let id = variable.to_ascii_lowercase().replace('_', "-");
                    let _ = write!(text, "--mount=type=secret,id={id},env={variable} ");
                }
                text.push_str(&exec(command));
            }
            Step::Assets => {}
        }
    }
}

fn packages(text: &mut String, stage: &Stage, plan: &Detection) {
    let mut names: Vec<_> = stage.packages.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let names = names.join(" ");
    if plan.root(stage).contains("alpine") {
        instruction(text, &format!("RUN apk add --no-cache {names}"));
    } else {
        instruction(text, "RUN apt-get update \\");
        let install = format!("apt-get install -y --no-install-recommends {names}");
        instruction(text, &format!("    && {install} \\"));
        instruction(text, "    && rm -rf /var/lib/apt/lists/*");
    }
}

fn paths(sources: &[String], dest: &str) -> String {
    let dest = match sources {
        [_, _, ..] if !dest.ends_with('/') => format!("{dest}/"),
        _ => dest.to_owned(),
    };
    // The builder reads sources as patterns.
    let sources = sources.iter().map(|source| source.replace('[', "[[]"));
    let all: Vec<String> = sources.chain([dest]).collect();
    let is_plain =
        |path: &String| path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/*+@".contains(c));
    if all.iter().all(is_plain) { all.join(" ") } else { exec(&all) }
}

fn ending(text: &mut String, plan: &Detection) {
    environment(text, &plan.image.env);
    instruction(text, &format!("USER {}", plan.image.user));
    if let Some(port) = plan.image.port {
        instruction(text, &format!("EXPOSE {port}"));
    }
    instruction(text, &format!("CMD {}", exec(&plan.image.start)));
}

fn environment(text: &mut String, env: &[(String, String)]) {
    for (index, (name, value)) in env.iter().enumerate() {
        let lead = if index == 0 { "\nENV " } else { " \\\n    " };
        let _ = write!(text, "{lead}{name}={}", quoted(value));
    }
}

fn exec(argv: &[String]) -> String {
    let parts: Vec<_> =
        argv.iter().map(|part| serde_json::Value::from(&**part).to_string()).collect();
    format!("[{}]", parts.join(", "))
}

fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

fn server(text: &mut String, site: &StaticSite, env: &[(String, String)]) {
    instruction(text, "# Static files: nginx without root, which listens on $PORT");
    instruction(text, "FROM nginxinc/nginx-unprivileged:1-alpine-slim AS run");
    let own = [("PORT", "8080"), ("NGINX_ENVSUBST_FILTER", "^PORT")];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    environment(text, &own.into_iter().chain(env.iter().cloned()).collect::<Vec<_>>());
    instruction(text, "COPY <<\"WINDLASS\" /etc/nginx/templates/default.conf.template");
    let _ = write!(text, "\n{}WINDLASS", configuration(site));
    let folder = site.folder.trim_end_matches('/');
    let source = match &site.stage {
        Some(stage) => format!("--from={stage} {}", if folder.is_empty() { "/" } else { folder }),
        None => format!("{folder}/"),
    };
    instruction(text, &format!("COPY {source} /srv"));
    instruction(text, "USER 101");
    instruction(text, "EXPOSE 8080");
}

fn configuration(site: &StaticSite) -> String {
    let rooted = |path: &str| path.trim_start_matches("./").trim_start_matches('/').to_owned();
    let last = match &site.fallback {
        Some(file) => format!("/{}", rooted(file)),
        None => "=404".to_owned(),
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
