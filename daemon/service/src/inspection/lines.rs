//! Hands an app's log lines on, masked.

use super::masks::Renews;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use windlass_engine::ports::LogLine;
use windlass_model::redact::{Redactor, Stream};

/// Number of pods that one call remembers.
const PODS: usize = 1000;

/// Hands lines on, masked, until either side closes. The reader's place is free once all tasks of the reader
/// have ended.
pub(super) async fn pass_on(
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
        // Secrets are put while lines come; a new value comes with a new pod, which may have an old name.
        if pods.insert((line.pod.clone(), line.uid.clone())) {
            let Ok(renewed) = masks.renewed().await else {
                let text = "no more is shown: the project's secrets cannot be read now, and would not be masked";
                let (cluster, line) = (line.cluster, text.to_owned());
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
        let shown = redactor.shown_in_color(&String::from_utf8_lossy(&shown));
        let masked = LogLine { line: shown, ..line };
        if send.send(masked).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ServiceError;
    use async_trait::async_trait;
    use tokio::sync::Semaphore;
    use windlass_model::secret::Secret;

    /// Masks that know one secret more each time.
    struct Growing(Vec<Secret>, usize);

    #[async_trait]
    impl Renews for Growing {
        async fn renewed(&mut self) -> Result<Redactor, ServiceError> {
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

    /// The secret was put while somebody followed the log.
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

    /// A pod of a `StatefulSet` is replaced under its name.
    #[tokio::test]
    async fn a_secret_that_came_later_is_masked_in_a_pod_of_the_same_name() {
        let (from, lines) = mpsc::channel(4);
        let (send, mut receive) = mpsc::channel(4);
        tokio::spawn(pass_on(lines, send, growing(&["hunter22", "sesame-of-apps"]), place()));
        for uid in ["first", "second"] {
            let line = line("db-0", "hunter22 sesame-of-apps", false);
            from.send(LogLine { uid: uid.into(), ..line }).await.unwrap();
        }
        assert_eq!(receive.recv().await.unwrap().line, "*** sesame-of-apps");
        assert_eq!(receive.recv().await.unwrap().line, "*** ***");
    }

    /// A terminal would show the secret whole, and obey the rest.
    #[tokio::test]
    async fn colours_stay_unless_they_split_a_secret() {
        let (from, lines) = mpsc::channel(4);
        let (send, mut receive) = mpsc::channel(4);
        tokio::spawn(pass_on(lines, send, growing(&["hunter22"]), place()));
        for (printed, shown) in [
            ("\u{1b}[32mGET /\u{1b}[0m 200\r", "\u{1b}[32mGET /\u{1b}[0m 200"),
            ("hun\u{1b}[0mter22", "***"),
            ("\u{1b}]52;c;cm0=\u{7}\u{202e}x", "\\u{1b}]52;c;cm0=\\u{7}\\u{202e}x"),
        ] {
            from.send(line("web-1", printed, false)).await.unwrap();
            assert_eq!(receive.recv().await.unwrap().line, shown);
        }
    }

    #[tokio::test]
    async fn a_secret_is_masked_across_the_cut_of_a_long_line() {
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
