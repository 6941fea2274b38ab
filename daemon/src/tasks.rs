//! Tasks that run as long as the daemon. The end of one of them ends the daemon: nothing stops unnoticed.

use crate::error::Fault;
use std::{any::Any, collections::HashMap};
use tokio::task::{Id, JoinError, JoinSet};

/// Tasks with names. Dropping them aborts them.
#[derive(Default)]
pub(crate) struct Tasks {
    set: JoinSet<Result<(), Fault>>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Begins a task that is to run for ever.
    pub(crate) fn spawn<E: Into<Fault> + Send + 'static>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.set.spawn(async move { work.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until a task ends, and returns the reason with the task's name.
    pub(crate) async fn ended(&mut self) -> Fault {
        let Some(ended) = self.set.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (id, why) = match ended {
            Ok((id, Ok(()))) => (id, "it ended without an error".to_owned()),
            Ok((id, Err(error))) => (id, error.to_string()),
            Err(error) => (error.id(), aborted(error)),
        };
        let name = self.names.get(&id).copied().unwrap_or("a task");
        format!("{name}: {why}").into()
    }

    /// Ends all tasks, and waits until they have ended.
    pub(crate) async fn end(mut self) {
        self.set.shutdown().await;
    }
}

/// Returns why a task did not end by itself.
pub(crate) fn aborted(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => format!("it panicked: {}", message(&*panic)),
        Err(error) => error.to_string(),
    }
}

/// Returns the message of a panic. Its place is in the log.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn panics() -> Result<(), Fault> {
        panic!("a value")
    }

    #[tokio::test]
    async fn whatever_ends_is_named_with_its_reason() {
        let pending = || std::future::pending::<Result<(), Fault>>();
        let mut tasks = Tasks::default();
        tasks.spawn("the first", pending());
        tasks.spawn("the second", async { Err::<(), Fault>("no disk".into()) });
        assert_eq!(tasks.ended().await.to_string(), "the second: no disk");
        tasks.spawn("the third", async { Ok::<(), Fault>(()) });
        assert_eq!(tasks.ended().await.to_string(), "the third: it ended without an error");
        tasks.spawn("the fourth", panics());
        assert_eq!(tasks.ended().await.to_string(), "the fourth: it panicked: a value");
    }
}
