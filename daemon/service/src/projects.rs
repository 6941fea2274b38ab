//! Projects: applies files, and shows the versions that there are.

use crate::{caller::Caller, error::ServiceError, finish::finish, services::Services, verb::Verb};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;
use windlass_engine::ports::store::{Applied, ProjectRecord};
use windlass_model::{
    app::label,
    clock::now_ms,
    project::{ProjectSpec, RepositorySpec},
    spec::SpecError,
};

/// Number of bytes of the longest project file.
const LONGEST: usize = 256 << 10;

/// Number of characters of a project's longest name.
const LONGEST_NAME: usize = 30;

/// Number of lines around a difference that are shown with it.
const AROUND: usize = 3;

/// Number of faults of a file that one error lists.
const LISTED: usize = 10;

/// Request to apply a project's file.
#[derive(Clone, Debug)]
pub struct ApplyProject {
    /// Text of the file.
    pub toml: String,
    /// Version that the caller saw. 0 means that there is no such project, `None` that any will do.
    pub expected: Option<u32>,
    /// Checks the file and returns the differences. Stores nothing.
    pub dry_run: bool,
}

/// A project as it was applied.
#[derive(Clone, Debug)]
pub struct AppliedProject {
    /// Current version. In a dry run its number is that of the version before, 0 where the project is new.
    pub record: ProjectRecord,
    /// Lines that differ from the version before, with some around them. Empty means that nothing differs.
    pub changes: Vec<String>,
}

impl Services {
    /// Stores a project's file as a new version. A file that differs in nothing is no new version.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for the faults of the file, [`ServiceError::Conflict`] where the current version is
    /// another than the caller expected.
    pub async fn apply_project(
        &self,
        caller: &Caller,
        request: ApplyProject,
    ) -> Result<AppliedProject, ServiceError> {
        let ApplyProject { toml, expected, dry_run } = request;
        if toml.len() > LONGEST {
            let found = format!("({} bytes)", toml.len());
            let most = format!("must have at most {LONGEST} bytes");
            return Err(ServiceError::invalid("toml", found, most));
        }
        let spec = ProjectSpec::parse(&toml).map_err(|faults| invalid(&faults))?;
        label("project", &spec.project, LONGEST_NAME)?;
        caller.may(Verb::Projects, &spec.project)?;
        let before = self.projects.project(&spec.project).await?;
        let version = before.as_ref().map(|record| record.version);
        let changes = changes(before.as_ref().map(|record| &record.spec), &spec);
        if dry_run {
            check_expected(&spec.project, expected, version)?;
            let version = version.unwrap_or_default();
            let record = ProjectRecord { spec, version, by: caller.name.clone(), at_ms: now_ms() };
            return Ok(AppliedProject { record, changes });
        }
        let (projects, by) = (self.projects.clone(), caller.name.clone());
        let name = spec.project.clone();
        let applied =
            finish(async move { Ok(projects.apply_project(&spec, &by, expected).await?) }).await?;
        match applied {
            Applied::Version(record) => {
                self.intake.notify_one();
                Ok(AppliedProject { record: *record, changes })
            }
            Applied::Conflict(current) => Err(conflict(&name, expected, current)),
        }
    }

    /// Returns a version of a project. `None` means the current one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a project or a version that is not there.
    pub async fn project(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<u32>,
    ) -> Result<ProjectRecord, ServiceError> {
        label("name", name, LONGEST_NAME)?;
        caller.may(Verb::Read, name)?;
        let Some(version) = version else { return self.find_project(name).await };
        let versions = self.projects.project_versions(name, Some(version), 1).await?;
        let found = versions.into_iter().find(|record| record.version == version);
        found.ok_or_else(|| ServiceError::NotFound {
            what: "version of the project",
            id: format!("{name} {version}"),
            fix: format!("see the current one: windlass project show {name}"),
        })
    }

    /// Returns the current version of each project that a caller may see, by name.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list_projects(&self, caller: &Caller) -> Result<Vec<ProjectRecord>, ServiceError> {
        let mut projects = self.projects.projects().await?;
        projects.retain(|record| caller.may(Verb::Read, &record.spec.project).is_ok());
        Ok(projects)
    }

    /// Deletes a project with its hooks. Its versions stay, and its apps go on to serve.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a project that is not there.
    pub async fn delete_project(&self, caller: &Caller, name: &str) -> Result<(), ServiceError> {
        label("name", name, LONGEST_NAME)?;
        caller.may(Verb::Projects, name)?;
        let (projects, by, of) = (self.projects.clone(), caller.name.clone(), name.to_owned());
        let probe = self.probe.clone();
        let is_deleted = finish(async move {
            let is_deleted = projects.delete_project(&of, &by).await?;
            // Its clusters end with it.
            probe.forget(&of, None);
            Ok(is_deleted)
        });
        if is_deleted.await? { Ok(()) } else { Err(no_project(name)) }
    }

    /// Finds a project, whoever may see it.
    pub(crate) async fn find_project(&self, name: &str) -> Result<ProjectRecord, ServiceError> {
        self.projects.project(name).await?.ok_or_else(|| no_project(name))
    }
}

/// Returns a repository of a project with its name. The empty name means the only one.
pub(crate) fn repository_named<'a>(
    spec: &'a ProjectSpec,
    name: &str,
) -> Result<(&'a str, &'a RepositorySpec), ServiceError> {
    let mut all = spec.repositories.iter();
    if name.is_empty() {
        return match (all.next(), all.next()) {
            (Some((name, only)), None) => Ok((name.as_str(), only)),
            _ => {
                let expected = format!("is empty; name one: {}", names(spec));
                Err(ServiceError::invalid("repository", "", expected))
            }
        };
    }
    let found = all.find(|(own, _)| *own == name);
    found.map(|(name, found)| (name.as_str(), found)).ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        let expected =
            format!("is no repository of project `{}`; there are: {}", spec.project, names(spec));
        ServiceError::invalid("repository", shown, expected)
    })
}

fn names(spec: &ProjectSpec) -> String {
    if spec.repositories.is_empty() {
        return "none, add one under `[repositories]`".into();
    }
    spec.repositories.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn no_project(name: &str) -> ServiceError {
    ServiceError::NotFound {
        what: "project",
        id: name.to_owned(),
        fix: "list them: windlass project list".into(),
    }
}

fn check_expected(
    name: &str,
    expected: Option<u32>,
    current: Option<u32>,
) -> Result<(), ServiceError> {
    if expected.is_none_or(|expected| expected == current.unwrap_or_default()) {
        return Ok(());
    }
    Err(conflict(name, expected, current))
}

fn conflict(name: &str, expected: Option<u32>, current: Option<u32>) -> ServiceError {
    let version = |number: u32| match number {
        0 => "no version".to_owned(),
        number => format!("version {number}"),
    };
    let (expected, current) =
        (version(expected.unwrap_or_default()), version(current.unwrap_or_default()));
    ServiceError::Conflict {
        reason: "project-changed",
        message: format!("project `{name}` has {current}, and the request expects {expected}"),
        fix: format!("see what changed: windlass project show {name}; then apply again"),
    }
}

/// Returns the error for the faults of a file: the first in its fields, the others in its text.
fn invalid(faults: &[SpecError]) -> ServiceError {
    let mut all = faults.iter();
    let Some(first) = all.next() else {
        return ServiceError::invalid("toml", "", "cannot be read");
    };
    let mut expected = first.problem.clone();
    for fault in all.by_ref().take(LISTED - 1) {
        let SpecError { field, value, problem } = fault;
        let _ = write!(expected, "; {field}: `{value}` {problem}");
    }
    let left = all.count();
    if left > 0 {
        let _ = write!(expected, "; and {left} more");
    }
    ServiceError::invalid(first.field.clone(), first.value.clone(), expected)
}

/// Returns the lines that differ, each with its sign.
fn changes(before: Option<&ProjectSpec>, after: &ProjectSpec) -> Vec<String> {
    if before == Some(after) {
        return Vec::new();
    }
    let (before, after) = (before.map(ProjectSpec::to_toml).unwrap_or_default(), after.to_toml());
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("{sign}{}", change.value().trim_end_matches('\n')));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller};

    const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"

[apps.web]
repository = "web"

[triggers.production]
app = "web"
push = { branches = ["main"] }
"#;

    fn apply(toml: &str, expected: Option<u32>) -> ApplyProject {
        ApplyProject { toml: toml.into(), expected, dry_run: false }
    }

    #[tokio::test]
    async fn a_file_is_a_version_and_the_same_file_is_none() {
        let World { services, .. } = World::new();
        let owner = caller("owner", &["shop"], &[Verb::Projects, Verb::Read]);
        let dry = ApplyProject { dry_run: true, ..apply(SHOP, Some(0)) };
        let tried = services.apply_project(&owner, dry).await.unwrap();
        assert_eq!(tried.record.version, 0);
        assert!(tried.changes.iter().all(|line| line.starts_with('+')), "{:?}", tried.changes);
        assert!(services.list_projects(&owner).await.unwrap().is_empty());
        let first = services.apply_project(&owner, apply(SHOP, Some(0))).await.unwrap();
        assert_eq!((first.record.version, &*first.record.by), (1, "owner"));
        let again = services.apply_project(&owner, apply(SHOP, None)).await.unwrap();
        assert_eq!((again.record.version, again.changes.len()), (1, 0));
        let other = SHOP.replace("\"main\"", "\"release\"");
        let second = services.apply_project(&owner, apply(&other, Some(1))).await.unwrap();
        assert_eq!(second.record.version, 2);
        let has = |sign: char, word: &str| {
            second.changes.iter().any(|line| line.starts_with(sign) && line.contains(word))
        };
        assert!(has('-', "main") && has('+', "release"), "{:?}", second.changes);
        let old = services.project(&owner, "shop", Some(1)).await.unwrap();
        assert_eq!(old.spec, first.record.spec);
        let error = services.project(&owner, "shop", Some(9)).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no version of the project `shop 9`");
    }

    #[tokio::test]
    async fn an_update_that_did_not_see_the_last_one_is_a_conflict() {
        let World { services, .. } = World::new();
        let owner = caller("owner", &["shop"], &[Verb::Projects]);
        services.apply_project(&owner, apply(SHOP, None)).await.unwrap();
        for dry_run in [true, false] {
            let late = ApplyProject { dry_run, ..apply(&SHOP.replace("main", "x"), Some(0)) };
            let error = services.apply_project(&owner, late).await.unwrap_err();
            assert_eq!(error.reason(), "project-changed");
            let message = "project `shop` has version 1, and the request expects no version";
            assert_eq!(error.to_string(), message);
        }
    }

    #[tokio::test]
    async fn a_project_is_changed_by_those_with_the_verb_and_seen_by_readers() {
        let World { services, .. } = World::new();
        let owner = caller("owner", &["shop"], &[Verb::Projects]);
        let reader = caller("reader", &["shop"], &[Verb::Read, Verb::Deploy]);
        let error = services.apply_project(&reader, apply(SHOP, None)).await.unwrap_err();
        assert_eq!(error.to_string(), "reader lacks the verb \"projects\" in project `shop`");
        services.apply_project(&owner, apply(SHOP, None)).await.unwrap();
        assert_eq!(services.list_projects(&reader).await.unwrap().len(), 1);
        assert!(services.list_projects(&owner).await.unwrap().is_empty());
        let stranger = caller("stranger", &["blog"], &[Verb::Read, Verb::Projects]);
        assert!(services.list_projects(&stranger).await.unwrap().is_empty());
        services.delete_project(&stranger, "shop").await.unwrap_err();
        services.delete_project(&reader, "shop").await.unwrap_err();
        services.delete_project(&owner, "shop").await.unwrap();
        let error = services.delete_project(&owner, "shop").await.unwrap_err();
        assert_eq!(error.to_string(), "there is no project `shop`");
    }

    #[tokio::test]
    async fn each_fault_of_a_file_is_named() {
        let World { services, .. } = World::new();
        let owner = caller("owner", &["*"], &[Verb::Projects]);
        let faulty = SHOP.replace("https://git.example/web.git", "ssh://git.example/web");
        let error = services.apply_project(&owner, apply(&faulty, None)).await.unwrap_err();
        assert_eq!(error.reason(), "field-invalid");
        assert!(error.to_string().contains("repositories.web.url"), "{error}");
        let long = "#".repeat(LONGEST + 1);
        let error = services.apply_project(&owner, apply(&long, None)).await.unwrap_err();
        assert!(error.to_string().starts_with("toml: `(262145 bytes)` must have"), "{error}");
        let fault = |field: &str| SpecError {
            field: field.into(),
            value: "x".into(),
            problem: "is wrong".into(),
        };
        let faults: Vec<_> = (0..12).map(|number| fault(&format!("f{number}"))).collect();
        let text = invalid(&faults).to_string();
        assert!(text.starts_with("f0: `x` is wrong; f1: `x` is wrong; "), "{text}");
        assert!(text.ends_with("f9: `x` is wrong; and 2 more"), "{text}");
    }
}
