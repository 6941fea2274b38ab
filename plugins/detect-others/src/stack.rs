//! Haskell by Stack: a snapshot of Stackage, and the compiler that belongs to it.

use crate::answer::{code, is_name, plan, runs_on_debian, version};
use windlass_plugin_sdk::{
    App, Found, Refusal, StageExt, StepExt, copy,
    read::{self, Node},
    run, score, stage,
};

const LANGUAGE: &str = "haskell";

/// First release of each long supported series of Stackage, with its compiler, the newest first.
const COMPILERS: [(u32, &str); 8] = [
    (24, "9.10"),
    (23, "9.8"),
    (22, "9.6"),
    (21, "9.4"),
    (20, "9.2"),
    (19, "9.0"),
    (17, "8.10"),
    (14, "8"),
];

/// Folder of Stack's downloads.
const CACHE: &str = "/root/.stack";

/// Returns the plan of the package's executable. `None` means that Stack builds nothing in the app's folder, or that
/// nothing says which executable is meant.
///
/// # Errors
/// A file of Stack's cannot be read.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(file) = app.read("stack.yaml")? else { return Ok(None) };
    let Some((program, evidence)) = program(app)? else { return Ok(None) };
    let settings = read::yaml(&file)?;
    let named = settings.get("resolver").or_else(|| settings.get("snapshot"));
    let resolver = named.and_then(|node| Some((node.text()?, node.line)));
    let (ghc, source) = match (version(app, LANGUAGE, "ghc")?, resolver) {
        (Some(asked), _) => asked,
        (None, Some((text, line))) => {
            let Some(ghc) = compiler(text) else { return Ok(None) };
            (ghc.to_owned(), format!("{}:{line} {text}", file.path))
        }
        (None, None) => return Ok(None),
    };
    let start = vec![format!("/app/{program}")];
    let mut detection = plan(app, LANGUAGE, score::INFERRED, evidence, start);
    detection.decide("ghc", ghc.clone(), source);
    detection.decide("manager", "stack", file.path.clone());
    let mut files: Vec<String> = ["stack.yaml", "stack.yaml.lock", "package.yaml"]
        .into_iter()
        .filter(|name| app.has(name))
        .map(str::to_owned)
        .collect();
    files.extend(app.glob(&["*.cabal"], 5));
    let stack = |arguments: &[&str]| {
        run(&[&["stack", "--system-ghc", "--no-terminal"][..], arguments].concat()).cached(&[CACHE])
    };
    let mut build = stage("build", format!("haskell:{ghc}-slim"));
    // Other packages of the tree have manifests that Stack reads first.
    if settings.get("packages").is_none_or(|node| node.list().len() < 2) {
        build = build.step(copy(&files, "./")).step(stack(&["build", "--only-dependencies"]));
    }
    build = build.step(copy(&["."], "./")).step(stack(&["install", "--local-bin-path", "/out"]));
    let last = runs_on_debian(&["libgmp10"]).copy_from("build", &format!("/out/{program}"), "./");
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}

/// Returns the only executable of `package.yaml`, else of the file of Cabal, and its place.
fn program(app: &App<'_>) -> Result<Option<(String, String)>, Refusal> {
    let mut found = Vec::new();
    if let Some(file) = app.read("package.yaml")? {
        let root = read::yaml(&file)?;
        for (name, node) in root.get("executables").map(Node::map).unwrap_or_default() {
            found.push((name.clone(), format!("{}:{} executables", file.path, node.line)));
        }
    }
    if found.is_empty()
        && let Some(name) = app.glob(&["*.cabal"], 1).into_iter().next()
        && let Some(file) = app.read(&name)?
    {
        for (line, text) in code(&file, "--") {
            let Some((word, name)) = text.split_once(char::is_whitespace) else { continue };
            if word.eq_ignore_ascii_case("executable") {
                found.push((name.trim().to_owned(), format!("{}:{line} executable", file.path)));
            }
        }
    }
    let is_one = found.len() == 1;
    Ok(found.pop().filter(|(name, _)| is_one && is_name(name)))
}

/// Returns the compiler of a snapshot: `lts-20.11`, `ghc-9.4.8`.
fn compiler(resolver: &str) -> Option<&'static str> {
    let rest = resolver.rsplit('/').next()?;
    if let Some(release) = rest.strip_prefix("ghc-") {
        let fits =
            |name: &str| release.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        return COMPILERS.iter().map(|(_, ghc)| *ghc).find(|ghc| fits(ghc));
    }
    let series: u32 = rest.strip_prefix("lts-")?.split('.').next()?.parse().ok()?;
    COMPILERS.iter().find(|(first, _)| *first <= series).map(|(_, ghc)| *ghc)
}

#[cfg(test)]
mod tests {
    use super::compiler;
    use windlass_plugin_sdk::{testing::detect, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_snapshot_has_its_compiler() {
        for (resolver, expected) in [
            ("lts-20.11", Some("9.2")),
            ("lts-18.28", Some("8.10")),
            ("ghc-9.4.8", Some("9.4")),
            ("nightly-2024-01-01", None),
        ] {
            assert_eq!(compiler(resolver), expected, "{resolver}");
        }
    }

    #[test]
    fn stack_builds_a_package_of_hpack_s() {
        let files = tree! {
            "stack.yaml" => "resolver: lts-22.43\npackages:\n- .\n",
            "package.yaml" => "name: web\nghc-options: -Wall\nexecutables:\n  web-exe:\n    main: Main.hs\n",
            "app/Main.hs" => "main = pure ()\n",
        };
        let found = detect(crate::detect, MANIFEST, &files).plan();
        assert_eq!(
            (found.start(), found.build_base()),
            ("/app/web-exe".into(), "haskell:9.6-slim")
        );
        assert!(found.runs().iter().any(|line| line.contains("stack --system-ghc")));
    }
}
