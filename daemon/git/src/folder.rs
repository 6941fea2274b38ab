//! The folder of a checkout, and the child that works in it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{process::Child, runtime::Handle, task::spawn_blocking, time::timeout};

/// Time in which a child that gave its last reply ends. Then it is killed.
const LEAVING: Duration = Duration::from_secs(5);

/// A folder that is removed when dropped, once the child in it has ended. The removal of many files takes long, so
/// that no thread of the runtime does it.
pub(crate) struct Folder {
    path: PathBuf,
    /// `None` means that the folder was dropped.
    folder: Option<TempDir>,
    /// `None` means that nobody works in the folder.
    child: Option<Child>,
}

impl Folder {
    pub(crate) fn new(folder: TempDir) -> Self {
        Self { path: folder.path().to_owned(), folder: Some(folder), child: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the child that works in the folder.
    pub(crate) fn occupied_by(&mut self, child: Child) {
        self.child = Some(child);
    }

    /// Waits for the child's end, and returns its status. Empty means that there is no child.
    pub(crate) async fn vacated(&mut self) -> String {
        let Some(mut child) = self.child.take() else { return String::new() };
        match timeout(LEAVING, child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => match child.kill().await {
                Ok(()) => "it was killed, since it did not end".into(),
                Err(error) => error.to_string(),
            },
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(folder) = self.folder.take() else { return };
        let child = self.child.take();
        let Ok(runtime) = Handle::try_current() else { return remove(folder) };
        // A runtime that ends drops both at once, which kills and removes.
        runtime.spawn(async move {
            if let Some(mut child) = child
                && let Err(error) = child.kill().await
            {
                tracing::warn!(%error, "a checkout cannot be killed");
            }
            let _ = spawn_blocking(move || remove(folder)).await;
        });
    }
}

fn remove(folder: TempDir) {
    let path = folder.path().to_owned();
    if let Err(error) = folder.close() {
        tracing::warn!(path = %path.display(), %error, "a workspace stays");
    }
}
