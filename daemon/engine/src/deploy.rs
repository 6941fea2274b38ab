//! One deploy: what all its stages and steps share.

use crate::{ports::Ports, run::Run};
use windlass_model::job::Job;

/// One job, with the ports and the run that its stages and steps use. Each stage and each kind of
/// step adds its method in a file of its own.
#[derive(Clone, Copy)]
pub(crate) struct Deploy<'a> {
    pub(crate) job: &'a Job,
    pub(crate) ports: &'a Ports,
    pub(crate) run: &'a Run,
}
