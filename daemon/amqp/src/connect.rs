//! Connections to the broker.

use crate::{address, settings::Amqp};
use lapin::{
    Connection, ConnectionProperties,
    tcp::{OwnedIdentity, OwnedTLSConfig},
    types::LongString,
    uri::{AMQPUserInfo, SASLMechanism},
};
use std::{path::Path, time::Duration};
use tokio::{fs, sync::Semaphore, time::timeout};

/// Time that a connection may take, TLS and login included.
const CONNECT: Duration = Duration::from_secs(20);

/// Attempts that may wait for an answer at once. The library ends none by itself before the broker has answered: each
/// keeps a thread and a socket.
const MOST_ATTEMPTS: usize = 64;

static ATTEMPTS: Semaphore = Semaphore::const_new(MOST_ATTEMPTS);

/// Seconds between heartbeats. A broker that is silent for twice as long is away.
const HEARTBEAT: u16 = 10;

/// Connects, with the files as they are now. `name` is what the broker's own pages show.
///
/// # Errors
/// Says why: a file, the network, TLS, or the login.
pub(crate) async fn connect(settings: &Amqp, name: &str) -> Result<Connection, String> {
    let mut uri = address::uri(&settings.url)?;
    let place = format!("{}:{}", uri.authority.host, uri.authority.port);
    uri.query.heartbeat = Some(HEARTBEAT);
    let mut tls = OwnedTLSConfig::default();
    if let Some(ca) = &settings.ca {
        let text = read("ca", ca).await?;
        tls.cert_chain = Some(String::from_utf8_lossy(&text).into_owned());
    }
    if let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) {
        let pem = read("certificate", certificate).await?;
        tls.identity = Some(OwnedIdentity::PKCS8 { pem, key: read("key", key).await? });
        uri.query.auth_mechanism = Some(SASLMechanism::External);
    }
    if let (Some(user), Some(file)) = (&settings.user, &settings.password_file) {
        let password = read("password-file", file).await?;
        let password = String::from_utf8_lossy(&password).trim_end_matches(['\r', '\n']).to_owned();
        uri.authority.userinfo = AMQPUserInfo { username: user.clone(), password };
    }
    // Recovery is this crate's own: delivery tags end with their channel.
    let properties = ConnectionProperties::default().with_connection_name(LongString::from(name));
    let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
    let Ok(attempt) = ATTEMPTS.try_acquire() else {
        return Err(format!(
            "{place}: {MOST_ATTEMPTS} connections to it are open and none is answered: it hangs; restart it"
        ));
    };
    // A task: dropped halfway, it would leave a thread and a socket of which nobody knows.
    let connected = tokio::spawn(async move {
        let _attempt = attempt;
        Connection::connect_uri_with_config(uri, properties, tls, runtime).await
    });
    match timeout(CONNECT, connected).await {
        Ok(Ok(Ok(connection))) => Ok(connection),
        Ok(Ok(Err(error))) => Err(format!("{place}: {error}")),
        Ok(Err(error)) => Err(format!("{place}: {error}")),
        Err(_) => Err(format!("{place}: no answer within {} s", CONNECT.as_secs())),
    }
}

async fn read(key: &str, file: &Path) -> Result<Vec<u8>, String> {
    let read = fs::read(file).await;
    read.map_err(|error| format!("amqp.{key}: {}: {error}", file.display()))
}
