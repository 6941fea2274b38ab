//! What a plugin says of itself, carried inside the component.

use crate::{ask::Asks, selftest::SelfTest};
use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

/// The custom section that holds the manifest, as TOML.
pub const SECTION: &str = "windlass:manifest";

/// No manifest is longer.
const LONGEST: usize = 64 << 10;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Its name, as in `build.recipe` and in errors.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is asked.
    pub world: Kind,
    /// Globs of the files that make it worth asking: `go.mod`, `**/*_test.go`.
    #[serde(default)]
    pub markers: Vec<String>,
    /// The languages whose tests it runs, as detectors name them.
    #[serde(default)]
    pub languages: Vec<String>,
    /// What it asks for, beyond its log, its settings and its tree.
    #[serde(default)]
    pub asks: Asks,
    /// The JSON schema of its settings; none: it has no settings.
    #[serde(default)]
    pub settings: Option<serde_json::Value>,
    /// Questions that it must answer before it is used.
    #[serde(default)]
    pub self_test: Vec<SelfTest>,
}

/// The kinds of plugins; each is a world in `wit/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Says what is in the tree and how to build it.
    Detector,
    /// Says how tests are run, and reads what came of them.
    TestRunner,
    /// Logs in at a registry.
    RegistryAuth,
    /// Says what is done around a release.
    DeployHook,
}

impl Kind {
    /// As manifests write it.
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
    /// Says what is wrong: no component, no manifest, two of them, or one that cannot be read.
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
