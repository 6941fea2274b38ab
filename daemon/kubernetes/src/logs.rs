//! What an app's containers print, over their restarts and in new pods.

use crate::{
    client::{Client, limited},
    render::{COMPONENT, INSTANCE},
};
use futures::{AsyncBufRead, AsyncBufReadExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{ListParams, LogParams};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    pin::pin,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use windlass_core::{
    app::App,
    ports::{ClusterError, LogLine, LogRequest},
};

/// How often new pods and restarts are looked for.
const LOOK: Duration = Duration::from_secs(2);
/// A node that does not answer within this is asked again at the next look.
const ANSWER: Duration = Duration::from_secs(20);
/// Containers that are read at once: each is a connection.
const AT_ONCE: usize = 40;
/// A line longer than this is cut into several.
const LONGEST_LINE: usize = 16 << 10;

/// One run of one container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    pod: String,
    uid: String,
    process: String,
    container: String,
    restarts: i32,
}

/// A log that was read to its end.
struct Read {
    source: Source,
    was_running: bool,
    last: Option<Timestamp>,
}

/// All that one caller wants.
struct Reader {
    client: Client,
    app: App,
    cluster: String,
    request: LogRequest,
    send: mpsc::Sender<LogLine>,
}

/// How far the reading is.
#[derive(Default)]
struct Progress {
    /// Those of the first look: of their past only the end is wanted.
    first: BTreeSet<Source>,
    busy: BTreeSet<Source>,
    over: BTreeSet<Source>,
    last: BTreeMap<Source, Timestamp>,
    has_told_of_too_many: bool,
}

/// Begins to read; the first list is awaited, so that a cluster that is away is told.
pub(crate) async fn follow(
    client: &Client,
    app: &App,
    cluster: &str,
    request: &LogRequest,
) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
    let (send, receive) = mpsc::channel(256);
    let reader = Reader {
        client: client.clone(),
        app: app.clone(),
        cluster: cluster.to_owned(),
        request: request.clone(),
        send,
    };
    let sources = reader.sources().await?;
    tokio::spawn(reader.run(sources));
    Ok(receive)
}

impl Reader {
    /// Runs of containers that have printed something, or may; and whether each goes on.
    async fn sources(&self) -> Result<Vec<(Source, bool)>, ClusterError> {
        let mut labels = format!("{INSTANCE}={}", self.app.name);
        if !self.request.process.is_empty() {
            labels.push_str(&format!(",{COMPONENT}={}", self.request.process));
        }
        let pods = self.client.api::<Pod>(&self.app.namespace());
        let ours = ListParams::default().labels(&labels);
        let listed = limited(pods.list(&ours), "pods").await?;
        Ok(listed.items.iter().flat_map(runs).collect())
    }

    async fn run(self, mut sources: Vec<(Source, bool)>) {
        let mut progress = Progress {
            first: sources.iter().map(|(source, _)| source.clone()).collect(),
            ..Progress::default()
        };
        let mut reading = JoinSet::new();
        loop {
            let mut left_out = 0;
            for (source, is_running) in &sources {
                if progress.busy.contains(source) || progress.over.contains(source) {
                    continue;
                }
                if progress.busy.len() >= AT_ONCE {
                    left_out += 1;
                    continue;
                }
                progress.busy.insert(source.clone());
                let after = progress.last.get(source).copied();
                let is_first = progress.first.contains(source);
                let params = self.params(source, *is_running, after, is_first);
                let read = self.read(source.clone(), *is_running, after, params);
                reading.spawn(read);
            }
            if left_out > 0 && !progress.has_told_of_too_many {
                progress.has_told_of_too_many = true;
                let line = format!(
                    "{left_out} more containers are not read, {AT_ONCE} are; name one process to see all of it"
                );
                let _ = self.send.send(LogLine { line, ..self.line() }).await;
            }
            if !self.request.follow {
                while reading.join_next().await.is_some() {}
                return;
            }
            tokio::select! {
                () = self.send.closed() => return,
                () = sleep(LOOK) => {}
            }
            while let Some(read) = reading.try_join_next() {
                // One that panicked stays busy: it is not tried again.
                let Ok(read) = read else { continue };
                progress.busy.remove(&read.source);
                if let Some(last) = read.last {
                    progress.last.insert(read.source.clone(), last);
                }
                // The stream of one that ran may have broken: it is read again from there.
                if !read.was_running {
                    progress.over.insert(read.source);
                }
            }
            // A cluster that is away for a moment is asked again.
            if let Ok(listed) = self.sources().await {
                sources = listed;
                let is_there = |one: &Source| sources.iter().any(|(source, _)| source == one);
                progress.over.retain(is_there);
                progress.last.retain(|source, _| is_there(source));
            }
        }
    }

    fn params(
        &self,
        source: &Source,
        is_running: bool,
        after: Option<Timestamp>,
        is_first: bool,
    ) -> LogParams {
        let of_past = is_first && after.is_none();
        let request = &self.request;
        LogParams {
            container: Some(source.container.clone()),
            follow: request.follow && is_running,
            previous: request.previous,
            since_seconds: request.since_seconds.filter(|_| of_past).map(i64::from),
            since_time: after,
            tail_lines: of_past.then(|| i64::from(request.tail)),
            timestamps: true,
            ..LogParams::default()
        }
    }

    /// Reads one log to the end of its stream. It owns all that it needs.
    fn read(
        &self,
        source: Source,
        was_running: bool,
        after: Option<Timestamp>,
        params: LogParams,
    ) -> impl Future<Output = Read> + Send + use<> {
        let (client, send) = (self.client.clone(), self.send.clone());
        let (namespace, line) = (self.app.namespace(), self.line());
        async move {
            let mut last = after;
            let pods = client.api::<Pod>(&namespace);
            let opened = timeout(ANSWER, pods.log_stream(&source.pod, &params)).await;
            let Ok(Ok(stream)) = opened else { return Read { source, was_running, last } };
            let mut stream = pin!(stream);
            let mut bytes = Vec::new();
            while let Ok(true) = next_line(&mut stream, &mut bytes).await {
                let text = String::from_utf8_lossy(&bytes);
                let (at, text) = timed(&text);
                if at.is_some() && at <= after {
                    continue;
                }
                last = at.or(last);
                let line = LogLine {
                    pod: source.pod.clone(),
                    process: source.process.clone(),
                    container: source.container.clone(),
                    at_ms: at.and_then(|at| u64::try_from(at.as_millisecond()).ok()),
                    line: text.trim_end_matches('\r').to_owned(),
                    ..line.clone()
                };
                if send.send(line).await.is_err() {
                    break;
                }
            }
            Read { source, was_running, last }
        }
    }

    fn line(&self) -> LogLine {
        LogLine { cluster: self.cluster.clone(), ..LogLine::default() }
    }
}

/// The runs of a pod's containers that have begun, and whether each goes on.
fn runs(pod: &Pod) -> Vec<(Source, bool)> {
    let Some(status) = pod.status.as_ref() else { return Vec::new() };
    let labels = pod.metadata.labels.as_ref();
    let process = labels.and_then(|labels| labels.get(COMPONENT)).cloned().unwrap_or_default();
    let all = [&status.init_container_statuses, &status.container_statuses];
    let has_begun = |one: &&ContainerStatus| {
        let waits = one.state.as_ref().is_none_or(|state| state.waiting.is_some());
        one.restart_count > 0 || !waits
    };
    let run = |one: &ContainerStatus| {
        let source = Source {
            pod: pod.metadata.name.clone().unwrap_or_default(),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            process: process.clone(),
            container: one.name.clone(),
            restarts: one.restart_count,
        };
        (source, one.state.as_ref().is_some_and(|state| state.running.is_some()))
    };
    all.into_iter().flatten().flatten().filter(has_begun).map(run).collect()
}

/// A line's time, which the kubelet puts before it.
fn timed(line: &str) -> (Option<Timestamp>, &str) {
    let (time, rest) = line.split_once(' ').unwrap_or((line, ""));
    match time.parse() {
        Ok(at) => (Some(at), rest),
        // The rest of a line that was cut, or a word of the kubelet's own.
        Err(_) => (None, line),
    }
}

/// Reads a line without its end; false at the end of the stream. Of one that is too long the rest is
/// another line: a container may print without ever ending one.
async fn next_line(
    stream: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    line.clear();
    loop {
        let buffer = stream.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(!line.is_empty());
        }
        let room = LONGEST_LINE.saturating_sub(line.len()).min(buffer.len());
        let window = buffer.get(..room).unwrap_or(buffer);
        let end = window.iter().position(|byte| *byte == b'\n');
        line.extend(window.iter().take(end.unwrap_or(room)));
        stream.consume_unpin(end.map_or(room, |end| end + 1));
        if end.is_some() || line.len() >= LONGEST_LINE {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn runs_that_have_begun_are_read() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "web-1", "uid": "u", "labels": { COMPONENT: "web" } },
            "status": { "containerStatuses": [
                { "name": "a", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": { "running": {} } },
                { "name": "b", "image": "", "imageID": "", "ready": false, "restartCount": 2, "state": { "waiting": {} } },
                { "name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": { "waiting": {} } },
                { "name": "d", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": { "terminated": { "exitCode": 1 } } },
            ] },
        }))
        .unwrap();
        let found = runs(&pod);
        let names: Vec<_> =
            found.iter().map(|(source, running)| (&*source.container, *running)).collect();
        assert_eq!(names, [("a", true), ("b", false), ("d", false)]);
        assert!(found.iter().all(|(source, _)| source.process == "web"));
    }

    #[test]
    fn the_kubelets_time_is_taken_off() {
        let (at, rest) = timed("2025-11-25T17:53:02.123456789Z GET / 200");
        assert_eq!((at.unwrap().as_millisecond(), rest), (1_764_093_182_123, "GET / 200"));
        assert_eq!(timed("2025-11-25T17:53:02Z ").1, "");
        assert_eq!(timed("unable to retrieve"), (None, "unable to retrieve"));
    }

    #[tokio::test]
    async fn a_line_without_an_end_does_not_grow_for_ever() {
        let long = vec![b'x'; LONGEST_LINE + 7];
        let mut stream = futures::io::Cursor::new([&b"one\n\ntwo"[..], &long[..]].concat());
        let (mut line, mut lengths) = (Vec::new(), Vec::new());
        while next_line(&mut stream, &mut line).await.unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [3, 0, LONGEST_LINE, 10]);
    }
}
