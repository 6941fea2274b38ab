//! Sites that Trunk builds: WebAssembly and an `index.html`, served as files.

use windlass_plugin_sdk::{
    App, Detection, Found, StageExt, StaticSite, StepExt, copy, read, run,
    rust::{Manifest, toolchain},
    score, stage, within,
    workspace::cargo,
};

/// Release of Trunk. It fetches the tools that the site needs.
const TRUNK: &str = "0.21.14";

/// User of the host's file server.
const SERVER_USER: u32 = 101;

/// Returns the plan of a site. `None` means that Trunk builds none here, or not of this folder alone.
///
/// # Errors
/// A manifest cannot be read.
pub(crate) fn site(app: &App<'_>, manifest: &Manifest) -> Found {
    let Some(page) = app.read("index.html")? else { return Ok(None) };
    let marked = page.lines().find(|(_, line)| line.contains("data-trunk"));
    let settings = app.read("Trunk.toml")?;
    let evidence = match (&settings, marked) {
        (Some(file), _) => format!("{}: Trunk builds the site", file.path),
        (None, Some((line, _))) => {
            format!("{}:{line} data-trunk: Trunk builds the site", page.path)
        }
        (None, None) => return Ok(None),
    };
    if cargo::above(app)?.is_some_and(|workspace| workspace.root != app.folder) {
        return Ok(None);
    }
    let mut folder = "dist".to_owned();
    if let Some(file) = &settings {
        let root = read::toml(file)?;
        if let Some(dist) = root.at(&["build", "dist"]).and_then(|node| node.text()) {
            dist.trim_start_matches("./").clone_into(&mut folder);
        }
    }
    let is_part =
        |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', '"', '\n']);
    if !folder.split('/').all(is_part) {
        return Ok(None);
    }
    let toolchain = toolchain(app, app.folder)?;
    let mut detection = Detection::new("rust", score::STATIC);
    detection.context = app.folder.to_owned();
    detection.tool("rust", &toolchain.chosen);
    detection.decide("manager", "cargo", &manifest.path);
    detection.because(evidence);
    let base = match toolchain.chosen.version.as_str() {
        "nightly" => "rustlang/rust:nightly-bookworm-slim".to_owned(),
        version => format!("rust:{version}-slim-bookworm"),
    };
    let fetch = format!(
        "curl -fsSL https://github.com/trunk-rs/trunk/releases/download/v{TRUNK}/trunk-$(uname -m)-unknown-linux-gnu.tar.gz \
         | tar xz -C /usr/local/bin"
    );
    let mut build = stage("build", base)
        .packages(&["ca-certificates", "curl"])
        .step(run(&["sh", "-c", &fetch]).why("Trunk's own archive: to compile it takes minutes"));
    if let Some(file) = &toolchain.file {
        let name = file.rsplit('/').next().unwrap_or(file);
        if *file == within(app.folder, name) {
            build = build.step(copy(&[name], "./"));
        }
    }
    build = build
        .step(run(&["rustup", "target", "add", "wasm32-unknown-unknown"]))
        .step(copy(&["."], "."))
        .step(
            run(&["trunk", "build", "--release"])
                .cached(&["/usr/local/cargo/registry", "/usr/local/cargo/git"]),
        );
    detection.image.stages = vec![build];
    detection.image.user = SERVER_USER;
    detection.image.health = Some("/".to_owned());
    detection.serves = Some(StaticSite {
        stage: Some("build".to_owned()),
        folder: format!("/app/{folder}"),
        fallback: Some("index.html".to_owned()),
        not_found: None,
        immutable: Vec::new(),
    });
    Ok(Some(detection))
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_page_of_trunk_s_is_a_site() {
        let files = tree! {
            "Cargo.toml" => "[package]\nname = \"web\"\nversion = \"0.1.0\"\n\n[dependencies]\nyew = \"0.21\"\n",
            "src/main.rs" => "fn main() {}\n",
            "index.html" => "<html>\n<link data-trunk rel=\"scss\" href=\"a.scss\"/>\n</html>\n",
        };
        let plan = testing::detect(detect, MANIFEST, &files).plan();
        assert_eq!(plan.serves.as_ref().map(|site| &*site.folder), Some("/app/dist"));
        assert!(plan.runs().contains(&"trunk build --release".to_owned()), "{:?}", plan.runs());
        let program = files.clone().with("index.html", "<html></html>\n");
        assert!(testing::detect(detect, MANIFEST, &program).plan().serves.is_none());
        let named = files.with("Trunk.toml", "[build]\ndist = \"out\"\n");
        let plan = testing::detect(detect, MANIFEST, &named).plan();
        assert_eq!(plan.serves.as_ref().map(|site| &*site.folder), Some("/app/out"));
    }
}
