//! A case: a release as a folder of `tests/e2e/cases`, with its expected end. `tests/README.md` has the form.

mod run;

pub(crate) use run::run;

use serde::Deserialize;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use windlass_bed::build;

/// Placeholders that stand for addresses of the bad registry.
const BAD_REGISTRY: [&str; 2] = ["$BAD_REGISTRY", "$PLAIN_REGISTRY"];

/// The longest name of a project, which is `case-` and the case's name.
const LONGEST_PROJECT: usize = 30;

/// Contents of `expect.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expect {
    outcome: Outcome,
    /// Code of the diagnosis. `None` means that the job succeeds.
    code: Option<String>,
    /// Stage that fails.
    #[serde(default = "release")]
    stage: String,
    /// Texts in the diagnosis, by its parts.
    #[serde(default)]
    diagnosis: Texts,
    /// Texts in warnings of the job, a warning each.
    #[serde(default)]
    warnings: Vec<String>,
    /// Page of the app once the job has ended. `None` means that the page is not asked for.
    serves: Option<String>,
    /// The least number of restarts of all containers of the namespace, once the job has ended. It shows that what
    /// the case is about has happened.
    #[serde(default)]
    restarts: u32,
    /// Makes another release of the app first, which must serve once the job has failed.
    #[serde(default)]
    previous_still_serves: bool,
    /// The longest time from the job's first event to its last. `None` means no limit.
    within_seconds: Option<u32>,
    /// A folder of `tests/e2e/apps`.
    #[serde(default = "page")]
    app: String,
    /// Parts beyond the bed that the case needs.
    #[serde(default)]
    needs: Vec<Need>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Succeeded,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Need {
    BadRegistry,
}

/// Texts that must stand in a diagnosis, each in its part.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Texts {
    what: Vec<String>,
    why: Vec<String>,
    fixes: Vec<String>,
    evidence: Vec<String>,
    /// Texts in the diagnosis's JSON, in any part.
    anywhere: Vec<String>,
}

impl Texts {
    /// Returns the texts of all parts.
    fn all(&self) -> impl Iterator<Item = &String> {
        [&self.what, &self.why, &self.fixes, &self.evidence, &self.anywhere].into_iter().flatten()
    }

    fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Returns the texts that a diagnosis lacks, each with its part.
    fn lacking(&self, diagnosis: &Value) -> Vec<String> {
        let part = |name: &str| match &diagnosis[name] {
            Value::String(text) => text.clone(),
            Value::Array(lines) => {
                lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        };
        let parts = [
            ("what", &self.what, part("what")),
            ("why", &self.why, part("why")),
            ("fixes", &self.fixes, part("fixes")),
            ("evidence", &self.evidence, part("evidence")),
            ("anywhere", &self.anywhere, diagnosis.to_string()),
        ];
        let mut lacking = Vec::new();
        for (name, texts, found) in parts {
            let absent = texts.iter().filter(|text| !found.contains(text.as_str()));
            lacking.extend(absent.map(|text| format!("{name}: `{text}`")));
        }
        lacking
    }
}

fn release() -> String {
    "release".to_owned()
}

fn page() -> String {
    "page".to_owned()
}

/// A case, read and checked.
#[derive(Debug)]
pub(crate) struct Case {
    name: String,
    expect: Expect,
    /// Files of the app's folder in the repository: path and text.
    files: Vec<(String, String)>,
    /// Contents of `cluster.yaml`. `None` means that the admin prepares nothing in the cluster.
    cluster: Option<String>,
}

impl Case {
    /// Reads the folder of this name.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub(crate) fn read(name: &str) -> Result<Self, String> {
        let folder = folder().join(name);
        let read = |file: &str| {
            fs::read_to_string(folder.join(file)).map_err(|why| format!("{name}/{file}: {why}"))
        };
        let expect: Expect = toml::from_str(&read("expect.toml")?)
            .map_err(|why| format!("{name}/expect.toml: {why}"))?;
        let files = app(&expect.app)?;
        let mut case = Self { name: name.to_owned(), expect, files, cluster: None };
        let spec = read("windlass.toml")?;
        for path in files_in(&folder)? {
            match path.as_str() {
                "expect.toml" => {}
                "cluster.yaml" => case.cluster = Some(read(&path)?),
                "windlass.toml" => case.files.push((path, spec.clone())),
                manifest if manifest.starts_with("manifests/") => {
                    if !spec.contains(&format!("\"{manifest}\"")) {
                        return Err(format!("{name}/{path}: windlass.toml does not name it"));
                    }
                    let text = read(&path)?;
                    case.files.push((path, text));
                }
                _ => return Err(format!("{name}/{path}: is no file of a case")),
            }
        }
        case.check().map_err(|why| format!("{name}: {why}"))?;
        Ok(case)
    }

    fn check(&self) -> Result<(), &'static str> {
        let expect = &self.expect;
        let fails = expect.outcome == Outcome::Failed;
        if fails != expect.code.is_some() {
            return Err("`code` belongs to `outcome = \"failed\"`, and to that alone");
        }
        if !fails && (!expect.diagnosis.is_empty() || expect.previous_still_serves) {
            return Err("a job that succeeds has no diagnosis and replaces the previous release");
        }
        if expect.previous_still_serves && expect.serves.is_some() {
            return Err("`serves` and `previous-still-serves` ask for two pages of one app");
        }
        if expect.diagnosis.all().chain(&expect.warnings).any(|text| text.trim().is_empty()) {
            return Err("an empty text stands in every diagnosis and in every warning");
        }
        // Without the registry, its address refuses connections: another cause, and for some codes the same one.
        let files = self.files.iter().map(|(_, text)| &**text);
        let mut texts = files.chain(self.cluster.as_deref());
        let names = |text: &str| BAD_REGISTRY.iter().any(|name| text.contains(*name));
        if texts.any(names) != expect.needs.contains(&Need::BadRegistry) {
            return Err(
                "`$BAD_REGISTRY` and `$PLAIN_REGISTRY` need `needs = [\"bad-registry\"]`, and nothing else does",
            );
        }
        if self.project().len() > LONGEST_PROJECT {
            return Err("its name is too long: at most 25 characters are allowed");
        }
        Ok(())
    }

    /// Returns the case's own project. Its namespace is `$NAMESPACE`.
    fn project(&self) -> String {
        format!("case-{}", self.name.replace('_', "-"))
    }
}

/// Returns the folder of all cases.
pub(crate) fn folder() -> PathBuf {
    build::root().join("tests/e2e/cases")
}

/// Returns the files of an app: path and text.
fn app(name: &str) -> Result<Vec<(String, String)>, String> {
    let folder = build::root().join("tests/e2e/apps").join(name);
    let with_text = |path: String| match fs::read_to_string(folder.join(&path)) {
        Ok(text) => Ok((path, text)),
        Err(why) => Err(format!("apps/{name}/{path}: {why}")),
    };
    files_in(&folder)?.into_iter().map(with_text).collect()
}

/// Returns the paths of all files in a folder and in the folders in it, in order.
fn files_in(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let inner = files_in(&entry.path())?;
            paths.extend(inner.into_iter().map(|path| format!("{name}/{path}")));
        } else {
            paths.push(name);
        }
    }
    paths.sort();
    Ok(paths)
}

#[test]
fn a_misspelt_key_is_no_expectation() {
    let error = toml::from_str::<Expect>("outcome = \"failed\"\ncod = \"app-crashes\"\n");
    assert!(error.unwrap_err().to_string().contains("unknown field `cod`"));
    let error = toml::from_str::<Expect>("outcome = \"succeeded\"\n[diagnosis]\nwho = []\n");
    assert!(error.unwrap_err().to_string().contains("unknown field `who`"));
}

#[test]
fn a_case_that_cannot_fail_is_refused() {
    let check = |expect: &str, manifest: &str| {
        let expect = toml::from_str(expect).unwrap();
        let files = vec![("manifests/own.yaml".to_owned(), manifest.to_owned())];
        Case { name: "name".into(), expect, files, cluster: None }.check()
    };
    let failed = "outcome = \"failed\"\ncode = \"pull-denied\"\n";
    let needs = format!("{failed}needs = [\"bad-registry\"]\n");
    assert_eq!(check(failed, ""), Ok(()));
    assert_eq!(check(&needs, "image: $BAD_REGISTRY/s403:1"), Ok(()));
    for (expect, manifest, problem) in [
        (format!("{failed}[diagnosis]\nwhy = [\"\"]\n"), "", "an empty text"),
        ("outcome = \"succeeded\"\nwarnings = [\" \"]\n".into(), "", "an empty text"),
        (failed.into(), "image: $PLAIN_REGISTRY/x:1", "`needs"),
        (needs, "", "`needs"),
    ] {
        let error = check(&expect, manifest).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn a_text_is_looked_for_in_its_part() {
    let texts = toml::from_str::<Texts>("what = [\"fell\"]\nevidence = [\"two\"]\n").unwrap();
    let diagnosis = serde_json::json!({ "what": "it fell", "evidence": ["one", "two"] });
    assert!(texts.lacking(&diagnosis).is_empty());
    let other = serde_json::json!({ "what": "two fell", "evidence": ["one"] });
    assert_eq!(texts.lacking(&other), ["evidence: `two`"]);
}
