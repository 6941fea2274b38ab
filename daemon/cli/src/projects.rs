//! `windlass project`: applies, shows, lists and deletes projects.

use crate::{
    args::{Args, Output, Project},
    client::Client,
    confirm::confirm,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Line, Look, next, now_ms, table},
};
use std::{
    fs::File,
    io::{Read, stdin},
    path::Path,
};
use windlass_proto::v1;

/// Bytes of the longest project's file, which the daemon refuses beyond that, too.
const LONGEST: u64 = 256 << 10;

pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Project,
) -> Result<(), Failure> {
    match command {
        Project::Apply { file, dry_run, expect_version } => {
            let request = v1::ApplyProjectRequest {
                toml: read(file)?,
                expected_version: *expect_version,
                dry_run: *dry_run,
            };
            let applied = client.projects.apply(request).await?.into_inner();
            let project = applied.project.as_ref().map(json::value);
            let value = serde_json::json!({ "project": project, "changes": applied.changes });
            out::either(args, &self::applied(&applied, *dry_run), &[value])
        }
        Project::Show { name, version } => {
            let request = v1::GetProjectRequest { name: name.clone(), version: *version };
            let project = client.projects.get(request).await?.into_inner();
            out::text(args, &project.toml, &json::value(&project))
        }
        Project::List => {
            let request = v1::ListProjectsRequest {};
            let projects = client.projects.list(request).await?.into_inner().projects;
            if projects.is_empty() && args.output == Output::Text {
                eprintln!("there is no project; make one: windlass project apply -f project.toml");
            }
            let values: Vec<_> = projects.iter().map(json::value).collect();
            out::either(args, &list(&projects, now_ms()), &values)
        }
        Project::Delete { name, yes } => {
            if !yes {
                let question =
                    format!("delete {name} with its forge hooks? Its apps go on to serve.");
                confirm(&question, name, "deleted")?;
            }
            client.projects.delete(v1::DeleteProjectRequest { name: name.clone() }).await?;
            let text = format!("the project {name} and its forge hooks are deleted");
            out::text(args, &text, &serde_json::json!({ "deleted": name }))
        }
    }
}

/// Reads a file. `-` is standard input.
fn read(path: &Path) -> Result<String, Failure> {
    let refused = |problem: &dyn std::fmt::Display| {
        Failure::usage(format!("--file: {}: {problem}", path.display()))
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes)
    } else {
        let file = File::open(path).map_err(|error| refused(&error))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes)
    };
    let size = read.map_err(|error| refused(&error))?;
    if u64::try_from(size).unwrap_or(u64::MAX) > LONGEST {
        return Err(refused(&"is too long: a project's file has at most 256 KiB"));
    }
    String::from_utf8(bytes).map_err(|error| refused(&error))
}

/// Returns what applying a file changed, or would change.
fn applied(applied: &v1::ApplyProjectResponse, dry_run: bool) -> Vec<Line> {
    let mut lines: Vec<_> = applied.changes.iter().map(|change| changed(change)).collect();
    let Some(v1::Project { name, version, .. }) = &applied.project else { return lines };
    let is_same = applied.changes.is_empty();
    let text = match (is_same, dry_run) {
        (true, _) => format!("nothing differs: {name} stays at version {version}"),
        (false, true) => "a dry run: nothing is stored".to_owned(),
        (false, false) => format!("{name} is at version {version}"),
    };
    lines.push(Line::of(Look::Strong, &text));
    if *version == 1 && !is_same && !dry_run {
        lines.extend(next(&[
            (format!("windlass hook create {name}"), "address and secret for the forge"),
            (format!("windlass hook test {name} main"), "what a push would deploy"),
        ]));
    }
    lines
}

fn changed(line: &str) -> Line {
    let look = match line.chars().next() {
        Some('+') => Look::Good,
        Some('-') => Look::Bad,
        _ => Look::Plain,
    };
    Line::of(look, line)
}

fn list(projects: &[v1::Project], now_ms: u64) -> Vec<Line> {
    let row = |project: &v1::Project| {
        vec![
            plain(&project.name),
            plain(&project.version.to_string()),
            plain(&since(project.at.as_ref(), now_ms)),
            plain(&project.by),
        ]
    };
    table(&["NAME", "VERSION", "AGE", "BY"], projects.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn project(name: &str, version: u32, ago: i64) -> v1::Project {
        v1::Project {
            name: name.into(),
            version,
            by: "uid:1000".into(),
            at: Some(Timestamp { seconds: 1_764_093_182 - ago, nanos: 0 }),
            toml: format!("project = \"{name}\"\n"),
        }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn an_apply_shows_the_difference_and_the_version() {
        let response = |version: u32, changes: &[&str]| v1::ApplyProjectResponse {
            project: Some(project("shop", version, 0)),
            changes: changes.iter().map(ToString::to_string).collect(),
        };
        let new = response(1, &["+project = \"shop\""]);
        let next = response(4, &[" [triggers.production]", "-app = \"web\"", "+app = \"api\""]);
        let same_again = response(4, &[]);
        let scenes = [
            ("first", applied(&new, false)),
            ("changed", applied(&next, false)),
            ("dry run", applied(&next, true)),
            ("nothing differs", applied(&same_again, false)),
        ];
        let scenes: String =
            scenes.iter().map(|(name, lines)| format!("--- {name}\n{}", text(lines))).collect();
        let list = list(&[project("docs", 12, 40), project("shop", 4, 400_000)], NOW_MS);
        same("projects", &format!("{scenes}--- list\n{}", text(&list)));
    }

    #[test]
    fn a_file_that_cannot_be_one_is_refused_before_it_is_sent() {
        let folder = std::env::temp_dir().join(format!("windlass-cli-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("project.toml");
        let refusal = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            read(&file).map_err(|error| error.to_string())
        };
        assert_eq!(refusal(b"project = \"shop\"\n"), Ok("project = \"shop\"\n".to_owned()));
        let long = vec![b'#'; (256 << 10) + 1];
        assert!(refusal(&long).unwrap_err().contains("is too long"));
        assert!(refusal(b"\xff").unwrap_err().contains("utf-8"));
        let missing = read(&folder.join("none.toml")).unwrap_err().to_string();
        assert!(missing.starts_with("windlass: --file: "), "{missing}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
