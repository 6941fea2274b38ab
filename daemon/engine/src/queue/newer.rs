//! Jobs that end for a newer one of their app.
//!
//! One that never began ends if the newer one goes to all of its clusters. One at a gate ends if the newer one goes to one
//! of them: approved later, the older release would undo the newer one there. One that runs and gives way is stopped by
//! the same rule, since it may hold for days. The newer one begins when the older one has rolled back.

use super::{Queue, message::Action};
use std::mem;
use windlass_model::{app::App, job::Gate};

impl Queue {
    /// Ends the older jobs that give way to a new one.
    pub(super) fn supersede(
        &mut self,
        by: &str,
        app: &App,
        clusters: &[String],
        actions: &mut Vec<Action>,
    ) {
        self.jobs.retain(|id, older| {
            if !older.gives_way(app, clusters) {
                return true;
            }
            let (id, by) = (id.clone(), by.to_owned());
            if !older.runs {
                actions.push(Action::Supersede { id, by });
            } else if !mem::replace(&mut older.is_stopped, true) {
                actions.push(Action::StopRunning { id, by });
            }
            older.runs
        });
    }

    /// Lets a job wait for an approval, unless it has news meanwhile, or a newer job is there that takes its place. That
    /// one may have begun: an earlier daemon was killed before the older one's end was stored.
    pub(super) fn hold(&mut self, id: &str, gate: Gate, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.runs) else { return };
        job.end_run();
        // The next run reads them: an approval, or a stop.
        if job.has_news {
            return;
        }
        job.gate = Some(gate);
        if let Some(by) = self.newest(id) {
            self.jobs.remove(id);
            actions.push(Action::Supersede { id: id.to_owned(), by });
        }
    }

    /// Lets a running job give way, or not any more. It is stopped at once where a newer job is there.
    pub(super) fn give_way(&mut self, id: &str, gives_way: bool, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.runs) else { return };
        job.yields = gives_way;
        let Some(by) = self.newest(id) else { return };
        let stopped = self.jobs.get_mut(id).map(|job| mem::replace(&mut job.is_stopped, true));
        if stopped == Some(false) {
            actions.push(Action::StopRunning { id: id.to_owned(), by });
        }
    }

    /// Returns the newest job that this one gives way to. `None` means that it gives way to none.
    fn newest(&self, id: &str) -> Option<String> {
        let older = self.jobs.get(id)?;
        let newer = self.jobs.iter().filter(|(_, other)| {
            other.order > older.order && older.gives_way(&other.app, &other.clusters)
        });
        newer.max_by_key(|(_, other)| other.order).map(|(by, _)| by.clone())
    }
}
