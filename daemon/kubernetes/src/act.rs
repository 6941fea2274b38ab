//! Does what a hook wants: a Job of the new image, or a command in one of its pods.

use crate::{
    client::{Client, limited},
    evidence, hook_job,
    observe::{WATCH_SECONDS, all, watch},
    render::workload_name,
};
use futures::{StreamExt, stream::select_all};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerState, Event, Pod},
};
use kube::{
    api::{AttachParams, ListParams, LogParams},
    runtime::watcher,
};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{io::AsyncReadExt, time::timeout};
use windlass_core::{hook::ActionResult, job::Release, ports::ClusterError};

/// What is kept of what a command printed; of that, once it is masked, the end is told.
const OUTPUT: usize = 64 << 10;

/// Beyond an action's own limit, which the cluster keeps itself.
const GRACE: Duration = Duration::from_secs(60);

/// How long a container may wait in vain before it is believed.
const PERSISTENT: Duration = Duration::from_secs(20);

/// Runs a command as a Job and waits for its end. The same `key` is the same Job.
pub(crate) async fn run_job(
    client: &Client,
    release: &Release,
    hook: &str,
    key: &str,
    command: &[String],
    timeout_ms: u32,
    pull: bool,
) -> Result<ActionResult, ClusterError> {
    let (namespace, name) = (release.app.namespace(), hook_job::name(release, hook, key));
    let api = client.api::<Job>(&namespace);
    // What is there already stays as it was made: its template cannot change, and need not.
    if limited(api.get_opt(&name), "the hook's Job").await?.is_none() {
        client.apply(&hook_job::manifest(release, &name, command, timeout_ms, pull)).await?;
    }
    let limit = Duration::from_millis(timeout_ms.into()) + GRACE;
    let (end, pod) = match timeout(limit, watched(client, &namespace, &name)).await {
        Ok(Some(ended)) => ended,
        Ok(None) => {
            let message = "the watch ended".into();
            return Err(ClusterError::Unreachable { message });
        }
        // A watch may have been deaf: what the cluster says now counts.
        Err(_) => {
            let job = limited(api.get_opt(&name), "the hook's Job").await?;
            let pods = client.api::<Pod>(&namespace);
            let pods =
                limited(pods.list(&ListParams::default().labels(&of_job(&name))), "pods").await?;
            let pod = pods.items.into_iter().next();
            match end(job.as_ref(), pod.as_ref()) {
                Some(end) => (end, pod),
                None => (End::Stuck(why_no_pod(client, &namespace, &name).await), pod),
            }
        }
    };
    match end {
        End::Exited(code) => {
            let pod = pod.and_then(|pod| pod.metadata.name).unwrap_or_default();
            let output = log(client, &namespace, &pod).await;
            Ok(ActionResult::Exited { code, output })
        }
        End::TimedOut => Ok(ActionResult::TimedOut),
        End::NeverRan => {
            let why = why_no_pod(client, &namespace, &name).await;
            Ok(ActionResult::Failed(format!("it never ran: {why}")))
        }
        End::Stuck(why) => {
            // It must not begin after the hook was told that it failed; nor be made again by a restart
            // in between, so that it is kept.
            let head = hook_job::head(release, &name);
            client.merge(&head, &json!({ "spec": { "suspend": true } })).await?;
            Ok(ActionResult::Failed(why))
        }
    }
}

enum End {
    Exited(i32),
    TimedOut,
    /// Its time is over, and there was no pod.
    NeverRan,
    /// It will not run.
    Stuck(String),
}

/// Reasons for which a container waits in vain.
const HOPELESS: [&str; 5] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

fn of_job(name: &str) -> String {
    format!("batch.kubernetes.io/job-name={name}")
}

/// Waits for a Job's end. A reason to wait in vain counts once it has lasted: a pull secret may not
/// have come to the node yet.
async fn watched(client: &Client, namespace: &str, name: &str) -> Option<(End, Option<Pod>)> {
    let config = || watcher::Config::default().timeout(WATCH_SECONDS);
    let named = config().fields(&format!("metadata.name={name}"));
    let (jobs, changes) = watch::<Job>(client, namespace, named);
    let (pods, more) = watch::<Pod>(client, namespace, config().labels(&of_job(name)));
    let mut changes = select_all([changes, more]);
    let mut in_vain = None;
    loop {
        // Looked at each second too, for what only lasts.
        if let Ok(None) = timeout(Duration::from_secs(1), changes.next()).await {
            return None;
        }
        let (job, pod) = (all(&jobs).into_iter().next(), all(&pods).into_iter().next());
        if let Some(end) = end(job.as_ref(), pod.as_ref()) {
            return Some((end, pod));
        }
        match hopeless(pod.as_ref()) {
            None => in_vain = None,
            Some(why) => {
                let since = in_vain.get_or_insert_with(Instant::now);
                if since.elapsed() > PERSISTENT {
                    return Some((End::Stuck(why), pod));
                }
            }
        }
    }
}

fn state(pod: Option<&Pod>) -> Option<&ContainerState> {
    let containers = pod?.status.as_ref()?.container_statuses.as_deref()?;
    containers.first()?.state.as_ref()
}

fn hopeless(pod: Option<&Pod>) -> Option<String> {
    let waiting = state(pod)?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|reason| HOPELESS.contains(reason))?;
    Some(format!("{reason}: {}", waiting.message.as_deref().unwrap_or_default()))
}

/// The Job's own verdict goes first: a command that is told to end may still exit with 0.
fn end(job: Option<&Job>, pod: Option<&Pod>) -> Option<End> {
    let status = job.and_then(|job| job.status.as_ref());
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is = |kinds: &[&str]| {
        let mut all = conditions.iter().filter(|condition| condition.status == "True");
        all.find(|condition| kinds.contains(&&*condition.type_))
    };
    let failed = is(&["Failed", "FailureTarget"]);
    if failed.is_some_and(|failed| failed.reason.as_deref() == Some("DeadlineExceeded")) {
        return Some(match pod {
            Some(_) => End::TimedOut,
            None => End::NeverRan,
        });
    }
    if is(&["Suspended"]).is_some() {
        return Some(End::Stuck("it was stopped before".into()));
    }
    let is_leaving = pod.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
    if let Some(ended) = state(pod).and_then(|state| state.terminated.as_ref())
        && (failed.is_some() || !is_leaving)
    {
        return match (ended.reason.as_deref(), ended.exit_code) {
            (Some("StartError" | "ContainerCannotRun"), _) => {
                Some(End::Stuck(ended.message.clone().unwrap_or_default()))
            }
            (_, 0) => is(&["Complete", "SuccessCriteriaMet"]).map(|_| End::Exited(0)),
            (_, code) => Some(End::Exited(code)),
        };
    }
    let failed = failed?;
    let (reason, message) = (failed.reason.as_deref(), failed.message.as_deref());
    let reason = reason.unwrap_or("the Job failed");
    Some(End::Stuck(format!("{reason}: {}", message.unwrap_or_default())))
}

/// A Job whose pod is never made says so in its events alone: a quota, a policy.
async fn why_no_pod(client: &Client, namespace: &str, name: &str) -> String {
    let of_job = ListParams::default().fields(&format!("involvedObject.name={name}"));
    let events = limited(client.api::<Event>(namespace).list(&of_job), "events").await;
    let events = events.map(|list| list.items).unwrap_or_default();
    let last = events.into_iter().filter_map(|event| event.message).next_back();
    last.unwrap_or_else(|| "no pod of it ever ran".into())
}

/// Runs a command in one ready pod of the release.
pub(crate) async fn exec(
    client: &Client,
    release: &Release,
    command: &[String],
    timeout_ms: u32,
    once: bool,
) -> Result<ActionResult, ClusterError> {
    let namespace = release.app.namespace();
    let Some(pod) = ready_pod(client, release).await? else {
        return Ok(ActionResult::Failed("no pod of the release is ready".into()));
    };
    let params = AttachParams::default().stdin(false).stdout(true).stderr(true);
    let params = params.container(release.app.name.clone());
    let api = client.api::<Pod>(&namespace);
    let what = format!("a command in pod {pod}");
    let mut process = match limited(api.exec(&pod, command, &params), &what).await {
        // It may have begun.
        Err(ClusterError::Unreachable { message }) if once => {
            return Ok(ActionResult::Failed(format!("nobody knows whether it ran: {message}")));
        }
        begun => begun?,
    };
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let status = process.take_status();
    let work = async {
        let (out, err) = tokio::join!(tail(stdout), tail(stderr));
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        (String::from_utf8_lossy(&[out, err].concat()).into_owned(), status)
    };
    let Ok((output, status)) = timeout(Duration::from_millis(timeout_ms.into()), work).await else {
        return Ok(ActionResult::TimedOut);
    };
    // From here on nothing is tried again: the command may have run.
    Ok(match status {
        None => ActionResult::Failed("the connection broke; nobody knows how it ended".into()),
        Some(status) if status.status.as_deref() == Some("Success") => {
            ActionResult::Exited { code: 0, output }
        }
        Some(status) => {
            let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
            let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
            let code = code.and_then(|cause| cause.message.as_ref()?.parse().ok());
            match code {
                Some(code) => ActionResult::Exited { code, output },
                None => ActionResult::Failed(status.message.unwrap_or_default()),
            }
        }
    })
}

/// The end of a stream: all is read, so that the command never waits for us.
async fn tail(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), vec![0; 8 << 10]);
    let Some(mut stream) = stream else { return kept };
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        kept.extend_from_slice(piece.get(..read).unwrap_or_default());
        let over = kept.len().saturating_sub(OUTPUT);
        kept.drain(..over);
    }
    kept
}

/// Of `web`, where there is one.
async fn ready_pod(client: &Client, release: &Release) -> Result<Option<String>, ClusterError> {
    // A cluster that is away is not one without pods.
    client.check().await?;
    let seen = evidence::seen(client, release).await;
    let first = release.runtime.web().or(release.runtime.processes.first());
    let workload = first.map(|process| workload_name(release, process)).unwrap_or_default();
    let mut ready: Vec<_> = seen
        .new_pods()
        .into_iter()
        .filter(|(pod, of)| *of == workload && crate::snapshot::is_ready(pod))
        .filter_map(|(pod, _)| pod.metadata.name.clone())
        .collect();
    // The same one each time, as long as it is there.
    ready.sort();
    Ok(ready.into_iter().next())
}

async fn log(client: &Client, namespace: &str, pod: &str) -> String {
    let params =
        LogParams { limit_bytes: Some(1 << 20), tail_lines: Some(200), ..LogParams::default() };
    let text = limited(client.api::<Pod>(namespace).logs(pod, &params), "log").await;
    let text = text.unwrap_or_default();
    let from = text.len().saturating_sub(OUTPUT);
    text.get(text.ceil_char_boundary(from)..).unwrap_or_default().to_owned()
}
