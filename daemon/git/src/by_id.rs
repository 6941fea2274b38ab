//! A commit by its id, over protocol v2.
//!
//! Some servers hide ids from libgit2, which speaks v0 only. Over v2 they hand out any object that is
//! requested.

use crate::protocol::{HEARTBEAT, Remote, Reply, send};
use git2::Oid;
use gix::{
    credentials::{helper::Action, protocol::Outcome},
    progress::Discard,
    remote::{Direction, fetch::Shallow},
    sec::identity::Account,
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
/// machine. No redirect is followed, since a credential must not follow the redirect to another host.
const CONFIG: [&str; 2] = ["http.followRedirects=false", "protocol.version=2"];

/// Fetches the commit, without its history, into the repository at `to`.
pub(crate) fn fetch(remote: &Remote, id: Oid, to: &str) -> Result<(), String> {
    // The transport refuses to send a credential in clear, and is not asked to.
    if remote.login.is_some() && !remote.url.starts_with("https:") {
        return Err("a credential is only sent over https here".into());
    }
    let (ended, awaited) = channel::<()>();
    thread::scope(|threads| {
        threads.spawn(move || {
            let mut before = 0;
            while awaited.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                let now = size(&Path::new(to).join(".git/objects/pack"));
                if now > before {
                    send(&Reply::Alive);
                }
                before = now;
            }
        });
        let done = receive(remote, id, to).map_err(|error| error.to_string());
        drop(ended);
        done
    })
}

fn receive(from: &Remote, id: Oid, to: &str) -> Result<(), gix::Error> {
    let options = gix::open::Options::isolated().config_overrides(CONFIG);
    let repository = gix::open_opts(to, options)?;
    let wanted = format!("+{id}:refs/windlass/commit");
    let remote = repository.remote_at(&*from.url)?;
    let remote = remote
        .with_refspecs([&*wanted], Direction::Fetch)?
        .with_fetch_tags(gix::remote::fetch::Tags::None);
    let login = |action: Action| match (action, &from.login) {
        (Action::Get(context), Some(login)) => Ok(Some(Outcome {
            identity: Account {
                username: login.user.clone(),
                password: login.token.clone(),
                oauth_refresh_token: None,
            },
            next: context.into(),
        })),
        _ => Ok(None),
    };
    let connection = remote.connect(Direction::Fetch)?.with_credentials(login);
    let only = Shallow::DepthAtRemote(NonZeroU32::MIN);
    let prepared = connection.prepare_fetch(Discard, gix::remote::ref_map::Options::default())?;
    prepared.with_shallow(only).receive(Discard, &AtomicBool::new(false))?;
    Ok(())
}

/// Returns the bytes of a folder's files, without those of its subfolders.
pub(crate) fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
