//! Triggers of a project: each by itself, and no two for the same push.

use super::rules::{LONGEST_ENVIRONMENT, LONGEST_NAME};
use crate::{
    app::label,
    preview,
    project::{
        Forks, ProjectSpec, TriggerSpec,
        faults::{Faults, did_you_mean},
        glob::Glob,
    },
};
use std::collections::BTreeMap;

/// Globs of one trigger.
const MOST_BRANCHES: usize = 20;

/// Steps of all comparisons of globs of one project: a second at most. A thousand names of branches take a quarter.
const STEPS: u64 = 4_000_000;

/// Globs of one trigger, each with its text.
struct Globs<'a> {
    name: &'a str,
    /// Field of the globs.
    field: &'static str,
    all: Vec<(&'a str, Glob)>,
}

pub(super) fn check(project: &ProjectSpec, faults: &mut Faults) {
    // Triggers that deploy the same app to the same environment, those of branches and those of tags apart.
    let mut rivals: BTreeMap<(&str, &str, &str), Vec<Globs<'_>>> = BTreeMap::new();
    for (name, trigger) in &project.triggers {
        faults.name(label("triggers", name, LONGEST_NAME));
        let at = |key: &str| format!("triggers.{name}.{key}");
        if !project.apps.contains_key(&trigger.app) {
            let known = project.apps.keys().map(String::as_str);
            let near = did_you_mean(&trigger.app, known);
            faults.add(&at("app"), &trigger.app, format!("is no app of this project{near}"));
        }
        let environment = if trigger.pull.is_some() {
            check_pull(project, name, trigger, faults);
            // Of several triggers for the same pull requests each would make a job there.
            preview::PREFIX
        } else {
            trigger.environment()
        };
        if trigger.pull.is_none() {
            faults.name(label(&at("environment"), environment, LONGEST_ENVIRONMENT));
            if project.previews.is_some() && preview::name_of(environment).is_some() {
                let problem = "is a preview's name, and a preview ends with all its data: name it without `pr-` at its beginning";
                faults.add(&at("environment"), environment, problem);
            }
        }
        if let Some(globs) = globs(name, trigger, faults) {
            let key = (&*trigger.app, environment, globs.field);
            rivals.entry(key).or_default().push(globs);
        }
    }
    let mut steps = STEPS;
    for triggers in rivals.into_values() {
        overlaps(&triggers, &mut steps, faults);
    }
}

/// Checks what a trigger for pull requests needs beside its rule.
fn check_pull(project: &ProjectSpec, name: &str, trigger: &TriggerSpec, faults: &mut Faults) {
    let at = |key: &str| format!("triggers.{name}.{key}");
    if let Some(environment) = &trigger.environment {
        let problem = "stands beside `pull`: each pull request has an environment of its own, `pr-<number>`; leave it out";
        faults.add(&at("environment"), environment, problem);
    }
    match &project.previews {
        None => faults.add(&at("pull"), "", "needs the table `[previews]`"),
        Some(previews) if !previews.is_for(&trigger.app) => {
            faults.add(&at("app"), &trigger.app, "is none of `previews.apps`");
        }
        Some(_) => {}
    }
    let repository = project.apps.get(&trigger.app).and_then(|app| project.repository_of(app));
    if repository.is_some_and(|(_, repository)| repository.forge.is_none()) {
        let problem = "needs the `forge` of the app's repository: only forges have pull requests";
        faults.add(&at("pull"), "", problem);
    }
    let forge = repository.and_then(|(_, repository)| repository.forge.as_ref());
    let forks = trigger.pull.as_ref().and_then(|rule| rule.forks).unwrap_or_default();
    // The number is of no importance: a forge has refs of all pull requests or of none.
    let has_no_refs = forge.is_some_and(|forge| forge.kind.pull_ref(1).is_none());
    if forks == Forks::Approval && has_no_refs {
        let problem = "is not possible with Bitbucket Cloud: it has no refs of pull requests, and commits of forks are not in the app's repository; leave it out";
        faults.add(&at("pull.forks"), "approval", problem);
    }
}

/// Reads the globs of a trigger. `None` means that it has none, which is a fault.
fn globs<'a>(name: &'a str, trigger: &'a TriggerSpec, faults: &mut Faults) -> Option<Globs<'a>> {
    let (field, texts) = match (&trigger.push, &trigger.tag, &trigger.pull) {
        (Some(rule), None, None) => ("push.branches", &*rule.branches),
        (None, Some(rule), None) => ("tag.pattern", std::slice::from_ref(&rule.pattern)),
        (None, None, Some(rule)) => ("pull.into", &*rule.into),
        (push, tag, pull) => {
            let given = [
                push.as_ref().map(|_| "push"),
                tag.as_ref().map(|_| "tag"),
                pull.as_ref().map(|_| "pull"),
            ];
            let given: Vec<_> = given.into_iter().flatten().collect();
            let problem = if given.is_empty() {
                "has none of `push`, `tag` and `pull`: give one of them"
            } else {
                "are given together: make a trigger for each"
            };
            faults.add(&format!("triggers.{name}"), &given.join(", "), problem);
            return None;
        }
    };
    let at = format!("triggers.{name}.{field}");
    if texts.is_empty() {
        faults.add(&at, "", "is empty: name a branch, such as `main`; `**` stands for all");
    }
    if texts.len() > MOST_BRANCHES {
        let problem = format!("are more than {MOST_BRANCHES}: use globs");
        faults.add(&at, &texts.len().to_string(), problem);
        return None;
    }
    let mut all = Vec::new();
    for text in texts {
        match Glob::parse(text) {
            Ok(glob) => all.push((&**text, glob)),
            Err(problem) => faults.add(&at, text, problem),
        }
    }
    Some(Globs { name, field, all })
}

/// Refuses triggers that one push could set off together: two jobs would deploy the same app to the same environment,
/// and which of them is last is nobody's decision. Each trigger is named once.
fn overlaps(triggers: &[Globs<'_>], steps: &mut u64, faults: &mut Faults) {
    for (count, own) in triggers.iter().enumerate() {
        let field = format!("triggers.{}.{}", own.name, own.field);
        for other in triggers.iter().take(count) {
            match overlap(own, other, steps) {
                Overlap::None => {}
                Overlap::Common(one, two) => {
                    let rival = other.name;
                    let problem = format!(
                        "can match the same name as `{two}` of the trigger `{rival}`, which deploys the same app to the same environment: a push would make two jobs; change one of both"
                    );
                    faults.add(&field, one, problem);
                    break;
                }
                Overlap::Unknown => {
                    let rival = other.name;
                    let problem = format!(
                        "cannot be compared with the trigger `{rival}`, which deploys the same app to the same environment: the project's globs are too many or have too many `*`; use fewer"
                    );
                    faults.add(&field, "", problem);
                    return;
                }
            }
        }
    }
}

/// Names that two triggers have in common.
enum Overlap<'a> {
    None,
    /// Some name is matched by both of these globs.
    Common(&'a str, &'a str),
    /// No steps are left.
    Unknown,
}

fn overlap<'a>(own: &Globs<'a>, other: &Globs<'a>, steps: &mut u64) -> Overlap<'a> {
    for &(one, ref glob) in &own.all {
        for &(two, ref rival) in &other.all {
            match glob.meets(rival, steps) {
                Some(false) => {}
                Some(true) => return Overlap::Common(one, two),
                None => return Overlap::Unknown,
            }
        }
    }
    Overlap::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::ForgeKind;

    #[test]
    fn forks_are_approved_only_where_the_forge_has_refs_of_pull_requests() {
        for kind in ForgeKind::ALL {
            for forks in ["never", "approval"] {
                let text = format!(
                    "project = \"shop\"\n[repositories.web]\nurl = \"https://git.example/acme/web\"\n\
                     forge = {{ kind = \"{kind}\", api = \"https://git.example/api/v1\" }}\n\
                     [apps.web]\n[previews]\n[triggers.preview]\napp = \"web\"\n\
                     pull = {{ into = [\"main\"], forks = \"{forks}\" }}\n"
                );
                let faults = ProjectSpec::parse(&text).err().unwrap_or_default();
                let is_refused =
                    faults.iter().any(|fault| fault.field == "triggers.preview.pull.forks");
                let is_expected = kind == ForgeKind::Bitbucket && forks == "approval";
                assert_eq!(is_refused, is_expected, "{kind} {forks}: {faults:?}");
            }
        }
    }
}
