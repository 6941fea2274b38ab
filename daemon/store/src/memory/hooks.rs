//! Hooks in memory.

use super::{MemoryStore, tables::Hook};
use async_trait::async_trait;
use windlass_engine::ports::store::{ForgeHooks, HOOKS_LISTED, HookRecord, OpenedHook, StoreError};
use windlass_model::secret::Secret;

#[async_trait]
impl ForgeHooks for MemoryStore {
    async fn create_hook(&self, record: &HookRecord, secret: &Secret) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.hooks.contains_key(&record.id) {
            return Err(StoreError::Other(format!("there is a hook {} already", record.id)));
        }
        let hook = Hook { record: record.clone(), secret: secret.clone(), previous: None };
        tables.hooks.insert(record.id.clone(), hook);
        Ok(())
    }

    async fn open_hook(&self, id: &str, now_ms: u64) -> Result<Option<OpenedHook>, StoreError> {
        let tables = self.tables();
        let open = |hook: &Hook| {
            let until_ms = hook.record.previous_until_ms;
            let is_valid = until_ms.is_some_and(|until_ms| until_ms > now_ms);
            OpenedHook {
                record: hook.record.clone(),
                secret: hook.secret.clone(),
                previous: hook.previous.clone().filter(|_| is_valid),
            }
        };
        Ok(tables.hooks.get(id).map(open))
    }

    async fn hooks(&self, project: &str) -> Result<Vec<HookRecord>, StoreError> {
        let tables = self.tables();
        let records = tables.hooks.values().map(|hook| &hook.record);
        let mut records: Vec<_> =
            records.filter(|record| record.project == project).cloned().collect();
        records.sort_by(|one, other| (one.created_ms, &one.id).cmp(&(other.created_ms, &other.id)));
        records.truncate(usize::try_from(HOOKS_LISTED).unwrap_or(usize::MAX));
        Ok(records)
    }

    async fn rotate_hook(
        &self,
        id: &str,
        secret: &Secret,
        previous_until_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(hook) = tables.hooks.get_mut(id) else { return Ok(false) };
        hook.previous = Some(std::mem::replace(&mut hook.secret, secret.clone()));
        hook.record.previous_until_ms = Some(previous_until_ms);
        Ok(true)
    }

    async fn delete_hook(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.tables().hooks.remove(id).is_some())
    }

    async fn saw_hook(&self, id: &str, at_ms: u64, repository_id: &str) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let Some(Hook { record, .. }) = tables.hooks.get_mut(id) else { return Ok(()) };
        record.seen_ms = record.seen_ms.max(Some(at_ms));
        if record.repository_id.is_none() && !repository_id.is_empty() {
            record.repository_id = Some(repository_id.into());
        }
        Ok(())
    }
}
