//! A commit by its id, over protocol v2.
//!
//! Some servers hide ids from libgit2, which speaks v0 only. Over v2 they hand out any object that is
//! requested.

use crate::{
    link,
    protocol::{HEARTBEAT, Reply},
    version_2,
};
use git2::Oid;
use gix::{
    progress::Discard,
    remote::{Direction, fetch::Shallow},
};
use gix_transport::client::blocking_io::Transport;
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
    fetch_over(&remote, version_2::connect(url)?)
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
