//! Builds of Gradle with several projects: a settings script, and the projects that it includes.

use super::{
    Member, Workspace,
    folders::{join, upward},
};
use crate::{
    App, EntryKind, Refusal,
    jvm::gradle::{Script, build, quoted, settings},
    score,
};

/// Number of projects that are read.
const MOST: usize = 500;

/// Returns the build that holds the app's folder, by the nearest settings script at or above it.
///
/// # Errors
/// Names the line of a project that is not there.
pub fn above(app: &App<'_>) -> Result<Option<Workspace>, Refusal> {
    for root in upward(app.folder) {
        let Some(script) = settings(app, root)? else { continue };
        let included = included(&script);
        let Some((line, _)) = included.first() else {
            // Settings without projects name the build only.
            return Ok(None);
        };
        let manifest = format!("{}:{line}", script.path);
        let mut members =
            vec![Member { folder: root.to_owned(), name: ":".into(), needs: Vec::new() }];
        let moves: Vec<&str> = script
            .lines()
            .map(|(_, text)| text)
            .filter(|text| text.contains("projectDir"))
            .take(MOST)
            .collect();
        for (line, name) in included.into_iter().take(MOST) {
            let moved = moves.iter().find_map(|text| moved(text, &name));
            let inside = moved.unwrap_or_else(|| name.trim_start_matches(':').replace(':', "/"));
            let Some(folder) = join(root, &inside) else { continue };
            let entry = app.repo.stat(&folder).ok().flatten();
            if !entry.is_some_and(|entry| entry.kind == EntryKind::Dir) {
                return Err(app.refused(
                    "java",
                    score::STARTED,
                    format!("{}:{line}: project `{name}` has no folder {folder}", script.path),
                    "commit that folder, or take the line out",
                ));
            }
            members.push(Member { folder, name, needs: Vec::new() });
        }
        let known: Vec<(String, String)> =
            members.iter().map(|member| (member.name.clone(), member.folder.clone())).collect();
        for member in &mut members {
            let text = build(app, &member.folder)?.map(|script| script.text).unwrap_or_default();
            let needs = text.split("project(").skip(1).filter_map(|rest| {
                let name = quoted(rest).next()?;
                known.iter().find(|(known, _)| known == name).map(|(_, folder)| folder.clone())
            });
            member.needs = needs.collect();
        }
        return Ok(Some(Workspace { root: root.to_owned(), manifest, members }));
    }
    Ok(None)
}

/// Returns the paths of the projects that a settings script includes, with a colon first, each with its line.
fn included(script: &Script) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut goes_on, mut is_open) = (false, false);
    for (line, text) in script.lines() {
        let text = text.trim();
        let rest = match text.strip_prefix("include") {
            Some(rest) if rest.starts_with([' ', '(', '\t', '"', '\'']) => rest,
            Some(_) => {
                (goes_on, is_open) = (false, false);
                continue;
            }
            None if goes_on => text,
            None => continue,
        };
        found.extend(quoted(rest).map(|name| (line, format!(":{}", name.trim_start_matches(':')))));
        // `include(` and lists go on until their parenthesis, or the line without a comma.
        is_open = (is_open || rest.contains('(')) && !rest.contains(')');
        goes_on = is_open || rest.ends_with(',');
    }
    // What a script computes, such as `"services:${it.name}"`, names no folder.
    found.retain(|(_, name)| name.len() > 1 && !name.contains('$'));
    found
}

/// Returns the folder that `project(':a').projectDir = file('x')` gives a project.
fn moved(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once("project(")?;
    let mut texts = quoted(rest);
    let is_it = texts.next()?.trim_start_matches(':') == name.trim_start_matches(':');
    let last = texts.last()?;
    (is_it && rest.contains("projectDir")).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_of_one_line_and_of_several_are_read() {
        let text = "rootProject.name = 'shop'\ninclude ':api', ':lib:money'\nincludeBuild 'tools'\n\
                    include(\n  \"web\",\n  \"job\"\n)\ninclude 'a',\n  'b'\nx 'c'\n\
                    include \"services:${it.name}\"\n";
        let script = Script { path: "settings.gradle".into(), text: text.into() };
        let names: Vec<_> =
            included(&script).into_iter().map(|(line, name)| format!("{line}{name}")).collect();
        assert_eq!(names, ["2:api", "2:lib:money", "5:web", "6:job", "8:a", "9:b"]);
        let text = "project(':api').projectDir = new File(rootDir, 'apps/api')";
        assert_eq!(moved(text, ":api").as_deref(), Some("apps/api"));
        assert_eq!(moved(text, ":web"), None);
    }
}
