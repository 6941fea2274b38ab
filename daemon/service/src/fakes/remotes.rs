//! Repositories in memory, with refs that move, trees that differ, and faults.

use crate::ports::RemoteReader;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};
use tokio::time::Instant;
use windlass_model::{diagnosis::Diagnosis, job::Commit};

/// Files of a tree, by their paths.
type Files = BTreeMap<String, String>;

/// Repositories by their URLs. Commits belong to all of them.
#[derive(Default)]
pub(crate) struct FakeRemotes(Mutex<State>);

#[derive(Default)]
struct State {
    refs: BTreeMap<String, BTreeMap<String, String>>,
    /// Changes of refs that are not visible before their time: URL, name, commit.
    coming: Vec<(Instant, String, String, String)>,
    trees: BTreeMap<String, Files>,
    /// URLs of repositories that do not answer.
    broken: BTreeSet<String>,
    /// URLs that were asked for their refs, in order.
    asked: Vec<String>,
    /// Number of commits that were compared, for which they are fetched.
    compared: usize,
}

impl FakeRemotes {
    /// Lets a ref lead to a commit from now on.
    pub(crate) fn push(&self, url: &str, name: &str, commit: &str) {
        let mut state = self.0.lock().unwrap();
        state.refs.entry(url.into()).or_default().insert(name.into(), commit.into());
    }

    /// Lets a ref lead to a commit once `after` has passed.
    pub(crate) fn push_later(&self, url: &str, name: &str, commit: &str, after: Duration) {
        let at = Instant::now() + after;
        self.0.lock().unwrap().coming.push((at, url.into(), name.into(), commit.into()));
    }

    /// Deletes a ref.
    pub(crate) fn delete(&self, url: &str, name: &str) {
        self.0.lock().unwrap().refs.entry(url.into()).or_default().remove(name);
    }

    /// Gives a commit its tree: paths, each with its content.
    pub(crate) fn tree(&self, commit: &str, files: &[(&str, &str)]) {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        self.0.lock().unwrap().trees.insert(commit.into(), files.collect());
    }

    /// Lets a repository answer nothing, or answer again.
    pub(crate) fn breaks(&self, url: &str, is_broken: bool) {
        let mut state = self.0.lock().unwrap();
        if is_broken {
            state.broken.insert(url.into());
        } else {
            state.broken.remove(url);
        }
    }

    /// Returns how often commits were compared.
    pub(crate) fn compared(&self) -> usize {
        self.0.lock().unwrap().compared
    }

    /// Returns how often a repository was asked for its refs.
    pub(crate) fn asked(&self, url: &str) -> usize {
        self.0.lock().unwrap().asked.iter().filter(|asked| *asked == url).count()
    }
}

#[async_trait]
impl RemoteReader for FakeRemotes {
    async fn refs(
        &self,
        _: &str,
        commit: &Commit,
    ) -> Result<BTreeMap<String, String>, Box<Diagnosis>> {
        let mut state = self.0.lock().unwrap();
        state.asked.push(commit.repository.clone());
        if state.broken.contains(&commit.repository) {
            let (code, fix) = ("repository-unreachable", "check the host's name and port");
            let what = "the repository does not answer".into();
            let fixes = vec![fix.into()];
            return Err(Box::new(Diagnosis {
                code: code.into(),
                what,
                fixes,
                ..Diagnosis::default()
            }));
        }
        let now = Instant::now();
        let (here, coming): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.coming).into_iter().partition(|(at, ..)| *at <= now);
        state.coming = coming;
        for (_, url, name, id) in here {
            state.refs.entry(url).or_default().insert(name, id);
        }
        Ok(state.refs.get(&commit.repository).cloned().unwrap_or_default())
    }

    async fn changed_paths(
        &self,
        _: &str,
        from: &str,
        commit: &Commit,
    ) -> Result<Vec<String>, Box<Diagnosis>> {
        let mut state = self.0.lock().unwrap();
        state.compared += 1;
        let tree = |id: &str| {
            state.trees.get(id).ok_or_else(|| {
                let what = format!("there is no commit {id}");
                Box::new(Diagnosis {
                    code: "commit-not-found".into(),
                    what,
                    ..Diagnosis::default()
                })
            })
        };
        let (before, after) = (tree(from)?, tree(&commit.id)?);
        let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let differs = |path: &&&String| before.get(**path) != after.get(**path);
        Ok(paths.iter().filter(differs).map(|path| (*path).clone()).collect())
    }
}
