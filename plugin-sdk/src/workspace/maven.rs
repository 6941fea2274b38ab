//! Reactors of Maven: a pom.xml, and the modules that it names.

use super::{
    Member, Workspace,
    folders::{join, parent, upward},
};
use crate::{
    App, Refusal,
    jvm::pom::{self, Pom},
    score,
};

/// Number of modules that are read.
const MOST: usize = 500;

/// Returns the reactor that holds the app's folder: the topmost pom.xml whose modules lead to it.
///
/// # Errors
/// Names the line of a module that is not there.
pub fn above(app: &App<'_>) -> Result<Option<Workspace>, Refusal> {
    let mut root = app.folder.to_owned();
    for folder in upward(app.folder) {
        let Some(pom) = pom::read(app, &join(folder, "pom.xml").unwrap_or_default())? else {
            continue;
        };
        if modules(folder, &pom).any(|(_, _, module)| module == root) {
            folder.clone_into(&mut root);
        }
    }
    let path = join(&root, "pom.xml").unwrap_or_default();
    let Some(top) = pom::read(app, &path)? else { return Ok(None) };
    let Some((line, _)) = top.modules.first() else { return Ok(None) };
    let manifest = format!("{path}:{line}");
    let mut next = vec![(root.clone(), top)];
    let mut poms: Vec<(String, Pom)> = Vec::new();
    while let Some((folder, pom)) = next.pop() {
        for (line, named, module) in modules(&folder, &pom) {
            let Some(inner) = pom::read(app, &join(&module, "pom.xml").unwrap_or_default())? else {
                return Err(app.refused(
                    "java",
                    score::STARTED,
                    format!("{}:{line}: module `{named}` has no pom.xml", pom.path),
                    "commit that folder, or take the line out",
                ));
            };
            let is_known = next.iter().chain(&poms).any(|(known, _)| *known == module);
            if !is_known && next.len() + poms.len() < MOST {
                next.push((module, inner));
            }
        }
        poms.push((folder, pom));
    }
    let folder_of = |artifact: &str| {
        let found = poms.iter().find(|(_, pom)| pom.artifact == artifact);
        found.map(|(folder, _)| folder.clone())
    };
    let member = |(folder, pom): &(String, Pom)| Member {
        folder: folder.clone(),
        name: pom.artifact.clone(),
        needs: pom.dependencies.iter().filter_map(|one| folder_of(&one.artifact)).collect(),
    };
    let mut members: Vec<Member> = poms.iter().map(member).collect();
    members.sort_by(|one, other| one.folder.cmp(&other.folder));
    Ok(Some(Workspace { root, manifest, members }))
}

/// Returns the modules of a project: line, name, and folder from the repository's root.
fn modules<'a>(
    folder: &'a str,
    pom: &'a Pom,
) -> impl Iterator<Item = (usize, &'a str, String)> + 'a {
    pom.modules.iter().filter_map(move |(line, named)| {
        let path = join(folder, named)?;
        let at = if path.ends_with(".xml") { parent(&path).to_owned() } else { path };
        (at != folder).then_some((*line, named.as_str(), at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing, tree};

    fn of(app: &App<'_>) -> crate::Found {
        let workspace = above(app)?;
        let mut found = crate::Detection::new("java", score::STARTED);
        if let Some(workspace) = &workspace {
            found.because(format!("{:?} {}", workspace.root, workspace.manifest));
            for member in &workspace.members {
                found.because(format!("{} {:?}", member.folder, member.needs));
            }
        }
        Ok(workspace.is_some().then_some(found))
    }

    #[test]
    fn the_topmost_pom_that_leads_to_the_app_is_the_root() {
        let files = tree! {
            "pom.xml" => "<project>\n<artifactId>all</artifactId>\n<modules><module>apps</module><module>money</module></modules>\n</project>",
            "apps/pom.xml" => "<project><artifactId>apps</artifactId><modules><module>web</module></modules></project>",
            "apps/web/pom.xml" => "<project><artifactId>web</artifactId><dependencies><dependency><artifactId>money</artifactId></dependency></dependencies></project>",
            "money/pom.xml" => "<project><artifactId>money</artifactId></project>",
        };
        let plan = testing::detect(of, "markers = [\"pom.xml\"]", &files.app("apps/web")).plan();
        let expected = ["\"\" pom.xml:3", " []", "apps []", "apps/web [\"money\"]", "money []"];
        assert_eq!(plan.evidence, expected);
    }

    #[test]
    fn a_module_that_is_missing_is_refused_with_its_line() {
        let files =
            tree! { "pom.xml" => "<project>\n<modules>\n<module>web</module></modules></project>" };
        let refusal = testing::detect(of, "markers = [\"pom.xml\"]", &files).refusal();
        assert_eq!(refusal.reason, "pom.xml:3: module `web` has no pom.xml");
    }
}
