//! Start of a Ruby app, by a server that is one of its gems.

use windlass_plugin_sdk::{App, Refusal, ruby::Project, score, shell};

/// Start of an app.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    pub(crate) score: u8,
    /// File and rule.
    pub(crate) source: String,
}

/// Scripts with usual names.
const SCRIPTS: [&str; 6] = ["app.rb", "server.rb", "main.rb", "web.rb", "bot.rb", "run.rb"];

/// Returns how the app starts.
///
/// # Errors
/// Names what is missing: a server, or a start.
pub(crate) fn find(app: &App<'_>, project: &Project, is_rails: bool) -> Result<Start, Refusal> {
    if is_rails {
        return Ok(rails(app, project));
    }
    if app.has("config.ru") {
        let Some((line, source)) = rack(app, project) else {
            let reason = "config.ru: a Rack app needs a server, and none is in the Gemfile";
            return Err(app.refused("ruby", score::STARTED, reason, "add puma to the Gemfile"));
        };
        let argv = line_or_argv(&line);
        return Ok(Start { argv, score: score::STARTED, source });
    }
    for file in SCRIPTS {
        let Some(read) = app.read(file)? else { continue };
        let requires = |gem: &str| {
            let mut lines = read.text.lines().map(str::trim);
            lines.any(|line| {
                line.starts_with("require")
                    && (line.contains(&format!("'{gem}'")) || line.contains(&format!("\"{gem}\"")))
            })
        };
        let bundled = if project.gemfile.is_some() { "bundle exec ruby" } else { "ruby" };
        if !requires("sinatra") {
            let mut argv: Vec<String> = bundled.split(' ').map(str::to_owned).collect();
            argv.push(file.to_owned());
            let source = format!("{file}: the start script");
            return Ok(Start { argv, score: score::INFERRED, source });
        }
        let servers = ["puma", "falcon", "thin", "webrick"];
        if !servers.iter().any(|gem| project.names(gem).is_some()) {
            let line = read.line_of("sinatra");
            let reason =
                format!("{file}:{line}: Sinatra needs a server, and none is in the Gemfile");
            let hint = "add puma and rackup to the Gemfile";
            return Err(app.refused("ruby", score::INFERRED, reason, hint));
        }
        let argv = shell(&format!("exec {bundled} {file} -p $PORT -o 0.0.0.0"));
        let source = format!("{file}:{} sinatra", read.line_of("sinatra"));
        return Ok(Start { argv, score: score::INFERRED, source });
    }
    let file = project.gemfile.as_deref().unwrap_or("config.ru");
    let reason = format!("{file}: a Ruby app, but nothing says how to start it");
    let hint = "add a config.ru, or a Procfile with a `web:` line";
    Err(app.refused("ruby", score::INFERRED, reason, hint))
}

fn rails(app: &App<'_>, project: &Project) -> Start {
    let (line, source) = match rack(app, project) {
        Some(found) => found,
        None => (
            "bundle exec rails server -b 0.0.0.0 -p $PORT".to_owned(),
            "config/application.rb Rails".to_owned(),
        ),
    };
    Start { argv: line_or_argv(&line), score: score::FRAMEWORK, source }
}

/// Returns the line of the server among the gems, and where that is named.
fn rack(app: &App<'_>, project: &Project) -> Option<(String, String)> {
    let named = |gem: &str| project.names(gem).map(|source| format!("{source} {gem}"));
    if let Some(source) = named("puma") {
        // Puma's own template reads $PORT.
        let configured = app.read("config/puma.rb").ok().flatten();
        let line = match configured {
            Some(file) if reads_port(&file.text) => "bundle exec puma -C config/puma.rb",
            _ => "bundle exec puma -b tcp://0.0.0.0:$PORT",
        };
        return Some((line.to_owned(), source));
    }
    let found = [
        ("falcon", "bundle exec falcon serve --bind http://0.0.0.0:$PORT"),
        ("unicorn", "bundle exec unicorn -o 0.0.0.0 -p $PORT"),
        ("iodine", "bundle exec iodine -b 0.0.0.0 -p $PORT"),
        ("thin", "bundle exec thin start -a 0.0.0.0 -p $PORT -R config.ru"),
    ];
    for (gem, line) in found {
        if let Some(source) = named(gem) {
            return Some((line.to_owned(), source));
        }
    }
    let source = named("webrick")?;
    named("rackup")?;
    Some(("bundle exec rackup -o 0.0.0.0 -p $PORT".to_owned(), source))
}

/// Returns whether Puma's configuration reads `$PORT`. Hanami's reads `HANAMI_PORT`.
fn reads_port(text: &str) -> bool {
    let mut code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.any(|line| line.contains("\"PORT\"") || line.contains("'PORT'"))
}

/// Returns the argv of a line: a shell only where it has a variable. `bundle exec` replaces itself by the server.
fn line_or_argv(line: &str) -> Vec<String> {
    if line.contains('$') {
        return shell(&format!("exec {line}"));
    }
    line.split(' ').map(str::to_owned).collect()
}
