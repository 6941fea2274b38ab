//! A flood of webhooks over connections that are kept, as a large forge sends them after an outage.

use crate::{
    http::{Connection, Reply},
    webhooks::Hook,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};
use windlass_bed::Result;

/// Times that a delivery is sent which the door asks to send later.
const TRIES: usize = 60;

/// Deliveries of one page of the API.
const PAGE: usize = 500;

/// A flood.
pub struct Flood {
    /// Port of the door for webhooks.
    pub port: u16,
    /// Number of deliveries, each with an id of its own.
    pub count: usize,
    /// Connections, each of which sends one delivery after the other.
    pub senders: usize,
    /// Time over which deliveries are spread. `None` means that each is sent as soon as it can be.
    pub within: Option<Duration>,
}

/// Answers to a flood.
#[derive(Debug)]
pub struct Flooded {
    /// Time from the first request to the last answer.
    pub time: Duration,
    /// Seconds that each delivery waited for the answer that accepted it, in ascending order.
    pub waits: Vec<f64>,
    /// Answers that asked to send a delivery later.
    pub later: usize,
    /// Answers that were neither an acceptance nor a request to send it later: status and text of the first ten.
    pub refused: Vec<String>,
}

impl Flood {
    /// Sends all deliveries to the hooks in turns, and each again that the door asks to send later.
    ///
    /// # Errors
    /// A connection ends before its answer.
    pub fn send(&self, hooks: &[Hook]) -> Result<Flooded> {
        let next = AtomicUsize::new(0);
        let began = Instant::now();
        let sent: Result<Vec<Sent>> = scope(|scope| {
            let senders: Vec<_> = (0..self.senders)
                .map(|_| scope.spawn(|| self.sender(hooks, &next, began)))
                .collect();
            senders
                .into_iter()
                .map(|sender| sender.join().map_err(|_| "a sender panicked")?)
                .collect()
        });
        let time = began.elapsed();
        let mut all = Sent::default();
        for sent in sent? {
            all.waits.extend(sent.waits);
            all.later += sent.later;
            all.refused.extend(sent.refused);
        }
        all.waits.sort_by(f64::total_cmp);
        all.refused.truncate(10);
        Ok(Flooded { time, waits: all.waits, later: all.later, refused: all.refused })
    }

    fn sender(&self, hooks: &[Hook], next: &AtomicUsize, began: Instant) -> Result<Sent> {
        let mut connection = Connection::open(self.port)?;
        let mut sent = Sent::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return Ok(sent);
            }
            if let Some(within) = self.within {
                let due = within * u32::try_from(number)? / u32::try_from(self.count)?;
                sleep(due.saturating_sub(began.elapsed()));
            }
            let place = number.checked_rem(hooks.len()).and_then(|place| hooks.get(place));
            let hook = place.ok_or("a flood needs a hook")?;
            sent.deliver(hook, &mut connection, &id_of(number))?;
        }
    }
}

/// Answers that one sender got.
#[derive(Default)]
struct Sent {
    waits: Vec<f64>,
    later: usize,
    refused: Vec<String>,
}

impl Sent {
    fn deliver(&mut self, hook: &Hook, connection: &mut Connection, id: &str) -> Result<()> {
        for _ in 0..TRIES {
            let began = Instant::now();
            let reply = hook.deliver(connection, id)?;
            match reply.status {
                // 200 is the answer to a repeat, of which the first answer was lost.
                200 | 202 => {
                    self.waits.push(began.elapsed().as_secs_f64());
                    return Ok(());
                }
                429 | 503 => {
                    self.later += 1;
                    sleep(asked(&reply)?);
                }
                status => {
                    self.refused.push(format!("{status}: {}", reply.text()));
                    return Ok(());
                }
            }
        }
        self.refused.push(format!("{id} was sent {TRIES} times, and always too early"));
        Ok(())
    }
}

/// Returns the time after which the door wants a delivery again.
fn asked(reply: &Reply) -> Result<Duration> {
    let seconds = reply.header("retry-after").ok_or("a refusal without `Retry-After`")?;
    Ok(Duration::from_secs(seconds.parse()?))
}

/// Returns the id of a flood's delivery, in GitHub's form.
#[must_use]
pub fn id_of(number: usize) -> String {
    format!("72d3162e-cc78-11e3-81ab-{number:012}")
}

/// Returns the ids that the forge gave, of all deliveries of a project, each with whether it has been decided. `token` is
/// that of a caller who may read them.
///
/// # Errors
/// The API does not answer with a page, or a page repeats a delivery.
pub fn listed(port: u16, token: &str, project: &str) -> Result<BTreeMap<String, bool>> {
    let mut connection = Connection::open(port)?;
    let login = format!("authorization: Bearer {token}\r\n");
    let (mut ids, mut before) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/api/projects/{project}/deliveries?limit={PAGE}&before={before}");
        let reply = connection.get(&path, &login)?;
        if reply.status != 200 {
            return Err(format!("{path}: {}: {}", reply.status, reply.text()).into());
        }
        let page: Value = serde_json::from_slice(&reply.body)?;
        for one in page["items"].as_array().ok_or("a page without items")? {
            let id = one["forge_id"].as_str().unwrap_or_default().to_owned();
            let is_decided = one["verdicts"].as_array().is_some_and(|all| !all.is_empty());
            // A poll's delivery has none.
            if !id.is_empty() && ids.insert(id.clone(), is_decided).is_some() {
                return Err(format!("{id} is listed twice").into());
            }
        }
        match page["next"].as_str() {
            Some(next) => before = next.to_owned(),
            None => return Ok(ids),
        }
    }
}
