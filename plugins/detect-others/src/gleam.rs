//! Gleam on Erlang.

use crate::answer::{is_name, is_version, plan, refused, version};
use windlass_plugin_sdk::{
    App, Found, Refusal, StageExt,
    read::{self, Node},
    score, stage,
};

const LANGUAGE: &str = "gleam";

/// Version that is taken where nothing says one. The image has no tag that floats.
const DEFAULT: &str = "1.18.1";

/// Returns the plan of an Erlang shipment. `None` means that there is no `gleam.toml`.
///
/// # Errors
/// The package is a library, or compiles to JavaScript, or names no version that can be.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(file) = app.read("gleam.toml")? else { return Ok(None) };
    let manifest = read::toml(&file)?;
    let Some(name) = manifest.get("name").and_then(Node::text).filter(|name| is_name(name)) else {
        return Err(refused(
            LANGUAGE,
            format!("{}: no `name`", file.path),
            "write `name = \"app\"`",
        ));
    };
    if let Some(target) = manifest.get("target")
        && target.text() == Some("javascript")
    {
        return Err(refused(
            LANGUAGE,
            format!(
                "{}:{}: the target JavaScript is not built by a detector",
                file.path, target.line
            ),
            "commit a Dockerfile that runs `gleam build` and serves or starts the result",
        ));
    }
    let main = format!("src/{name}.gleam");
    let source = app.read(&main)?;
    if !source.is_some_and(|source| source.text.contains("pub fn main")) {
        return Err(refused(
            LANGUAGE,
            format!("{}: a library: {main} has no `pub fn main`", file.path),
            format!("write `pub fn main()` in {main}"),
        ));
    }
    let (gleam, source) = chosen(app, &manifest, &file.path)?;
    let start = ["/app/entrypoint.sh", "run"].map(str::to_owned).to_vec();
    let mut detection =
        plan(app, LANGUAGE, score::STARTED, format!("{}: pub fn main", app.at(&main)), start);
    detection.decide("gleam", gleam.clone(), source);
    let base = format!("ghcr.io/gleam-lang/gleam:v{gleam}-erlang-alpine");
    let lock = app.has("manifest.toml").then_some("manifest.toml");
    let files: Vec<_> = ["gleam.toml"].into_iter().chain(lock).collect();
    let build = stage("build", base.clone())
        .copy(&files, "./")
        .run(&["gleam", "deps", "download"])
        .copy(&["."], "./")
        .run(&["gleam", "export", "erlang-shipment"]);
    let last = stage("run", base).why("the shipment runs on the Erlang that built it").copy_from(
        "build",
        "/app/build/erlang-shipment",
        "./",
    );
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}

/// Returns the version of the image, and who says so: the user, or the lowest that the manifest allows.
fn chosen(app: &App<'_>, manifest: &Node, path: &str) -> Result<(String, String), Refusal> {
    if let Some((text, source)) = version(app, LANGUAGE, "gleam")? {
        if text.split('.').count() == 3 {
            return Ok((text, source));
        }
        return Err(refused(
            LANGUAGE,
            format!("{source}: `{text}` is no version of three numbers, as the image's tags have"),
            format!("write one such as `{DEFAULT}`"),
        ));
    }
    let lowest = manifest.get("gleam").and_then(|node| {
        let lowest = node.text()?.split([',', ' ']).find(|word| is_version(word))?;
        Some((lowest, node.line))
    });
    let number =
        |text: &str| -> Vec<u32> { text.split('.').filter_map(|part| part.parse().ok()).collect() };
    Ok(match lowest {
        Some((lowest, line))
            if lowest.split('.').count() == 3 && number(lowest) > number(DEFAULT) =>
        {
            (lowest.to_owned(), format!("{path}:{line} gleam"))
        }
        _ => (DEFAULT.to_owned(), "default".to_owned()),
    })
}
