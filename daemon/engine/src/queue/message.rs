//! Messages to the queue, and the actions that it decides.

use super::need::Need;
use crate::ports::store::UnfinishedJob;
use windlass_model::{
    app::App,
    job::{Gate, Job, Source},
};

/// Message to the queue about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A job was accepted, or was found unfinished at start. Messages come in the order of acceptance.
    Submitted {
        id: String,
        app: App,
        clusters: Vec<String>,
        /// Work that the job begins with.
        first: Need,
        /// An earlier run began the job: it goes before all others, and no job takes its place.
        begun: bool,
    },
    /// A job has ended.
    Ended { id: String },
    /// A job's run has ended and the job has not. The job goes on before all others, and no job takes its place.
    Again { id: String },
    /// A job's run has ended at a gate before its plan, and the job waits for an approval: for [`Message::Approved`], for a
    /// stop, or for a newer job of its app.
    Held {
        id: String,
        /// Gate at which the job waits.
        gate: Gate,
    },
    /// Somebody approved a job. It goes on before all others. One that runs goes on by itself.
    Approved { id: String },
    /// Somebody paused or resumed a job. One that runs looks at it by itself.
    News { id: String },
    /// A running job gives way to a newer one of its app from now on, or does not any more. A run begins as one that does
    /// not.
    GivesWay { id: String, gives_way: bool },
    /// A run has to wait, or has ended and the next one has to: [`Message::Resumed`] or [`Message::Again`] follows.
    Paused {
        id: String,
        /// The reason.
        why: String,
    },
    /// The wait of a [`Message::Paused`] is over, and the same run goes on.
    Resumed { id: String },
    /// The daemon cannot run a job. The app's other jobs go on.
    LeftAlone {
        id: String,
        /// The reason, and what to do.
        why: String,
    },
    /// A job was cancelled. One that had begun rolls back by itself.
    Cancelled { id: String },
    /// A running job needs a slot. It keeps a checkout's slot until it gets the one for its build, because its
    /// tree stays on the disk; any other slot is given back.
    Needs {
        id: String,
        /// Number of the request, which the grant repeats.
        ticket: u64,
        need: Need,
    },
    /// A run goes on with a release that an earlier run began and that may be half made: it has its slot at once, also
    /// beyond the limit.
    Takes {
        id: String,
        /// Number of the request.
        ticket: u64,
        need: Need,
    },
    /// A running job does not need the slot of this request any more, or does not wait for it any more.
    Frees { id: String, ticket: u64 },
}

/// Action that the queue decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run this job now. One that never began has the slot for its first work.
    Start(String),
    /// Give this job the slot of its request.
    Grant {
        id: String,
        /// Number of the request.
        ticket: u64,
    },
    /// End this job, which never began or waits for an approval: a newer job of its app is there.
    Supersede {
        /// Id of the older job.
        id: String,
        /// Id of the newer job.
        by: String,
    },
    /// Ask this running job to stop, since a newer job of its app is there. It rolls back by itself, and the newer one
    /// begins after its end. A run is asked once.
    StopRunning {
        /// Id of the older job.
        id: String,
        /// Id of the newer job.
        by: String,
    },
    /// End this job, which does not run: it was cancelled.
    Drop(String),
}

impl Message {
    /// Returns the message that a job was found unfinished at start.
    #[must_use]
    pub fn unfinished(job: UnfinishedJob) -> Self {
        let UnfinishedJob { id, app, clusters, has_image, has_begun: begun, .. } = job;
        let first = if has_image { Need::Release(clusters.clone()) } else { Need::Checkout };
        Self::Submitted { id, app, clusters, first, begun }
    }

    /// Returns the message that a job was accepted, or found unfinished.
    #[must_use]
    pub fn submitted(job: &Job, begun: bool) -> Self {
        let id = job.id.clone();
        let app = job.app.clone();
        let clusters = job.clusters.names.clone();
        let first = match job.source {
            Source::Commit(_) => Need::Checkout,
            Source::Release(_) | Source::Contract(_) | Source::Removal(_) => {
                Need::Release(clusters.clone())
            }
        };
        Self::Submitted { id, app, clusters, first, begun }
    }
}
