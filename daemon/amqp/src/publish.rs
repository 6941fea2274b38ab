//! One message to the broker, confirmed.

use lapin::{
    BasicProperties, Channel, Confirmation, ConnectionStatus, options::BasicPublishOptions,
    types::ShortString,
};
use std::time::Duration;
use tokio::time::timeout;

/// Time that the broker may take to confirm. A broker whose memory or disk is short takes no message at all.
const CONFIRM: Duration = Duration::from_secs(30);

/// Bytes of the longest short text of the protocol.
const SHORT: usize = 255;

/// Channel to publish over, and the state of its connection.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) channel: Channel,
    pub(crate) connection: ConnectionStatus,
}

/// A message to be published.
pub(crate) struct Outgoing<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) key: &'a str,
    /// A message that no queue gets is an error.
    pub(crate) is_mandatory: bool,
    pub(crate) body: &'a [u8],
    pub(crate) properties: BasicProperties,
}

/// Publishes a message, and returns once the broker has it.
///
/// # Errors
/// Says why the broker has not confirmed. It may have the message all the same.
pub(crate) async fn publish(outlet: &Outlet, message: Outgoing<'_>) -> Result<(), String> {
    let exchange = message.exchange.to_owned();
    // The library would keep each attempt in memory, and send all of them once the broker takes messages again.
    if outlet.connection.blocked() {
        return Err(format!(
            "exchange `{exchange}`: the broker takes no message: its memory or disk is short"
        ));
    }
    let sent = send(&outlet.channel, message);
    let confirmed = timeout(CONFIRM, sent).await;
    let confirmed = confirmed.unwrap_or_else(|_| {
        Err(format!(
            "not confirmed within {} s: memory or disk of the broker may be short",
            CONFIRM.as_secs()
        ))
    });
    confirmed.map_err(|why| format!("exchange `{exchange}`: {why}"))
}

async fn send(channel: &Channel, message: Outgoing<'_>) -> Result<(), String> {
    let Outgoing { exchange, key, is_mandatory, body, properties } = message;
    let options = BasicPublishOptions { mandatory: is_mandatory, ..BasicPublishOptions::default() };
    // Kept by the broker over its restarts.
    let properties = properties.with_delivery_mode(2);
    let sent = channel.basic_publish(short(exchange), short(key), options, body, properties).await;
    let confirmation = sent.map_err(|error| error.to_string())?.await;
    match confirmation.map_err(|error| error.to_string())? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => Err(format!(
            "no queue got the message ({}); bind one to the exchange",
            returned.reply_text
        )),
        Confirmation::Nack(None) => Err("the broker has refused the message".into()),
        Confirmation::NotRequested => Err("the channel confirms nothing".into()),
    }
}

/// Returns a text for the protocol, cut at a character where it is too long.
pub(crate) fn short(text: &str) -> ShortString {
    let mut end = text.len().min(SHORT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    ShortString::try_new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(short("jobs").as_str(), "jobs");
        assert_eq!(short(&"ü".repeat(200)).as_str().len(), 254);
    }
}
