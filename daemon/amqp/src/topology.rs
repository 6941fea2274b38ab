//! Queues and exchanges: found as the broker's operator made them, or declared.

use crate::{publish::short, settings::Amqp};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString},
};

/// Deliveries of one message, at most. The broker publishes it to the dead exchange then: no message stops the queue
/// for ever, such as one that no client can read.
const DELIVERIES: i64 = 20;

/// Checks that what `[amqp]` names is there, or declares it.
///
/// # Errors
/// Names the key whose queue or exchange is missing, or is not as declared. The channel is closed then.
pub(crate) async fn prepare(channel: &Channel, settings: &Amqp) -> Result<(), String> {
    let exchanges = [("dead", Some(&settings.dead)), ("results", settings.results.as_ref())];
    for (key, name) in exchanges {
        let Some(name) = name else { continue };
        let options = ExchangeDeclareOptions {
            passive: !settings.declare,
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let declared = channel.exchange_declare(
            short(name),
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        );
        declared.await.map_err(|error| format!("amqp.{key}: exchange `{name}`: {error}"))?;
    }
    let queue = &settings.queue;
    let arguments = if settings.declare { jobs(settings) } else { FieldTable::default() };
    declare_queue(channel, queue, settings.declare, arguments)
        .await
        .map_err(|error| format!("amqp.queue: `{queue}`: {error}"))?;
    if settings.declare {
        let (dead, queue) = (&settings.dead, settings.dead_queue());
        let kept = declare_dead(channel, dead, queue).await;
        kept.map_err(|error| format!("amqp.dead-queue: `{queue}`: {error}"))?;
    }
    Ok(())
}

async fn declare_queue(
    channel: &Channel,
    name: &str,
    declare: bool,
    arguments: FieldTable,
) -> lapin::Result<()> {
    let options =
        QueueDeclareOptions { passive: !declare, durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(short(name), options, arguments).await.map(|_| ())
}

/// Declares the queue for what is published to the dead exchange, of whichever key.
async fn declare_dead(channel: &Channel, dead: &str, queue: &str) -> lapin::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    declare_queue(channel, queue, true, arguments).await?;
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(short(queue), short(dead), short("#"), options, none).await
}

/// Returns the arguments of the queue of jobs.
fn jobs(settings: &Amqp) -> FieldTable {
    let mut arguments = FieldTable::default();
    for (name, value) in [
        ("x-queue-type", text("quorum")),
        // A daemon that waits for another one's place gets nothing before.
        ("x-single-active-consumer", AMQPValue::Boolean(true)),
        ("x-dead-letter-exchange", text(&settings.dead)),
        ("x-dead-letter-strategy", text("at-least-once")),
        // At-least-once needs it.
        ("x-overflow", text("reject-publish")),
        ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERIES)),
    ] {
        arguments.insert(name.into(), value);
    }
    arguments
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}
