//! Work that goes on when its caller goes away.

use crate::error::ServiceError;
use windlass_engine::ports::store::StoreError;

/// Does work to its end, also where the future is dropped meanwhile, as for a client that goes away or a call that has
/// taken its time. What the journal holds and what the dispatcher knows would differ until the next start: between a
/// commit and the message about it, nobody may leave.
pub(crate) async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
) -> Result<T, ServiceError> {
    let finished = tokio::spawn(work).await;
    finished.unwrap_or_else(|error| Err(StoreError::Other(error.to_string()).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_ends_although_its_caller_is_away() {
        let (commit, committed) = oneshot::channel();
        let (send, sent) = oneshot::channel();
        let caller = tokio::spawn(finish(async move {
            let _ = committed.await;
            let _ = send.send("job");
            Ok(())
        }));
        tokio::task::yield_now().await;
        caller.abort();
        let _ = caller.await;
        commit.send(()).unwrap();
        assert_eq!(sent.await.unwrap(), "job");
    }
}
