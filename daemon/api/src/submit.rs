//! Requests to submit, for all doors that read the proto.

use crate::{convert, errors};
use prost::Message;
use tonic::Status;
use windlass_model::app::App;
use windlass_proto::v1;
use windlass_service::SubmitRequest;

/// Wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// Path of the field, as in the request: `spec.processes.web.port`.
    pub field: String,
    /// Field, value and what is expected, in one line.
    pub message: String,
}

/// Reads a request to submit. What the fields mean is checked when it is submitted.
///
/// # Errors
/// [`WrongField`] names the first field that cannot be read.
pub fn submit_request(message: v1::SubmitRequest) -> Result<SubmitRequest, WrongField> {
    read(message, |_| Ok(())).map_err(|status| WrongField {
        field: errors::field_of(&status),
        message: status.message().to_owned(),
    })
}

/// Reads a request. `may` checks the caller's right to its app, before another field is read.
pub(crate) fn read(
    message: v1::SubmitRequest,
    may: impl FnOnce(&App) -> Result<(), Status>,
) -> Result<SubmitRequest, Status> {
    let body = message.encode_to_vec();
    let app = convert::app(message.app)?;
    may(&app)?;
    Ok(SubmitRequest {
        body,
        request_id: message.request_id,
        app,
        clusters: message.clusters,
        order: convert::order(message.cluster_order)?,
        source: convert::source(message.source)?,
        spec: convert::spec(message.spec)?,
        labels: message.labels,
        timeout_seconds: message.timeout.map(|timeout| timeout.seconds),
        preview: convert::given(message.preview),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_cannot_be_read_is_named() {
        let app = v1::App { project: "shop".into(), name: "web".into(), ..v1::App::default() };
        let good = v1::SubmitRequest {
            app: Some(app),
            source: Some(v1::Source::default()),
            ..v1::SubmitRequest::default()
        };
        assert_eq!(submit_request(good.clone()).map(|read| read.app.project).unwrap(), "shop");
        let spec = v1::Spec { port: Some(70_000), ..v1::Spec::default() };
        for (message, field) in [
            (v1::SubmitRequest { app: None, ..good.clone() }, "app"),
            (v1::SubmitRequest { source: None, ..good.clone() }, "source"),
            (v1::SubmitRequest { cluster_order: 9, ..good.clone() }, "cluster_order"),
            (v1::SubmitRequest { spec: Some(spec), ..good }, "spec.port"),
        ] {
            let wrong = submit_request(message).map(|read| read.request_id).unwrap_err();
            assert_eq!(wrong.field, field);
            assert!(wrong.message.starts_with(&format!("{field}: `")), "{}", wrong.message);
        }
    }

    #[test]
    fn who_may_not_deploy_hears_of_no_other_field() {
        let app = v1::App { project: "shop".into(), name: "web".into(), ..v1::App::default() };
        let wrong =
            v1::SubmitRequest { app: Some(app), cluster_order: 9, ..v1::SubmitRequest::default() };
        let refused =
            read(wrong.clone(), |app| Err(Status::permission_denied(app.project.clone())));
        let refused = refused.map(|read| read.request_id).unwrap_err();
        assert_eq!((refused.code(), refused.message()), (tonic::Code::PermissionDenied, "shop"));
        let invalid = read(wrong, |_| Ok(())).map(|read| read.request_id).unwrap_err();
        assert_eq!(invalid.code(), tonic::Code::InvalidArgument);
    }
}
