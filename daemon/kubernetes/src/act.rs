//! Does what a hook wants: a Job of the new image, or a command in one of its pods.

use crate::{
    client::{Client, limited},
    hook_job,
    observe::{all, watch},
    snapshot::Seen,
};
use futures::{StreamExt, stream::select_all};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    batch::v1::Job,
    core::v1::{Event, Pod},
};
use kube::{
    api::{AttachParams, DeleteParams, ListParams, LogParams},
    runtime::watcher,
};
use std::time::Duration;
use tokio::{io::AsyncReadExt, time::timeout};
use windlass_core::{hook::ActionResult, job::Release, ports::ClusterError};

/// What is kept of what a command printed.
const OUTPUT: usize = 4 << 10;

/// Beyond an action's own limit, which the cluster keeps itself.
const GRACE: Duration = Duration::from_secs(30);

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
    client.apply(&hook_job::manifest(release, &name, command, timeout_ms, pull)).await?;
    let labels = format!("batch.kubernetes.io/job-name={name}");
    let named = format!("metadata.name={name}");
    let (jobs, changes) =
        watch::<Job>(client, &namespace, watcher::Config::default().fields(&named));
    let pods = watcher::Config::default().labels(&labels);
    let (pods, more) = watch::<Pod>(client, &namespace, pods);
    let mut changes = select_all([changes, more]);
    let watching = async {
        while changes.next().await.is_some() {
            let (job, pod) = (all(&jobs).into_iter().next(), all(&pods).into_iter().next());
            if let Some(end) = end(job.as_ref(), pod.as_ref()) {
                return Some((end, pod));
            }
        }
        None
    };
    let limit = Duration::from_millis(timeout_ms.into()) + GRACE;
    let (end, pod) = match timeout(limit, watching).await {
        Ok(Some(ended)) => ended,
        Ok(None) => {
            let message = "the watch ended".into();
            return Err(ClusterError::Unreachable { message });
        }
        Err(_) => (End::Stuck(why_no_pod(client, &namespace, &name).await), None),
    };
    match end {
        End::Exited(code) => {
            let pod = pod.and_then(|pod| pod.metadata.name).unwrap_or_default();
            let output = log(client, &namespace, &pod).await;
            Ok(ActionResult::Exited { code, output })
        }
        End::TimedOut => Ok(ActionResult::TimedOut),
        End::Stuck(why) => {
            // It must not begin after the hook was told that it failed.
            let api = client.api::<Job>(&namespace);
            limited(api.delete(&name, &DeleteParams::background()), "the hook's Job").await?;
            Ok(ActionResult::Failed(why))
        }
    }
}

enum End {
    Exited(i32),
    TimedOut,
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

fn end(job: Option<&Job>, pod: Option<&Pod>) -> Option<End> {
    let status = pod.and_then(|pod| pod.status.as_ref());
    let containers = status.and_then(|status| status.container_statuses.as_deref());
    let state = containers.and_then(|all| all.first()).and_then(|own| own.state.as_ref());
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
        return Some(match ended.reason.as_deref() {
            Some("StartError" | "ContainerCannotRun") => {
                End::Stuck(ended.message.clone().unwrap_or_default())
            }
            _ => End::Exited(ended.exit_code),
        });
    }
    let waiting = state.and_then(|state| state.waiting.as_ref());
    if let Some(waiting) = waiting
        && let Some(reason) = waiting.reason.as_deref().filter(|reason| HOPELESS.contains(reason))
    {
        let message = waiting.message.as_deref().unwrap_or_default();
        return Some(End::Stuck(format!("{reason}: {message}")));
    }
    let conditions = job.and_then(|job| job.status.as_ref()?.conditions.as_deref())?;
    let failed = conditions
        .iter()
        .find(|condition| condition.type_ == "Failed" && condition.status == "True")?;
    Some(match failed.reason.as_deref() {
        Some("DeadlineExceeded") => End::TimedOut,
        reason => {
            let message = failed.message.as_deref().unwrap_or_default();
            End::Stuck(format!("{}: {message}", reason.unwrap_or("the Job failed")))
        }
    })
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
) -> Result<ActionResult, ClusterError> {
    let namespace = release.app.namespace();
    let Some(pod) = ready_pod(client, release).await? else {
        return Ok(ActionResult::Failed("no pod of the release is ready".into()));
    };
    let params = AttachParams::default().stdin(false).stdout(true).stderr(true);
    let params = params.container(release.app.name.clone());
    let api = client.api::<Pod>(&namespace);
    let what = format!("a command in pod {pod}");
    let mut process = limited(api.exec(&pod, command, &params), &what).await?;
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

async fn ready_pod(client: &Client, release: &Release) -> Result<Option<String>, ClusterError> {
    let namespace = release.app.namespace();
    let ours =
        ListParams::default().labels(&format!("app.kubernetes.io/instance={}", release.app.name));
    let deployment = client.api::<Deployment>(&namespace);
    let seen = Seen {
        deployment: limited(deployment.get_opt(&release.app.name), "the Deployment").await?,
        replica_sets: limited(client.api::<ReplicaSet>(&namespace).list(&ours), "ReplicaSets")
            .await?
            .items,
        pods: limited(client.api::<Pod>(&namespace).list(&ours), "pods").await?.items,
        events: Vec::new(),
    };
    let mut ready: Vec<_> = seen
        .new_pods()
        .into_iter()
        .filter(|pod| crate::snapshot::is_ready(pod))
        .filter_map(|pod| pod.metadata.name.clone())
        .collect();
    // The same one each time, as long as it is there.
    ready.sort();
    Ok(ready.into_iter().next())
}

async fn log(client: &Client, namespace: &str, pod: &str) -> String {
    let params =
        LogParams { limit_bytes: Some(1 << 20), tail_lines: Some(50), ..LogParams::default() };
    let text = limited(client.api::<Pod>(namespace).logs(pod, &params), "log").await;
    let text = text.unwrap_or_default();
    let from = text.len().saturating_sub(OUTPUT);
    text.get(text.ceil_char_boundary(from)..).unwrap_or_default().to_owned()
}
