//! Imports of track 0.2.0: those of 0.1.0 answer, but for what they did not have.

use super::State;
use crate::{
    bindings::{clock, config, log, next::windlass::plugin as next, types, workspace},
    tree::{Entry, EntryKind, TreeError, TreeHandle, compiled},
};
use globset::GlobMatcher;
use wasmtime::component::Resource;

/// Most patterns of one question.
const MOST_PATTERNS: usize = 64;

impl next::types::Host for State {}

impl next::log::Host for State {
    async fn emit(&mut self, level: next::log::Level, message: String) -> wasmtime::Result<()> {
        log::Host::emit(self, level.into(), message).await
    }
}

impl next::config::Host for State {
    async fn get(&mut self) -> wasmtime::Result<String> {
        config::Host::get(self).await
    }
}

impl next::clock::Host for State {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        clock::Host::now(self).await
    }
}

impl next::workspace::Host for State {}

impl next::workspace::HostTree for State {
    async fn read_dir(
        &mut self,
        tree: Resource<TreeHandle>,
        dir: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<next::workspace::Entry>, next::types::Error>> {
        let entries = workspace::HostTree::read_dir(self, tree, dir, limit).await?;
        let entries = entries.map(|all| all.into_iter().map(Into::into).collect());
        Ok(entries.map_err(Into::into))
    }

    async fn glob(
        &mut self,
        tree: Resource<TreeHandle>,
        patterns: Vec<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, next::types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let matchers = match matchers(&patterns) {
            Ok(matchers) => matchers,
            Err(error) => return Ok(Err(types::Error::from(error).into())),
        };
        let most = self.limits.output / 64;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(most);
        let tree = self.table.get(&tree)?.clone();
        Ok(Ok(tree.nearest(&matchers, limit).await))
    }

    async fn stat(
        &mut self,
        tree: Resource<TreeHandle>,
        path: String,
    ) -> wasmtime::Result<Result<Option<next::workspace::Entry>, next::types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let found = self.table.get(&tree)?.stat(&path);
        let found = found.map(|entry| entry.map(next::workspace::Entry::from));
        Ok(found.map_err(|error| types::Error::from(error).into()))
    }

    async fn read_text(
        &mut self,
        tree: Resource<TreeHandle>,
        path: String,
        max: u32,
    ) -> wasmtime::Result<Result<Option<String>, next::types::Error>> {
        let text = workspace::HostTree::read_text(self, tree, path, max).await?;
        Ok(text.map_err(Into::into))
    }

    async fn drop(&mut self, tree: Resource<TreeHandle>) -> wasmtime::Result<()> {
        workspace::HostTree::drop(self, tree).await
    }
}

fn matchers(patterns: &[String]) -> Result<Vec<GlobMatcher>, TreeError> {
    if patterns.len() > MOST_PATTERNS {
        let message = format!("{} patterns; {MOST_PATTERNS} are allowed", patterns.len());
        return Err(TreeError::Invalid(message));
    }
    let one = |pattern: &String| {
        if pattern.len() > 256 {
            return Err(TreeError::Invalid("a pattern has at most 256 bytes".into()));
        }
        compiled(pattern).map_err(|why| TreeError::Invalid(why.to_string()))
    };
    patterns.iter().map(one).collect()
}

impl From<next::log::Level> for log::Level {
    fn from(level: next::log::Level) -> Self {
        match level {
            next::log::Level::Debug => Self::Debug,
            next::log::Level::Info => Self::Info,
            next::log::Level::Warn => Self::Warn,
            next::log::Level::Error => Self::Error,
        }
    }
}

impl From<workspace::Entry> for next::workspace::Entry {
    fn from(entry: workspace::Entry) -> Self {
        let kind = match entry.kind {
            workspace::Kind::File => next::workspace::Kind::File,
            workspace::Kind::Dir => next::workspace::Kind::Dir,
            workspace::Kind::Symlink => next::workspace::Kind::Symlink,
        };
        Self { path: entry.path, kind, size: entry.size }
    }
}

impl From<Entry> for next::workspace::Entry {
    fn from(entry: Entry) -> Self {
        let kind = match entry.kind {
            EntryKind::File => next::workspace::Kind::File,
            EntryKind::Dir => next::workspace::Kind::Dir,
            EntryKind::Symlink => next::workspace::Kind::Symlink,
        };
        Self { path: entry.name, kind, size: entry.size }
    }
}

impl From<types::Error> for next::types::Error {
    fn from(error: types::Error) -> Self {
        let kind = match error.kind {
            types::ErrorKind::InvalidInput => next::types::ErrorKind::InvalidInput,
            types::ErrorKind::NotFound => next::types::ErrorKind::NotFound,
            types::ErrorKind::Denied => next::types::ErrorKind::Denied,
            types::ErrorKind::Unavailable => next::types::ErrorKind::Unavailable,
            types::ErrorKind::Timeout => next::types::ErrorKind::Timeout,
            types::ErrorKind::BudgetExceeded => next::types::ErrorKind::BudgetExceeded,
            types::ErrorKind::Unsupported => next::types::ErrorKind::Unsupported,
            types::ErrorKind::Failed => next::types::ErrorKind::Failed,
        };
        Self { kind, message: error.message, hint: error.hint }
    }
}

impl From<next::types::Error> for types::Error {
    fn from(error: next::types::Error) -> Self {
        let kind = match error.kind {
            next::types::ErrorKind::InvalidInput => types::ErrorKind::InvalidInput,
            next::types::ErrorKind::NotFound => types::ErrorKind::NotFound,
            next::types::ErrorKind::Denied => types::ErrorKind::Denied,
            next::types::ErrorKind::Unavailable => types::ErrorKind::Unavailable,
            next::types::ErrorKind::Timeout => types::ErrorKind::Timeout,
            next::types::ErrorKind::BudgetExceeded => types::ErrorKind::BudgetExceeded,
            next::types::ErrorKind::Unsupported => types::ErrorKind::Unsupported,
            next::types::ErrorKind::Failed => types::ErrorKind::Failed,
        };
        Self { kind, message: error.message, hint: error.hint }
    }
}
