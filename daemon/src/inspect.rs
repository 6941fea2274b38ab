//! Looks at what serves an app: the journal says what should, the clusters show what does.

use crate::wire::Supplies;
use async_trait::async_trait;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use windlass_api::{Brought, Inspector, Serving, Shown, Unseen};
use windlass_core::{
    app::App,
    failure::{Cause, Failure},
    health::health,
    job::{Release, Stage},
    ports::{ClusterError, LogLine, LogRequest},
    records::StoreError,
    redact::Redactor,
    secret::Secret,
};
use windlass_store::Store;

/// Releases among which the one that serves is looked for, to say since when.
const RELEASES: u32 = 100;

/// Lines that wait for a slow reader.
const WAITING: usize = 64;

/// With what jobs run on.
pub(crate) struct Inspection {
    pub(crate) supplies: Supplies,
    pub(crate) store: Store,
}

#[async_trait]
impl Inspector for Inspection {
    async fn look(&self, app: &App, clusters: &[String]) -> Result<Vec<Serving>, StoreError> {
        let releases = self.store.releases(app, None, RELEASES).await?;
        let created: BTreeMap<_, _> =
            releases.into_iter().map(|(release, at_ms)| (release.id, at_ms)).collect();
        let mut all = Vec::new();
        for cluster in clusters {
            let last = self.store.last_release(app, cluster).await?;
            let Some(release) = last.map(|last| last.at(std::slice::from_ref(cluster))) else {
                let shown = Shown { health: None, workloads: Vec::new(), endpoints: Vec::new() };
                all.push(Serving { cluster: cluster.clone(), release: None, shown: Ok(shown) });
                continue;
            };
            let job = self.store.job(&release.id).await?;
            let shown = self.shown(&release).await.map_err(|error| error.to_string());
            let brought = Brought {
                created_ms: created.get(&release.id).copied(),
                principal: job.map(|record| record.job.principal).unwrap_or_default(),
                release,
            };
            all.push(Serving { cluster: cluster.clone(), release: Some(brought), shown });
        }
        Ok(all)
    }

    async fn logs(
        &self,
        app: &App,
        clusters: &[String],
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, Unseen> {
        let redactor = self.redactor(app, clusters).await.map_err(Unseen::Store)?;
        let (send, receive) = mpsc::channel(WAITING);
        let (mut opened, mut away) = (Vec::new(), Vec::new());
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
        for lines in opened {
            tokio::spawn(pass_on(lines, send.clone(), redactor.clone()));
        }
        Ok(receive)
    }
}

impl Inspection {
    async fn shown(&self, release: &Release) -> Result<Shown, ClusterError> {
        let seen = self.supplies.inspect.look(release).await?;
        let endpoints = self.supplies.inspect.endpoints(release).await?;
        let health = Some(health(&seen, release));
        Ok(Shown { health, workloads: seen.workloads, endpoints })
    }

    /// Masks all secrets of the app's project, and those of what serves in their versions: an app may
    /// print its environment. One that was deleted is not at hand any more.
    async fn redactor(&self, app: &App, clusters: &[String]) -> Result<Redactor, StoreError> {
        let mut wanted: Vec<(String, Option<u32>)> = Vec::new();
        for record in self.store.secrets(&app.project).await? {
            wanted.push((record.name, None));
        }
        for cluster in clusters {
            let last = self.store.last_release(app, cluster).await?;
            let named = last.into_iter().flat_map(|release| release.runtime.secrets);
            wanted.extend(named.map(|secret| (secret.name, Some(secret.version))));
        }
        let mut secrets: Vec<Secret> = Vec::new();
        for (name, version) in wanted {
            match self.supplies.secrets.open(&app.project, &name, version).await {
                Ok((secret, _)) => secrets.push(secret),
                Err(error) => tracing::warn!(%error, "a secret is not masked in an app's log"),
            }
        }
        Ok(Redactor::new(&secrets))
    }
}

/// Hands lines on, masked, until either side goes.
async fn pass_on(
    mut lines: mpsc::Receiver<LogLine>,
    send: mpsc::Sender<LogLine>,
    redactor: Redactor,
) {
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = send.closed() => return,
        };
        let Some(line) = line else { return };
        let masked = LogLine { line: redactor.mask(&line.line), ..line };
        if send.send(masked).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_an_app_prints_is_masked_and_ends_with_its_reader() {
        let secret = Secret::new(b"hunter22".into());
        let (from, lines) = mpsc::channel(4);
        let (send, mut receive) = mpsc::channel(4);
        let passing = tokio::spawn(pass_on(lines, send, Redactor::new([&secret])));
        let line = "PASSWORD=hunter22".to_owned();
        from.send(LogLine { line, ..LogLine::default() }).await.unwrap();
        assert_eq!(receive.recv().await.unwrap().line, "PASSWORD=***");
        drop(receive);
        passing.await.unwrap();
        from.closed().await;
    }
}
