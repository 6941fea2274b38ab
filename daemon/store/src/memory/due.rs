//! Due work in memory.

use super::{MemoryStore, tables::Scheduled};
use async_trait::async_trait;
use windlass_engine::ports::store::{DueWork, StoreError};
use windlass_model::{
    due::{Due, DueKind},
    event::Event,
};

#[async_trait]
impl DueWork for MemoryStore {
    async fn take_due(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let mut tables = self.tables();
        let due = tables.due.iter_mut().filter(|(_, scheduled)| {
            scheduled.at_ms <= now_ms && scheduled.taken_until_ms.unwrap_or_default() <= now_ms
        });
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, scheduled)| scheduled.at_ms);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let take = |((kind, key), scheduled): (&(DueKind, String), &mut Scheduled)| {
            scheduled.taken_until_ms = Some(until_ms);
            Due { kind: *kind, key: key.clone(), at_ms: scheduled.at_ms }
        };
        Ok(due.into_iter().map(take).collect())
    }

    async fn finish_due(&self, due: &Due, next_ms: Option<u64>) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let place = (due.kind, due.key.clone());
        let Some(scheduled) = tables.due.get_mut(&place) else { return Ok(()) };
        if scheduled.at_ms != due.at_ms || scheduled.taken_until_ms.is_none() {
            return Ok(());
        }
        match next_ms {
            Some(at_ms) => *scheduled = Scheduled { at_ms, taken_until_ms: None },
            None => {
                tables.due.remove(&place);
            }
        }
        Ok(())
    }

    async fn hasten(
        &self,
        kind: DueKind,
        project: Option<&str>,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let is_of = |key: &str| {
            project.is_none_or(|project| key.split_once('/').is_some_and(|(of, _)| of == project))
        };
        let hastened =
            tables.due.iter_mut().filter(|((other, key), _)| *other == kind && is_of(key));
        for (_, scheduled) in hastened {
            // What is taken may have read the login of before: it is done once more.
            if scheduled.at_ms > now_ms || scheduled.taken_until_ms.is_some() {
                *scheduled = Scheduled { at_ms: now_ms, taken_until_ms: None };
            }
        }
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<u64>, StoreError> {
        let tables = self.tables();
        let times = tables
            .due
            .values()
            .map(|scheduled| scheduled.at_ms.max(scheduled.taken_until_ms.unwrap_or_default()));
        Ok(times.min())
    }

    async fn forget_logs(&self, job: &str) -> Result<(), StoreError> {
        if let Some(row) = self.tables().jobs.get_mut(job) {
            row.events.retain(|event| !matches!(event.event, Event::Log { .. }));
        }
        Ok(())
    }

    async fn forget_job(&self, job: &str) -> Result<(), StoreError> {
        self.tables().jobs.remove(job);
        Ok(())
    }
}
