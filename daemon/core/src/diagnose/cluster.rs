//! The cluster did not do what it was told.

use super::Diagnosis;
use crate::{
    ports::ClusterError,
    run::{Cause, Failure},
};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Cluster(error) = &failure.cause else { return None };
    let (code, subject, why, fix) = match error {
        ClusterError::Unreachable { message } => (
            "cluster-unreachable",
            "the API server",
            message,
            "see that the API server runs and that `windlassd check` reaches it; then submit again",
        ),
        ClusterError::Forbidden { object, message } => (
            "cluster-forbids",
            &**object,
            message,
            "give the daemon's account the verb that the message names, on that kind and namespace",
        ),
        ClusterError::Rejected { object, message } => (
            "object-rejected",
            &**object,
            message,
            "change what the message names, or ask the cluster's owner",
        ),
        ClusterError::Conflict { object, message } => (
            "object-of-another",
            &**object,
            message,
            "rename the app, or remove the object that is in its way",
        ),
        ClusterError::Login { host, error } => {
            return Some(Diagnosis {
                code: "registry-login-failed".into(),
                subject: host.clone(),
                what: failure.cause.to_string(),
                why: error.message.clone(),
                fixes: error.hint.iter().cloned().collect(),
                ..Diagnosis::default()
            });
        }
        ClusterError::Secret(_) => return None,
    };
    Some(Diagnosis {
        code: code.into(),
        subject: subject.to_owned(),
        what: error.to_string(),
        why: why.clone(),
        fixes: vec![fix.into()],
        ..Diagnosis::default()
    })
}
