//! The door of the queue: jobs that a controller puts into RabbitMQ, and the results that it gets back.
//!
//! A message is acknowledged once the journal has its job. What cannot become a job is published to the dead exchange
//! with the reason. A broker that is away is waited for; jobs and other doors go on.

mod address;
mod backoff;
mod caller;
mod connect;
mod dead;
mod dead_message;
mod dead_queue;
mod door;
mod json;
mod message;
mod patience;
mod poison;
mod publish;
mod publisher;
mod results;
mod session;
mod settings;
mod status;
mod topology;
mod turns;
mod worker;

pub use caller::CallerOf;
pub use dead_queue::DeadQueue;
pub use door::Queue;
pub use message::examine;
pub use publisher::Publisher;
pub use session::probe;
pub use settings::Amqp;
pub use status::{BrokerState, Status};
