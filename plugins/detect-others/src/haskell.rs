//! Haskell by Cabal.

use crate::{
    answer::{code, is_name, plan, refused, runs_on_debian, version},
    stack,
};
use windlass_plugin_sdk::{App, Found, StageExt, score, stage};

const LANGUAGE: &str = "haskell";

/// Returns the plan of the package's executable. `None` means that nothing in the app's folder is Haskell's.
///
/// # Errors
/// The package has no executable, or several.
pub(crate) fn app(app: &App<'_>) -> Found {
    if let Some(found) = stack::app(app)? {
        return Ok(Some(found));
    }
    let Some(name) = app.glob(&["*.cabal"], 1).into_iter().next() else {
        let other = ["stack.yaml", "cabal.project", "package.yaml"];
        // `package.yaml` is pnpm's name, too, and hpack's with `ghc-options` or `executables`.
        let is_haskell = |name: &&str| {
            app.has(name)
                && (*name != "package.yaml"
                    || app.read(name).ok().flatten().is_some_and(|file| {
                        file.text.contains("ghc-options") || file.text.contains("executables:")
                    }))
        };
        return match other.into_iter().find(|name| is_haskell(name)) {
            None => Ok(None),
            Some(other) => Err(refused(
                LANGUAGE,
                format!("{}: the folder has no file of Cabal, such as app.cabal", app.at(other)),
                "commit the file (hpack makes it), or a Dockerfile on `haskell:9-slim`",
            )),
        };
    };
    let Some(file) = app.read(&name)? else { return Ok(None) };
    let programs: Vec<_> = code(&file, "--")
        .filter_map(|(line, text)| {
            let (word, name) = text.split_once(char::is_whitespace)?;
            word.eq_ignore_ascii_case("executable").then(|| (line, name.trim()))
        })
        .filter(|(_, name)| is_name(name))
        .collect();
    let (line, program) = match programs.as_slice() {
        [one] => *one,
        [] => {
            return Err(refused(
                LANGUAGE,
                format!("{}: a library: it has no `executable`", file.path),
                "add an executable, or name the folder of the app by `--directory`",
            ));
        }
        several => {
            let names: Vec<_> = several.iter().map(|(_, name)| *name).collect();
            return Err(refused(
                LANGUAGE,
                format!(
                    "{}: nothing says which executable is the app: {}",
                    file.path,
                    names.join(", ")
                ),
                "commit a Dockerfile on `haskell:9-slim` that names it",
            ));
        }
    };
    let start = vec![format!("/app/{program}")];
    let mut detection =
        plan(app, LANGUAGE, score::INFERRED, format!("{}:{line} executable", file.path), start);
    let (tag, source) =
        version(app, LANGUAGE, "ghc")?.unwrap_or_else(|| ("9".to_owned(), "default".to_owned()));
    detection.decide("ghc", tag.clone(), source);
    let mut manifests = vec![name.as_str()];
    manifests
        .extend(["cabal.project", "cabal.project.freeze"].into_iter().filter(|name| app.has(name)));
    let build = stage("build", format!("haskell:{tag}-slim"))
        .copy(&manifests, "./")
        .run(&["cabal", "update"])
        .run(&["cabal", "build", "--only-dependencies", &format!("exe:{program}")])
        .copy(&["."], "./")
        .run(&[
            "cabal",
            "install",
            &format!("exe:{program}"),
            "--install-method=copy",
            "--installdir=/out",
        ]);
    let last = runs_on_debian(&["libgmp10"]).copy_from("build", &format!("/out/{program}"), "./");
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}
