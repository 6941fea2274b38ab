//! What the API server answers, in our terms.

use kube::core::Status;
use std::error::Error;
use windlass_core::ports::ClusterError;

pub(crate) fn explain(error: kube::Error, object: &str) -> ClusterError {
    let (object, message) = (object.to_owned(), error.to_string());
    match error {
        kube::Error::Api(status) => explain_status(&status, object),
        kube::Error::Service(error) => transport(&*error),
        kube::Error::HyperError(error) => transport(&error),
        _ => ClusterError::Rejected { object, message },
    }
}

/// What may pass, by the API server's own words (kubernetes/kubernetes#112152: errors of etcd come
/// as plain 500).
fn explain_status(status: &Status, object: String) -> ClusterError {
    let message = status.message.clone();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match status.code {
        429 | 502 | 503 | 504 => ClusterError::Unreachable { message },
        500 if has(&["etcdserver:", "raft proposal dropped", "failed calling webhook"]) => {
            ClusterError::Unreachable { message }
        }
        // A namespace on its way out comes back once it is gone.
        403 | 409 if has(&["being terminated"]) => ClusterError::Unreachable { message },
        401 => ClusterError::NotTrusted { message: format!("401 {message}") },
        403 if has(&[
            "exceeded quota",
            "admission webhook",
            "violates PodSecurity",
            "ValidatingAdmissionPolicy",
            " usage per ",
        ]) =>
        {
            ClusterError::Rejected { object, message }
        }
        403 => ClusterError::Forbidden { object, message },
        409 if status.reason == "Conflict" => ClusterError::Conflict { object, message },
        // Not the object, but its kind: discovery may have known it a moment ago.
        404 if has(&["could not find the requested resource"]) => {
            ClusterError::NoKind { object, message }
        }
        _ => ClusterError::Rejected { object, message },
    }
}

/// A certificate that is not believed is no outage: rustls names what is wrong with it.
fn transport(error: &(dyn Error + 'static)) -> ClusterError {
    let message = root_cause(error);
    match message.contains("certificate") || message.contains("Certificate") {
        true => ClusterError::NotTrusted { message },
        false => ClusterError::Unreachable { message },
    }
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
