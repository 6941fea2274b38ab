//! Looks at what serves an app: the journal says what should, the clusters show what does.

use crate::wire::PortsFactory;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use windlass_api::{Brought, Inspector, Serving, Shown, Unseen};
use windlass_engine::{
    failure::{Cause, Failure},
    ports::{LogLine, LogRequest},
    records::StoreError,
};
use windlass_model::{
    app::App,
    error::{ClusterError, SecretError},
    job::{Release, Stage},
    redact::{Redactor, Stream},
    secret::Secret,
};
use windlass_rollout::health::health;
use windlass_store::Store;

/// Releases among which the one that serves is looked for, to say since when.
const RELEASES: u32 = 100;

/// Lines that wait for a slow reader.
const WAITING: usize = 64;

/// Calls that read logs at once: each asks its clusters again and again, over many connections.
const READERS: usize = 32;

/// Versions of a secret that are masked, up to the newest: a job may have begun before that was put.
const VERSIONS: u32 = 4;

/// Pods that are remembered of one call.
const PODS: usize = 1000;

/// With what jobs run on.
#[derive(Clone)]
pub(crate) struct Inspection {
    supplies: PortsFactory,
    store: Store,
    readers: Arc<Semaphore>,
}

#[async_trait]
impl Inspector for Inspection {
    async fn look(&self, app: &App, clusters: &[String]) -> Result<Vec<Serving>, Unseen> {
        let mut masks = Masks::new(self, app, clusters);
        masks.renew().await?;
        let released = self.released(app, clusters).await.map_err(Unseen::Store)?;
        let mut all = Vec::new();
        for (cluster, release) in released {
            let shown = match &release {
                Some(brought) => self.shown(&brought.release, &masks.redactor).await,
                None => Ok(Shown { health: None, workloads: Vec::new(), endpoints: Vec::new() }),
            };
            let shown = shown.map_err(|error| masks.redactor.mask(&error.to_string()));
            all.push(Serving { cluster, release, shown });
        }
        Ok(all)
    }

    async fn logs(
        &self,
        app: &App,
        clusters: &[String],
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, Unseen> {
        let reader = self.readers.clone().try_acquire_owned();
        let reader = Arc::new(reader.map_err(|_| Unseen::Busy(READERS))?);
        let mut masks = Masks::new(self, app, clusters);
        masks.renew().await?;
        let (send, receive) = mpsc::channel(WAITING);
        let mut opened = Vec::new();
        let mut away = Vec::new();
        for cluster in clusters {
            match self.supplies.inspect.logs(app, cluster, request).await {
                Ok(lines) => opened.push(lines),
                Err(error) => away.push((cluster.clone(), error)),
            }
        }
        if opened.is_empty()
            && let Some((_, error)) = away.pop()
        {
            let cause = Cause::Cluster(error);
            return Err(Unseen::Failed(Box::new(Failure { at: Stage::Release, cause })));
        }
        for (cluster, error) in away {
            let line = format!("not read: {error}");
            // There is room: nothing was sent yet.
            let _ = send.try_send(LogLine { cluster, line, ..LogLine::default() });
        }
        for name in &masks.gone {
            let line = format!(
                "the secret `{name}` was deleted: it is not masked where pods still print it"
            );
            let _ = send.try_send(LogLine { line, ..LogLine::default() });
        }
        for lines in opened {
            tokio::spawn(pass_on(lines, send.clone(), masks.clone(), reader.clone()));
        }
        Ok(receive)
    }
}

impl Inspection {
    pub(crate) fn new(supplies: PortsFactory, store: Store) -> Self {
        Self { supplies, store, readers: Arc::new(Semaphore::new(READERS)) }
    }

    /// What the journal knows to serve in each cluster.
    async fn released(
        &self,
        app: &App,
        clusters: &[String],
    ) -> Result<Vec<(String, Option<Brought>)>, StoreError> {
        let releases = self.store.releases(app, None, RELEASES).await?;
        let created: BTreeMap<_, _> =
            releases.into_iter().map(|(release, at_ms)| (release.id, at_ms)).collect();
        let mut all = Vec::new();
        for cluster in clusters {
            let last = self.store.last_release(app, cluster).await?;
            let Some(release) = last.map(|last| last.at(std::slice::from_ref(cluster))) else {
                all.push((cluster.clone(), None));
                continue;
            };
            let job = self.store.job(&release.id).await?;
            let brought = Brought {
                created_ms: created.get(&release.id).copied(),
                principal: job.map(|record| record.job.principal).unwrap_or_default(),
                release,
            };
            all.push((cluster.clone(), Some(brought)));
        }
        Ok(all)
    }

    async fn shown(&self, release: &Release, redactor: &Redactor) -> Result<Shown, ClusterError> {
        let seen = self.supplies.inspect.look(release).await?;
        let endpoints = self.supplies.inspect.endpoints(release).await?;
        let health = Some(health(&seen, release).masked(redactor));
        Ok(Shown { health, workloads: seen.workloads, endpoints })
    }
}

/// Gives what masks an app's lines by now.
#[async_trait]
trait Renews: Send {
    async fn renewed(&mut self) -> Result<Redactor, Unseen>;
}

/// Masks all secrets of an app's project, and those of what serves in their versions: an app may print its
/// environment.
#[derive(Clone)]
struct Masks {
    inspection: Inspection,
    app: App,
    clusters: Vec<String>,
    /// Names and versions that the redactor knows.
    known: BTreeSet<(String, u32)>,
    /// Those of them that were deleted.
    gone: BTreeSet<String>,
    redactor: Redactor,
}

impl Masks {
    fn new(inspection: &Inspection, app: &App, clusters: &[String]) -> Self {
        Self {
            inspection: inspection.clone(),
            app: app.clone(),
            clusters: clusters.to_vec(),
            known: BTreeSet::new(),
            gone: BTreeSet::new(),
            redactor: Redactor::default(),
        }
    }

    async fn renew(&mut self) -> Result<(), Unseen> {
        let wanted = self.wanted().await.map_err(Unseen::Store)?;
        if wanted == self.known {
            return Ok(());
        }
        let mut secrets: Vec<Secret> = Vec::new();
        let mut gone = BTreeSet::new();
        for (name, version) in &wanted {
            let opened =
                self.inspection.supplies.secrets.open(&self.app.project, name, Some(*version));
            match opened.await {
                Ok((secret, _)) => secrets.push(secret),
                Err(SecretError::Missing { .. }) => {
                    gone.insert(name.clone());
                }
                // Without it nothing could be shown that is sure not to hold it.
                Err(error) => {
                    let cause = Cause::Secret(error);
                    return Err(Unseen::Failed(Box::new(Failure { at: Stage::Release, cause })));
                }
            }
        }
        // Of many large secrets it takes a while.
        let made = tokio::task::spawn_blocking(move || Redactor::new(&secrets)).await;
        self.redactor =
            made.map_err(|error| Unseen::Store(StoreError::Other(error.to_string())))?;
        (self.known, self.gone) = (wanted, gone);
        Ok(())
    }

    async fn wanted(&self) -> Result<BTreeSet<(String, u32)>, StoreError> {
        let store = &self.inspection.store;
        let mut wanted = BTreeSet::new();
        for record in store.secrets(&self.app.project).await? {
            let oldest = record.version.saturating_sub(VERSIONS - 1).max(1);
            wanted.extend((oldest..=record.version).map(|version| (record.name.clone(), version)));
        }
        for cluster in &self.clusters {
            let last = store.last_release(&self.app, cluster).await?;
            let named = last.into_iter().flat_map(|release| release.runtime.secrets);
            wanted.extend(named.map(|secret| (secret.name, secret.version)));
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Renews for Masks {
    async fn renewed(&mut self) -> Result<Redactor, Unseen> {
        self.renew().await?;
        Ok(self.redactor.clone())
    }
}

/// Hands lines on, masked, until either side goes. The reader's place is free once all of its tasks have
/// ended.
async fn pass_on(
    mut lines: mpsc::Receiver<LogLine>,
    send: mpsc::Sender<LogLine>,
    mut masks: impl Renews,
    _reader: Arc<OwnedSemaphorePermit>,
) {
    let mut redactor = Redactor::default();
    let mut pods = BTreeSet::new();
    // Containers whose last line was cut: a secret may go on in the next one.
    let mut begun: BTreeMap<(String, String), Stream> = BTreeMap::new();
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = send.closed() => return,
        };
        let Some(line) = line else { return };
        if pods.len() >= PODS {
            pods.clear();
        }
        // Secrets are put while this goes on; a new value comes with a new pod.
        if pods.insert(line.pod.clone()) {
            let Ok(renewed) = masks.renewed().await else {
                let said = "no more is shown: the project's secrets cannot be read now, and would not be masked";
                let cluster = line.cluster;
                let line = said.to_owned();
                let _ = send.send(LogLine { cluster, line, ..LogLine::default() }).await;
                return;
            };
            redactor = renewed;
        }
        let place = (line.pod.clone(), line.container.clone());
        let mut stream = begun.remove(&place).unwrap_or_else(|| redactor.stream());
        let mut shown = stream.push(line.line.as_bytes());
        if line.is_cut {
            begun.insert(place, stream);
            if shown.is_empty() {
                continue;
            }
        } else {
            shown.extend(stream.finish());
        }
        let masked = LogLine { line: String::from_utf8_lossy(&shown).into_owned(), ..line };
        if send.send(masked).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows one secret more each time.
    struct Growing(Vec<Secret>, usize);

    #[async_trait]
    impl Renews for Growing {
        async fn renewed(&mut self) -> Result<Redactor, Unseen> {
            self.1 += 1;
            Ok(Redactor::new(self.0.iter().take(self.1)))
        }
    }

    fn growing(secrets: &[&str]) -> Growing {
        Growing(secrets.iter().map(|secret| Secret::new(secret.as_bytes().into())).collect(), 0)
    }

    fn place() -> Arc<OwnedSemaphorePermit> {
        Arc::new(Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap())
    }

    fn line(pod: &str, line: &str, is_cut: bool) -> LogLine {
        LogLine { pod: pod.into(), line: line.into(), is_cut, ..LogLine::default() }
    }

    #[tokio::test]
    async fn what_an_app_prints_is_masked_and_ends_with_its_reader() {
        let (from, lines) = mpsc::channel(4);
        let (send, mut receive) = mpsc::channel(4);
        let passing = tokio::spawn(pass_on(lines, send, growing(&["hunter22"]), place()));
        from.send(line("web-1", "PASSWORD=hunter22", false)).await.unwrap();
        assert_eq!(receive.recv().await.unwrap().line, "PASSWORD=***");
        drop(receive);
        passing.await.unwrap();
        from.closed().await;
    }

    /// It was put while somebody followed the log.
    #[tokio::test]
    async fn a_secret_that_came_later_is_masked_in_the_pods_that_have_it() {
        let (from, lines) = mpsc::channel(4);
        let (send, mut receive) = mpsc::channel(4);
        let masks = growing(&["hunter22", "sesame-of-apps"]);
        tokio::spawn(pass_on(lines, send, masks, place()));
        for pod in ["web-1", "web-2"] {
            from.send(line(pod, "hunter22 sesame-of-apps", false)).await.unwrap();
        }
        assert_eq!(receive.recv().await.unwrap().line, "*** sesame-of-apps");
        assert_eq!(receive.recv().await.unwrap().line, "*** ***");
    }

    #[tokio::test]
    async fn a_secret_is_masked_over_the_cut_of_a_long_line() {
        let (from, lines) = mpsc::channel(8);
        let (send, mut receive) = mpsc::channel(8);
        tokio::spawn(pass_on(lines, send, growing(&["sesame-of-apps"]), place()));
        for (text, is_cut) in [("a sesame-", true), ("of-apps b", false), ("c", false)] {
            from.send(line("web-1", text, is_cut)).await.unwrap();
        }
        drop(from);
        let mut shown = Vec::new();
        while let Some(line) = receive.recv().await {
            shown.push(line.line);
        }
        assert_eq!(shown.concat(), "a *** bc");
    }
}
