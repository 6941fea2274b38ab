//! Poll: finds refs that moved and that nobody reported.
//!
//! The first look of a trigger deploys nothing: it takes what is there as it is. A changed trigger has a first look of
//! its own.

use super::{Key, POLL, nothing, pass::Repository, triggers_of};
use crate::{error::ServiceError, services::Services};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use windlass_engine::ports::store::Accepted;
use windlass_model::{
    clock::now_ms,
    delivery::{Change, Delivery, MOST_REFS, RefMove, Report, Verdict},
    project::{TriggerSpec, Waited},
};

/// Name under which a trigger's first look is remembered, in the place of a ref's name.
const FIRST_LOOK: &str = "";

/// Number of refs that the store lists of a trigger, at most. Others are asked for one by one.
const LISTED: usize = 10_000;

/// Number of refs after which others have the thread: a repository may have fifty thousand, and a project 500 triggers.
const AT_ONCE: usize = 100;

/// Milliseconds for which a ref that was deployed is not looked at: servers of one forge may lag behind each other.
const LAG_MS: u64 = 60_000;

impl Services {
    /// Stores a delivery of the refs that moved without a report, and returns it. `None` means that none did.
    /// `reported` are the deliveries that are decided now.
    pub(super) async fn polled(
        &self,
        repository: &Repository<'_>,
        reported: &[Delivery],
    ) -> Result<Option<Delivery>, ServiceError> {
        let project = &repository.project.project;
        let mut reported = names(reported);
        let mut moves = Vec::new();
        let mut first = Vec::new();
        for (name, trigger) in triggers_of(repository.project, repository.name) {
            let rows = self.deliveries.accepted_by(project, name).await?;
            let rows: BTreeMap<_, _> =
                rows.into_iter().map(|row| (row.name.clone(), row)).collect();
            let mark = fingerprint(trigger);
            let looked = self.deliveries.last_accepted(project, name, FIRST_LOOK).await?;
            let is_first = looked.is_none_or(|row| row.commit != mark);
            let waited = Waited::of(trigger);
            let mut taken = 0_usize;
            for (count, (own, commit)) in repository.refs.iter().enumerate() {
                if count.is_multiple_of(AT_ONCE) {
                    tokio::task::yield_now().await;
                }
                let known = rows.get(own);
                if known.is_some_and(|row| row.commit == *commit) || !waited.has(own) {
                    continue;
                }
                let row = match known {
                    Some(row) => Some(row.clone()),
                    None if rows.len() < LISTED => None,
                    None => self.deliveries.last_accepted(project, name, own).await?,
                };
                let moved = RefMove {
                    name: own.clone(),
                    before: row.as_ref().map(|row| row.commit.clone()),
                    after: Some(commit.clone()),
                    summary: String::new(),
                    skips_checks: false,
                };
                if moved.before.as_ref() == Some(commit) {
                    continue;
                }
                if moved.before.is_none() && is_first {
                    self.remember(project, name, own, commit, "").await?;
                    taken += 1;
                } else if !row.as_ref().is_some_and(is_fresh)
                    && moves.len() < MOST_REFS
                    && reported.insert(own.clone())
                {
                    moves.push(moved);
                }
            }
            if is_first {
                self.remember(project, name, FIRST_LOOK, &mark, "").await?;
                first.push(first_look(name, taken));
            }
        }
        let key = Key { project: project.clone(), repository: repository.name.to_owned() };
        if !first.is_empty() {
            let why = "the repository was asked for the first time".to_owned();
            self.record_poll(&key, Change::Ignored(why), first).await?;
        }
        if moves.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.record_poll(&key, Change::Refs(moves), Vec::new()).await?))
    }

    /// Stores a delivery that no forge sent.
    pub(super) async fn record_poll(
        &self,
        key: &Key,
        change: Change,
        verdicts: Vec<Verdict>,
    ) -> Result<Delivery, ServiceError> {
        self.record_answer(Uuid::now_v7(), key, change, verdicts).await
    }

    /// Stores a delivery that no forge sent, under an id that was made before the question. Ids are the order in which
    /// deliveries are decided, and what was reported meanwhile is newer than the answer.
    pub(super) async fn record_answer(
        &self,
        id: Uuid,
        key: &Key,
        change: Change,
        verdicts: Vec<Verdict>,
    ) -> Result<Delivery, ServiceError> {
        let report = Report {
            event: POLL.into(),
            forge_id: String::new(),
            repository_id: String::new(),
            repository_name: key.repository.clone(),
            sender: String::new(),
            change,
        };
        let delivery = Delivery {
            id: id.to_string(),
            hook: String::new(),
            project: key.project.clone(),
            repository: key.repository.clone(),
            report,
            body_sha256: String::new(),
            at_ms: now_ms(),
            verdicts,
        };
        self.deliveries.add_delivery(&delivery).await?;
        Ok(delivery)
    }
}

/// Returns the refs that deliveries are about.
fn names(deliveries: &[Delivery]) -> BTreeSet<String> {
    let of = |delivery: &Delivery| match &delivery.report.change {
        Change::Refs(moves) => moves.iter().map(|moved| moved.name.clone()).collect(),
        _ => Vec::new(),
    };
    deliveries.iter().flat_map(of).collect()
}

fn is_fresh(row: &Accepted) -> bool {
    !row.job.is_empty() && now_ms().saturating_sub(row.at_ms) < LAG_MS
}

/// Returns what tells a trigger from the same name with other rules.
fn fingerprint(trigger: &TriggerSpec) -> String {
    let text = serde_json::to_vec(trigger).unwrap_or_default();
    hex::encode(Sha256::digest(&text))
}

fn first_look(name: &str, taken: usize) -> Verdict {
    let taken = match taken {
        0 => "no branch or tag is new to it".to_owned(),
        1 => "1 branch or tag is taken as it is".to_owned(),
        count => format!("{count} branches and tags are taken as they are"),
    };
    let sentence =
        format!("first look of the trigger: {taken}; what is pushed from now on is deployed");
    nothing("", name, sentence)
}
