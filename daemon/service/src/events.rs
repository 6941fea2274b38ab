//! Reads the past events of a job in pages.

use crate::{caller::Caller, check, error::ServiceError, services::Services, verb::Verb};
use windlass_engine::ports::store::Recorded;

/// Number of events on a page by default, and at most.
const PAGE: (u32, u32) = (500, 2000);

impl Services {
    /// Returns a job's events after number `after`, oldest first. An empty page means that there are none yet.
    /// `page_size` is at most 2000, and 0 means 500.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has, [`ServiceError::Invalid`] for a page that is too large.
    pub async fn job_events(
        &self,
        caller: &Caller,
        id: &str,
        after: u64,
        page_size: u32,
    ) -> Result<Vec<Recorded>, ServiceError> {
        let record = self.find_job(id).await?;
        caller.may(Verb::Read, &record.job.app.project)?;
        let limit = check::page(page_size, PAGE.0, PAGE.1)?;
        Ok(self.jobs.events(id, after, limit).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller, submit};
    use windlass_model::{event::Event, job::Stage};

    #[tokio::test]
    async fn events_come_in_pages_to_whoever_may_read() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        for stage in [Stage::Clone, Stage::Detect, Stage::Build] {
            world.append(&id, Event::Started(stage)).await;
        }
        let all = world.services.job_events(&ci, &id, 0, 0).await.unwrap();
        let last = all.last().unwrap().seq;
        let page = world.services.job_events(&ci, &id, last - 1, 2).await.unwrap();
        assert_eq!(page.iter().map(|one| one.seq).collect::<Vec<_>>(), [last]);
        assert!(world.services.job_events(&ci, &id, last, 0).await.unwrap().is_empty());
        let error = world.services.job_events(&ci, &id, 0, 2001).await.unwrap_err();
        assert_eq!(error.to_string(), "page_size: `2001` must be 1 to 2000");
        let other = caller("other", &["blog"], &[Verb::Read]);
        let error = world.services.job_events(&other, &id, 0, 0).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
    }
}
