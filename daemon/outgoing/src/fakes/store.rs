//! A store that keeps the promises of the ports that a sender uses.

use super::record;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::sync::broadcast;
use windlass_engine::ports::{
    Secrets,
    store::{
        Applied, Approve, Attempt, Filter, JobList, JobRecord, Jobs, MessageCount, Notice, Outbox,
        OutboxFilter, ProjectRecord, Projects, Recorded, StoreError, Submission, Submitted,
        UnfinishedCount,
    },
};
use windlass_model::{
    error::SecretError,
    event::Event,
    job::Gate,
    outbox::{Message, MessageState},
    outcome::Stop,
    project::ProjectSpec,
    secret::Secret,
};

/// The store.
pub(crate) struct FakeStore {
    project: ProjectSpec,
    secrets: BTreeMap<String, Vec<Secret>>,
    /// Messages, the oldest first, each with the time until which it is taken.
    rows: Mutex<Vec<(Message, u64)>>,
    news: broadcast::Sender<()>,
    /// Attempts that are not recorded, as if the daemon was killed before.
    lost: AtomicU32,
}

fn unused<T>() -> Result<T, StoreError> {
    Err(StoreError::Other("no test asks for it".into()))
}

impl FakeStore {
    /// Makes a store of one project, with its secrets.
    pub(crate) fn new(project: ProjectSpec) -> Self {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let keys = [
            secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            secret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n"),
        ];
        let secrets = BTreeMap::from([
            ("hook-key".to_owned(), keys.to_vec()),
            ("forge-token".to_owned(), vec![secret("t0ken-of-web")]),
            ("other-token".to_owned(), vec![secret("t0ken-of-api")]),
        ]);
        let (rows, news) = (Mutex::default(), broadcast::channel(16).0);
        Self { project, secrets, rows, news, lost: AtomicU32::new(0) }
    }

    /// Adds a message.
    pub(crate) fn add(&self, message: Message) {
        self.rows.lock().unwrap().push((message, 0));
        let _ = self.news.send(());
    }

    /// Lets the next attempt be lost.
    pub(crate) fn lose_one(&self) {
        self.lost.store(1, Ordering::SeqCst);
    }

    /// Returns the messages, the oldest first.
    pub(crate) fn all(&self) -> Vec<Message> {
        self.rows.lock().unwrap().iter().map(|(message, _)| message.clone()).collect()
    }
}

#[async_trait]
impl Outbox for FakeStore {
    async fn add_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        if self.all().iter().any(|one| one.receiver == notice.receiver) {
            return Ok(false);
        }
        let id = format!("notice-{}", self.all().len());
        self.add(Message {
            id,
            receiver: notice.receiver.clone(),
            state: MessageState::Waiting,
            created_ms: notice.now_ms,
            next_ms: notice.now_ms,
            attempts: 0,
            code: None,
            error: String::new(),
            ..notice.cause.clone()
        });
        Ok(true)
    }

    async fn take_messages(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let mut seen = BTreeSet::new();
        let mut taken = Vec::new();
        for (message, lease) in rows.iter_mut() {
            let is_waiting = message.state == MessageState::Waiting;
            if !is_waiting || taken.len() >= limit as usize {
                continue;
            }
            let partition = message.receiver.partition(&message.project);
            let is_first = partition.is_none_or(|partition| seen.insert(partition));
            if is_first && message.next_ms <= now_ms && *lease <= now_ms {
                *lease = until_ms;
                taken.push(message.clone());
            }
        }
        Ok(taken)
    }

    async fn put_off(&self, id: &str, until_ms: u64) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        if let Some((_, lease)) = rows.iter_mut().find(|(message, _)| message.id == id) {
            *lease = until_ms;
        }
        Ok(())
    }

    async fn attempted(&self, id: &str, attempt: &Attempt) -> Result<(), StoreError> {
        if self.lost.swap(0, Ordering::SeqCst) > 0 {
            return unused();
        }
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|(message, _)| message.id == id);
        if let Some((message, lease)) = row.filter(|(one, _)| one.state == MessageState::Waiting) {
            message.state = attempt.state;
            if message.state == MessageState::Waiting {
                message.next_ms = attempt.next_ms;
            }
            (message.code, message.error) = (attempt.code, attempt.error.clone());
            message.attempts += 1;
            *lease = 0;
        }
        Ok(())
    }

    async fn hasten_messages(&self, _: u64) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn next_message(&self) -> Result<Option<u64>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let waiting = rows.iter().filter(|(one, _)| one.state == MessageState::Waiting);
        Ok(waiting.map(|(one, lease)| one.next_ms.max(*lease)).min())
    }

    async fn message(&self, id: &str) -> Result<Option<Message>, StoreError> {
        Ok(self.all().into_iter().find(|message| message.id == id))
    }

    async fn messages(&self, _: &OutboxFilter) -> Result<Vec<Message>, StoreError> {
        Ok(self.all().into_iter().rev().collect())
    }

    async fn replay_message(&self, id: &str, now_ms: u64) -> Result<bool, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|(message, _)| message.id == id);
        if let Some((message, _)) = row {
            (message.state, message.next_ms) = (MessageState::Waiting, now_ms);
            (message.attempts, message.code) = (0, None);
            message.error.clear();
        }
        let _ = self.news.send(());
        Ok(true)
    }

    async fn message_counts(&self) -> Result<Vec<MessageCount>, StoreError> {
        unused()
    }

    async fn drop_message(&self, _: &str) -> Result<bool, StoreError> {
        unused()
    }

    async fn forget_messages(&self, at_ms: u64) -> Result<(), StoreError> {
        let is_kept = |(one, _): &(Message, u64)| {
            one.state == MessageState::Waiting || one.created_ms >= at_ms
        };
        self.rows.lock().unwrap().retain(is_kept);
        Ok(())
    }

    fn new_messages(&self) -> broadcast::Receiver<()> {
        self.news.subscribe()
    }
}

#[async_trait]
impl Secrets for FakeStore {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        let versions = self.secrets.get(name).map(Vec::as_slice).unwrap_or_default();
        let number = version.unwrap_or_else(|| u32::try_from(versions.len()).unwrap());
        let found = number.checked_sub(1).and_then(|at| versions.get(at as usize));
        found.map(|secret| (secret.clone(), number)).ok_or_else(|| SecretError::Missing {
            project: project.to_owned(),
            name: name.to_owned(),
            version,
        })
    }
}

#[async_trait]
impl Projects for FakeStore {
    async fn apply_project(
        &self,
        _: &ProjectSpec,
        _: &str,
        _: Option<u32>,
    ) -> Result<Applied, StoreError> {
        unused()
    }

    async fn project(&self, name: &str) -> Result<Option<ProjectRecord>, StoreError> {
        let spec = Some(self.project.clone()).filter(|spec| spec.project == name);
        Ok(spec.map(|spec| ProjectRecord { spec, version: 1, by: "tests".into(), at_ms: 0 }))
    }

    async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        unused()
    }

    async fn project_versions(
        &self,
        _: &str,
        _: Option<u32>,
        _: u32,
    ) -> Result<Vec<ProjectRecord>, StoreError> {
        unused()
    }

    async fn delete_project(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        unused()
    }
}

#[async_trait]
impl Jobs for FakeStore {
    async fn submit(&self, _: Submission) -> Result<Submitted, StoreError> {
        unused()
    }

    async fn submitted(&self, _: &str, _: &str, _: &[u8]) -> Result<Option<JobRecord>, StoreError> {
        unused()
    }

    async fn approve(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Approve, StoreError> {
        unused()
    }

    async fn reject(&self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        unused()
    }

    async fn pause(&self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        unused()
    }

    async fn resume(&self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        unused()
    }

    async fn abort(&self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        unused()
    }

    async fn requested(&self, _: &str, _: &str) -> Result<Option<JobRecord>, StoreError> {
        unused()
    }

    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        if id == "torn" {
            return Err(StoreError::Unreadable { what: "job torn".into(), why: "no JSON".into() });
        }
        Ok(Some(record()).filter(|record| record.job.id == id))
    }

    async fn jobs(&self, _: &Filter) -> Result<JobList, StoreError> {
        unused()
    }

    async fn count_unfinished(&self, _: &str) -> Result<UnfinishedCount, StoreError> {
        unused()
    }

    /// All events of the job are waits for an approval.
    async fn events(&self, _: &str, after: u64, _: u32) -> Result<Vec<Recorded>, StoreError> {
        let event = Event::Held { gate: Gate::Release, digest: "d1gest".into(), until_ms: 0 };
        Ok(vec![Recorded { seq: after + 1, at_ms: 0, event }])
    }

    async fn stop(&self, _: &str, _: &Stop) -> Result<bool, StoreError> {
        unused()
    }
}
