//! Leases (`coordination.k8s.io/v1`) that say whose turn it is to work on an app: `windlass-<app>` in its namespace.
//!
//! A Lease is there while somebody works, and is deleted afterwards. One that was taken over stays without a holder: the
//! job that had it may come back long after, and learns by it that somebody else has worked on the app.
//! Each write names the version that it is of, so that of two at once one fails. Times in a Lease are for people alone.

use crate::{
    client::{Client, Versioned, cut},
    json::{entry, set, text},
    render::{INSTANCE, JOB, MANAGED_BY, OURS, PART_OF, inventory_name},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use windlass_engine::ports::{Acquired, LEASE, LeaseHolder, Renewed};
use windlass_model::{error::ClusterError, job::Release};

/// Annotation that tells two runs of a job apart.
const RUN: &str = "windlass.dev/run";

/// Annotation with the jobs from which a Lease was taken over, the last one at its end.
const OVER: &str = "windlass.dev/taken-over-from";

/// Jobs in [`OVER`] at most. Each was left by a daemon that did not come back.
const MOST: usize = 8;

/// Bytes of the longest name of a holder that is shown. Whoever may write Leases may have written it.
const LONGEST: usize = 200;

/// Tries to take a lease that somebody changes meanwhile.
const TRIES: u32 = 5;

/// Takes the lease of a release's app, as `Leases::acquire` does. `namespace` is the one to make where it is missing.
/// `None` makes none.
pub(crate) async fn acquire(
    client: &Client,
    release: &Release,
    holder: &LeaseHolder,
    over: Option<&str>,
    namespace: Option<&Value>,
) -> Result<Acquired, ClusterError> {
    match take(client, release, holder, over, namespace).await {
        Err(ClusterError::Forbidden { message, .. }) => Ok(Acquired::Refused(message)),
        taken => taken,
    }
}

async fn take(
    client: &Client,
    release: &Release,
    holder: &LeaseHolder,
    over: Option<&str>,
    namespace: Option<&Value>,
) -> Result<Acquired, ClusterError> {
    let (head, new) = (head(release), lease(release, holder));
    // This daemon deletes no namespace as an empty one between the two. A Lease alone does not fill one: if it goes then,
    // the release makes it again, and a renewal takes the lease there.
    let mut begins = None;
    for _ in 0..TRIES {
        match client.create_new(&new).await? {
            Versioned::Done(version) => return Ok(Acquired::Held(version)),
            Versioned::Missing => {
                let Some(namespace) = namespace.filter(|_| begins.is_none()) else {
                    return Ok(Acquired::NoNamespace);
                };
                begins = Some(client.namespaces().read().await);
                match client.create(namespace).await {
                    Err(ClusterError::Forbidden { .. }) => return Ok(Acquired::NoNamespace),
                    made => made?,
                }
                continue;
            }
            Versioned::Other => {}
        }
        let Some(live) = client.find_version(&head).await? else { continue };
        let version = live.metadata.resource_version.clone().unwrap_or_default();
        let name = holder_of(&live);
        let is_ours = annotation(&live, JOB) == Some(&*holder.job);
        if !is_ours && !name.is_empty() && over != Some(&*version) {
            return Ok(Acquired::By { holder: name, version });
        }
        if !is_ours && over != Some(&*version) && taken_over(&live).any(|job| job == holder.job) {
            return Ok(Acquired::Void { holder: last_of(&live), version });
        }
        let mut taken = new.clone();
        let metadata = entry(&mut taken, "metadata");
        if let Some(annotations) = metadata.and_then(|metadata| entry(metadata, "annotations")) {
            set(annotations, OVER, over_from(&live, holder));
        }
        if let Versioned::Done(version) = client.merge_version(&head, &version, taken).await? {
            return Ok(Acquired::Held(version));
        }
    }
    let message = format!("Lease {} changed with each try to take it", inventory_name(release));
    Err(ClusterError::Unreachable { message })
}

/// Renews a lease that has this version.
pub(crate) async fn renew(
    client: &Client,
    release: &Release,
    holder: &LeaseHolder,
    version: &str,
) -> Result<Renewed, ClusterError> {
    let head = head(release);
    let mut version = version.to_owned();
    for _ in 0..TRIES {
        let now = json!({ "spec": { "renewTime": MicroTime(Timestamp::now()) } });
        match client.merge_version(&head, &version, now).await? {
            Versioned::Done(version) => return Ok(Renewed::Held(version)),
            Versioned::Missing => return Ok(Renewed::Gone),
            Versioned::Other => {}
        }
        let Some(live) = client.find_version(&head).await? else { return Ok(Renewed::Gone) };
        // An answer to an earlier renewal may have been lost on its way.
        if !is_of_run(&live, holder) {
            return Ok(Renewed::Lost(last_of(&live)));
        }
        version = live.metadata.resource_version.unwrap_or_default();
    }
    let message = format!("Lease {} changed with each renewal", inventory_name(release));
    Err(ClusterError::Unreachable { message })
}

/// Gives a lease back, as `Leases::give_back` does.
pub(crate) async fn give_back(
    client: &Client,
    release: &Release,
    holder: &LeaseHolder,
) -> Result<(), ClusterError> {
    let head = head(release);
    for _ in 0..TRIES {
        let live = client.find_version(&head).await?.filter(|live| is_of_run(live, holder));
        let Some(live) = live else { break };
        let version = live.metadata.resource_version.as_deref().unwrap_or_default();
        let given = if taken_over(&live).next().is_none() {
            client.delete_version(&head, version).await?
        } else {
            let free = json!({
                "metadata": { "annotations": { RUN: null } },
                "spec": { "holderIdentity": null },
            });
            client.merge_version(&head, version, free).await?
        };
        // A renewal may have been on its way.
        if given != Versioned::Other {
            break;
        }
    }
    Ok(())
}

/// Returns kind and name of a release's lease.
fn head(release: &Release) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": inventory_name(release), "namespace": release.app.namespace() },
    })
}

fn lease(release: &Release, holder: &LeaseHolder) -> Value {
    let mut lease = head(release);
    let app = &release.app;
    if let Some(metadata) = entry(&mut lease, "metadata") {
        let labels = json!({ MANAGED_BY: OURS, PART_OF: app.project, INSTANCE: app.name });
        set(metadata, "labels", labels);
        set(metadata, "annotations", json!({ JOB: holder.job, RUN: holder.run }));
    }
    let now = MicroTime(Timestamp::now());
    let spec = json!({
        "holderIdentity": holder.to_string(),
        "leaseDurationSeconds": LEASE.as_secs(),
        "acquireTime": now,
        "renewTime": now,
    });
    set(&mut lease, "spec", spec);
    lease
}

fn annotation<'a>(live: &'a DynamicObject, key: &str) -> Option<&'a str> {
    live.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

fn is_of_run(live: &DynamicObject, holder: &LeaseHolder) -> bool {
    annotation(live, RUN) == Some(&*holder.run)
}

/// Returns the jobs from which a lease was taken over.
fn taken_over(live: &DynamicObject) -> impl Iterator<Item = &str> {
    annotation(live, OVER).unwrap_or_default().split_whitespace()
}

/// Returns [`OVER`] as it is once `holder` has taken a lease. Null means that there is no such job.
fn over_from(live: &DynamicObject, holder: &LeaseHolder) -> Value {
    let before = annotation(live, JOB).filter(|_| !holder_of(live).is_empty());
    let all = taken_over(live).chain(before.into_iter().flat_map(str::split_whitespace));
    let jobs: Vec<_> = all.filter(|job| *job != holder.job && job.len() <= LONGEST).collect();
    let last = jobs.get(jobs.len().saturating_sub(MOST)..).unwrap_or_default();
    if last.is_empty() { Value::Null } else { json!(last.join(" ")) }
}

/// Returns who has a lease or had it last, for people.
fn last_of(live: &DynamicObject) -> String {
    let name = holder_of(live);
    if !name.is_empty() {
        return name;
    }
    match annotation(live, JOB) {
        Some(job) => shown(job),
        None => "somebody else".into(),
    }
}

/// Returns who has a lease. Empty means nobody.
fn holder_of(live: &DynamicObject) -> String {
    shown(text(&live.data, "/spec/holderIdentity"))
}

/// Returns a name as it comes into journals and to terminals, whoever wrote it.
fn shown(name: &str) -> String {
    let shown = name.chars().map(|one| if one.is_ascii_graphic() { one } else { '?' });
    cut(shown.collect(), LONGEST)
}

#[cfg(test)]
mod tests;
