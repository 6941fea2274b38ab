//! Lines of shell, as scripts and Procfiles have them.

/// Letters that only a shell reads. Quotes, blanks and backslashes are read here.
const SHELL: [char; 17] =
    ['$', '&', '|', ';', '<', '>', '(', ')', '*', '?', '[', ']', '{', '}', '~', '`', '#'];

/// Words that a shell carries out by itself: an image has no programs of these names.
const OWN: [&str; 22] = [
    "!", ".", ":", "case", "cd", "eval", "exec", "exit", "export", "for", "if", "read", "set",
    "shift", "source", "trap", "ulimit", "umask", "unset", "until", "wait", "while",
];

/// Returns whether a shell carries out a word by itself.
pub(crate) fn is_shells_own(word: &str) -> bool {
    OWN.contains(&word)
}

/// Returns the argv of a simple line, without an `exec` before it, since there is no shell to replace. `None` means
/// that a shell is needed, or that a quote is not closed.
#[must_use]
pub fn plain(script: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            // Within double quotes a shell replaces variables and commands.
            (Some('"'), '$' | '`' | '\\') => return None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\n' | '\r' | '\0') => return None,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, c) if SHELL.contains(&c) => return None,
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let is_exec = words.first().is_some_and(|word| word == "exec");
    if is_exec && words.get(1).is_some_and(|word| !word.starts_with('-')) {
        words.remove(0);
    }
    let is_own = words.first().is_some_and(|word| is_shells_own(word));
    let is_assignment = words.first().is_some_and(|word: &String| {
        word.split_once('=').is_some_and(|(name, _)| is_variable(name))
    });
    (quote.is_none() && !words.is_empty() && !is_own && !is_assignment).then_some(words)
}

/// Splits assignments from the beginning of a line: `A=b node x`, `cross-env A=b node x`.
#[must_use]
pub fn env_prefix(script: &str) -> (Vec<(String, String)>, &str) {
    let mut rest = script.trim_start();
    for tool in ["cross-env ", "env "] {
        if let Some(after) = rest.strip_prefix(tool) {
            rest = after.trim_start();
            break;
        }
    }
    let mut variables = Vec::new();
    while let Some((word, after)) = first_word(rest) {
        let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_variable(name)) else {
            break;
        };
        // A value that a shell would change stays in the line.
        if value.contains(SHELL) || value.contains('\\') {
            break;
        }
        let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
        let inner = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
        if inner.contains(['"', '\'']) {
            break;
        }
        variables.push((name.to_owned(), inner.to_owned()));
        rest = after;
    }
    (variables, rest)
}

/// Splits the first word from a line. Blanks within quotes belong to it.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let end = text.find(|c: char| match quote {
        Some(open) => {
            if c == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(c, '"' | '\'') {
                quote = Some(c);
            }
            c.is_whitespace()
        }
    });
    let (word, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    (!word.is_empty()).then_some((word, rest.trim_start()))
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Tools that only develop: program, words that must follow, words that make it another thing.
const DEVELOPMENT: &[(&str, &[&str], &[&str])] = &[
    ("ng", &["serve"], &[]),
    ("ng", &["dev"], &[]),
    ("ng", &["start"], &[]),
    ("react-scripts", &["start"], &[]),
    ("react-app-rewired", &["start"], &[]),
    ("craco", &["start"], &[]),
    ("vue-cli-service", &["serve"], &[]),
    ("vite", &[], &["build", "preview", "optimize", "--help", "--version"]),
    ("vite-node", &["--watch"], &[]),
    ("next", &[], &["start", "build", "export", "lint", "info", "telemetry"]),
    ("nuxt", &[], &["start", "build", "generate", "preview", "prepare"]),
    ("nuxi", &["dev"], &[]),
    ("astro", &["dev"], &[]),
    ("remix", &["dev"], &[]),
    ("react-router", &["dev"], &[]),
    ("svelte-kit", &["dev"], &[]),
    ("sapper", &["dev"], &[]),
    ("vinxi", &["dev"], &[]),
    ("razzle", &["start"], &[]),
    ("umi", &["dev"], &[]),
    ("max", &["dev"], &[]),
    ("ice", &["start"], &[]),
    ("gatsby", &["develop"], &[]),
    ("docusaurus", &["start"], &[]),
    ("eleventy", &["--serve"], &[]),
    ("vitepress", &["dev"], &[]),
    ("vuepress", &["dev"], &[]),
    ("docsify", &["serve"], &[]),
    ("ember", &["serve"], &[]),
    ("ember", &["server"], &[]),
    ("ionic", &["serve"], &[]),
    ("quasar", &["dev"], &[]),
    ("stencil", &["--serve"], &[]),
    ("snowpack", &["dev"], &[]),
    ("rsbuild", &["dev"], &[]),
    ("rspack", &["serve"], &[]),
    ("rspack", &["dev"], &[]),
    ("webpack", &["serve"], &[]),
    ("webpack", &["--watch"], &[]),
    ("webpack", &["-w"], &[]),
    ("rollup", &["--watch"], &[]),
    ("rollup", &["-w"], &[]),
    ("tsc", &["--watch"], &[]),
    ("tsc", &["-w"], &[]),
    ("gulp", &["serve"], &[]),
    ("gulp", &["watch"], &[]),
    ("gulp", &["dev"], &[]),
    ("grunt", &["serve"], &[]),
    ("grunt", &["watch"], &[]),
    ("wp-scripts", &["start"], &[]),
    ("encore", &["dev-server"], &[]),
    ("mix", &["watch"], &[]),
    ("live-server", &[], &[]),
    ("lite-server", &[], &[]),
    ("browser-sync", &[], &[]),
    ("snowpack", &[], &["build"]),
    ("storybook", &["dev"], &[]),
    ("start-storybook", &[], &[]),
    ("wrangler", &["dev"], &[]),
    ("hexo", &["server"], &[]),
    ("webpack-dev-server", &[], &[]),
    ("web-dev-server", &[], &[]),
    ("browser-sync", &["start"], &[]),
    ("vercel", &["dev"], &[]),
    ("netlify", &["dev"], &[]),
    ("serverless", &["offline"], &[]),
    ("parcel", &[], &["build"]),
    ("nodemon", &[], &[]),
    ("ts-node-dev", &[], &[]),
    ("tsnd", &[], &[]),
    ("node", &["--watch"], &[]),
    ("tsx", &["watch"], &[]),
    ("nest", &["start", "--watch"], &[]),
    ("expo", &["start"], &[]),
    ("flask", &["--debug"], &[]),
    ("rails", &["server", "-e", "development"], &[]),
];

/// Returns the tool of a line that starts a development server: `ng serve`, `vite`, `flask run --debug`.
#[must_use]
pub fn is_development(script: &str) -> Option<&'static str> {
    // Without a task these run their default one, which watches; before another command, it builds.
    let alone = ["gulp", "grunt"].into_iter().find(|tool| script.trim() == *tool);
    let mut commands = script.split(['&', '|', ';', '\n']);
    alone.or_else(|| commands.find_map(|command| development(command.trim())))
}

fn development(command: &str) -> Option<&'static str> {
    let (_, command) = env_prefix(command);
    let mut words: Vec<&str> = command.split_whitespace().collect();
    // Runners of installed programs.
    while let [first, ..] = *words {
        let skip = match first {
            "npx" | "bunx" | "exec" | "dotenv" | "--" => 1,
            "pnpm" | "yarn" | "npm" | "bun" => match words.get(1) {
                Some(&("exec" | "dlx" | "x")) => 2,
                // A script of the same manifest is another line.
                Some(&"run") => return None,
                _ => 1,
            },
            _ => break,
        };
        words.drain(..skip.min(words.len()));
    }
    let (program, arguments) = words.split_first()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let found = DEVELOPMENT.iter().find(|(name, with, without)| {
        *name == program
            && with.iter().all(|word| arguments.contains(word))
            && !without.iter().any(|word| arguments.contains(word))
    });
    found.map(|(name, _, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_shells_letters_is_an_argv() {
        for (line, expected) in [
            ("node server.js", Some(vec!["node", "server.js"])),
            ("node \"a b.js\" 'c d'", Some(vec!["node", "a b.js", "c d"])),
            ("echo ''", Some(vec!["echo", ""])),
            ("node a\\ b.js", Some(vec!["node", "a b.js"])),
            ("exec node server.js", Some(vec!["node", "server.js"])),
            ("exec -a shop node server.js", None),
            ("source env.sh", None),
            ("exec", None),
            ("node $FILE", None),
            ("node \"$FILE\"", None),
            ("node a.js && node b.js", None),
            ("A=b node a.js", None),
            ("node 'a.js", None),
            ("node a.js > log", None),
            (
                "gunicorn --bind=0.0.0.0 app:app",
                Some(vec!["gunicorn", "--bind=0.0.0.0", "app:app"]),
            ),
            ("", None),
        ] {
            let expected =
                expected.map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(plain(line), expected, "{line}");
        }
    }

    #[test]
    fn assignments_are_split_from_the_command() {
        let pairs = |line: &'static str| {
            let (variables, rest) = env_prefix(line);
            let variables: Vec<String> =
                variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (variables.join(","), rest)
        };
        assert_eq!(
            pairs("NODE_ENV=production node a.js"),
            ("NODE_ENV=production".into(), "node a.js")
        );
        assert_eq!(pairs("cross-env A=b C=\"d e\" node a=b"), ("A=b,C=d e".into(), "node a=b"));
        assert_eq!(pairs("PORT=$P node a.js"), (String::new(), "PORT=$P node a.js"));
        assert_eq!(pairs("node a.js"), (String::new(), "node a.js"));
    }

    #[test]
    fn development_servers_are_known() {
        for line in [
            "ng serve",
            "react-scripts start",
            "vite --port 3000",
            "npx vite",
            "next dev",
            "NODE_ENV=x nodemon app.js",
            "flask run --debug",
            "flask --app a run --debug",
            "tsc && node --watch dist/a.js",
            "webpack serve --mode development",
            "./node_modules/.bin/ts-node-dev a.ts",
            "yarn vite",
            "wrangler dev",
            "razzle start",
            "ember serve",
            "npx live-server public",
            "webpack --watch",
            "gulp watch",
            "npx live-server",
            "gulp",
            "wp-scripts start",
        ] {
            assert!(is_development(line).is_some(), "{line}");
        }
        for line in [
            "vite preview",
            "vite build",
            "next start",
            "node a.js",
            "npm run dev",
            "flask run",
            "react-scripts build",
            "gulp && node a.js",
        ] {
            assert_eq!(is_development(line), None, "{line}");
        }
    }
}
