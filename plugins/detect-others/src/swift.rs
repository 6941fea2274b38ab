//! Swift packages, linked with Swift's library so that the image needs no Swift.

use crate::answer::{code, is_name, is_version, plan, quoted, refused, runs_on_debian, version};
use windlass_plugin_sdk::{App, File, Found, Refusal, StageExt, score, shell, stage};

const LANGUAGE: &str = "swift";

/// Version that is taken where nothing says a newer one.
const DEFAULT: &str = "6.0";

/// Returns the plan of the package's executable. `None` means that there is no `Package.swift`.
///
/// # Errors
/// The package has no executable target, or several.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(file) = app.read("Package.swift")? else { return Ok(None) };
    let mut targets = targets(&file, ".executableTarget(");
    if targets.is_empty() {
        // Tools before 5.4 know a program by its main.swift.
        targets = self::targets(&file, ".target(");
        targets.retain(|(_, name)| app.has(&format!("Sources/{name}/main.swift")));
        // The dependencies of another target may name it again.
        targets.dedup_by_key(|(_, name)| *name);
    }
    let (line, target) = match targets.as_slice() {
        [one] => *one,
        [] => {
            return Err(refused(
                LANGUAGE,
                format!("{}: a library: it has no `.executableTarget`", file.path),
                "add `.executableTarget(name: \"App\")` to the targets",
            ));
        }
        several => {
            let names: Vec<_> = several.iter().map(|(_, name)| *name).collect();
            return Err(refused(
                LANGUAGE,
                format!(
                    "{}: nothing says which target is the app: {}",
                    file.path,
                    names.join(", ")
                ),
                "commit a Dockerfile on `swift:6.0` that names it",
            ));
        }
    };
    let is_vapor = file.text.contains("vapor/vapor");
    let start = if is_vapor {
        shell("/app/server serve --env production --hostname 0.0.0.0 --port $PORT")
    } else if reads_address(app, target) {
        shell("/app/server --hostname 0.0.0.0 --port $PORT")
    } else {
        vec!["/app/server".to_owned()]
    };
    let band = if is_vapor { score::STARTED } else { score::INFERRED };
    let evidence = format!("{}:{line} executableTarget", file.path);
    let mut detection = plan(app, LANGUAGE, band, evidence, start);
    let (swift, source) = chosen(app, &file)?;
    detection.decide("swift", swift.clone(), source);
    let lock = app.has("Package.resolved").then_some("Package.resolved");
    let files: Vec<_> = ["Package.swift"].into_iter().chain(lock).collect();
    let place = format!("cp \"$(swift build -c release --show-bin-path)/{target}\" /server");
    let (variant, why) = if is_before_debian(&swift) {
        (
            "focal",
            "of this version there is no image on Debian, and this C library is older than the image's",
        )
    } else {
        ("bookworm", "the variant with the C library of the image that runs")
    };
    let build = stage("build", format!("swift:{swift}-{variant}"))
        .why(why)
        .copy(&files, "./")
        .run(&["swift", "package", "resolve"])
        .copy(&["."], "./")
        .run(&["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", target])
        .run(&["sh", "-c", &place]);
    let mut last = runs_on_debian(&["libcurl4", "libxml2", "tzdata"]).copy_from(
        "build",
        "/server",
        "/app/server",
    );
    for folder in ["Public", "Resources"] {
        if app.has_dir(folder) {
            last = last.copy_from("build", &format!("/app/{folder}"), &format!("./{folder}"));
        }
    }
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}

/// Returns whether a version has no image on Debian: the first is 5.10.1.
fn is_before_debian(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    match *parts {
        [5, 10] | [5] => false,
        _ => parts.as_slice() < [5, 10, 1].as_slice(),
    }
}

/// Returns whether a program takes host and port as options, as Hummingbird's template does.
fn reads_address(app: &App<'_>, target: &str) -> bool {
    app.glob(&[&format!("Sources/{target}/*.swift")], 50).iter().any(|path| {
        // A file that cannot be read takes no options that are known.
        app.read(path).ok().flatten().is_some_and(|file| {
            ["@Option", "var hostname: String", "var port: Int"]
                .iter()
                .all(|part| file.text.contains(part))
        })
    })
}

/// Returns lines and names of the targets of a kind: the name follows `kind`, on its line or the next.
fn targets<'a>(file: &'a File, kind: &str) -> Vec<(usize, &'a str)> {
    let mut targets = Vec::new();
    let mut open = None;
    for (line, text) in code(file, "//") {
        // What another target depends on is none: `dependencies: [.target(name: "App")]`.
        let own = text.split("dependencies:").next().unwrap_or(text);
        if own.contains(kind) {
            open = Some(line);
        }
        let name = text.split_once("name:").and_then(|(_, rest)| quoted(rest));
        if let (Some(start), Some(name)) = (open, name) {
            if is_name(name) {
                targets.push((start, name));
            }
            open = None;
        }
    }
    targets
}

/// Returns the version of the image, and who says so.
fn chosen(app: &App<'_>, file: &File) -> Result<(String, String), Refusal> {
    let own = app.read(".swift-version")?;
    let own = own.as_ref().map(|file| (file.text.trim(), format!("{}:1", file.path)));
    if let Some((text, source)) = own.filter(|(text, _)| is_version(text)) {
        return Ok((text.to_owned(), source));
    }
    if let Some(found) = version(app, LANGUAGE, "swift")? {
        return Ok(found);
    }
    let first = file.text.lines().next().unwrap_or_default();
    let tools = first
        .split_once("swift-tools-version")
        .map(|(_, rest)| rest.trim_start_matches([':', ' ']));
    let parts =
        |text: &str| -> Vec<u32> { text.split('.').filter_map(|part| part.parse().ok()).collect() };
    match tools.map(str::trim).filter(|tools| is_version(tools)) {
        Some(tools) if parts(tools) > parts(DEFAULT) => {
            Ok((tools.to_owned(), format!("{}:1 swift-tools-version", file.path)))
        }
        _ => Ok((DEFAULT.to_owned(), "default".to_owned())),
    }
}
