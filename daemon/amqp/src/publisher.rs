//! Results of jobs, as the outbox sends them.

use crate::{
    publish::{Outgoing, Outlet, publish},
    results::Answer,
};
use async_trait::async_trait;
use tokio::sync::watch;
use windlass_engine::ports::{NotPublished, QueuePublisher, store::JobRecord};
use windlass_model::outbox::{Message, Receiver};

/// Publisher to the exchange for results, over whichever connection there is.
#[derive(Clone)]
pub struct Publisher {
    /// Exchange for results. `None` means that nothing is published.
    pub(crate) results: Option<String>,
    /// Channel of the present connection. `None` means that the broker is away.
    pub(crate) outlet: watch::Receiver<Option<Outlet>>,
}

#[async_trait]
impl QueuePublisher for Publisher {
    async fn publish(&self, message: &Message, record: &JobRecord) -> Result<(), NotPublished> {
        let Receiver::Queue { correlation } = &message.receiver else {
            let kind = message.receiver.kind();
            return Err(NotPublished(format!("a message of kind {kind} belongs to no queue")));
        };
        let Some(exchange) = &self.results else { return Ok(()) };
        let Some(answer) = Answer::of(message, record) else { return Ok(()) };
        let outlet = self.outlet.borrow().clone();
        let Some(outlet) = outlet else {
            return Err(NotPublished("the broker is away".into()));
        };
        let outgoing = Outgoing {
            exchange,
            key: &answer.key,
            // A result of which nobody wants to hear is none the less published.
            is_mandatory: false,
            body: &answer.bytes(),
            properties: answer.properties(correlation, Some(&message.id)),
        };
        publish(&outlet, outgoing).await.map_err(NotPublished)
    }
}
