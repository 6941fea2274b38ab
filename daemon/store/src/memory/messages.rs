//! Messages in memory, in the order in which they were added.

use crate::receiver::name;
use uuid::Uuid;
use windlass_engine::ports::store::{
    Attempt, LONGEST_TAKEN_MS, LONGEST_WAIT_MS, MessageCount, Notice, OutboxFilter,
};
use windlass_model::outbox::{Message, MessageState, Moment, Receiver};

/// All messages, the oldest first.
#[derive(Default)]
pub(super) struct Messages(Vec<Row>);

struct Row {
    message: Message,
    /// Name of what the moment is about.
    mark: String,
    /// `None` means that it has no order among others.
    partition: Option<String>,
    /// Time before which nobody else takes the message. `None` means that nobody has taken it.
    taken_until_ms: Option<u64>,
}

/// Receivers of messages about a job.
pub(super) struct Audience<'a> {
    pub(super) project: &'a str,
    pub(super) receivers: &'a [Receiver],
}

/// Cause of messages.
pub(super) struct Cause<'a> {
    pub(super) job: &'a str,
    pub(super) moment: Moment,
    /// Name of what the moment is about. Empty means that a job comes to it once.
    pub(super) mark: String,
    /// Number of the event. 0 means the job's acceptance.
    pub(super) seq: u64,
    pub(super) now_ms: u64,
}

impl Row {
    fn is_waiting(&self) -> bool {
        self.message.state == MessageState::Waiting
    }

    /// Returns the time from which a waiting message can be taken.
    fn ready_ms(&self) -> u64 {
        self.message.next_ms.max(self.taken_until_ms.unwrap_or_default())
    }

    fn is_of(&self, partition: Option<&str>) -> bool {
        partition.is_some() && self.partition.as_deref() == partition
    }
}

impl Messages {
    /// Counts the messages of each state that there is.
    pub(super) fn counts(&self) -> Vec<MessageCount> {
        let of = |state: MessageState| {
            let created = self.0.iter().filter(|row| row.message.state == state);
            let created: Vec<_> = created.map(|row| row.message.created_ms).collect();
            let (count, oldest_ms) = (created.len() as u64, created.into_iter().min()?);
            Some(MessageCount { state, count, oldest_ms })
        };
        MessageState::ALL.into_iter().filter_map(of).collect()
    }

    /// Adds a message to each receiver that hears of the moment, and does not have what it is about already. Returns
    /// whether it added any.
    pub(super) fn add(&mut self, audience: &Audience<'_>, cause: &Cause<'_>) -> bool {
        let before = self.0.len();
        for receiver in audience.receivers.iter().filter(|one| one.hears(cause.moment)) {
            let is_known = self.0.iter().any(|Row { message, mark, .. }| {
                message.job == cause.job
                    && message.receiver == *receiver
                    && message.moment == cause.moment
                    && *mark == cause.mark
            });
            if !is_known {
                self.add_one(audience.project, receiver, cause);
            }
        }
        self.0.len() > before
    }

    fn add_one(&mut self, project: &str, receiver: &Receiver, cause: &Cause<'_>) {
        let partition = receiver.partition(project);
        let mut state = MessageState::Waiting;
        let mut next_ms = cause.now_ms;
        for row in self.0.iter_mut().filter(|row| row.is_of(partition.as_deref())) {
            if *row.message.job > *cause.job {
                // A newer job owns the partition.
                state = MessageState::Void;
            } else if row.is_waiting() && row.taken_until_ms.unwrap_or_default() <= cause.now_ms {
                row.message.state = MessageState::Void;
            }
            if row.message.state == MessageState::Void {
                // Somebody may still be sending one that was dropped.
                next_ms = next_ms.max(row.taken_until_ms.unwrap_or_default());
            }
        }
        let message = Message {
            id: Uuid::now_v7().to_string(),
            project: project.into(),
            receiver: receiver.clone(),
            moment: cause.moment,
            job: cause.job.into(),
            seq: cause.seq,
            state,
            created_ms: cause.now_ms,
            attempts: 0,
            next_ms,
            code: None,
            error: String::new(),
        };
        let mark = cause.mark.clone();
        self.0.push(Row { message, mark, partition, taken_until_ms: None });
    }

    /// Adds a message, unless the project has one with this very receiver.
    pub(super) fn add_notice(&mut self, notice: &Notice) -> bool {
        let Notice { project, receiver, cause, now_ms } = notice;
        let is_known = |Row { message, .. }: &Row| {
            message.project == *project && message.receiver == *receiver
        };
        if self.0.iter().any(is_known) {
            return false;
        }
        let (job, moment, seq, now_ms) = (&*cause.job, cause.moment, cause.seq, *now_ms);
        let mark = String::new();
        self.add_one(project, receiver, &Cause { job, moment, mark, seq, now_ms });
        true
    }

    /// Ends what earlier lives of the daemon took.
    pub(super) fn release(&mut self) {
        for row in &mut self.0 {
            row.taken_until_ms = None;
        }
    }

    /// Returns the waiting messages that are the first of their partitions, by their places.
    fn heads(&self) -> Vec<usize> {
        let is_first = |place: usize, row: &Row| {
            let partition = row.partition.as_deref();
            let mut earlier = self.0.iter().take(place);
            !earlier.any(|other| other.is_of(partition) && other.is_waiting())
        };
        let rows = self.0.iter().enumerate().filter(|(_, row)| row.is_waiting());
        rows.filter(|(place, row)| is_first(*place, row)).map(|(place, _)| place).collect()
    }

    /// Takes messages, the earliest first.
    pub(super) fn take(&mut self, now_ms: u64, until_ms: u64, limit: usize) -> Vec<Message> {
        let mut heads = self.heads();
        let ready = |place: &usize| self.0.get(*place).map(Row::ready_ms).unwrap_or_default();
        heads.retain(|place| ready(place) <= now_ms);
        heads.sort_by_key(ready);
        heads.truncate(limit);
        let mut taken = Vec::with_capacity(heads.len());
        for place in heads {
            if let Some(row) = self.0.get_mut(place) {
                row.taken_until_ms = Some(until_ms);
                taken.push(row.message.clone());
            }
        }
        taken.sort_by(|one, other| (one.next_ms, &one.id).cmp(&(other.next_ms, &other.id)));
        taken
    }

    /// Returns the time from which a message can be taken. `None` means that none waits.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.heads().into_iter().filter_map(|place| self.0.get(place)).map(Row::ready_ms).min()
    }

    /// Makes those ready whose time was set by a clock that was put back since, and returns their number.
    pub(super) fn hasten(&mut self, now_ms: u64) -> u64 {
        let mut count = 0;
        for row in self.0.iter_mut().filter(|row| row.is_waiting()) {
            let Message { attempts, created_ms, next_ms, .. } = row.message;
            let latest = now_ms.saturating_add(LONGEST_TAKEN_MS);
            let is_new = attempts == 0 && created_ms > now_ms && next_ms > now_ms;
            // One that was replayed is older, and one that was never tried waits for a taken one at most.
            let is_off = is_new
                || attempts == 0 && next_ms > latest
                || next_ms > now_ms.saturating_add(LONGEST_WAIT_MS);
            let is_taken_off = row.taken_until_ms.is_some_and(|until| until > latest);
            if is_off {
                row.message.next_ms = now_ms;
            }
            if is_taken_off {
                row.taken_until_ms = None;
            }
            count += u64::from(is_off || is_taken_off);
        }
        count
    }

    /// Gives a message back that still waits. It is not taken again before a time.
    pub(super) fn put_off(&mut self, id: &str, until_ms: u64) {
        let mut rows = self.0.iter_mut().filter(|row| row.is_waiting());
        if let Some(row) = rows.find(|row| row.message.id == id) {
            row.taken_until_ms = Some(until_ms);
        }
    }

    /// Records an attempt, unless the message waits no more.
    pub(super) fn attempted(&mut self, id: &str, attempt: &Attempt) {
        let has_newer = self.has_newer(id);
        let Some(row) = self.0.iter_mut().find(|row| row.message.id == id) else { return };
        row.taken_until_ms = None;
        if !row.is_waiting() {
            return;
        }
        let message = &mut row.message;
        message.attempts = message.attempts.saturating_add(1);
        message.code = attempt.code;
        message.error.clone_from(&attempt.error);
        message.state = attempt.state;
        if attempt.state == MessageState::Waiting {
            message.next_ms = attempt.next_ms;
            if has_newer {
                message.state = MessageState::Void;
            }
        }
    }

    /// Returns whether a newer message is in the partition of one. That of a newer job is newer, whenever it was
    /// added.
    fn has_newer(&self, id: &str) -> bool {
        let Some(place) = self.0.iter().position(|row| row.message.id == id) else { return false };
        let Some(row) = self.0.get(place) else { return false };
        let partition = row.partition.as_deref();
        self.0.iter().enumerate().any(|(other_place, other)| {
            other.is_of(partition) && (&other.message.job, other_place) > (&row.message.job, place)
        })
    }

    pub(super) fn get(&self, id: &str) -> Option<&Message> {
        self.0.iter().map(|row| &row.message).find(|message| message.id == id)
    }

    /// Returns messages, newest first.
    pub(super) fn list(&self, filter: &OutboxFilter) -> Vec<Message> {
        let is_wanted = |message: &&Message| {
            message.project == filter.project
                && filter.before.as_ref().is_none_or(|before| message.id < *before)
                && filter.job.as_ref().is_none_or(|job| message.job == *job)
                && filter.receiver.as_deref().is_none_or(|of| name(&message.receiver) == of)
                && (filter.states.is_empty() || filter.states.contains(&message.state))
        };
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let newest_first = self.0.iter().rev().map(|row| &row.message);
        newest_first.filter(is_wanted).take(limit).cloned().collect()
    }

    /// Makes a dead or sent message wait again. `false` means that there is none, or that it is not the newest of its
    /// partition.
    pub(super) fn replay(&mut self, id: &str, now_ms: u64) -> bool {
        if self.has_newer(id) {
            return false;
        }
        let ended = [MessageState::Dead, MessageState::Done];
        let mut rows = self.0.iter_mut().filter(|row| ended.contains(&row.message.state));
        let Some(row) = rows.find(|row| row.message.id == id) else { return false };
        row.taken_until_ms = None;
        let message = &mut row.message;
        message.state = MessageState::Waiting;
        message.attempts = 0;
        message.next_ms = now_ms;
        message.code = None;
        message.error.clear();
        true
    }

    /// Makes a waiting or dead message void. `false` means that there is none.
    pub(super) fn discard(&mut self, id: &str) -> bool {
        let living = [MessageState::Waiting, MessageState::Dead];
        let mut rows = self.0.iter_mut().filter(|row| living.contains(&row.message.state));
        let Some(row) = rows.find(|row| row.message.id == id) else { return false };
        row.message.state = MessageState::Void;
        let partition = row.partition.clone();
        let taken_until_ms = row.taken_until_ms.unwrap_or_default();
        // Somebody may be sending it: the next one of its partition does not overtake it.
        for row in &mut self.0 {
            if row.is_waiting() && row.is_of(partition.as_deref()) {
                row.message.next_ms = row.message.next_ms.max(taken_until_ms);
            }
        }
        true
    }

    /// Deletes messages that were stored before a time and do not wait.
    pub(super) fn forget(&mut self, at_ms: u64) {
        self.0.retain(|row| row.is_waiting() || row.message.created_ms >= at_ms);
    }
}
