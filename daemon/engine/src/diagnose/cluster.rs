//! Diagnoses of a cluster that refused a request or did not answer, where no problem of `rollout` fits.

use super::{builder::login, code::Code};
use crate::failure::{Cause, Failure};
use windlass_model::{cluster::NoCluster, diagnosis::Diagnosis, error::ClusterError};
use windlass_rollout::problem::{self, Problem};

/// Owner of a code: the pipeline, or a problem of the cluster, which has its page.
enum Named {
    Ours(Code),
    Problem(&'static Problem),
}

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let error = match &failure.cause {
        Cause::Cluster(error) => error,
        Cause::Applying { error, .. } => &**error,
        Cause::NoCluster(error) => {
            return Some(Diagnosis {
                why: "which apps go to which clusters was changed after the job was submitted"
                    .into(),
                ..no_cluster(error)
            });
        }
        _ => return None,
    };
    let (code, subject, why, fix) = match error {
        ClusterError::Unreachable { message } | ClusterError::NotYet { message, .. } => (
            Named::Ours(Code::ClusterUnreachable),
            "the API server",
            message,
            "see that the API server runs and that `windlassd check` reaches it; then submit again",
        ),
        ClusterError::NotTrusted { message } => (
            Named::Ours(Code::ClusterNotTrusted),
            "the API server",
            message,
            if message.starts_with("401") {
                "put a token or a certificate that is valid into the kubeconfig (`cluster.kubeconfig`; it is read again by itself; one of a project's own: windlass cluster put PROJECT NAME --kubeconfig FILE), then submit again"
            } else if message.contains("own-clusters.") {
                "operator: allow the address under `[own-clusters]`; or put the cluster with an address that is allowed: windlass cluster put PROJECT NAME --kubeconfig FILE"
            } else if message.contains("certificate") {
                "compare the clocks of this machine and the API server, and the kubeconfig's `certificate-authority-data` with the server's certificate; then submit again"
            } else {
                "put the API server's address into the kubeconfig (`cluster.kubeconfig`); `windlassd check` says whether it is one"
            },
        ),
        ClusterError::Forbidden { object, message } => (
            Named::Problem(problem::forbidden()),
            &**object,
            message,
            "give the daemon's account the verb that the message names, on that kind and namespace",
        ),
        ClusterError::Rejected { object, message }
        | ClusterError::NotDeleted { object, message }
        | ClusterError::NoKind { object, message } => (
            Named::Ours(Code::ObjectRejected),
            &**object,
            message,
            "change what the message names, or ask the cluster's owner",
        ),
        ClusterError::Conflict { object, message } => (
            Named::Problem(problem::conflict()),
            &**object,
            message,
            "rename the app, or remove the object that is in its way",
        ),
        ClusterError::Unknown { name, .. } => {
            let fix = format!(
                "name it in the daemon's `clusters` again, or deploy with clusters that there are; a daemon that had one `[cluster]` calls it `{}`",
                windlass_model::cluster::DEFAULT
            );
            return Some(Diagnosis {
                code: Code::ClusterUnknown.into(),
                subject: format!("cluster {name}"),
                what: error.to_string(),
                fixes: vec![fix],
                ..Diagnosis::default()
            });
        }
        ClusterError::NoCluster(error) => return Some(no_cluster(error)),
        ClusterError::Login { host, error: refused } => {
            let what = error.to_string();
            return login(host, refused, Diagnosis { what, ..Diagnosis::default() });
        }
        ClusterError::Secret(_) => return None,
    };
    let (code, reference) = match code {
        Named::Ours(code) => (code.into(), String::new()),
        Named::Problem(problem) => (problem.code.to_owned(), problem.reference()),
    };
    Some(Diagnosis {
        code,
        reference,
        subject: subject.to_owned(),
        what: error.to_string(),
        why: why.clone(),
        fixes: vec![fix.into()],
        ..Diagnosis::default()
    })
}

/// Returns the diagnosis of a job that has no cluster to go to.
fn no_cluster(error: &NoCluster) -> Diagnosis {
    let (code, subject) = match error {
        NoCluster::Gone { name, .. } => (Code::ClusterUnknown, format!("cluster {name}")),
        NoCluster::Twice { name, .. } => (Code::NoCluster, format!("cluster {name}")),
        NoCluster::Name(_) | NoCluster::None(_) => {
            (Code::NoCluster, "the job's clusters".to_owned())
        }
    };
    Diagnosis {
        code: code.into(),
        subject,
        what: error.to_string(),
        fixes: vec![error.fix()],
        ..Diagnosis::default()
    }
}
