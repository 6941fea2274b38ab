//! Manifest of a plugin, embedded into the component.

use crate::ask::Asks;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wasmparser::{Parser, Payload};
use windlass_model::hook::HookPhase;

/// Name of the custom section that holds the manifest, as TOML.
pub const SECTION: &str = "windlass:manifest";

/// Longest manifest, in bytes.
const LONGEST: usize = 64 << 10;

/// Description of a plugin by its author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Name, as in `build.recipe` and in errors.
    pub name: String,
    /// Version of the plugin.
    pub version: String,
    /// World that it exports.
    pub world: Kind,
    /// Globs of the files that make the plugin worth asking: `go.mod`, `**/*_test.go`.
    #[serde(default)]
    pub markers: Vec<String>,
    /// Languages whose tests the plugin runs, as detectors name them.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Rights that the plugin asks for, beyond its log, its settings and its tree.
    #[serde(default)]
    pub asks: Asks,
    /// JSON schema of the settings. `None` means that the plugin has no settings.
    #[serde(default)]
    pub settings: Option<serde_json::Value>,
    /// Calls that the plugin must answer as expected before it is used.
    #[serde(default)]
    pub self_test: Vec<SelfTest>,
    /// Rows of the table of languages, for people.
    #[serde(default)]
    pub table: Vec<TableRow>,
}

/// Row of the table of languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TableRow {
    /// Language, as detectors name it.
    pub language: String,
    /// Package managers.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Files that versions are read from.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Frameworks with a known start.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// Tools whose tests are run and read.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Proof that plans of the language work.
    pub built: Built,
}

/// Proof that plans of a language work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Built {
    /// Apps of the suite are built, tested and released.
    Real,
    /// Plans are compared; nothing is built.
    Planned,
}

/// Kind of a plugin: a world in `wit/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Finds the language of a tree, and how to build it.
    Detector,
    /// Plans test commands, and reads their results.
    TestRunner,
    /// Logs in at a registry.
    RegistryAuth,
    /// Decides what is done around a release.
    DeployHook,
}

/// A call with its expected answer. Nothing outside is reached: requests are denied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SelfTest {
    /// Files of the tree, by path: a repository, or reports.
    pub files: BTreeMap<String, String>,
    /// Folder of the app among those files. Empty means their root.
    pub app: String,
    /// The user's versions, by runtime.
    pub versions: BTreeMap<String, String>,
    /// Language that a test runner is asked for.
    pub language: String,
    /// Output of a test command, which a test runner is to read. `None` asks it for a plan.
    pub output: Option<String>,
    /// Exit code of that command.
    pub exit: u32,
    /// Settings: a JSON object. `None` is an empty one.
    pub settings: Option<serde_json::Value>,
    /// Settings of a hook that the app gives. Components of this track may have the older name.
    #[serde(alias = "said")]
    pub app_settings: Option<serde_json::Value>,
    /// Phase of a hook. `None` means `after-release`. Components of this track may have the older name.
    #[serde(alias = "moment")]
    pub phase: Option<HookPhase>,
    /// Secrets, by the names that the plugin gives them.
    pub secrets: BTreeMap<String, String>,
    /// Expected answer.
    pub expect: Expect,
}

/// Expected fields of an answer. `None` means that the field may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Language that a detector found.
    pub language: Option<String>,
    /// Score of a detector's answer.
    pub score: Option<u8>,
    /// Part of the reason of a detector's refusal. `None` means that no refusal is expected.
    pub refused: Option<String>,
    /// Command of a test runner's plan, words joined by blanks.
    pub command: Option<String>,
    /// Tests that passed, as a test runner read them.
    pub passed: Option<u32>,
    /// Tests that failed, as a test runner read them.
    pub failed: Option<u32>,
    /// User of a registry's login with a password.
    pub user: Option<String>,
    /// First action of a hook as text, or its final message.
    pub says: Option<String>,
    /// Part of the expected error's message, or of a refusal's reason. `None` means that no error is expected.
    pub error: Option<String>,
}

impl Kind {
    /// Returns the name that manifests use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::TestRunner => "test-runner",
            Self::RegistryAuth => "registry-auth",
            Self::DeployHook => "deploy-hook",
        }
    }
}

impl Manifest {
    /// Reads the manifest of a component.
    ///
    /// # Errors
    /// Names the fault: no component, no manifest, two of them, or one that cannot be read.
    pub fn of(component: &[u8]) -> Result<Self, String> {
        let mut found: Option<&[u8]> = None;
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(|error| format!("it is no component: {error}"))? {
                Payload::Version { encoding, .. } if depth == 0 => {
                    if encoding != wasmparser::Encoding::Component {
                        return Err("it is a core module, not a component: build it with the project's command, or with `wasm-tools component new`".into());
                    }
                    depth = 1;
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section)
                    if depth == 1
                        && section.name() == SECTION
                        && found.replace(section.data()).is_some() =>
                {
                    return Err(format!("it has two sections `{SECTION}`"));
                }
                _ => {}
            }
        }
        let data = found.ok_or_else(|| format!("it has no section `{SECTION}`"))?;
        if data.len() > LONGEST {
            return Err(format!("its manifest has {} bytes; {LONGEST} are allowed", data.len()));
        }
        let text = std::str::from_utf8(data).map_err(|error| format!("its manifest: {error}"))?;
        let manifest: Self =
            toml::from_str(text).map_err(|error| format!("its manifest: {}", error.message()))?;
        windlass_model::app::label("name", &manifest.name, 30)
            .map_err(|error| format!("its manifest: {error}"))?;
        let texts =
            [&manifest.version].into_iter().chain(&manifest.markers).chain(&manifest.languages);
        for text in texts.clone() {
            // They are shown to operators, who must be able to trust what stands beside them.
            if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
                return Err(format!(
                    "its manifest: {text:?} must have 1 to 200 bytes without control characters"
                ));
            }
        }
        if texts.count() > 100 {
            return Err("its manifest: more than 100 markers and languages".into());
        }
        let reads_trees = matches!(manifest.world, Kind::Detector | Kind::TestRunner);
        if !reads_trees && !manifest.markers.is_empty() {
            return Err(format!(
                "its manifest: markers: a {} is asked about no files",
                manifest.world.name()
            ));
        }
        if manifest.self_test.len() > 20 {
            return Err("its manifest: more than 20 self-tests".into());
        }
        manifest.asks.check().map_err(|error| format!("its manifest: {error}"))?;
        let can_act = manifest.world == Kind::DeployHook;
        if reads_trees && manifest.asks != Asks::default()
            || !can_act && !manifest.asks.actions.is_empty()
        {
            return Err(format!(
                "its manifest: asks: a {} cannot be given what it asks for",
                manifest.world.name()
            ));
        }
        if reads_trees && manifest.markers.is_empty() {
            return Err(
                "its manifest: markers: is empty; name the files that make it worth asking".into(),
            );
        }
        if manifest.world == Kind::TestRunner && manifest.languages.is_empty() {
            return Err("its manifest: languages: is empty; name those whose tests it runs".into());
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_test_that_was_built_before_a_rename_is_read() {
        for key in ["phase", "moment"] {
            let test: SelfTest = toml::from_str(&format!("{key} = \"before-traffic\"")).unwrap();
            assert_eq!(test.phase, Some(HookPhase::BeforeTraffic), "{key}");
        }
        for key in ["app-settings", "said"] {
            let test: SelfTest = toml::from_str(&format!("{key} = {{}}")).unwrap();
            assert!(test.app_settings.is_some(), "{key}");
        }
    }
}
