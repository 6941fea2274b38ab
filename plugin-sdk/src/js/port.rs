//! Port of a server whose sources name a number, and never `PORT`.

use crate::App;

/// Patterns of sources that may listen.
const SOURCES: [&str; 3] =
    ["*.{js,mjs,cjs,ts}", "bin/*", "{src,server,app,api,lib}/**/*.{js,mjs,cjs,ts}"];

/// Sources that are read at most.
const MOST: u32 = 60;

/// Returns the port that the sources listen on, and where it stands. `None` means that they read `PORT`, or that
/// nothing says a number.
#[must_use]
pub fn port(app: &App<'_>, entry: Option<&str>) -> Option<(u16, String)> {
    let mut paths: Vec<String> = entry.map(str::to_owned).into_iter().collect();
    paths.extend(app.glob(&SOURCES, MOST));
    let files = paths.iter().filter_map(|path| app.read(path).ok().flatten());
    let files: Vec<_> = files.collect();
    let reads = ["env.PORT", "env[\"PORT\"]", "env['PORT']", "\"PORT\"", "'PORT'"];
    if files.iter().any(|file| reads.iter().any(|word| file.text.contains(word))) {
        return None;
    }
    let mut listening = files.iter().filter(|file| file.text.contains(".listen("));
    listening.find_map(|file| {
        let found = file.lines().find_map(|(line, text)| Some((line, number(text)?)));
        found.map(|(line, port)| (port, format!("{}:{line}", file.path)))
    })
}

/// Returns the number after `.listen(`, `port:` or `port =` of a line.
fn number(line: &str) -> Option<u16> {
    let line = line.to_ascii_lowercase();
    if line.trim_start().starts_with("//") {
        return None;
    }
    [".listen(", "port:", "port =", "port="].into_iter().find_map(|start| {
        let (_, rest) = line.split_once(start)?;
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse::<u16>().ok().filter(|port| *port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::number;

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
