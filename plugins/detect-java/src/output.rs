//! Results of builds, and the builds themselves, before they become a plan.

use crate::dropwizard::Settings;
use windlass_plugin_sdk::{Candidate, Step, versions::Chosen};

/// Build of a project, before its result is put into an image.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) language: &'static str,
    pub(crate) score: u8,
    /// Folder of the repository that the build sees.
    pub(crate) context: String,
    /// Folder of the project, relative to the context.
    pub(crate) folder: String,
    pub(crate) java: Chosen,
    /// Name of the tool, and its version.
    pub(crate) tool: (&'static str, Chosen),
    pub(crate) base: String,
    /// Packages that the base lacks, by Debian's names.
    pub(crate) packages: &'static [&'static str],
    pub(crate) steps: Vec<Step>,
    pub(crate) output: Output,
    pub(crate) evidence: Vec<String>,
    pub(crate) candidates: Vec<Candidate>,
}

/// Files that a build leaves, below the project's folder, and their start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// An executable jar of Spring Boot.
    Boot(Boot),
    /// The folder `quarkus-app`.
    Quarkus { folder: &'static str, health: bool },
    /// One jar that holds everything. `pattern`: of its path. `options`: of the JVM.
    Jar { pattern: &'static str, options: Vec<String> },
    /// One jar that holds everything, and Dropwizard's settings. `pattern`: of its path.
    Dropwizard { pattern: &'static str, settings: Settings },
    /// A jar, and its dependencies in `target/lib`.
    Classpath { main: String, has_dependencies: bool },
    /// A folder with a script in `bin`.
    Installed { folder: String, script: String },
    /// A war without a server. `pattern`: of its path. `tomcat`: release of the server that has its servlets.
    War { pattern: &'static str, tomcat: &'static str },
    /// The folder that the Procfile's command names.
    Named { folder: &'static str },
}

/// Jar of Spring Boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    /// Pattern of the jar's path.
    pub(crate) pattern: &'static str,
    /// Version. `None` means that nothing says it: the jar is not taken apart.
    pub(crate) version: Option<(u32, u32)>,
    pub(crate) is_war: bool,
    /// Place of the dependency that serves HTTP. `None` means that there is none.
    pub(crate) web: Option<String>,
    /// Place of the actuator. `None` means that there is none.
    pub(crate) actuator: Option<String>,
    /// File that reads `PORT` itself. `None` means that there is none.
    pub(crate) reads_port: Option<String>,
}
