//! Procfiles: each line is a process of the app.

use crate::{
    answer::{Detection, Process, ProcessKind},
    app::App,
    commands,
    plan::shell,
    refusal::Refusal,
    score,
};

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line in the file, from 1.
    pub line: usize,
    /// `web`, `release`, or a name of the app's own.
    pub name: String,
    /// Words as they are written, or a shell where the line needs one.
    pub command: Vec<String>,
}

/// Lines that are read.
const MOST: usize = 50;

/// Reads the Procfile. Empty means that there is none, or that it names no process.
///
/// # Errors
/// Names the line that is no `name: command`.
pub fn read(app: &App<'_>) -> Result<Vec<Line>, Refusal> {
    let Some(file) = app.read("Procfile")? else { return Ok(Vec::new()) };
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in file.lines() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let parts = text.split_once(':').map(|(name, command)| (name.trim(), command.trim()));
        let Some((name, command)) = parts.filter(|(name, line)| is_name(name) && !line.is_empty())
        else {
            let shown: String = text.chars().take(80).collect();
            let reason = format!("`{}:{number}`: `{shown}` is no process", file.path);
            return Err(Refusal::new(reason, "write it as `web: command`"));
        };
        if let Some(first) = lines.iter().find(|line| line.name == name) {
            let reason = format!(
                "`{}:{number}`: `{name}` stands twice, first in line {}",
                file.path, first.line
            );
            return Err(Refusal::new(reason, "give each process a name of its own"));
        }
        if lines.len() == MOST {
            let reason = format!("`{}:{number}`: more than {MOST} processes", file.path);
            return Err(Refusal::new(reason, "split the app"));
        }
        let command = commands::plain(command).unwrap_or_else(|| shell(command));
        lines.push(Line { line: number, name: name.to_owned(), command });
    }
    Ok(lines)
}

/// Puts the processes into a plan: `web` is what the image starts, the others are processes beside it.
pub fn apply(lines: Vec<Line>, detection: &mut Detection) {
    for Line { line, name, command } in lines {
        let source = format!("Procfile:{line} {name}");
        if name == "web" {
            detection.decide("start", command.join(" "), source);
            detection.image.start = command;
            continue;
        }
        let kind = if name == "release" { ProcessKind::Release } else { ProcessKind::Worker };
        detection.processes.push(Process { name, command, kind, schedule: None, source });
    }
}

/// Programs of languages. A Procfile says nothing of the language, and each detector reads it.
const PROGRAMS: [(&str, &[&str]); 7] = [
    ("dotnet", &["dotnet"]),
    ("elixir", &["iex", "mix"]),
    ("java", &["java"]),
    ("node", &["next", "node", "npm", "npx", "nuxt", "pnpm", "ts-node", "tsx", "yarn"]),
    ("php", &["php"]),
    (
        "python",
        &[
            "celery",
            "daphne",
            "flask",
            "gunicorn",
            "hypercorn",
            "python",
            "python3",
            "streamlit",
            "uvicorn",
            "uwsgi",
            "waitress-serve",
        ],
    ),
    ("ruby", &["bundle", "puma", "rackup", "rails", "rake", "ruby", "thin", "unicorn"]),
];

impl Line {
    /// Returns the language of the last program of the line: `npm run build && gunicorn app:app` is of Python. `None`
    /// means that no program is known.
    #[must_use]
    pub fn language(&self) -> Option<&'static str> {
        let words = self.command.iter().flat_map(|part| part.split([' ', '\t', ';', '&', '|']));
        let mut known = words.filter_map(|word| {
            let name = word.strip_prefix("./").unwrap_or(word);
            let name = name.strip_prefix("bin/").unwrap_or(name);
            let found = PROGRAMS.iter().find(|(_, programs)| programs.contains(&name));
            found.map(|(language, _)| *language)
        });
        known.next_back()
    }
}

/// Refuses an app whose `web` is a program of another language. `None` means that it may be of this one.
#[must_use]
pub fn foreign(lines: &[Line], language: &str) -> Option<Refusal> {
    let web = lines.iter().find(|line| line.name == "web")?;
    let other = web.language().filter(|other| *other != language)?;
    let reason = format!("`Procfile:{}`: web is a program of {other}, not of {language}", web.line);
    let hint = format!("add the plugin `{other}`, or correct the line");
    Some(Refusal::new(reason, hint).of(language, score::TOOLS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::Files, tree};

    fn lines(files: &Files) -> Result<Vec<Line>, Refusal> {
        files.run(&[], |app| read(app))
    }

    #[test]
    fn each_line_is_a_process() {
        let files = tree! {
            "Procfile" => "# ours\r\nweb: gunicorn app:app --bind 0.0.0.0:$PORT\r\n\r\nworker: celery -A app worker\nrelease: ./manage.py migrate",
        };
        let mut plan = Detection::new("python", 80);
        apply(lines(&files).unwrap(), &mut plan);
        assert_eq!(plan.image.start, ["sh", "-c", "exec gunicorn app:app --bind 0.0.0.0:$PORT"]);
        assert_eq!(plan.decisions[0].source, "Procfile:2 web");
        let kinds: Vec<_> =
            plan.processes.iter().map(|process| (&*process.name, process.kind)).collect();
        assert_eq!(kinds, [("worker", ProcessKind::Worker), ("release", ProcessKind::Release)]);
        assert_eq!(plan.processes[0].command, ["celery", "-A", "app", "worker"]);
    }

    #[test]
    fn an_exec_of_the_shell_is_no_program() {
        let mut plan = Detection::new("python", 80);
        apply(lines(&tree! { "Procfile" => "web: exec gunicorn app:app\n" }).unwrap(), &mut plan);
        assert_eq!(plan.image.start, ["gunicorn", "app:app"]);
    }

    #[test]
    fn a_line_that_is_no_process_is_refused_by_its_number() {
        for (text, expected) in [
            ("web: a\nnode server.js\n", "`Procfile:2`: `node server.js` is no process"),
            ("web:\n", "`Procfile:1`: `web:` is no process"),
            ("web: a\nweb: b\n", "`Procfile:2`: `web` stands twice, first in line 1"),
        ] {
            let refusal = lines(&tree! { "Procfile" => text }).unwrap_err();
            assert_eq!(refusal.reason, expected);
        }
        assert!(lines(&tree! {}).unwrap().is_empty());
    }

    #[test]
    fn a_web_of_another_language_is_told_by_its_program() {
        for (line, language) in [
            ("gunicorn app:app --bind 0.0.0.0:$PORT", Some("python")),
            ("npm run build && gunicorn app:app", Some("python")),
            ("bundle exec puma -C config/puma.rb", Some("ruby")),
            ("bin/rails server", Some("ruby")),
            ("node server.js", Some("node")),
            ("java -jar target/shop.jar", Some("java")),
            ("./shop", None),
        ] {
            let read = lines(&tree! { "Procfile" => &*format!("web: {line}\n") }).unwrap();
            assert_eq!(read[0].language(), language, "{line}");
            assert_eq!(
                foreign(&read, "python").is_some(),
                !matches!(language, None | Some("python"))
            );
        }
    }
}
