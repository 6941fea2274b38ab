//! Jobs in memory, for the daemon that runs them.

use super::{
    MemoryStore,
    messages::{Audience, Cause},
    row::Row,
    tables::Tables,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use windlass_engine::{
    logs::Logged,
    ports::store::{Claim, Lapse, Replay, Runs, StoreError, Unfinished, UnfinishedJob},
};
use windlass_model::{
    app::App,
    clock::now_ms,
    contraction::Contraction,
    due::due_after,
    event::Event,
    outbox::{mark_of, moment_of},
    outcome::Outcome,
    pause::Interventions,
    runtime::MigrationPhase,
};

#[async_trait]
impl Runs for MemoryStore {
    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let tables = self.tables();
        let rows = tables.jobs.values().filter(|row| row.outcome.is_none());
        let job = |row: &Row| UnfinishedJob {
            id: row.job.id.clone(),
            app: row.job.app.clone(),
            clusters: row.job.clusters.names.clone(),
            has_image: !row.job.source.is_commit(),
            has_begun: row.last_seq > 0,
            is_stopping: row.stop.is_some(),
        };
        Ok(Unfinished { jobs: rows.map(job).collect(), unreadable: Vec::new() })
    }

    async fn has_unfinished(&self, app: &App) -> Result<bool, StoreError> {
        let tables = self.tables();
        let found = tables.jobs.values().any(|row| row.job.app == *app && row.outcome.is_none());
        Ok(found)
    }

    async fn set_aside(&self, job: &str, why: &str) -> Result<(), StoreError> {
        self.tables().aside.entry(job.into()).or_insert_with(|| why.into());
        Ok(())
    }

    async fn claim(&self, job: &str, daemon: &str) -> Result<Option<Claim>, StoreError> {
        let mut tables = self.tables();
        let row = tables.jobs.get_mut(job).filter(|row| row.outcome.is_none());
        let Some(row) = row else { return Ok(None) };
        if row.claimed_by.as_ref().is_some_and(|by| by != daemon) {
            return Ok(None);
        }
        row.claimed_by = Some(daemon.into());
        row.fence += 1;
        Ok(Some(Claim { job: job.into(), daemon: daemon.into(), fence: row.fence }))
    }

    async fn append(&self, claim: &Claim, event: Event) -> Result<(), StoreError> {
        let now = now_ms();
        let mut tables = self.tables();
        let Tables { jobs, messages, .. } = &mut *tables;
        let row = jobs.get_mut(&claim.job).ok_or_else(|| StoreError::Ended(claim.job.clone()))?;
        row.append(claim, &event, now)?;
        if let Some(moment) = moment_of(&event) {
            let project = &row.job.app.project;
            let audience = Audience { project, receivers: &row.receivers };
            let (mark, seq) = (mark_of(&event), row.last_seq);
            let cause = Cause { job: &claim.job, moment, mark, seq, now_ms: now };
            if messages.add(&audience, &cause) {
                let _ = self.messages.send(());
            }
        }
        let app = row.job.app.clone();
        for due in due_after(&claim.job, now, &event) {
            tables.schedule(due);
        }
        match event {
            Event::Pushed(release) => tables.keep_image(&release),
            Event::Migrated { cluster, release, digest, phase, key, at_ms } => {
                if phase == MigrationPhase::Contract {
                    let contraction = Contraction { release, digest, at_ms };
                    tables.contracted.insert((app.clone(), cluster.clone()), contraction);
                }
                tables.migrated.entry((app, cluster, key)).or_insert(at_ms);
            }
            Event::Ended(Outcome::Succeeded(release)) => {
                tables.releases.insert(release.id.clone(), (*release, now));
            }
            Event::Ended(Outcome::Removed(removed)) => tables.remove(removed),
            _ => {}
        }
        let _ = self.updates.send(claim.job.clone());
        Ok(())
    }

    async fn lapse(&self, job: &str, now_ms: u64) -> Result<Lapse, StoreError> {
        let mut tables = self.tables();
        Ok(tables.jobs.get_mut(job).map_or(Lapse::Over, |row| row.lapse(now_ms)))
    }

    async fn supersede(&self, job: &str, by: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        Ok(tables.jobs.get_mut(job).is_some_and(|row| row.supersede(by)))
    }

    async fn interventions(&self, job: &str) -> Result<Interventions, StoreError> {
        Ok(self.tables().jobs.get(job).map(Row::interventions).unwrap_or_default())
    }

    async fn replay(&self, job: &str) -> Result<Option<Replay>, StoreError> {
        let tables = self.tables();
        let Some(row) = tables.jobs.get(job) else { return Ok(None) };
        let events = row.events.iter().filter(|event| !matches!(event.event, Event::Log { .. }));
        let mut logged = BTreeMap::new();
        for event in &row.events {
            if let Event::Log { stage, source, line } = &event.event {
                let sum: &mut Logged = logged.entry(*stage).or_default();
                *sum = sum.and(Logged::of(source, line));
            }
        }
        let (record, events) = (row.record(), events.cloned().collect());
        Ok(Some(Replay { record, events, logged, approvals: row.approvals.clone() }))
    }
}
