//! The service `Secrets`: write-only.

use crate::{
    auth::{Verb, caller},
    errors::{self, field},
    outgoing,
    serve::Services,
};
use tonic::{Request, Response, Status};
use windlass_model::{app::label, redact::SHORTEST, secret::Secret};
use windlass_proto::v1::{self, secrets_server};

/// No secret is longer.
const LONGEST: usize = 256 << 10;

#[tonic::async_trait]
impl secrets_server::Secrets for Services {
    async fn put(
        &self,
        request: Request<v1::PutSecretRequest>,
    ) -> Result<Response<v1::Secret>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let value = Secret::new(message.value);
        check(&message.project, &message.name)?;
        principal.may(Verb::Secrets, &message.project)?;
        let length = value.reveal().trim_ascii().len();
        if !(SHORTEST..=LONGEST).contains(&length) {
            let problem = format!(
                "must have {SHORTEST} to {LONGEST} bytes: shorter ones could not be masked in logs"
            );
            return Err(field("value", &format!("({length} bytes)"), &problem));
        }
        let record = self.secrets.put(&message.project, &message.name, &value).await;
        Ok(Response::new(outgoing::secret(record.map_err(errors::store)?)))
    }

    async fn list(
        &self,
        request: Request<v1::ListSecretsRequest>,
    ) -> Result<Response<v1::ListSecretsResponse>, Status> {
        let principal = caller(&request)?;
        let project = request.into_inner().project;
        label("project", &project, 30).map_err(errors::name)?;
        principal.may(Verb::Read, &project)?;
        let records = self.secrets.list(&project).await.map_err(errors::store)?;
        let secrets = records.into_iter().map(outgoing::secret).collect();
        Ok(Response::new(v1::ListSecretsResponse { secrets }))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteSecretRequest>,
    ) -> Result<Response<v1::DeleteSecretResponse>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        check(&message.project, &message.name)?;
        principal.may(Verb::Secrets, &message.project)?;
        let there = self.secrets.delete(&message.project, &message.name).await;
        if there.map_err(errors::store)? {
            Ok(Response::new(v1::DeleteSecretResponse {}))
        } else {
            let fix = format!("list them: windlass secret list {}", message.project);
            Err(errors::missing("secret", &message.name, &fix))
        }
    }
}

/// Whether a text can be a secret's name.
pub(crate) fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(known)
}

fn check(project: &str, name: &str) -> Result<(), Status> {
    label("project", project, 30).map_err(errors::name)?;
    let good = is_name(name);
    if good {
        Ok(())
    } else {
        Err(field("name", name, "must be 1 to 63 of a-z, 0-9, `-`, `_`, `.`, from a letter"))
    }
}
