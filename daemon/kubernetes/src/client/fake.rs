//! An API server for tests: it keeps objects, and notes what is written.

use super::Client;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use kube::client::Body;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex},
};

/// Objects by their path, and writes in order, as `PATCH services/web`.
#[derive(Default)]
pub(crate) struct FakeServer {
    objects: Mutex<BTreeMap<String, Value>>,
    writes: Mutex<Vec<String>>,
    requests: Mutex<Vec<String>>,
    /// Paths of objects that a webhook keeps from being deleted.
    held: Mutex<BTreeSet<String>>,
}

impl FakeServer {
    /// Returns a client of this server.
    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Client::fake(kube::Client::new(service, "default"))
    }

    /// Puts an object at a path: `/apis/apps/v1/namespaces/…/deployments/web`.
    pub(crate) fn put(&self, path: &str, mut object: Value) {
        object["metadata"]["uid"] = json!(format!("uid of {path}"));
        object["metadata"]["resourceVersion"] = json!("1");
        self.objects.lock().unwrap().insert(path.to_owned(), object);
    }

    /// Returns the object at a path. Null means that there is none.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.objects.lock().unwrap().get(path).cloned().unwrap_or_default()
    }

    /// Has a webhook refuse the deletion of objects, and of no others from now on.
    pub(crate) fn hold(&self, paths: &[&str]) {
        *self.held.lock().unwrap() = paths.iter().map(ToString::to_string).collect();
    }

    /// Returns what was written since the last call.
    pub(crate) fn written(&self) -> Vec<String> {
        std::mem::take(&mut *self.writes.lock().unwrap())
    }

    /// Returns all requests since the last call, as `GET /api/v1/…`.
    pub(crate) fn requested(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    async fn answer(&self, request: Request<Body>) -> Response<Full<Bytes>> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        self.requests.lock().unwrap().push(format!("{method} {path}"));
        let kind = request.headers().get("content-type").map(|kind| kind.to_str().unwrap());
        let is_apply = kind.is_some_and(|kind| kind.contains("apply-patch"));
        let body = request.into_body().collect_bytes().await.unwrap();
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        if method != Method::GET {
            let resource: Vec<_> = path.rsplitn(3, '/').take(2).collect();
            let written = match method {
                Method::POST => format!("POST {}", resource[0]),
                _ => format!("{method} {}/{}", resource[1], resource[0]),
            };
            self.writes.lock().unwrap().push(written);
        }
        let live = self.get(&path);
        let (code, answer) = match method {
            Method::GET if path.ends_with("/pods") => {
                (200, json!({ "apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [] }))
            }
            Method::GET if live.is_null() => status(404, "NotFound"),
            Method::GET => (200, live),
            Method::DELETE if self.held.lock().unwrap().contains(&path) => {
                let (code, mut denied) = status(403, "Forbidden");
                denied["message"] =
                    json!("admission webhook \"w\" denied the request: owner not found");
                (code, denied)
            }
            Method::DELETE
                if sent
                    .pointer("/preconditions/resourceVersion")
                    .is_some_and(|version| *version != live["metadata"]["resourceVersion"]) =>
            {
                status(409, "Conflict")
            }
            Method::DELETE => {
                self.objects.lock().unwrap().remove(&path);
                (200, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
            }
            Method::PATCH if is_apply => (200, self.store(&path, &live, sent)),
            Method::PATCH if live.is_null() => status(404, "NotFound"),
            Method::PATCH => {
                let read = sent.pointer("/metadata/resourceVersion").cloned();
                if read.is_some_and(|read| read != live["metadata"]["resourceVersion"]) {
                    status(409, "Conflict")
                } else {
                    let mut merged = live.clone();
                    merge(&mut merged, sent);
                    (200, self.store(&path, &live, merged))
                }
            }
            // Of all kinds that are made so, these alone are made where their namespace may be missing.
            _ if path.ends_with("/leases") && self.get(&namespace_of(&path)).is_null() => {
                status(404, "NotFound")
            }
            _ => {
                let path = format!("{path}/{}", sent["metadata"]["name"].as_str().unwrap_or("new"));
                match self.get(&path) {
                    Value::Null => (201, self.store(&path, &Value::Null, sent)),
                    _ => status(409, "AlreadyExists"),
                }
            }
        };
        let answer = Full::new(Bytes::from(answer.to_string()));
        Response::builder().status(code).body(answer).unwrap()
    }

    /// Stores an object in the place of the live one. A route is accepted at once.
    fn store(&self, path: &str, live: &Value, mut object: Value) -> Value {
        let version = live["metadata"]["resourceVersion"].as_str().unwrap_or("0");
        let version = version.parse::<u32>().unwrap() + 1;
        object["metadata"]["uid"] = json!(format!("uid of {path}"));
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        object["metadata"]["generation"] = json!(version);
        if object["kind"] == "HTTPRoute" {
            let condition = |kind: &str| json!({ "type": kind, "status": "True", "observedGeneration": version });
            let conditions = [condition("Accepted"), condition("ResolvedRefs")];
            object["status"] = json!({ "parents": [{ "conditions": conditions }] });
        }
        self.objects.lock().unwrap().insert(path.to_owned(), object.clone());
        object
    }
}

/// Returns the path of the namespace of a list of objects in a group.
fn namespace_of(path: &str) -> String {
    format!("/api/v1/namespaces/{}", path.split('/').nth(5).unwrap_or_default())
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": reason,
    });
    (code, status)
}

/// Merges a patch as RFC 7386 has it.
fn merge(object: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *object = patch;
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            if let Some(map) = object.as_object_mut() {
                map.remove(&key);
            }
        } else {
            merge(&mut object[&*key], value);
        }
    }
}
