//! Settings of the process: the mode of its files, and the number that it may open.

use crate::config::Listen;
use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};
use std::time::Duration;
use windlass_api::{CallTimes, ListenLimits};
use windlass_listen::GateLimits;

/// Number of open files that a daemon is raised to, at most. Some programs close all that they may have open.
const MOST: u64 = 1 << 20;

/// Number of open files below which there is a warning.
const FEW: u64 = 4096;

/// Makes all files that the process and its children create their own user's alone.
pub(crate) fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Raises the number of files that may be open (`RLIMIT_NOFILE`) to the hard limit, and returns it.
pub(crate) fn raise_open_files() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let most = before.maximum.map_or(MOST, |hard| hard.min(MOST));
    let wanted = before.current.map_or(most, |soft| soft.max(most));
    let raised = Rlimit { current: Some(wanted), maximum: before.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, wanted, "the number of open files cannot be raised");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    tracing::info!(files, "limit of open files");
    if files < FEW {
        tracing::warn!(
            files,
            expected = FEW,
            "few files may be open: raise LimitNOFILE of the unit, or `ulimit -Hn`"
        );
    }
    files
}

/// Returns the bounds of the listeners. At most half of the open files are connections: the rest is for jobs. A
/// quarter of the connections is the unix socket's. The others are shared out among the listeners over TCP: that for
/// webhooks, which everybody reaches, takes no place of the API's.
pub(crate) fn listen_limits(listen: &Listen, files: u64, plan: Duration) -> ListenLimits {
    let half = usize::try_from(files / 2).unwrap_or(usize::MAX);
    let most = listen.max_connections.min(half);
    if most < listen.max_connections {
        tracing::warn!(
            wanted = listen.max_connections,
            most,
            files,
            "listen.max-connections is more than half of the open files"
        );
    }
    let unix = (most / 4).max(1);
    let doors = [listen.tcp, listen.hooks, listen.admin].into_iter().flatten().count().max(1);
    let tcp = (most.saturating_sub(unix) / doors).max(1);
    let per_peer = listen.max_connections_per_peer;
    let call = Duration::from_secs(listen.request_seconds);
    ListenLimits {
        unix: GateLimits { total: unix, per_peer },
        tcp: GateLimits { total: tcp, per_peer },
        header: Duration::from_secs(listen.header_seconds),
        idle: Duration::from_secs(listen.idle_seconds),
        // It waits for a place as long as it may work there.
        calls: CallTimes { call, long_call: call + 2 * plan },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_files_are_for_jobs() {
        let listen = Listen { max_connections: 1000, ..Listen::default() };
        let limits = |files| listen_limits(&listen, files, Duration::from_secs(1));
        assert_eq!((limits(65_536).unix.total, limits(65_536).tcp.total), (250, 750));
        assert_eq!((limits(256).unix.total, limits(256).tcp.total), (32, 96));
        assert_eq!((limits(0).unix.total, limits(0).tcp.total), (1, 1));
        let address: Option<std::net::SocketAddr> = "127.0.0.1:0".parse().ok();
        let three = Listen { tcp: address, hooks: address, admin: address, ..listen.clone() };
        let limits = listen_limits(&three, 65_536, Duration::from_secs(1));
        assert_eq!((limits.unix.total, limits.tcp.total), (250, 250), "each of three over TCP");
    }
}
