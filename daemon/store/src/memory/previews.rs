//! Preview environments in memory.

use super::MemoryStore;
use async_trait::async_trait;
use std::cmp::Reverse;
use windlass_engine::ports::store::{PREVIEWS_LISTED, PreviewPush, Previews, Pushed, StoreError};
use windlass_model::{
    app::App,
    due::{Due, DueKind},
    preview::{PreviewRecord, PreviewState},
};

#[async_trait]
impl Previews for MemoryStore {
    async fn push_preview(&self, push: &PreviewPush) -> Result<Pushed, StoreError> {
        let PreviewPush { record, reopens, limit } = push;
        let mut tables = self.tables();
        let state = tables.previews.get(&record.app).map(|known| known.state);
        if state == Some(PreviewState::Closed) && !reopens {
            return Ok(Pushed::Closed);
        }
        if state != Some(PreviewState::Open) {
            let open = tables.previews.values().filter(|preview| {
                preview.app.project == record.app.project && preview.state == PreviewState::Open
            });
            let count = u32::try_from(open.count()).unwrap_or(u32::MAX);
            if count >= *limit {
                return Ok(Pushed::Full(count));
            }
        }
        let open =
            PreviewRecord { state: PreviewState::Open, removal: String::new(), ..record.clone() };
        tables.previews.insert(record.app.clone(), open);
        tables.schedule(Due::on_app(DueKind::PreviewEnds, &record.app, record.until_ms));
        Ok(Pushed::Open)
    }

    async fn preview(&self, app: &App) -> Result<Option<PreviewRecord>, StoreError> {
        Ok(self.tables().previews.get(app).cloned())
    }

    async fn previews(&self, project: Option<&str>) -> Result<Vec<PreviewRecord>, StoreError> {
        let tables = self.tables();
        let all = tables.previews.values();
        let wanted = all.filter(|one| project.is_none_or(|project| one.app.project == project));
        let mut found: Vec<_> = wanted.cloned().collect();
        let is_last = |one: &PreviewRecord| project.is_none() && one.state != PreviewState::Open;
        found.sort_by_key(|one| (is_last(one), Reverse(one.last_push_ms)));
        found.truncate(usize::try_from(PREVIEWS_LISTED).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn end_preview(
        &self,
        record: &PreviewRecord,
        state: PreviewState,
        removal: &str,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let known = tables.previews.entry(record.app.clone()).or_insert_with(|| record.clone());
        if known.state != PreviewState::Closed {
            known.state = state;
        }
        if !removal.is_empty() {
            known.removal = removal.into();
        }
        Ok(())
    }

    async fn forget_previews(&self, at_ms: u64) -> Result<(), StoreError> {
        self.tables().previews.retain(|_, preview| {
            preview.state == PreviewState::Open || preview.last_push_ms >= at_ms
        });
        Ok(())
    }
}
