//! Logs of an app's containers, across restarts and in new pods.

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
use tokio::{sync::mpsc, task::JoinSet, time::sleep};
use windlass_engine::ports::{LogLine, LogRequest};
use windlass_model::{app::App, error::ClusterError};

/// Time between two lists of pods, which find new pods and restarts.
const LOOK: Duration = Duration::from_secs(2);
/// Containers that are read at once. Each is a connection.
const AT_ONCE: usize = 40;
/// Bytes after which a line is cut into several.
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

/// A log that was read to its end, or could not be read.
struct Read {
    source: Source,
    was_running: bool,
    last: Option<Timestamp>,
    failed: Option<ClusterError>,
}

/// A caller's request, and the channel for its lines.
struct Reader {
    client: Client,
    app: App,
    cluster: String,
    request: LogRequest,
    send: mpsc::Sender<LogLine>,
}

/// Progress of reading all logs.
#[derive(Default)]
struct Progress {
    /// Sources of the first list. Only the end of their past is wanted.
    first: BTreeSet<Source>,
    busy: BTreeSet<Source>,
    ended: BTreeSet<Source>,
    last: BTreeMap<Source, Timestamp>,
    /// Failures in a row to read each source.
    failures: BTreeMap<Source, u32>,
    has_reported_limit: bool,
}

/// Begins to read logs, once the first list of pods is there: the error of a cluster that is away is returned.
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
    /// Returns the runs of containers that have printed something, or may, each with whether it goes on.
    async fn sources(&self) -> Result<Vec<(Source, bool)>, ClusterError> {
        let mut labels = format!("{INSTANCE}={}", self.app.name);
        if !self.request.process.is_empty() {
            labels.push_str(&format!(",{COMPONENT}={}", self.request.process));
        }
        let pods = self.client.api::<Pod>(&self.app.namespace());
        let ours = ListParams::default().labels(&labels);
        let listed = limited(pods.list(&ours), "pods").await?;
        let mut sources: Vec<_> = listed.items.iter().flat_map(runs).collect();
        // A container that was never restarted has no previous run.
        sources.retain(|(source, _)| !self.request.previous || source.restarts > 0);
        Ok(sources)
    }

    async fn run(self, mut sources: Vec<(Source, bool)>) {
        if self.request.previous && sources.is_empty() {
            self.report("no container was restarted: there is no run before").await;
            return;
        }
        let mut progress = Progress {
            first: sources.iter().map(|(source, _)| source.clone()).collect(),
            ..Progress::default()
        };
        let mut reading = JoinSet::new();
        let mut is_first = true;
        loop {
            let left_out = self.begin(&sources, &mut progress, &mut reading);
            if !self.request.follow {
                // Each that ends makes room for another.
                let read = tokio::select! {
                    read = reading.join_next() => read,
                    () = self.send.closed() => return,
                };
                let Some(read) = read else { return };
                if let Ok(read) = read {
                    self.done(read, &mut progress).await;
                }
                continue;
            }
            // The first list has containers, too, that have ended and are read soon.
            if left_out > 0 && !is_first && !progress.has_reported_limit {
                progress.has_reported_limit = true;
                let line = format!(
                    "{left_out} more containers are not followed, {AT_ONCE} are; name one process to follow fewer, or do not follow to read all"
                );
                self.report(&line).await;
            }
            is_first = false;
            tokio::select! {
                () = self.send.closed() => return,
                () = sleep(LOOK) => {}
            }
            while let Some(read) = reading.try_join_next() {
                // A reader that panicked leaves its source busy: that source is not read again.
                let Ok(read) = read else { continue };
                self.done(read, &mut progress).await;
            }
            // A cluster that is away for a moment is listed again later.
            if let Ok(listed) = self.sources().await {
                sources = listed;
                let is_there = |one: &Source| sources.iter().any(|(source, _)| source == one);
                progress.ended.retain(is_there);
                progress.last.retain(|source, _| is_there(source));
                progress.failures.retain(|source, _| is_there(source));
            }
        }
    }

    /// Begins to read sources that are not read yet, up to [`AT_ONCE`]. Returns the number of those left out.
    fn begin(
        &self,
        sources: &[(Source, bool)],
        progress: &mut Progress,
        reading: &mut JoinSet<Read>,
    ) -> usize {
        let mut left_out = 0;
        for (source, is_running) in sources {
            if progress.busy.contains(source) || progress.ended.contains(source) {
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
            reading.spawn(self.read(source.clone(), *is_running, after, params));
        }
        left_out
    }

    /// Notes that a log is no longer read, and reports a log that could not be read.
    async fn done(&self, read: Read, progress: &mut Progress) {
        let Read { source, was_running, last, failed } = read;
        progress.busy.remove(&source);
        if let Some(last) = last {
            progress.last.insert(source.clone(), last);
        }
        // The stream of a container that runs may have broken: it is read again from there.
        let has_ended = !was_running || !self.request.follow;
        match failed {
            None => {
                progress.failures.remove(&source);
            }
            Some(error) => {
                let failures = progress.failures.entry(source.clone()).or_default();
                *failures += 1;
                // The log of a container that has just begun may not be there yet, and is requested again.
                if *failures == 2 || has_ended {
                    let pod = &source.pod;
                    let container = &source.container;
                    let error = error.to_string();
                    let why = error.lines().next().unwrap_or_default();
                    self.report(&format!("{pod}/{container} is not read to its end: {why}")).await;
                }
            }
        }
        if has_ended {
            progress.ended.insert(source);
        }
    }

    /// Sends a line of our own.
    async fn report(&self, line: &str) {
        let _ = self.send.send(LogLine { line: line.to_owned(), ..self.line() }).await;
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

    /// Reads one log to the end of its stream. The future borrows nothing, so that it can be spawned.
    fn read(
        &self,
        source: Source,
        was_running: bool,
        after: Option<Timestamp>,
        params: LogParams,
    ) -> impl Future<Output = Read> + Send + use<> {
        let client = self.client.clone();
        let send = self.send.clone();
        let namespace = self.app.namespace();
        let line = self.line();
        async move {
            let mut read = Read { source, was_running, last: after, failed: None };
            let is_followed = params.follow;
            let pods = client.api::<Pod>(&namespace);
            let opened = limited(pods.log_stream(&read.source.pod, &params), "its log").await;
            let stream = match opened {
                Ok(stream) => stream,
                Err(error) => return Read { failed: Some(error), ..read },
            };
            let mut stream = pin!(stream);
            let mut bytes = Vec::new();
            let mut is_rest = false;
            let mut is_known = false;
            let line = LogLine {
                pod: read.source.pod.clone(),
                uid: read.source.uid.clone(),
                process: read.source.process.clone(),
                container: read.source.container.clone(),
                ..line
            };
            loop {
                let is_cut = match next_line(&mut stream, &mut bytes).await {
                    Ok(Some(is_cut)) => is_cut,
                    Ok(None) => break,
                    Err(error) => {
                        // A log that is followed is read again from there.
                        let message = error.to_string();
                        let error = ClusterError::Unreachable { message };
                        read.failed = Some(error).filter(|_| !is_followed);
                        break;
                    }
                };
                let text = String::from_utf8_lossy(&bytes);
                // The rest of a line has no time of its own.
                let (at, text) = if is_rest { (None, &*text) } else { timed(&text) };
                if !is_rest {
                    is_known = at.is_some() && at <= after;
                }
                is_rest = is_cut;
                if is_known {
                    continue;
                }
                read.last = at.or(read.last);
                let line = LogLine {
                    at_ms: at.and_then(|at| u64::try_from(at.as_millisecond()).ok()),
                    line: text.trim_end_matches('\r').to_owned(),
                    is_cut,
                    ..line.clone()
                };
                if send.send(line).await.is_err() {
                    return read;
                }
            }
            // A caller that holds back the beginning of a line waits for the end of that line.
            if is_rest && !is_known {
                let _ = send.send(line).await;
            }
            read
        }
    }

    fn line(&self) -> LogLine {
        LogLine { cluster: self.cluster.clone(), ..LogLine::default() }
    }
}

/// Returns the runs of a pod's containers that have begun, each with whether it goes on.
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

/// Splits a line from the time that the kubelet puts before it. `None` means that the line has no time.
fn timed(line: &str) -> (Option<Timestamp>, &str) {
    let (time, rest) = line.split_once(' ').unwrap_or((line, ""));
    match time.parse() {
        Ok(at) => (Some(at), rest),
        // A message of the kubelet itself.
        Err(_) => (None, line),
    }
}

/// Reads a line without its end, and returns whether it was cut. `None` means the end of the stream. The rest
/// of a line that is too long is another line, since a container may print without ever ending one.
async fn next_line(
    stream: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> io::Result<Option<bool>> {
    line.clear();
    loop {
        let buffer = stream.fill_buf().await?;
        if buffer.is_empty() {
            return Ok((!line.is_empty()).then_some(false));
        }
        let room = LONGEST_LINE.saturating_sub(line.len()).min(buffer.len());
        let window = buffer.get(..room).unwrap_or(buffer);
        let end = window.iter().position(|byte| *byte == b'\n');
        line.extend(window.iter().take(end.unwrap_or(room)));
        stream.consume_unpin(end.map_or(room, |end| end + 1));
        if end.is_some() || line.len() >= LONGEST_LINE {
            return Ok(Some(end.is_none()));
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
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while let Some(is_cut) = next_line(&mut stream, &mut line).await.unwrap() {
            lengths.push((line.len(), is_cut));
        }
        assert_eq!(lengths, [(3, false), (0, false), (LONGEST_LINE, true), (10, false)]);
    }
}
