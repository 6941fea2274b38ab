//! Port of a server whose sources name a number, and never `PORT`.

use crate::App;

/// Patterns of sources that may listen.
const SOURCES: [&str; 3] =
    ["*.{js,mjs,cjs,ts}", "bin/*", "{src,server,app,api,lib}/**/*.{js,mjs,cjs,ts}"];

/// Sources that are read at most.
const MOST: u32 = 60;

/// Words of sources that read `PORT`, by themselves or by a library that checks variables.
const READS: [&str; 9] = [
    "env.PORT",
    "env[\"PORT\"]",
    "env['PORT']",
    "\"PORT\"",
    "'PORT'",
    "PORT: z.",
    "PORT: Joi.",
    "PORT: num(",
    "PORT: port(",
];

/// Words of sources that listen: Node's own method, and servers that take the port as an option.
const LISTENS: [&str; 3] = [".listen(", "@hono/node-server", "startStandaloneServer("];

/// Folders of files that a compiler writes.
const BUILT: [&str; 4] = ["dist", "build", "lib", "out"];

/// Returns the port that the sources listen on, and where it stands. `None` means that they read `PORT`, or that
/// nothing says a number.
#[must_use]
pub fn port(app: &App<'_>, entry: Option<&str>) -> Option<(u16, String)> {
    let mut paths: Vec<String> = entry.map(sources).unwrap_or_default();
    paths.extend(app.glob(&SOURCES, MOST));
    let files = paths.iter().filter_map(|path| app.read(path).ok().flatten());
    let files: Vec<_> = files.collect();
    let reads = |text: &str| READS.iter().any(|word| text.contains(word)) || destructures(text);
    if files.iter().any(|file| reads(&file.text)) {
        return None;
    }
    let listens = |text: &str| LISTENS.iter().any(|word| text.contains(word));
    let mut listening = files.iter().filter(|file| listens(&file.text));
    listening.find_map(|file| {
        let found = file.lines().find_map(|(line, text)| Some((line, number(text)?)));
        found.map(|(line, port)| (port, format!("{}:{line}", file.path)))
    })
}

/// Returns the entry, and the sources that it may be compiled from: `dist/main` of `src/main.ts`, `dist/apps/api/main`
/// of `apps/api/src/main.ts`.
fn sources(entry: &str) -> Vec<String> {
    let mut found = vec![entry.to_owned()];
    let path = entry.trim_start_matches("./");
    let Some((folder, rest)) = path.split_once('/') else { return found };
    if !BUILT.contains(&folder) {
        return found;
    }
    let ends = [".js", ".mjs", ".cjs"];
    let stem = ends.iter().find_map(|end| rest.strip_suffix(end)).unwrap_or(rest);
    found.extend([format!("src/{stem}.ts"), format!("{stem}.ts")]);
    if let Some((folder, name)) = stem.rsplit_once('/') {
        found.push(format!("{folder}/src/{name}.ts"));
    }
    found
}

/// Returns whether a source takes `PORT` out of the environment: `const { PORT = 3000 } = process.env`.
fn destructures(text: &str) -> bool {
    text.match_indices("process.env").any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().trim_end();
        let names = before.strip_suffix('=').and_then(|rest| rest.trim_end().strip_suffix('}'));
        let names = names.and_then(|rest| rest.rsplit_once('{')).map(|(_, names)| names);
        names.is_some_and(|names| {
            names.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "PORT")
        })
    })
}

/// Returns the number after `.listen(`, `port:` or `port =` of a line.
fn number(line: &str) -> Option<u16> {
    let line = line.to_ascii_lowercase();
    if line.trim_start().starts_with("//") {
        return None;
    }
    port_after(&line, &[".listen(", "port:", "port =", "port="])
}

/// Returns the port that a line names right after one of these words, the first of them that has one. 0 is no port.
#[must_use]
pub fn port_after(line: &str, words: &[&str]) -> Option<u16> {
    words.iter().find_map(|word| {
        let (_, rest) = line.split_once(word)?;
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse::<u16>().ok().filter(|port| *port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::{destructures, number, port, sources};
    use crate::tree;

    #[test]
    fn servers_that_take_the_port_as_an_option_are_asked() {
        let found = |path: &str, text: &str, entry: &str| {
            let files = tree! { "package.json" => "{}" }.with(path, text);
            files.run(&[], |app| port(app, Some(entry)))
        };
        let hono = "import { serve } from '@hono/node-server'\nserve({\n  fetch: app.fetch,\n  port: 3000\n})\n";
        let at = |port: u16, place: &str| Some((port, place.to_owned()));
        assert_eq!(found("src/index.ts", hono, "dist/index.js"), at(3000, "src/index.ts:4"));
        let apollo = "await startStandaloneServer(server, {\n  listen: { port: 4000 },\n});\n";
        assert_eq!(found("src/index.ts", apollo, "./dist/index.js"), at(4000, "src/index.ts:2"));
        let nest = "await app.listen(3000);\n";
        let main = "apps/shop/src/main.ts";
        assert_eq!(found(main, nest, "dist/apps/shop/main"), at(3000, "apps/shop/src/main.ts:1"));
        let given = "const { HOST, PORT = 5000 } = process.env;\napp.listen(PORT);\n";
        assert_eq!(found("server.js", given, "server.js"), None, "it reads PORT");
        assert!(!destructures("const { SUPPORT } = process.env") && !destructures("process.env"));
        assert_eq!(sources("src/a.js"), ["src/a.js"]);
    }

    #[test]
    fn ports_are_numbers_of_lines_that_listen() {
        for (line, port) in [
            ("app.listen(3000, () => {});", Some(3000)),
            ("const PORT = 5000;", Some(5000)),
            ("await app.listen({ port: 4000 });", Some(4000)),
            ("// app.listen(3000)", None),
            ("app.listen(port)", None),
        ] {
            assert_eq!(number(line), port, "{line}");
        }
    }
}
