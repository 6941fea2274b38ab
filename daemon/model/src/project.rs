//! Projects: repositories, apps, triggers and endpoints of one tenant, as `windlass project apply` takes them.
//!
//! Triggers are in the daemon and not in the repository: a pull request must not be able to say that it deploys
//! production. How an app is built and run stays in its `windlass.toml`, at the commit.

mod check;
mod faults;
mod glob;
mod matching;
mod paths;
mod previews;
mod pulls;
mod read;
mod receivers;

pub use matching::{Mismatch, Waited, is_newer, matches};
pub use paths::touched;
pub use pulls::matches_pull;

use crate::{forge::ForgeKind, job::Gate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the file, for errors.
pub const FILE: &str = "project.toml";

/// Bytes of the longest file that is read.
pub const LONGEST_FILE: usize = 256 << 10;

/// A project's file, `project.toml`. The daemon stores it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProjectSpec {
    /// Name of the project.
    pub project: String,
    /// Repositories, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub repositories: BTreeMap<String, RepositorySpec>,
    /// Apps, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<String, AppSpec>,
    /// Environments that need more than their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, EnvironmentSpec>,
    /// Rules which pushes deploy what, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, TriggerSpec>,
    /// Preview environments, one for each pull request of a `pull` trigger, and for `windlass submit --preview`. Without it
    /// there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previews: Option<PreviewsSpec>,
    /// Webhooks of yours that hear how jobs end and which wait for an approval, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, EndpointSpec>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RepositorySpec {
    /// `https` or `http` URL without a login. Only this repository is ever fetched, whatever a webhook says.
    pub url: String,
    /// Name of the project's secret that holds `user:token` for fetching. Without it the repository is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Forge that sends webhooks and takes statuses. Without it neither is possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<ForgeSpec>,
    /// Asks the repository for changes that no webhook reported, by `ls-remote` every ten minutes. Default: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<bool>,
}

/// The forge of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ForgeSpec {
    pub kind: ForgeKind,
    /// Base address of the API: `https://git.example.com/api/v1`. The default is that of the public service, where
    /// there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Name of the project's secret that holds the token for statuses. Without it, and without `app`, none are sent. By it
    /// the forge is also asked every hour what became of pull requests that have previews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A GitHub App that stands for a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<ForgeApp>,
    /// Ways to report: `status`, `deployment`. Default: `["status"]`.
    #[serde(default = "status", skip_serializing_if = "is_status")]
    pub report: Vec<Reporting>,
}

/// A GitHub App that is installed for the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ForgeApp {
    /// Client id or number of the App.
    pub id: String,
    /// Number of the installation.
    pub installation: u64,
    /// Name of the project's secret that holds the App's private key, PEM of PKCS#1.
    pub key: String,
}

/// A way to report the state of a commit.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reporting {
    /// The commit's status, on every forge.
    Status,
    /// GitHub's and GitLab's Deployments.
    Deployment,
}

fn status() -> Vec<Reporting> {
    vec![Reporting::Status]
}

fn is_status(report: &Vec<Reporting>) -> bool {
    *report == status()
}

/// An app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppSpec {
    /// Name of its repository. May be left out where the project has one repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Folder of the app within the repository. Default: the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Files whose change deploys the app, as globs from the repository's root: `packages/**`, `services/web`. A leading
    /// `!` leaves files out, the last glob that matches decides, and a list that begins with `!` begins with all files.
    /// `*` stays within a folder, `**` stands for any folders, and a folder's name stands for all in it. Empty means all
    /// files. The change is counted from the commit that serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// An environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvironmentSpec {
    /// Pushes deploy. `false` records each push and deploys nothing. Default: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_deploy: Option<bool>,
    /// Place at which each job waits until somebody approves it (`windlass approve`). `release`: once the image is
    /// built and tested, before anything is applied. Rollbacks and removals wait, too. Without it no job waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
}

/// A place at which the jobs of an environment wait for an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalRule {
    /// Before a release is applied.
    Release,
}

impl ApprovalRule {
    /// Returns the gate at which the jobs wait.
    #[must_use]
    pub fn gate(self) -> Gate {
        match self {
            Self::Release => Gate::Release,
        }
    }
}

/// Preview environments: `pr-<number>` for a pull request, `pr-<name>` for a name that a caller chose. Each has one pod of
/// each process and a namespace of its own. It ends with its pull request, or when nobody pushes any more: all that was
/// made for it is removed, its volume claims too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PreviewsSpec {
    /// Host of a preview: `{app}-pr-{n}.preview.example.com`. `{app}` stands for the app and `{n}` for the number or the
    /// name. The app needs a `gateway` or an `ingress-class`, and the operator decides which hosts are allowed. Without
    /// it a preview is reached within the cluster alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Time without a push after which a preview ends: `12h`, `7d`. Default: `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<String>,
    /// Previews of the project at once, at most 100. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Names of the project's secrets that previews may use. Any other is refused. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Apps that may have previews. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
}

/// A rule which pushes deploy an app. Exactly one of `push`, `tag` and `pull` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TriggerSpec {
    /// Name of the app.
    pub app: String,
    /// Environment that is deployed to. Default: `production`. None is given beside `pull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Pushes to branches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushRule>,
    /// New tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagRule>,
    /// Pull requests, each to a preview environment of its own. Needs `[previews]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullRule>,
    /// Takes `[skip ci]`, `[ci skip]`, `[no ci]`, `[skip actions]`, `[actions skip]`, `[skip deploy]` and `[skip windlass]`
    /// in the first line of the newest commit's message for a wish not to deploy, and so the trailer `skip-checks: true`
    /// at its end. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_marks: Option<bool>,
}

/// Branches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PushRule {
    /// Names of branches, as globs: `main`, `release/*`. `*` does not cross a `/`, and `**` does.
    pub branches: Vec<String>,
}

/// Tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TagRule {
    /// Glob of the tag's name: `v*`. `*` does not cross a `/`, and `**` does.
    pub pattern: String,
    /// Deploys only versions (SemVer) higher than all tags that the trigger has seen, deployed or not, so that an old
    /// tag never replaces a newer one. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_newer: Option<bool>,
}

/// Pull requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PullRule {
    /// Branches that pull requests are to be merged into, as globs: `main`.
    pub into: Vec<String>,
    /// Pull requests from other repositories: `never`, or `approval`. Default: `never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forks: Option<Forks>,
    /// Deploys drafts, too. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafts: Option<bool>,
}

/// Rule for pull requests from other repositories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Forks {
    /// None is deployed. A pull request is no fork where a branch of the configured repository has its very commit.
    #[default]
    Never,
    /// Each commit waits until somebody approves it (`windlass approve`). Before that nothing of it is fetched. Its preview
    /// gets no secrets, and its builds have caches of their own. Needs a forge with refs of pull requests: all but
    /// Bitbucket Cloud.
    Approval,
}

/// A webhook of the project's own, by Standard Webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EndpointSpec {
    /// `https` URL. `http` is for addresses that the operator allows.
    pub url: String,
    /// Name of the project's secret that holds the signing key, `whsec_` and base64 of 24 to 64 bytes.
    pub secret: String,
    /// Events that are sent. Empty means `job.held`, those that end a job, and those about other endpoints. Those of
    /// previews are sent to endpoints that name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EndpointEvent>,
}

/// An event that endpoints hear of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum EndpointEvent {
    #[serde(rename = "job.queued")]
    JobQueued,
    #[serde(rename = "job.running")]
    JobRunning,
    /// The job waits until somebody approves it.
    #[serde(rename = "job.held")]
    JobHeld,
    /// Somebody approved it, and it goes on.
    #[serde(rename = "job.approved")]
    JobApproved,
    #[serde(rename = "job.succeeded")]
    JobSucceeded,
    #[serde(rename = "job.failed")]
    JobFailed,
    #[serde(rename = "job.stopped")]
    JobStopped,
    // Another endpoint has taken no message for half a day.
    #[serde(rename = "endpoint.failing")]
    EndpointFailing,
    // Another endpoint is off: it took no message for a day, or answered 410.
    #[serde(rename = "endpoint.disabled")]
    EndpointDisabled,
    /// A job deployed to a preview, whose address is in the message. It comes beside `job.succeeded`.
    #[serde(rename = "preview.ready")]
    PreviewReady,
    /// A job removed a preview with all that was made for it.
    #[serde(rename = "preview.removed")]
    PreviewRemoved,
}
