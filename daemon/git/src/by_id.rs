//! A commit by its id, over protocol v2.
//!
//! Some servers hide ids from libgit2, which speaks v0 only. Over v2 they hand out any object that is
//! requested.

use crate::{
    link,
    protocol::{Ask, HEARTBEAT, Reply, Service},
    transport::Requests,
};
use git2::Oid;
use gix::{
    progress::Discard,
    remote::{Direction, fetch::Shallow},
};
use gix_transport::{
    Protocol,
    client::{
        blocking_io::{Transport, http},
        git::{ConnectMode, blocking_io::Connection},
    },
};
use std::{
    num::NonZeroU32,
    path::Path,
    sync::{
        atomic::AtomicBool,
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
};

/// Settings beside those of an isolated repository, which reads no helper, prompt, hook or file of this
/// machine.
const CONFIG: [&str; 1] = ["protocol.version=2"];

/// Fetches the commit, without its history, into the repository at `to`.
pub(crate) fn fetch(url: &str, id: Oid, to: &str) -> Result<(), String> {
    let (ended, awaited) = channel::<()>();
    thread::scope(|threads| {
        // To index a large pack says nothing by itself.
        threads.spawn(move || {
            let mut before = 0;
            while awaited.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                let now = size(&Path::new(to).join(".git/objects/pack"));
                if now > before {
                    link::send(&Reply::Alive);
                }
                before = now;
            }
        });
        let done = receive(url, id, to).map_err(|error| error.to_string());
        drop(ended);
        done
    })
}

fn receive(url: &str, id: Oid, to: &str) -> Result<(), gix::Error> {
    let options = gix::open::Options::isolated().config_overrides(CONFIG);
    let repository = gix::open_opts(to, options)?;
    let wanted = format!("+{id}:refs/windlass/commit");
    let remote = repository.remote_at(url)?;
    let remote = remote
        .with_refspecs([&*wanted], Direction::Fetch)?
        .with_fetch_tags(gix::remote::fetch::Tags::None);
    if url.starts_with("git:") {
        let ask = Ask { url: url.into(), service: Service::Refs, is_v2: true };
        let opened = link::open(&ask);
        let (reader, writer) = opened.map_err(|e| gix::error::Message::new(e.to_string()))?;
        // The daemon has sent the line that names repository and host.
        let host: Option<(String, Option<u16>)> = None;
        let mode = ConnectMode::Process;
        let connection = Connection::new(reader, writer, Protocol::V2, "", host, mode, false);
        return fetch_over(&remote, connection.custom_url(Some(url.into())));
    }
    let Some(parsed) = remote.url(Direction::Fetch).cloned() else {
        return Err(gix::error::Message::new("the remote has no URL").into());
    };
    let requests = Requests { url: url.into() };
    fetch_over(&remote, http::Transport::new_http(requests, parsed, Protocol::V2, false))
}

fn fetch_over(remote: &gix::Remote<'_>, transport: impl Transport) -> Result<(), gix::Error> {
    // The daemon sends the login.
    let connection = remote.to_connection_with_transport(transport).with_credentials(|_| Ok(None));
    let only = Shallow::DepthAtRemote(NonZeroU32::MIN);
    let prepared = connection.prepare_fetch(Discard, gix::remote::ref_map::Options::default())?;
    prepared.with_shallow(only).receive(Discard, &AtomicBool::new(false))?;
    Ok(())
}

/// Returns the bytes of a folder's files, without those of its subfolders.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
