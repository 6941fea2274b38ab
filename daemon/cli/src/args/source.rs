//! Source and settings of a job on the command line.

use clap::Args;
use std::path::PathBuf;

/// Source and settings of a job. `windlass.toml` and detection decide the rest.
#[derive(Args)]
pub(crate) struct Source {
    /// project/app or project/app/environment. For a plan also a folder of this machine, without --repository.
    pub(crate) app: String,
    /// The repository's URL.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) repository: String,
    /// A branch, a tag, a full name (refs/…) or a commit's whole id; the daemon resolves it. Default:
    /// the server's HEAD.
    #[arg(long, default_value = "HEAD")]
    pub(crate) revision: String,
    /// Folder of the app within the repository.
    #[arg(long, default_value = "")]
    pub(crate) directory: String,
    /// Deploy only to this cluster; may be repeated. Default: all clusters for this app.
    #[arg(long)]
    pub(crate) cluster: Vec<String>,
    /// Name of the project's secret that holds user:token for the repository.
    #[arg(long, default_value = "")]
    pub(crate) credential: String,
    /// A file with keys of windlass.toml, TOML or JSON. The options below override it.
    #[arg(long)]
    pub(crate) spec: Option<PathBuf>,
    /// Port at which the app listens.
    #[arg(long)]
    pub(crate) port: Option<u32>,
    /// NAME=VALUE: a variable of the environment that is no secret.
    #[arg(long, value_parser = pair)]
    pub(crate) env: Vec<(String, String)>,
    /// NAME=SECRET: a variable from a secret of the project.
    #[arg(long, value_parser = pair)]
    pub(crate) secret: Vec<(String, String)>,
    /// Number of pods.
    #[arg(long)]
    pub(crate) replicas: Option<u32>,
    /// CPU request, such as 250m.
    #[arg(long)]
    pub(crate) cpu: Option<String>,
    /// Memory request, such as 128Mi.
    #[arg(long)]
    pub(crate) memory: Option<String>,
    /// Memory limit.
    #[arg(long)]
    pub(crate) memory_limit: Option<String>,
    /// HTTP path for the probes.
    #[arg(long)]
    pub(crate) health: Option<String>,
    /// Path of the Dockerfile.
    #[arg(long)]
    pub(crate) dockerfile: Option<String>,
    /// Use this detector's recipe, even where a Dockerfile is there.
    #[arg(long)]
    pub(crate) recipe: Option<String>,
    /// The Dockerfile's stage to deploy.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// NAME=VALUE for the Dockerfile's ARGs.
    #[arg(long, value_parser = pair)]
    pub(crate) build_arg: Vec<(String, String)>,
    /// NAME=JSON: the app's settings for one of the operator's hooks, a JSON object.
    #[arg(long, value_parser = pair)]
    pub(crate) hook: Vec<(String, String)>,
    /// A secret of the project for RUN --mount=type=secret,id=NAME.
    #[arg(long)]
    pub(crate) build_secret: Vec<String>,
    /// Run no tests.
    #[arg(long)]
    pub(crate) no_test: bool,
    /// The stage that tests run in.
    #[arg(long)]
    pub(crate) test_stage: Option<String>,
    /// Seconds until tests are taken to hang.
    #[arg(long)]
    pub(crate) test_timeout: Option<u32>,
    /// The test's command, one argument each: --test npm --test test.
    #[arg(long = "test", allow_hyphen_values = true)]
    pub(crate) test: Vec<String>,
    /// The app's command, after `--`.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

/// Splits `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.into(), value.into()))
}
