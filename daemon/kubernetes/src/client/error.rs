//! Time limit of calls, and the meaning of the API server's errors.

use super::{own::is_denied, role::role};
use kube::core::Status;
use std::{collections::BTreeMap, error::Error, time::Duration};
use tokio::time::timeout;
use windlass_model::error::{ClusterError, NotYet};

/// Time limit of one call. Watches have another one.
const CALL: Duration = Duration::from_secs(20);

/// Bytes of the longest message of an API server that is kept. It comes into the journal and into trailers, and a stranger
/// may have written it.
const LONGEST: usize = 4 << 10;

/// Returns the beginning of a text that came from a cluster.
pub(crate) fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
    text
}

/// Waits for a call, with a time limit, and converts its error.
pub(crate) async fn limited<T>(
    call: impl Future<Output = Result<T, kube::Error>>,
    object: &str,
) -> Result<T, ClusterError> {
    match timeout(CALL, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(explain(error, object)),
        Err(_) => {
            let message = format!("no answer within {} s", CALL.as_secs());
            Err(ClusterError::Unreachable { message })
        }
    }
}

fn explain(error: kube::Error, object: &str) -> ClusterError {
    let object = object.to_owned();
    let message = cut(error.to_string(), LONGEST);
    match error {
        kube::Error::Api(status) => explain_status(&status, object),
        kube::Error::Service(error) => transport(&*error),
        kube::Error::HyperError(error) => transport(&error),
        _ => ClusterError::Rejected { object, message },
    }
}

/// Converts a refusal of the API server. The message decides what may pass, since errors of etcd come as plain
/// 500 (kubernetes/kubernetes#112152).
fn explain_status(status: &Status, object: String) -> ClusterError {
    let message = cut(status.message.clone(), LONGEST);
    let has = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    match status.code {
        500 | 502..=504 if has(&["failed calling webhook"]) => {
            ClusterError::NotYet { why: NotYet::Webhook, message }
        }
        429 | 502 | 503 | 504 => ClusterError::Unreachable { message },
        500 if has(&[
            "etcdserver:",
            "raft proposal dropped",
            "resource quota evaluation timed out",
        ]) =>
        {
            ClusterError::Unreachable { message }
        }
        // A quota that is new and not counted yet, or that many objects are counted in at once
        // (`resourcequota/controller.go` of apiserver): neither means that there is no room.
        403 | 409 if has(&["status unknown for quota", " on resourcequotas "]) => {
            ClusterError::Unreachable { message }
        }
        // A namespace that is being deleted can be made again once its deletion has ended.
        403 | 409 if has(&["being terminated"]) => {
            ClusterError::NotYet { why: NotYet::Terminating, message }
        }
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
        // RBAC writes ` cannot ` for a missing right. In any other text an admission plugin refuses.
        403 if has(&[" cannot "]) => {
            ClusterError::Forbidden { object, message: with_rule(message) }
        }
        409 if status.reason == "Conflict" => ClusterError::Conflict { object, message },
        // Not the object, but its kind is missing: discovery may have known the kind a moment ago.
        404 if has(&["could not find the requested resource"]) => {
            ClusterError::NoKind { object, message }
        }
        _ => ClusterError::Rejected { object, message },
    }
}

/// Adds the Role that would grant what was refused, where the message names it
/// (`responsewriters.ForbiddenErrorf` of the API server: `cannot VERB resource "R" in API group "G" in
/// the namespace "N"`).
fn with_rule(message: String) -> String {
    let quoted = |before: &str| message.split_once(before)?.1.split('"').next();
    let verb = message.split_once(" cannot ").and_then(|(_, rest)| rest.split(' ').next());
    let named = verb.zip(quoted(" resource \"")).zip(quoted("API group \""));
    let Some((((verb, resource), group), namespace)) = named.zip(quoted("the namespace \"")) else {
        return message;
    };
    let missing = BTreeMap::from([((group.to_owned(), resource.to_owned()), vec![verb])]);
    format!("{message}\n{}", role(namespace, &missing))
}

/// Converts an error of the connection. A certificate that is refused is no outage: rustls names what is wrong
/// with it. Neither is an address that the operator does not allow.
fn transport(error: &(dyn Error + 'static)) -> ClusterError {
    let message = cut(root_cause(error), LONGEST);
    if is_denied(error) || message.contains("certificate") || message.contains("Certificate") {
        ClusterError::NotTrusted { message }
    } else {
        ClusterError::Unreachable { message }
    }
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_quota_says_before_it_has_counted_may_pass() {
        let error = |code: u16, reason: &str, message: &str| {
            let status = Status {
                code,
                reason: reason.into(),
                message: message.into(),
                ..Status::default()
            };
            explain_status(&status, "ConfigMap web".into())
        };
        let conflict = "Operation cannot be fulfilled on resourcequotas \"small\": the object has been modified; please apply your changes to the latest version and try again";
        let unknown = "configmaps \"web\" is forbidden: status unknown for quota: small, resources: configmaps";
        let slow = "Internal error occurred: resource quota evaluation timed out";
        for (code, reason, message) in
            [(409, "Conflict", conflict), (403, "Forbidden", unknown), (500, "InternalError", slow)]
        {
            let error = error(code, reason, message);
            assert!(matches!(error, ClusterError::Unreachable { .. }), "{error:?}");
        }
        let full = "configmaps \"web\" is forbidden: exceeded quota: small, requested: configmaps=1, used: configmaps=9, limited: configmaps=9";
        let error = error(403, "Forbidden", full);
        assert!(matches!(error, ClusterError::Rejected { .. }), "{error:?}");
    }

    /// One that is as long as an answer may be would be in the journal for each try.
    #[test]
    fn a_message_is_kept_up_to_a_length() {
        let message = "é".repeat(LONGEST);
        for code in [401, 403, 409, 422, 500, 503] {
            let status = Status { code, message: message.clone(), ..Status::default() };
            let error = explain(kube::Error::Api(Box::new(status)), "ConfigMap web");
            let text = error.to_string();
            assert!(text.len() < LONGEST + 200 && text.ends_with("é…"), "{code}: {}", text.len());
        }
        assert_eq!(cut("short".into(), 5), "short");
    }
}
