//! What was asked for: a job, its source, and the release it leads to.

use crate::{
    app::App,
    cluster::{self, Clusters},
    runtime::Runtime,
    spec::Spec,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// The accepted request, fixed from then on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// UUIDv7, so that ids sort by age. Also the revision that the cluster's objects carry.
    pub id: String,
    /// Who is deployed where.
    pub app: App,
    /// What to deploy.
    pub source: Source,
    /// Where it goes.
    #[serde(default)]
    pub clusters: Clusters,
    /// What the request says of the app; the rest is decided later.
    pub spec: Spec,
    /// Shown and searched, never interpreted.
    pub labels: BTreeMap<String, String>,
    /// How long the job may take until its plan is made.
    pub timeout: Duration,
    /// Who submitted it.
    pub principal: String,
    /// Milliseconds since 1970, by the store's clock.
    pub created_ms: u64,
}

/// Where a job's image comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Built from a commit.
    Commit(Commit),
    /// An earlier release, put back as it was: nothing is built.
    Release(Box<Release>),
}

/// One commit of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// `https`, `http` or `git` URL without user-info.
    pub repository: String,
    /// 40 or 64 lower-case hex digits.
    pub id: String,
    /// Where to look when the server does not hand out commits by id. May be empty.
    pub branch: String,
    /// Folder of the app within the repository; `.` is the root.
    pub directory: String,
    /// Name of the project's secret that holds `user:token`, if the repository wants one.
    pub credential: Option<String>,
    /// The revision that led to `id` when the job was accepted. Empty where the request named `id`.
    #[serde(default)]
    pub revision: String,
}

/// A commit as its author tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// 40 or 64 lower-case hex digits.
    pub id: String,
    /// The author's name.
    pub author: String,
    /// The first line of the message.
    pub summary: String,
    /// When it was written, in milliseconds since 1970; 0 where the commit does not say.
    pub authored_ms: u64,
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// `host/project/app:commit`, for people.
    pub reference: String,
    /// `sha256:…`, what is deployed.
    pub digest: String,
    /// Bytes of its configuration and layers as the registry has them; none where nobody told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Image {
    /// `host/project/app@sha256:…`.
    #[must_use]
    pub fn by_digest(&self) -> String {
        let slash = self.reference.rfind('/').map_or(0, |at| at + 1);
        let (path, name) = self.reference.split_at(slash);
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        format!("{path}{name}@{}", self.digest)
    }
}

/// The pipeline's stages, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Fetch the commit.
    Clone,
    /// Find out what it is and how to build it.
    Detect,
    /// Build the image.
    Build,
    /// Run its tests in what was built.
    Test,
    /// Push what was tested.
    Push,
    /// Bring it to the cluster and see it healthy.
    Release,
    /// What operators want done around a release.
    Hooks,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Clone,
        Self::Detect,
        Self::Build,
        Self::Test,
        Self::Push,
        Self::Release,
        Self::Hooks,
    ];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clone => "clone",
            Self::Detect => "detect",
            Self::Build => "build",
            Self::Test => "test",
            Self::Push => "push",
            Self::Release => "release",
            Self::Hooks => "hooks",
        })
    }
}

/// What serves an app: all that is needed to put it back. Names secrets, never holds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The job that rendered it. A rollout is judged only once the cluster shows this.
    pub id: String,
    /// Whose release it is.
    pub app: App,
    /// Where it goes; in a step of a plan, the one where that is taken.
    #[serde(default = "only")]
    pub clusters: Vec<String>,
    /// The commit that it was built from.
    pub commit: String,
    /// What runs.
    pub image: Image,
    /// How it runs.
    pub runtime: Runtime,
    /// What the app says of the operator's hooks: a JSON object by hook.
    #[serde(default)]
    pub hooks: BTreeMap<String, String>,
}

fn only() -> Vec<String> {
    Clusters::default().names
}

impl Release {
    /// The same, in these clusters.
    #[must_use]
    pub fn at(&self, clusters: &[String]) -> Self {
        Self { clusters: clusters.to_vec(), ..self.clone() }
    }

    /// Returns the same for another job, in these clusters: what a rollback brings out.
    #[must_use]
    pub fn again(&self, id: &str, clusters: &[String]) -> Self {
        Self { id: id.to_owned(), ..self.at(clusters) }
    }

    /// One for each of its clusters.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.clusters.iter().map(|name| self.at(std::slice::from_ref(name)))
    }

    /// Where it is looked at and acted on: the first of its clusters.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.clusters.first().map_or(cluster::DEFAULT, |name| name)
    }

    /// ` in NAME`, for sentences; nothing where the daemon's only cluster has no name of its own.
    #[must_use]
    pub fn place(&self) -> String {
        cluster::place(self.cluster())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_by_digest_keeps_a_registrys_port() {
        let image = Image {
            reference: "10.0.0.1:5000/shop/web:abc".into(),
            digest: "sha256:1".into(),
            bytes: None,
        };
        assert_eq!(image.by_digest(), "10.0.0.1:5000/shop/web@sha256:1");
    }

    #[test]
    fn a_commit_of_an_older_journal_names_no_revision() {
        let old = serde_json::json!({
            "repository": "https://git.example/web", "id": "abc", "branch": "main",
            "directory": ".", "credential": null,
        });
        let commit: Commit = serde_json::from_value(old).unwrap();
        assert_eq!((&*commit.branch, &*commit.revision), ("main", ""));
    }

    #[test]
    fn what_an_older_journal_has_is_in_the_only_cluster() {
        let image = serde_json::json!({ "reference": "r/shop/web:1", "digest": "sha256:1" });
        let old = serde_json::json!({
            "id": "1", "app": App::new("shop", "web", "").unwrap(), "commit": "abc",
            "image": image, "runtime": Runtime::default(),
        });
        let release: Release = serde_json::from_value(old).unwrap();
        assert_eq!((release.cluster(), &*release.place()), ("default", ""));
    }
}
