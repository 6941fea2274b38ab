//! The port of questions to a repository that need no tree.

use crate::{
    checkout::{ANOTHER_REPLY, Checkouts},
    protocol::{Reply, Task},
};
use async_trait::async_trait;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;
use windlass_engine::ports::Remotes;
use windlass_model::{
    error::GitError,
    job::Commit,
    revision::{is_commit_id, is_ref_name},
    secret::Secret,
};

/// Time limit for a list of refs.
const LISTING: Duration = Duration::from_secs(30);

/// Time limit for a comparison of two commits. `checkout.max-seconds` may be less.
const COMPARING: Duration = Duration::from_secs(300);

impl Checkouts {
    /// Runs a child that lists something, once it is its turn: the time limit begins then.
    async fn list(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
        task: Task,
        limit: Duration,
    ) -> Result<Vec<String>, GitError> {
        // The semaphore is never closed.
        let _turn = self.listers.acquire().await;
        let listed = async {
            let mut folder = self.workspace("list-")?;
            match self.run(commit, credential, &mut folder, task, None).await? {
                Reply::Listed(lines) => Ok(lines),
                _ => Err(another_reply()),
            }
        };
        timeout(limit, listed).await.unwrap_or_else(|_| {
            let repository = commit.repository.clone();
            let message = format!("it did not answer the question within {} s", limit.as_secs());
            Err(GitError::Unreachable { repository, message })
        })
    }
}

#[async_trait]
impl Remotes for Checkouts {
    async fn refs(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
    ) -> Result<BTreeMap<String, String>, GitError> {
        read(&self.list(commit, credential, Task::Refs, LISTING).await?)
    }

    async fn changed_paths(
        &self,
        from: &str,
        commit: &Commit,
        credential: Option<&Secret>,
        most: usize,
    ) -> Result<Vec<String>, GitError> {
        let task = Task::Changed {
            from: from.into(),
            commit: commit.id.clone(),
            most,
            limits: self.limits.clone(),
        };
        let limit = COMPARING.min(Duration::from_secs(self.limits.max_seconds));
        let paths = self.list(commit, credential, task, limit).await?;
        if paths.len() > most { Err(another_reply()) } else { Ok(paths) }
    }
}

/// Reads lines of refs, `ID NAME`. The child reads what a hostile server sends: it is not believed. A name that holds
/// what a terminal obeys arrives as text that no name may hold, and is left out.
fn read(lines: &[String]) -> Result<BTreeMap<String, String>, GitError> {
    let mut refs = BTreeMap::new();
    for line in lines {
        let parts = line.split_once(' ').filter(|(id, _)| is_commit_id(id));
        let (id, name) = parts.ok_or_else(another_reply)?;
        if name.starts_with("refs/") && is_ref_name(name) {
            refs.insert(name.to_owned(), id.to_owned());
        }
    }
    Ok(refs)
}

fn another_reply() -> GitError {
    GitError::Other { message: ANOTHER_REPLY.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_not_believed() {
        let id = "1".repeat(40);
        let lines = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("{id} {name}")).collect()
        };
        let all = lines(&["refs/heads/main", "HEAD", "refs/heads/a\\u{200b}", "refs/heads/a b"]);
        let refs = read(&all).unwrap();
        assert_eq!(refs, BTreeMap::from([("refs/heads/main".to_owned(), id.clone())]));
        for bad in ["", "refs/heads/main", "xyz refs/heads/main", "1234567 refs/heads/main"] {
            assert!(read(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
