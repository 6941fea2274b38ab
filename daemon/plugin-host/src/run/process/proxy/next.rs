//! Imports of track 0.2.0 in the worker.

use super::Proxy;
use crate::{
    bindings::{clock, config, log, next::windlass::plugin as next, types, workspace},
    run::process::frames::{Entry, HostCall},
    tree::TreeHandle,
};
use wasmtime::component::Resource;

impl next::types::Host for Proxy {}

impl next::log::Host for Proxy {
    async fn emit(&mut self, level: next::log::Level, message: String) -> wasmtime::Result<()> {
        log::Host::emit(self, level.into(), message).await
    }
}

impl next::config::Host for Proxy {
    async fn get(&mut self) -> wasmtime::Result<String> {
        config::Host::get(self).await
    }
}

impl next::clock::Host for Proxy {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        clock::Host::now(self).await
    }
}

impl next::workspace::Host for Proxy {}

impl next::workspace::HostTree for Proxy {
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
        let found = self.result(HostCall::GlobMany(tree.rep(), patterns, limit))?;
        Ok(found.map_err(|error: types::Error| error.into()))
    }

    async fn stat(
        &mut self,
        tree: Resource<TreeHandle>,
        path: String,
    ) -> wasmtime::Result<Result<Option<next::workspace::Entry>, next::types::Error>> {
        let entry = |entry: Entry| next::workspace::Entry {
            path: entry.path,
            kind: match entry.kind {
                0 => next::workspace::Kind::File,
                1 => next::workspace::Kind::Dir,
                _ => next::workspace::Kind::Symlink,
            },
            size: entry.size,
        };
        let found = self.result::<Option<Entry>>(HostCall::Stat(tree.rep(), path))?;
        Ok(found.map(|found| found.map(entry)).map_err(Into::into))
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
