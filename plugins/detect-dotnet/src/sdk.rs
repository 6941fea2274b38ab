//! The release of the SDK that builds.

use windlass_plugin_sdk::{
    App, Refusal,
    dotnet::{Project, above, number},
    read,
    versions::Chosen,
};

/// Tag of the SDK's image, and who says so.
pub(crate) struct Sdk {
    pub(crate) tag: String,
    pub(crate) source: String,
}

/// Returns the SDK that `global.json` asks for, else the one of the project's release.
///
/// # Errors
/// Names file and line of what is no version.
pub(crate) fn sdk(app: &App<'_>, project: &Project, release: &Chosen) -> Result<Sdk, Refusal> {
    let own = Sdk { tag: release.version.clone(), source: release.source.clone() };
    let Some(path) = above(app, project.folder(), "global.json") else { return Ok(own) };
    let Some(file) = app.read_repo(&path)? else { return Ok(own) };
    let root = read::jsonc(&file)?;
    let Some(node) = root.at(&["sdk", "version"]) else { return Ok(own) };
    let version = node.want_text(&path, "sdk.version")?.trim();
    let source = format!("{path}:{} sdk.version", node.line);
    let mut parts = version.splitn(3, '.');
    let (major, minor, patch) = (parts.next(), parts.next(), parts.next());
    let (Some(major), Some(minor)) = (major, minor) else {
        return Err(not_a_version(&source, version));
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(major) || !is_number(minor) {
        return Err(not_a_version(&source, version));
    }
    let cycle = format!("{major}.{minor}");
    let policy = root.at(&["sdk", "rollForward"]).and_then(|node| node.text());
    let policy = policy.unwrap_or("latestPatch").to_ascii_lowercase();
    let is_patch = |patch: &str| {
        patch.split('-').next().is_some_and(is_number)
            && patch.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    if number(&cycle) < number(&release.version) {
        if policy.contains("major") {
            return Ok(own);
        }
        return Err(Refusal::new(
            format!("{source}: SDK {version} cannot build for .NET {}", release.version),
            format!("name an SDK of {} there", release.version),
        ));
    }
    // An image with the cycle's newest SDK is refused by `dotnet`, but where it may roll forward so far.
    let tag = match (policy.as_str(), patch) {
        ("patch" | "latestpatch" | "disable", Some(patch)) if is_patch(patch) => version.to_owned(),
        _ => cycle,
    };
    Ok(Sdk { tag, source })
}

fn not_a_version(source: &str, version: &str) -> Refusal {
    Refusal::new(
        format!("{source}: `{version}` is no version of the SDK"),
        "write one of three parts, such as `8.0.404`",
    )
}
