//! Paths that a requirements.txt names (pip's "Requirements File Format").

use windlass_plugin_sdk::{Error, leads_out, unsupported};

/// Options that name nothing in the tree.
const ELSEWHERE: [&str; 13] = [
    "-i",
    "--index-url",
    "--extra-index-url",
    "--no-index",
    "--pre",
    "--prefer-binary",
    "--no-binary",
    "--only-binary",
    "--require-hashes",
    "--hash",
    "--trusted-host",
    "--use-feature",
    "--config-settings",
];

/// Working directory of the stage, which holds the tree.
const APP: &str = "/app/";

/// Returns the first line that names a path in the tree: a file of requirements, a folder, an archive.
///
/// # Errors
/// Names the line that leads out of the tree.
pub(crate) fn local(text: &str) -> Result<Option<String>, Error> {
    let mut found = None;
    for line in text.lines().map(requirement) {
        let Some(path) = path(line) else { continue };
        if leads_out(path.strip_prefix(APP).unwrap_or(path)) {
            return Err(unsupported(
                format!("requirements.txt: `{line}` is outside of the app's folder"),
                "name the folder that holds both in `source.directory`, or commit a Dockerfile",
            ));
        }
        found = found.or(Some(line.to_owned()));
    }
    Ok(found)
}

/// Returns a line without its comment, and without the backslash that joins the line with the next.
fn requirement(line: &str) -> &str {
    let line = if line.trim_start().starts_with('#') { "" } else { line };
    let line = line.split_once(" #").map_or(line, |(line, _)| line);
    line.trim().trim_end_matches('\\').trim_end()
}

/// Returns the path that a line names.
fn path(line: &str) -> Option<&str> {
    let value = if line.starts_with('-') {
        let (option, value) = option(line);
        if ELSEWHERE.contains(&option) {
            return None;
        }
        value
    } else {
        // `name @ file:///…`. In a URL, `@` follows other things than a name.
        let value = match line.split_once('@') {
            Some((name, at)) if !name.contains(['/', ':']) => at.trim_start(),
            _ => line,
        };
        let archive = [".whl", ".zip", ".tar.gz", ".tar.bz2"];
        let bare = value.split([';', '[']).next().unwrap_or_default().trim_end();
        let is_path = bare.starts_with('.')
            || bare.contains('/')
            || bare.starts_with("file:")
            || archive.iter().any(|end| bare.ends_with(end));
        is_path.then_some(value)?
    };
    let value = value.split([';', '[', '#']).next().unwrap_or_default().trim();
    let file = value.strip_prefix("file:").map(|path| path.trim_start_matches("//"));
    match file {
        Some(path) => Some(path.strip_prefix("localhost").unwrap_or(path)),
        None if value.is_empty() || value.contains("://") => None,
        None => Some(value),
    }
}

/// Splits an option from its value: `-r base.txt`, `-rbase.txt`, `--requirement=base.txt`.
fn option(line: &str) -> (&str, &str) {
    let end = match line.strip_prefix("--") {
        Some(_) => line.find([' ', '\t', '=']).unwrap_or(line.len()),
        None => line.char_indices().nth(2).map_or(line.len(), |(at, _)| at),
    };
    let (option, value) = line.split_at(end);
    (option, value.trim_start_matches([' ', '\t', '=']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, String> {
        local(text).map_err(|error| error.message)
    }

    #[test]
    fn lines_that_name_something_in_the_tree() {
        for line in [
            "-r requirements/base.txt",
            "-rbase.txt",
            "--requirement=base.txt",
            "-c constraints.txt",
            "-e .",
            "-e ./libs/money[dev]",
            "--find-links wheels",
            "./libs/money",
            "libs/money ; python_version > '3.8'",
            ".",
            "file:libs/money",
            "file:///app/libs/money",
            "/app/libs/money",
            "money @ file:///app/libs/money",
            "money[dev]@file:./libs/money",
            "money-1.0-py3-none-any.whl",
            "  -r base.txt  # the rest",
        ] {
            assert!(read(&format!("flask\n{line}\n")).unwrap().is_some(), "{line}");
        }
    }

    #[test]
    fn lines_that_do_not() {
        let text = "# -r base.txt
-i https://pypi.example.com/simple
--extra-index-url=https://pypi.example.com/simple
--no-binary :all:
flask==3.1.0 \\
    --hash=sha256:abc # ./x
requests[socks]>=2 ; sys_platform == 'linux'
money @ https://example.com/money-1.0.tar.gz
git+https://git.example.com/money.git@v1#egg=money
-e git+ssh://git@git.example.com/money.git#egg=money
-f https://example.com/wheels/
";
        assert_eq!(read(text), Ok(None));
    }

    #[test]
    fn lines_that_lead_out_are_refused_by_name() {
        for line in ["-r ../base.txt", "../money", "-e ..", "file:///opt/money", "/opt/x.whl"] {
            let error = read(&format!("flask\n./libs\n{line}\n")).unwrap_err();
            assert!(error.contains(&format!("`{line}`")), "{error}");
        }
    }
}
