//! .NET: projects of MSBuild, and the releases that they ask for.

use crate::{
    App, Refusal, join,
    read::{self, roxmltree},
    versions::{Chosen, Runtime, releases},
    within,
};

/// End of life of releases that the table does not have.
const ENDED: [(&str, &str); 7] = [
    ("2.0", "2018-10-01"),
    ("2.1", "2021-08-21"),
    ("2.2", "2019-12-23"),
    ("3.0", "2020-03-03"),
    ("3.1", "2022-12-13"),
    ("5.0", "2022-05-10"),
    ("7.0", "2024-05-14"),
];

/// Names of files that MSBuild reads above a project, each the nearest one.
pub const SHARED: [&str; 7] = [
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "NuGet.config",
    "nuget.config",
    "NuGet.Config",
    "global.json",
];

/// Number of properties, and of references, of a project that are read: each line is counted from the file's start.
const MOST: usize = 300;

/// Kind of a project, by what it is built to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A server of ASP.NET.
    Web,
    /// A host of background services.
    Worker,
    /// A program.
    Program,
    /// Files for a browser: Blazor WebAssembly.
    Browser,
    /// Tests.
    Tests,
    /// A library, and what only starts other projects.
    Library,
    /// An app of Windows, or of a phone.
    Foreign,
}

/// A project file: `*.csproj`, `*.fsproj`, `*.vbproj`.
#[derive(Clone, Debug)]
pub struct Project {
    /// Path from the repository's root.
    pub path: String,
    /// `Sdk` of the project, without a version. Empty means a project of the .NET Framework's time.
    pub sdk: String,
    /// Names, values and lines of properties, as they are written.
    pub properties: Vec<(String, String, usize)>,
    /// Paths of `ProjectReference`, with `/`, and their lines.
    pub references: Vec<(String, usize)>,
    /// Names of `PackageReference`.
    pub packages: Vec<String>,
    /// A target of the project calls npm.
    pub calls_npm: bool,
    /// The file imports another one of the repository.
    pub imports: bool,
}

impl Project {
    /// Reads a project file. `None` means that there is none at this path of the repository.
    ///
    /// # Errors
    /// Names file, line and column of what is no XML.
    pub fn read(app: &App<'_>, path: &str) -> Result<Option<Self>, Refusal> {
        let Some(file) = app.read_repo(path)? else { return Ok(None) };
        let calls_npm = file.text.contains("npm install") || file.text.contains("npm ci");
        let mut project = read::xml(&file, Self::of)?;
        project.path = path.to_owned();
        project.calls_npm |= calls_npm;
        Ok(Some(project))
    }

    fn of(document: &roxmltree::Document<'_>) -> Self {
        let root = document.root_element();
        let line = |node: &roxmltree::Node<'_, '_>| {
            usize::try_from(document.text_pos_at(node.range().start).row).unwrap_or(1)
        };
        let mut sdk = root.attribute("Sdk").unwrap_or_default().to_owned();
        let mut project = Self {
            path: String::new(),
            sdk: String::new(),
            properties: Vec::new(),
            references: Vec::new(),
            packages: Vec::new(),
            calls_npm: false,
            imports: false,
        };
        for node in root.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            let included = node.attribute("Include").unwrap_or_default();
            match name {
                "Sdk" if sdk.is_empty() => {
                    sdk = node.attribute("Name").unwrap_or_default().to_owned();
                }
                "ProjectReference" if !included.is_empty() && project.references.len() < MOST => {
                    let path = included.replace('\\', "/");
                    // The project of a browser's app is built by npm, and the restore reads its files.
                    let is_client = path.ends_with(".esproj");
                    project.calls_npm |= is_client;
                    project.imports |= is_client;
                    project.references.push((path, line(&node)));
                }
                "Import" => project.imports |= node.attribute("Project").is_some(),
                "PackageReference" if !included.is_empty() => {
                    project.packages.push(included.to_owned());
                }
                _ => {
                    // Only the name counts: projects of the older format have a namespace.
                    let group = node.parent();
                    let is_property =
                        group.is_some_and(|group| group.tag_name().name() == "PropertyGroup");
                    let value = node.text().unwrap_or_default().trim();
                    if is_property && !value.is_empty() && project.properties.len() < MOST {
                        project.properties.push((name.to_owned(), value.to_owned(), line(&node)));
                    }
                }
            }
        }
        project.sdk = sdk.split('/').next().unwrap_or_default().trim().to_owned();
        project
    }

    /// Returns the folder, from the repository's root.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the file's name without its ending.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// Returns the last value of a property, and its line.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<(&str, usize)> {
        let mut all = self.properties.iter().rev();
        let (_, value, line) = all.find(|(key, _, _)| key.eq_ignore_ascii_case(name))?;
        Some((value, *line))
    }

    /// Returns whether a property is `true`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.property(name).is_some_and(|(value, _)| value.eq_ignore_ascii_case("true"))
    }

    /// Returns whether a package's name begins with this.
    #[must_use]
    pub fn has_package(&self, start: &str) -> bool {
        self.packages.iter().any(|name| name.starts_with(start))
    }

    /// Returns what the project is built to be. `shared` is the nearest `Directory.Build.props`.
    #[must_use]
    pub fn kind(&self, shared: Option<&Self>) -> Kind {
        let own = |name: &str| self.is(name) || shared.is_some_and(|shared| shared.is(name));
        let output = self.property("OutputType").map_or("", |(value, _)| value);
        let frameworks = self.frameworks(shared);
        let foreign = |(name, _): &(String, String)| {
            ["-windows", "-android", "-ios", "-maccatalyst"].iter().any(|end| name.contains(end))
        };
        let is_foreign = self.sdk.is_empty()
            || own("UseWPF")
            || own("UseWindowsForms")
            || own("UseMaui")
            || output.eq_ignore_ascii_case("WinExe")
            || (!frameworks.is_empty() && frameworks.iter().all(foreign))
            || (!frameworks.is_empty()
                && frameworks.iter().all(|(name, _)| is_framework_of_windows(name)));
        if self.is("IsTestProject")
            || self.has_package("Microsoft.NET.Test.Sdk")
            || self.sdk == "MSTest.Sdk"
        {
            return Kind::Tests;
        }
        if is_foreign {
            return Kind::Foreign;
        }
        if self.is("IsAspireHost") || self.has_package("Aspire.Hosting.AppHost") {
            return Kind::Library;
        }
        match self.sdk.as_str() {
            "Microsoft.NET.Sdk.Web" if output.eq_ignore_ascii_case("Library") => Kind::Library,
            "Microsoft.NET.Sdk.Web" => Kind::Web,
            "Microsoft.NET.Sdk.Worker" => Kind::Worker,
            "Microsoft.NET.Sdk.BlazorWebAssembly" => Kind::Browser,
            "Microsoft.NET.Sdk" if output.eq_ignore_ascii_case("Exe") => Kind::Program,
            _ => Kind::Library,
        }
    }

    /// Returns the frameworks that the project targets, each with the file and line that says so.
    #[must_use]
    pub fn frameworks(&self, shared: Option<&Self>) -> Vec<(String, String)> {
        for project in [Some(self), shared].into_iter().flatten() {
            for name in ["TargetFrameworks", "TargetFramework", "TargetFrameworkVersion"] {
                let Some((value, line)) = project.property(name) else { continue };
                let source = format!("{}:{line} {name}", project.path);
                let all = value.split(';').map(str::trim).filter(|one| !one.is_empty());
                let all =
                    all.filter_map(|one| Some((resolved(one, self, shared)?, source.clone())));
                let all: Vec<_> = all.collect();
                if !all.is_empty() {
                    return all;
                }
            }
        }
        Vec::new()
    }

    /// Returns the name of the library that `dotnet` starts, without its ending.
    #[must_use]
    pub fn assembly(&self) -> &str {
        let named = self.property("AssemblyName").map(|(value, _)| value);
        named.filter(|name| !name.contains("$(")).unwrap_or_else(|| self.stem())
    }
}

/// Returns a value, where it names a property that of the property: `$(Framework)`.
fn resolved(value: &str, project: &Project, shared: Option<&Project>) -> Option<String> {
    let Some(name) = value.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) else {
        return (!value.contains("$(")).then(|| value.to_owned());
    };
    let own = project.property(name).or_else(|| shared?.property(name));
    own.map(|(value, _)| value.to_owned()).filter(|value| !value.contains("$("))
}

/// Returns whether a framework runs on Windows alone: `net48`, `v4.7.2`.
fn is_framework_of_windows(name: &str) -> bool {
    let digits = name.strip_prefix("net").or_else(|| name.strip_prefix('v')).unwrap_or(name);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && (name.starts_with('v') || !digits.contains('.'))
}

/// Returns the release of a framework: `8.0` of `net8.0`. `None` means that it is none that runs here.
#[must_use]
pub fn release(framework: &str) -> Option<String> {
    let framework = framework.to_ascii_lowercase();
    let name = framework.split('-').next().unwrap_or_default();
    let number = name.strip_prefix("netcoreapp").or_else(|| name.strip_prefix("net"))?;
    let (major, minor) = number.split_once('.')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| number.to_owned())
}

/// Returns the newest release that a project targets, by the user's word first.
///
/// # Errors
/// Names the project that targets nothing that runs here.
pub fn version(
    app: &App<'_>,
    project: &Project,
    shared: Option<&Project>,
) -> Result<Chosen, Refusal> {
    if let Some(wish) = app.wish("dotnet") {
        let version = if wish.contains('.') { wish.to_owned() } else { format!("{wish}.0") };
        let source = "windlass.toml build.versions.dotnet".to_owned();
        return Ok(Chosen { ended: ended(&version), version, source, is_default: false });
    }
    let frameworks = project.frameworks(shared);
    let releases = frameworks.iter().filter_map(|(name, source)| Some((release(name)?, source)));
    let newest = releases.max_by_key(|(version, _)| number(version));
    let Some((version, source)) = newest else {
        return Err(Refusal::new(
            format!("{}: no `TargetFramework` such as `net8.0` is there", project.path),
            "name one under <PropertyGroup>: <TargetFramework>net8.0</TargetFramework>",
        ));
    };
    let source = source.clone();
    Ok(Chosen { ended: ended(&version), version, source, is_default: false })
}

/// Returns major and minor number of a release.
#[must_use]
pub fn number(version: &str) -> (u32, u32) {
    let (major, minor) = version.split_once('.').unwrap_or((version, ""));
    (major.parse().unwrap_or_default(), minor.parse().unwrap_or_default())
}

/// Returns the day since when a release is no longer maintained.
fn ended(version: &str) -> Option<String> {
    let cycle = version.strip_suffix(".0").unwrap_or(version);
    let known = releases::of(Runtime::Dotnet).iter();
    let known = known.filter(|release| release.cycle == cycle || release.cycle == version);
    let known = known.map(|release| release.until);
    let old = ENDED.iter().filter(|(name, _)| *name == version).map(|(_, until)| *until);
    let until = known.chain(old).next()?;
    (!until.is_empty() && until < releases::MADE).then(|| until.to_owned())
}

/// Returns the nearest of a file's names, from a folder upwards, as a path of the repository.
#[must_use]
pub fn above(app: &App<'_>, folder: &str, name: &str) -> Option<String> {
    let mut folder = folder;
    loop {
        let path = within(folder, name);
        if app.has_repo(&path) {
            return Some(path);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// Returns a project and all projects that it refers to, sorted by path.
///
/// # Errors
/// Names file, line and path of a reference that leads out of the repository, or is not there.
pub fn closure(app: &App<'_>, project: &Project) -> Result<Vec<Project>, Refusal> {
    let mut all = vec![project.clone()];
    let mut next = 0;
    while let Some(project) = all.get(next).cloned() {
        next += 1;
        for (path, line) in &project.references {
            // Paths with properties and globs are MSBuild's own to read.
            if path.contains(['$', '*', '@']) {
                continue;
            }
            let named = format!("{}:{line}: ProjectReference `{path}`", project.path);
            let Some(at) = join(project.folder(), path) else {
                return Err(Refusal::new(
                    format!("{named} is outside of the repository"),
                    "commit that project too, or refer to a package",
                ));
            };
            if all.iter().any(|known| known.path == at) || all.len() >= 300 {
                continue;
            }
            if at.ends_with(".esproj") {
                continue;
            }
            let Some(found) = Project::read(app, &at)? else {
                return Err(Refusal::new(
                    format!("{named} is not there"),
                    "commit that project, or correct the path; case counts",
                ));
            };
            all.push(found);
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{is_framework_of_windows, release};

    #[test]
    fn frameworks_have_releases() {
        for (framework, version) in [
            ("net8.0", Some("8.0")),
            ("net10.0", Some("10.0")),
            ("net8.0-linux", Some("8.0")),
            ("netcoreapp3.1", Some("3.1")),
            ("netstandard2.0", None),
            ("net48", None),
            ("net.0", None),
            ("", None),
        ] {
            assert_eq!(release(framework).as_deref(), version, "{framework}");
        }
        assert!(is_framework_of_windows("net48") && is_framework_of_windows("v4.7.2"));
        assert!(!is_framework_of_windows("net8.0") && !is_framework_of_windows("netstandard2.0"));
    }
}
