//! The service `Registries`: registries of projects' own. Secrets come in, and none goes out.

use crate::{auth::caller, errors, outgoing, serve::Handlers};
use std::collections::BTreeMap;
use tonic::{Request, Response, Status};
use windlass_model::{
    own::registry::{OwnRegistry, PASSWORD, RegistryLogin, RegistrySecrets, canonical_host},
    secret::Secret,
};
use windlass_proto::v1::{self, registries_server};
use windlass_service::PutRegistryRequest;

#[tonic::async_trait]
impl registries_server::Registries for Handlers {
    async fn put(
        &self,
        request: Request<v1::PutRegistryRequest>,
    ) -> Result<Response<v1::Registry>, Status> {
        let caller = caller(&request)?;
        let request = put_request(request.into_inner())?;
        let record = self.0.put_registry(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::registry(record)))
    }

    async fn list(
        &self,
        request: Request<v1::ListRegistriesRequest>,
    ) -> Result<Response<v1::ListRegistriesResponse>, Status> {
        let caller = caller(&request)?;
        let records = self.0.list_registries(&caller, &request.get_ref().project).await;
        let records = records.map_err(errors::service)?;
        let registries = records.into_iter().map(outgoing::registry).collect();
        Ok(Response::new(v1::ListRegistriesResponse { registries }))
    }

    async fn history(
        &self,
        request: Request<v1::RegistryHistoryRequest>,
    ) -> Result<Response<v1::RegistryHistoryResponse>, Status> {
        let caller = caller(&request)?;
        let v1::RegistryHistoryRequest { project, host } = request.get_ref();
        let versions = self.0.registry_history(&caller, project, host).await;
        let versions = versions.map_err(errors::service)?.into_iter();
        let host = canonical_host(host);
        let versions =
            versions.map(|one| outgoing::registry_version(project, &host, one)).collect();
        Ok(Response::new(v1::RegistryHistoryResponse { versions }))
    }

    async fn test(
        &self,
        request: Request<v1::TestRegistryRequest>,
    ) -> Result<Response<v1::TestRegistryResponse>, Status> {
        let caller = caller(&request)?;
        let v1::TestRegistryRequest { project, host } = request.get_ref();
        let findings = self.0.test_registry(&caller, project, host).await;
        let findings = findings.map_err(errors::service)?;
        let findings = findings.into_iter().map(outgoing::registry_finding).collect();
        Ok(Response::new(v1::TestRegistryResponse { findings }))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteRegistryRequest>,
    ) -> Result<Response<v1::DeleteRegistryResponse>, Status> {
        let caller = caller(&request)?;
        let v1::DeleteRegistryRequest { project, host } = request.get_ref();
        self.0.delete_registry(&caller, project, host).await.map_err(errors::service)?;
        Ok(Response::new(v1::DeleteRegistryResponse {}))
    }
}

/// Reads a registry with its secrets.
fn put_request(request: v1::PutRegistryRequest) -> Result<PutRegistryRequest, Status> {
    let v1::PutRegistryRequest { project, host, images, push, pull, no_check } = request;
    let (push, of_push) = login("push", push)?;
    let (pull, of_pull) = login("pull", pull)?;
    let images = Some(images).filter(|images| !images.is_empty());
    Ok(PutRegistryRequest {
        project,
        registry: OwnRegistry { host, images, push, pull },
        secrets: RegistrySecrets { push: of_push, pull: of_pull },
        no_check,
    })
}

/// Reads a login, and its secrets. An absent one is none.
fn login(
    name: &str,
    given: Option<v1::RegistryLogin>,
) -> Result<(Option<RegistryLogin>, BTreeMap<String, Secret>), Status> {
    let Some(v1::RegistryLogin { user, password, plugin, settings_json, secrets }) = given else {
        return Ok((None, BTreeMap::new()));
    };
    let mut secrets: BTreeMap<_, _> =
        secrets.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
    if plugin.is_empty() {
        if !settings_json.is_empty() {
            let problem = "are of a plugin, and this login has a user";
            return Err(errors::field(&format!("{name}.settings_json"), "", problem));
        }
        if !password.is_empty() {
            secrets.insert(PASSWORD.to_owned(), Secret::new(password));
        }
        return Ok((Some(RegistryLogin::User(user)), secrets));
    }
    if !user.is_empty() || !password.is_empty() {
        let problem = "cannot stand beside a user; give one of both";
        return Err(errors::field(&format!("{name}.plugin"), &plugin, problem));
    }
    let settings = if settings_json.is_empty() { "{}" } else { &*settings_json };
    let settings = serde_json::from_str(settings).map_err(|error| {
        // The text could hold a secret by mistake.
        let problem = format!("is no JSON: line {}, column {}", error.line(), error.column());
        errors::field(&format!("{name}.settings_json"), "", &problem)
    })?;
    Ok((Some(RegistryLogin::Plugin { name: plugin, settings }), secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(push: v1::RegistryLogin) -> Result<PutRegistryRequest, Status> {
        put_request(v1::PutRegistryRequest {
            project: "shop".into(),
            host: "ghcr.io".into(),
            push: Some(push),
            ..v1::PutRegistryRequest::default()
        })
    }

    #[test]
    fn a_login_is_of_a_user_or_of_a_plugin() {
        let user = v1::RegistryLogin {
            user: "ci".into(),
            password: b"hunter22".to_vec(),
            ..v1::RegistryLogin::default()
        };
        let read = of(user.clone()).unwrap();
        assert_eq!(read.registry.push, Some(RegistryLogin::User("ci".into())));
        assert_eq!(read.secrets.push[PASSWORD].reveal(), b"hunter22");
        assert_eq!((read.registry.images, read.registry.pull), (None, None));
        let plugin = v1::RegistryLogin {
            plugin: "registry-ecr".into(),
            settings_json: "{\"region\":\"eu\"}".into(),
            secrets: [("aws".to_owned(), b"key-of-aws".to_vec())].into(),
            ..v1::RegistryLogin::default()
        };
        let read = of(plugin.clone()).unwrap();
        let settings = serde_json::json!({ "region": "eu" });
        let expected = RegistryLogin::Plugin { name: "registry-ecr".into(), settings };
        assert_eq!(read.registry.push, Some(expected));
        assert_eq!(read.secrets.push["aws"].reveal(), b"key-of-aws");
        for (wrong, field) in [
            (v1::RegistryLogin { user: "ci".into(), ..plugin.clone() }, "push.plugin"),
            (v1::RegistryLogin { settings_json: "{}".into(), ..user }, "push.settings_json"),
            (
                v1::RegistryLogin { settings_json: "hunter22".into(), ..plugin },
                "push.settings_json",
            ),
        ] {
            let status = of(wrong).unwrap_err();
            assert!(status.message().starts_with(field), "{status}");
            assert!(!status.message().contains("hunter22"), "{status}");
        }
    }
}
