//! A job, the source that it deploys, and the release that it leads to.

use crate::{
    app::App,
    cluster::{self, Clusters},
    preview::Preview,
    runtime::{Aside, Runtime, Track},
    spec::Spec,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// An accepted request. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// UUIDv7, so that ids sort by age. Objects in the cluster carry the id as `windlass.dev/job`.
    pub id: String,
    pub app: App,
    pub source: Source,
    #[serde(default)]
    pub clusters: Clusters,
    /// The spec of the request. `windlass.toml`, the image and defaults fill it later.
    pub spec: Spec,
    /// Limits of a preview environment. `None` means that the job deploys to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// Labels that are shown and searched. Only [`crate::traceparent::TRACEPARENT`] is interpreted.
    pub labels: BTreeMap<String, String>,
    /// Time limit from the start of the job until its plan is made. The wait before the start and waits for approvals do
    /// not count, and a wait for a slot between its stages does.
    pub timeout: Duration,
    /// Places at which the job waits until somebody approves what comes next. Empty means that it waits at none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// The caller that submitted the job.
    pub principal: String,
    /// Time of acceptance in milliseconds since 1970, by the store's clock.
    pub created_ms: u64,
}

/// The origin of a job's image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A commit, from which the image is built.
    Commit(Commit),
    /// An earlier release, which a rollback restores. Nothing is built.
    Release(Box<Release>),
    /// The release that serves, out of whose data the job takes what only earlier releases work with. Nothing is built.
    Contract(Box<Release>),
    /// Nothing: the job deletes all that Windlass made for the app.
    Removal(Removal),
}

impl Source {
    /// Returns whether the job checks out a commit. Any other job begins with its release.
    #[must_use]
    pub fn is_commit(&self) -> bool {
        matches!(self, Self::Commit(_))
    }
}

/// A removal of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The app's volume claims go too, with all that they hold.
    pub data: bool,
}

/// One commit of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// `https`, `http` or `git` URL without user-info.
    pub repository: String,
    /// 40 or 64 lower-case hex digits.
    pub id: String,
    /// Branch to fetch if the server does not serve commits by id. Empty means that no branch is known.
    pub branch: String,
    /// Folder of the app within the repository; `.` is the root.
    pub directory: String,
    /// Name of the project's secret that holds `user:token`. `None` means that the repository is read
    /// without login.
    pub credential: Option<String>,
    /// The revision that led to `id` when the job was accepted. Empty means that the request named `id`.
    #[serde(default)]
    pub revision: String,
}

/// The author's description of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// 40 or 64 lower-case hex digits.
    pub id: String,
    /// The author's name.
    pub author: String,
    /// The first line of the commit's message.
    pub summary: String,
    /// The author date, in milliseconds since 1970. 0 means that the commit has none.
    pub authored_ms: u64,
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// `host/project/app:commit`, for people.
    pub reference: String,
    /// `digest` of the manifest, `sha256:…`, by which the image is deployed.
    pub digest: String,
    /// `size` of the configuration and the layers in the registry, in bytes. `None` means that it is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Image {
    /// Returns the registry's host, as the reference names it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.reference.split('/').next().unwrap_or_default()
    }

    /// Returns the reference by digest: `host/project/app@sha256:…`.
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
    /// Fetches the commit.
    Clone,
    /// Finds the recipe of the tree.
    Detect,
    /// Builds the image.
    Build,
    /// Runs the tests in the build.
    Test,
    /// Pushes the build that was tested.
    Push,
    /// Brings the release to the clusters and waits until it is healthy there.
    Release,
    /// Runs the operator's hooks around a release.
    Hooks,
}

impl Stage {
    /// All stages, in order.
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

/// Place in a job's course that it passes only with an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Before the commit is fetched: nothing of it runs without an approval.
    Clone,
    /// Before a release that is built is planned and applied.
    Release,
    /// During a release, before the new version gets a larger share of the requests.
    Traffic,
}

impl Gate {
    /// All gates, in the order in which a job comes to them.
    pub const ALL: [Self; 3] = [Self::Clone, Self::Release, Self::Traffic];

    /// Returns the stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clone => "clone",
            Self::Release => "release",
            Self::Traffic => "traffic",
        }
    }

    /// Returns the gate of a stored word. `None` means that no gate has it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == word)
    }

    /// Returns the stage that the gate is before.
    #[must_use]
    pub fn stage(self) -> Stage {
        match self {
            Self::Clone => Stage::Clone,
            Self::Release | Self::Traffic => Stage::Release,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
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

/// A version of an app that serves, or is to serve, with all that is needed to restore it. It names
/// secrets and never holds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Id of the job that made the release. A rollout is judged only once the cluster shows this id.
    pub id: String,
    pub app: App,
    /// The clusters that the release goes to. In a step of a plan it is the one of the step.
    #[serde(default = "only")]
    pub clusters: Vec<String>,
    /// Id of the commit that the image was built from.
    pub commit: String,
    pub image: Image,
    pub runtime: Runtime,
    /// Settings of the app for the operator's hooks: a JSON object by hook.
    #[serde(default)]
    pub hooks: BTreeMap<String, String>,
}

fn only() -> Vec<String> {
    Clusters::default().names
}

impl Release {
    /// Returns a release without image and processes, by which all objects of its app are found: a removal has no
    /// other.
    #[must_use]
    pub fn bare(id: &str, app: &App, clusters: &[String]) -> Self {
        Self {
            id: id.to_owned(),
            app: app.clone(),
            clusters: clusters.to_vec(),
            commit: String::new(),
            image: Image { reference: String::new(), digest: String::new(), bytes: None },
            runtime: Runtime::default(),
            hooks: BTreeMap::new(),
        }
    }

    /// Returns the release in these clusters.
    #[must_use]
    pub fn at(&self, clusters: &[String]) -> Self {
        Self { clusters: clusters.to_vec(), ..self.clone() }
    }

    /// Returns the release for another job, in these clusters. A rollback deploys it.
    #[must_use]
    pub fn again(&self, id: &str, clusters: &[String]) -> Self {
        Self { id: id.to_owned(), ..self.at(clusters) }
    }

    /// Returns the release as pods of `web` alone, beside those of the version that serves on track `from`. `percent`
    /// is their number, in percent of those that serve.
    #[must_use]
    pub fn aside(&self, from: Track, percent: u32) -> Self {
        let mut release = self.clone();
        release.runtime.aside = Some(Aside { from, percent });
        release
    }

    /// Returns the track of `web` in the release's cluster.
    #[must_use]
    pub fn track(&self) -> Track {
        self.track_in(self.cluster())
    }

    /// Returns the track of `web` in one of the release's clusters.
    #[must_use]
    pub fn track_in(&self, cluster: &str) -> Track {
        self.runtime.tracks.get(cluster).copied().unwrap_or_default()
    }

    /// Returns whether two releases run the same in the same clusters, however requests got to each of them.
    #[must_use]
    pub fn runs_as(&self, other: &Self) -> bool {
        self.image.digest == other.image.digest
            && self.hooks == other.hooks
            && self.clusters == other.clusters
            && self.runtime.as_it_serves() == other.runtime.as_it_serves()
    }

    /// Returns the release once for each of its clusters.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.clusters.iter().map(|name| self.at(std::slice::from_ref(name)))
    }

    /// Returns the first of the release's clusters, in which it is observed and changed.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.clusters.first().map_or(cluster::DEFAULT, |name| name)
    }

    /// Returns ` in NAME`, for sentences. Empty means the daemon's only cluster without a name of its
    /// own.
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
    fn a_gate_is_read_as_it_was_written() {
        for gate in Gate::ALL {
            assert_eq!(Gate::parse(gate.as_str()), Some(gate));
            assert_eq!(serde_json::to_value(gate).unwrap(), gate.as_str());
        }
        assert_eq!(Gate::parse("test"), None);
    }

    /// A release that serves in several clusters has a track of its own in each.
    #[test]
    fn a_track_is_that_of_the_cluster() {
        let mut release = crate::samples::release().at(&["eu".into(), "us".into(), "asia".into()]);
        release.runtime.tracks = [("eu".into(), Track::Green), ("us".into(), Track::Blue)].into();
        let tracks: Vec<_> = release.each().map(|placed| placed.track()).collect();
        assert_eq!(tracks, [Track::Green, Track::Blue, Track::Plain]);
        assert_eq!((release.track(), release.track_in("us")), (Track::Green, Track::Blue));
    }

    #[test]
    fn a_release_beside_another_is_the_same_release_and_says_how_many_pods_it_has() {
        let whole = crate::samples::release();
        let aside = whole.aside(Track::Blue, 25);
        assert_eq!(aside.runtime.aside, Some(Aside { from: Track::Blue, percent: 25 }));
        let runtime = Runtime { aside: None, ..aside.runtime.clone() };
        assert_eq!(Release { runtime, ..aside }, whole);
    }

    /// A rollback makes a release of another track and another strategy, which runs the same.
    #[test]
    fn a_release_that_came_again_another_way_runs_as_before() {
        let one = crate::samples::release();
        let mut again = one.again("0198", &one.clusters);
        again.runtime.strategy = one.runtime.strategy.at_once();
        again.runtime.tracks = [(one.cluster().to_owned(), Track::Blue)].into();
        assert!(one.runs_as(&again) && again != one);
        again.runtime.user = None;
        assert!(!one.runs_as(&again));
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
        assert_eq!((release.track(), release.runtime.aside), (Track::Plain, None));
    }
}
