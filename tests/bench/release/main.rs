//! Costs of a release, beside `kubectl apply --server-side` with `rollout status`, and `helm upgrade --install
//! --wait`: the same nine objects, the same API server, in turns. Then many releases at once on simulated nodes, which
//! `-- many` measures alone.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: what cannot go on should stop"
)]

mod many;
mod meter;
mod ours;
mod peers;

use bench_history::Figures;
use meter::Taken;
use ours::Ours;
use peers::{Peer, Peers};
use windlass_bed::{Layout, Report, build, install};
use windlass_tests::bed;

/// Rounds of a release that succeeds, in turns. The median is printed. One that fails is released once, since the peers
/// need their whole limit for it.
const ROUNDS: usize = 3;

/// Releases that are measured, by what is wrong with them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    Good,
    Unchanged,
    Unauthorized,
    Crash,
    Quota,
}

impl Release {
    const ALL: [Self; 5] =
        [Self::Good, Self::Unchanged, Self::Unauthorized, Self::Crash, Self::Quota];

    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unchanged => "unchanged",
            Self::Unauthorized => "401",
            Self::Crash => "crash",
            Self::Quota => "quota",
        }
    }
}

fn main() {
    // The released daemon is measured. Compiling it takes minutes.
    build::everything(&Layout::main(), &Report::printed()).unwrap();
    install::for_benches(&bed().layout, &Report::printed()).unwrap();
    let mut figures = Figures::of("release");
    if !std::env::args().any(|argument| argument == "many") {
        beside_peers(&mut figures);
    }
    many::releases(&mut figures);
    figures.keep().unwrap();
}

fn beside_peers(figures: &mut Figures) {
    let ours = Ours::start();
    let peers = Peers::start(&ours);
    println!(
        "{:12}{:12}{:>10}{:>10}{:>10}{:>10}  verdict",
        "release", "by", "requests", "KiB", "CPU s", "s"
    );
    for release in Release::ALL {
        let mut taken: [Vec<Taken>; 3] = Default::default();
        let succeeds = matches!(release, Release::Good | Release::Unchanged);
        for round in 0..if succeeds { ROUNDS } else { 1 } {
            taken[0].push(ours.release(release, round));
            taken[1].push(peers.release(Peer::Kubectl, release, round));
            taken[2].push(peers.release(Peer::Helm, release, round));
        }
        for (by, taken) in ["windlass", "kubectl", "helm"].into_iter().zip(taken) {
            let taken = meter::median(taken);
            if by == "windlass" {
                taken.keep(release.name(), figures);
            }
            println!("{:12}{by:12}{taken}", release.name());
        }
    }
}
