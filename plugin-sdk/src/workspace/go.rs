//! Go workspaces: a go.work, and the modules that it uses.

use super::{
    Member, Workspace,
    folders::{join, upward, within},
};
use crate::{App, Refusal, gomod, score};

/// Returns the nearest workspace at or above the app's folder.
///
/// # Errors
/// Names the line of a module that is not there, or that lies outside of the repository.
pub fn above(app: &App<'_>) -> Result<Option<Workspace>, Refusal> {
    for root in upward(app.folder) {
        let path = named(root, "go.work");
        let Some(file) = app.read_repo(&path)? else { continue };
        let mut members = Vec::new();
        let mut needs = Vec::new();
        for (line, used) in gomod::used_at(&file.text) {
            let folder =
                join(root, &used).ok_or_else(|| outside(app, &path, line, "use", &used))?;
            let module = named(&folder, "go.mod");
            let Some(text) = app.read_repo(&module)? else {
                return Err(app.refused(
                    "go",
                    score::STARTED,
                    format!("{path}:{line}: use `{used}`: there is no {module}"),
                    "commit that folder, or take the line out of go.work",
                ));
            };
            let name = gomod::directive(&text.text, "module").unwrap_or_default();
            needs.push(gomod::required(&text.text));
            members.push(Member { folder, name, needs: Vec::new() });
        }
        let folders: Vec<(String, String)> =
            members.iter().map(|one: &Member| (one.name.clone(), one.folder.clone())).collect();
        for (member, needs) in members.iter_mut().zip(needs) {
            let of = |(_, name): &(usize, String)| {
                folders.iter().find(|(known, _)| known == name).map(|(_, folder)| folder.clone())
            };
            member.needs = needs.iter().filter_map(of).collect();
        }
        let line = gomod::used_at(&file.text).first().map_or(1, |(line, _)| *line);
        return Ok(Some(Workspace {
            root: root.to_owned(),
            manifest: format!("{path}:{line}"),
            members,
        }));
    }
    Ok(None)
}

/// Returns the module that holds a folder: the nearest go.mod at or above it.
///
/// # Errors
/// The go.mod cannot be read.
pub fn module(app: &App<'_>, folder: &str) -> Result<Option<(String, crate::File)>, Refusal> {
    for at in upward(folder) {
        if let Some(file) = app.read_repo(&named(at, "go.mod"))? {
            return Ok(Some((at.to_owned(), file)));
        }
    }
    Ok(None)
}

/// Refuses a path that leads out of the repository.
#[must_use]
pub fn outside(app: &App<'_>, file: &str, line: usize, rule: &str, path: &str) -> Refusal {
    let shown = within(app.folder, file).unwrap_or(file);
    app.refused(
        "go",
        score::STARTED,
        format!("{shown}:{line}: {rule} `{path}` is outside of the repository"),
        "commit that folder into this repository, or require a published version of the module",
    )
}

fn named(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing, tree};

    fn of(app: &App<'_>) -> crate::Found {
        let workspace = above(app)?;
        let mut found = crate::Detection::new("go", score::STARTED);
        for member in workspace.iter().flat_map(|workspace| &workspace.members) {
            found.because(format!("{} {} {:?}", member.folder, member.name, member.needs));
        }
        Ok(workspace.is_some().then_some(found))
    }

    #[test]
    fn members_know_what_they_need() {
        let files = tree! {
            "go.work" => "go 1.24\n\nuse (\n\t./api\n\t./money\n)\n",
            "api/go.mod" => "module example.com/api\n\nrequire example.com/money v0.0.0\n",
            "money/go.mod" => "module example.com/money\n",
        };
        let plan = testing::detect(of, "markers = [\"go.*\"]", &files.app("api")).plan();
        let expected =
            ["api example.com/api [\"money\"]", "money example.com/money []"].map(str::to_owned);
        assert_eq!(plan.evidence, expected);
    }

    #[test]
    fn a_member_that_is_missing_is_refused_with_its_line() {
        let files = tree! { "go.work" => "go 1.24\n\nuse ./api\n" };
        let refusal = testing::detect(of, "markers = [\"go.*\"]", &files).refusal();
        assert_eq!(refusal.reason, "go.work:3: use `api`: there is no api/go.mod");
    }
}
