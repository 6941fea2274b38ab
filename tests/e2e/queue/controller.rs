//! A controller of the test's own: it puts messages into the daemon's queue, and takes what comes back.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};
use windlass_bed::{layout::PASSWORD, part::rabbitmq::USER};

/// Content types of what the daemon reads.
pub(super) const SUBMIT: &str = "application/vnd.windlass.submit+json;v=1";
pub(super) const CANCEL: &str = "application/vnd.windlass.cancel+json;v=1";

/// Time in which a result comes. A job of the small app takes seconds, and more beside all other tests.
const HEARD: Duration = Duration::from_secs(180);

pub(super) struct Controller {
    channel: Channel,
    _connection: Connection,
    project: String,
    /// Results that nobody has asked for yet.
    waiting: RefCell<Vec<Got>>,
    // The connection ends on it.
    runtime: Runtime,
}

/// A message for the queue.
#[derive(Clone)]
pub(super) struct Put<'a> {
    pub(super) kind: &'a str,
    pub(super) content_type: &'a str,
    /// `message-id`. Empty means that it has none.
    pub(super) id: &'a str,
    /// `correlation-id`. Empty means that it has none.
    pub(super) correlation: &'a str,
    pub(super) body: Vec<u8>,
}

impl<'a> Put<'a> {
    pub(super) fn new(kind: &'a str, content_type: &'a str, id: &'a str, body: &Value) -> Self {
        Self { kind, content_type, id, correlation: "", body: body.to_string().into_bytes() }
    }
}

/// A message that came back.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) content_type: String,
    pub(super) id: String,
    pub(super) correlation: String,
    /// Headers, as text.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Controller {
    /// Connects, and hears all results of a project's queue from now on.
    pub(super) fn connect(project: &str, port: u16) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let uri = format!("amqp://{USER}:{PASSWORD}@127.0.0.1:{port}/%2f");
        let (connection, channel) = runtime.block_on(async {
            let connection =
                Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
            let (results, heard) = (format!("{project}-results"), format!("{project}-heard"));
            let durable =
                ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let none = FieldTable::default;
            let exchange = ShortString::from(results);
            let declared =
                channel.exchange_declare(exchange.clone(), ExchangeKind::Topic, durable, none());
            declared.await.unwrap();
            let queue = ShortString::from(heard);
            let declared =
                channel.queue_declare(queue.clone(), QueueDeclareOptions::durable(), none());
            declared.await.unwrap();
            let all = QueueBindOptions::default();
            channel.queue_bind(queue, exchange, "#".into(), all, none()).await.unwrap();
            (connection, channel)
        });
        let project = project.to_owned();
        Self { channel, _connection: connection, project, waiting: RefCell::default(), runtime }
    }

    /// Puts a message into the daemon's queue, and returns once the broker has it.
    pub(super) fn put(&self, put: &Put<'_>) {
        let mut properties = BasicProperties::default()
            .with_type(put.kind.into())
            .with_content_type(put.content_type.into())
            .with_delivery_mode(2);
        if !put.id.is_empty() {
            properties = properties.with_message_id(put.id.into());
        }
        if !put.correlation.is_empty() {
            properties = properties.with_correlation_id(put.correlation.into());
        }
        let queue = ShortString::from(format!("{}-jobs", self.project));
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirmation = self.runtime.block_on(async {
            let sent =
                self.channel.basic_publish("".into(), queue, options, &put.body, properties).await;
            sent.unwrap().await.unwrap()
        });
        assert!(confirmation.is_ack(), "{confirmation:?}");
        assert!(confirmation.take_message().is_none(), "there is no such queue");
    }

    /// Waits for a result of this type and correlation. Others are kept.
    #[track_caller]
    pub(super) fn heard(&self, kind: &str, correlation: &str) -> Got {
        let queue = format!("{}-heard", self.project);
        let began = Instant::now();
        loop {
            self.waiting.borrow_mut().extend(self.get(&queue));
            let mut waiting = self.waiting.borrow_mut();
            let place =
                waiting.iter().position(|got| got.kind == kind && got.correlation == correlation);
            if let Some(place) = place {
                return waiting.remove(place);
            }
            assert!(began.elapsed() < HEARD, "no {kind} of {correlation}: {waiting:#?}");
            drop(waiting);
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits for a message in the queue of the dead.
    #[track_caller]
    pub(super) fn dead(&self) -> Got {
        let queue = format!("{}-dead", self.project);
        let began = Instant::now();
        loop {
            if let Some(got) = self.get(&queue) {
                return got;
            }
            assert!(began.elapsed() < HEARD, "nothing in {queue}");
            sleep(Duration::from_millis(50));
        }
    }

    fn get(&self, queue: &str) -> Option<Got> {
        let options = BasicGetOptions { no_ack: true };
        let got = self.channel.basic_get(queue.into(), options);
        let got = self.runtime.block_on(got).unwrap()?.delivery;
        let text = |text: &Option<ShortString>| text.clone().map(String::from).unwrap_or_default();
        let properties = got.properties;
        let headers = properties.headers().clone().unwrap_or_default();
        let shown = |value: &AMQPValue| match value {
            AMQPValue::LongString(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        Some(Got {
            kind: text(properties.kind()),
            key: got.routing_key.to_string(),
            content_type: text(properties.content_type()),
            id: text(properties.message_id()),
            correlation: text(properties.correlation_id()),
            headers: headers
                .inner()
                .iter()
                .map(|(name, value)| (name.to_string(), shown(value)))
                .collect(),
            body: got.data,
        })
    }
}
