//! Requests to an app while something is done to it: over kept and fresh connections, slow ones, and a WebSocket.

mod app;
mod line;
mod report;
mod socket;

pub use app::{Shop, exposed, shifted_to};
pub use report::{Failure, Kind, Report};

use crate::Namespace;
use line::Line;
use report::{Fault, Tally};
use socket::{Echo, Socket};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, sleep, spawn},
    time::{Duration, Instant},
};
use windlass_bed::layout::port;

/// Clients of an app, each with the time from one of its requests to the next: 40 requests a second in all.
const CLIENTS: [(Habit, Duration); 7] = [
    (Habit::Kept, Duration::from_millis(80)),
    (Habit::Kept, Duration::from_millis(80)),
    (Habit::Fresh, Duration::from_millis(140)),
    (Habit::Fresh, Duration::from_millis(140)),
    (Habit::Idle, Duration::from_secs(3)),
    (Habit::Slow, Duration::from_millis(1200)),
    (Habit::Socket, Duration::from_millis(250)),
];

/// The address of an app, and the host that requests name.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub host: String,
}

/// Clients that ask until this is dropped.
pub struct Traffic {
    tally: Arc<Mutex<Tally>>,
    is_over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// The way in which a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// One request after the other over a connection, for as long as the app keeps it.
    Kept,
    /// A request now and then over a connection that is kept, and that a server may end meanwhile.
    Idle,
    /// A connection for each request.
    Fresh,
    /// A connection for each request, which the app answers after a second.
    Slow,
    /// Texts that come back over a WebSocket.
    Socket,
}

impl Target {
    /// Returns a host behind the bed's gateway.
    #[must_use]
    pub fn gateway(host: &str) -> Self {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port::GATEWAY);
        Self { address, host: host.to_owned() }
    }

    /// Returns a `Service`, by its address in the cluster.
    #[must_use]
    pub fn service(namespace: &Namespace, name: &str) -> Self {
        let text = namespace.get(&format!("service/{name}"), "{.spec.clusterIP}");
        let address: IpAddr = text.parse().unwrap();
        Self { address: SocketAddr::new(address, 80), host: name.to_owned() }
    }

    /// Asks so many times, over one connection or over one for each request, and returns the number of answers by
    /// version.
    ///
    /// # Errors
    /// A request failed, or was not answered with 200.
    pub fn sample(&self, count: usize, keeps: bool) -> Result<BTreeMap<String, usize>, String> {
        let mut line = None;
        let mut versions = BTreeMap::new();
        for _ in 0..count {
            let answer = line::ask(&mut line, self, "/", keeps);
            let answer = answer.map_err(|fault| fault.to_string())?;
            if answer.status != 200 {
                return Err(format!("{} {}", answer.status, answer.body));
            }
            *versions.entry(answer.body).or_default() += 1;
        }
        Ok(versions)
    }

    /// Asks once for a path, and returns the status. `None` means that nobody answered.
    #[must_use]
    pub fn ask(&self, path: &str) -> Option<u16> {
        line::ask(&mut None, self, path, false).ok().map(|answer| answer.status)
    }
}

impl Traffic {
    /// Begins to ask.
    #[must_use]
    pub fn start(target: &Target) -> Self {
        let tally = Arc::new(Mutex::new(Tally::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let clients = CLIENTS.map(|(habit, pause)| {
            let (target, tally, is_over) = (target.clone(), tally.clone(), is_over.clone());
            spawn(move || {
                let mut client = Client { habit, target, tally, line: None, socket: None };
                let mut next = Instant::now();
                while !is_over.load(Ordering::Relaxed) {
                    client.ask();
                    // A client that is late does not ask the more for it.
                    next = (next + pause).max(Instant::now());
                    sleep(next.saturating_duration_since(Instant::now()));
                }
            })
        });
        Self { tally, is_over, clients: clients.into() }
    }

    /// Returns all that was answered until now.
    #[must_use]
    pub fn report(&self) -> Report {
        held(&self.tally).report()
    }

    /// Stops, waits for the answers that are on their way, and returns all.
    #[must_use]
    pub fn end(mut self) -> Report {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            assert!(client.join().is_ok(), "a client panicked");
        }
        self.report()
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn held(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client, with the connection that it keeps.
struct Client {
    habit: Habit,
    target: Target,
    tally: Arc<Mutex<Tally>>,
    line: Option<Line>,
    socket: Option<Socket>,
}

impl Client {
    fn ask(&mut self) {
        let habit = format!("{:?}", self.habit).to_lowercase();
        let (path, keeps) = match self.habit {
            Habit::Kept | Habit::Idle => ("/", true),
            Habit::Fresh => ("/", false),
            Habit::Slow => ("/slow", false),
            Habit::Socket => return self.echo(&habit),
        };
        let answer = line::ask(&mut self.line, &self.target, path, keeps);
        match answer {
            // A proxy without a route answers 404.
            Ok(answer) if answer.status != 200 => {
                let what = format!("{} {}", answer.status, answer.body);
                held(&self.tally).failed(&habit, Fault { kind: Kind::Status, what });
            }
            Ok(_) if self.habit == Habit::Slow => held(&self.tally).slow(&habit),
            Ok(answer) => held(&self.tally).answered(&habit, answer),
            Err(fault) => held(&self.tally).failed(&habit, fault),
        }
    }

    /// Sends a text, and waits until it comes back. A socket that the app closes is opened again.
    fn echo(&mut self, habit: &str) {
        let socket = match self.socket.take() {
            Some(socket) => Ok(socket),
            None => Socket::open(&self.target),
        };
        let echo = socket.and_then(|mut socket| Ok((socket.echo()?, socket)));
        match echo {
            Ok((Echo::Same, socket)) => {
                self.socket = Some(socket);
                held(&self.tally).echoes += 1;
            }
            Ok((Echo::Closed, _)) => held(&self.tally).closes += 1,
            Err(fault) => held(&self.tally).failed(habit, fault),
        }
    }
}
