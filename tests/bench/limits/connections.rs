//! Connections that are held without a request.

use crate::{process::resident, title};
use bench_history::Figures;
use std::{os::unix::net::UnixStream, time::Instant};
use windlass_tests::TestEnv;

/// Connections that are opened. The daemon closes those above its limit.
const OPENED: usize = 400;

pub(crate) fn held(env: &TestEnv, figures: &mut Figures) {
    title("Silent connections");
    let id = env.daemon.id().unwrap();
    let before = resident(id);
    let held: Vec<_> =
        (0..OPENED).map_while(|_| UnixStream::connect(env.daemon.socket()).ok()).collect();
    let began = Instant::now();
    let answer = env.daemon.windlass(&["jobs"]).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let grown = resident(id) - before;
    figures.add("400 silent connections, more memory", grown, "MiB");
    figures.add("400 silent connections, `jobs` beside them", seconds, "s");
    println!(
        "{} opened: {grown:.1} MiB more; `windlass jobs` ends with {} after {seconds:.3} s",
        held.len(),
        answer.code
    );
}
