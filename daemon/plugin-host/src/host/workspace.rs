//! The `workspace` import: a tree, read by handle.

use super::State;
use crate::{
    bindings::{types, workspace as wit},
    tree::{Entry, EntryKind, TreeError, TreeHandle, compiled},
};
use wasmtime::component::Resource;

impl wit::Host for State {}

impl wit::HostTree for State {
    async fn read_dir(
        &mut self,
        tree: Resource<TreeHandle>,
        dir: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<wit::Entry>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        let tree = self.table.get(&tree)?.clone();
        let most = self.limits.output / 64;
        let entries = tree.list(&dir, count(limit).min(most)).await;
        Ok(entries.map(|all| all.into_iter().map(entry).collect()).map_err(types::Error::from))
    }

    async fn glob(
        &mut self,
        tree: Resource<TreeHandle>,
        pattern: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        if pattern.len() > 256 {
            return Ok(Err(TreeError::Invalid("a pattern has at most 256 bytes".into()).into()));
        }
        let matcher = match compiled(&pattern) {
            Ok(matcher) => matcher,
            Err(why) => return Ok(Err(TreeError::Invalid(why.to_string()).into())),
        };
        let tree = self.table.get(&tree)?.clone();
        let most = self.limits.output / 64;
        Ok(Ok(tree.glob(&matcher, count(limit).min(most)).await))
    }

    async fn read_text(
        &mut self,
        tree: Resource<TreeHandle>,
        path: String,
        max: u32,
    ) -> wasmtime::Result<Result<Option<String>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        // More would not fit beside what the guest has anyway.
        let max = u64::from(max).min(self.limits.memory as u64 / 4);
        Ok(self.table.get(&tree)?.text(&path, max).map_err(types::Error::from))
    }

    async fn drop(&mut self, tree: Resource<TreeHandle>) -> wasmtime::Result<()> {
        self.table.delete(tree)?;
        Ok(())
    }
}

fn entry(entry: Entry) -> wit::Entry {
    let kind = match entry.kind {
        EntryKind::File => wit::Kind::File,
        EntryKind::Dir => wit::Kind::Dir,
        EntryKind::Symlink => wit::Kind::Symlink,
    };
    wit::Entry { path: entry.name, kind, size: entry.size }
}

impl From<TreeError> for types::Error {
    fn from(error: TreeError) -> Self {
        let (kind, message) = match error {
            TreeError::Invalid(message) => (types::ErrorKind::InvalidInput, message),
            TreeError::NotFound(message) => (types::ErrorKind::NotFound, message),
            TreeError::TooMuch(message) => (types::ErrorKind::BudgetExceeded, message),
            TreeError::Failed(message) => (types::ErrorKind::Failed, message),
        };
        Self { kind, message, hint: None }
    }
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
