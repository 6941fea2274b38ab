//! Five hundred pages that watch one busy job.

use crate::{
    live::Live,
    place::{PAGE, ask},
    process::{Watched, resident},
    title,
};
use bench_history::Figures;
use std::time::Instant;
use tokio::{runtime::Runtime, task::JoinSet};
use windlass_bed::{Repository, process::computed};
use windlass_tests::{TestEnv, bed, http::Connection, run_of_tests};

const PAGES: usize = 500;

/// Lines that the job prints, 200 a second.
const LINES: usize = 6000;

/// Events that pages got.
#[derive(Default)]
struct Seen {
    events: u64,
    /// Numbers that were left out.
    lost: u64,
    /// Times that a page read too slowly, and subscribed again.
    gaps: u64,
    last: u64,
}

pub(crate) fn watches(env: &TestEnv, runtime: &Runtime, cookie: &str, figures: &mut Figures) {
    title("500 pages watch one job that prints 200 lines a second");
    let repository = Repository::new(&bed().layout, "bench-crowd", true).unwrap();
    let dockerfile = format!(
        "FROM python:3.11-slim\nENV RUN_OF_TESTS={}\n\
         RUN sleep 10; i=0; while [ $i -lt {LINES} ]; do \
         seq -f 'line %.0f of a busy job, as long as lines are' $((i+1)) $((i+40)); i=$((i+40)); sleep 0.2; done; exit 3\n",
        run_of_tests()
    );
    repository.write("Dockerfile", &dockerfile).unwrap();
    repository.commit("busy").unwrap();
    let id = env.daemon.id().unwrap();
    let before = resident(id);
    let job = env.submit_detached("crowd", repository.url(), &["--no-test"]);
    let watched = Watched::begin(id);
    let (ticks, began) = (computed(id), Instant::now());
    let all = runtime.block_on(async {
        let mut pages = JoinSet::new();
        for _ in 0..PAGES {
            pages.spawn(seen(Live::open(cookie, &job).await));
        }
        let mut all = Vec::new();
        while let Some(seen) = pages.join_next().await {
            all.push(seen.unwrap());
        }
        all
    });
    let seconds = began.elapsed().as_secs_f64();
    let processor = (computed(id) - ticks) as f64 / 100.0;
    let (memory, _) = watched.end();
    let record = ask(&mut Connection::open(PAGE).unwrap(), &format!("/api/jobs/{job}"));
    let last = record["last_seq"].as_u64().unwrap();
    assert!(last > LINES as u64, "the job printed its lines: {record:#}");
    let events: u64 = all.iter().map(|seen| seen.events).sum();
    let lost: u64 = all.iter().map(|seen| seen.lost + (last - seen.last)).sum();
    let gaps: u64 = all.iter().map(|seen| seen.gaps).sum();
    println!(
        "events sent {events} in {seconds:.1} s, of which lost {lost}; pages that were too slow {gaps} times"
    );
    println!("memory before {before:.1} MiB, at most {memory:.1} MiB; processor {processor:.1} s");
    assert_eq!(lost, 0, "events that a page never got");
    figures.add("500 pages, events", events as f64 / seconds, "/s");
    figures.add("500 pages, more memory", memory - before, "MiB");
    figures.add("500 pages, processor", processor / seconds * 100.0, "%");
    figures.add("500 pages, gaps", gaps as f64, "");
}

/// Watches until the job has ended, as the page does: after a gap it subscribes again behind what it has.
async fn seen(mut live: Live) -> Seen {
    let mut seen = Seen::default();
    loop {
        let message = live.next().await;
        if message["ended"] == true {
            return seen;
        }
        if message["gap"] == true {
            seen.gaps += 1;
            live.subscribe(seen.last).await;
            continue;
        }
        let events = message["events"].as_array();
        for event in events.unwrap_or_else(|| panic!("neither events nor an end: {message}")) {
            let number = event["seq"].as_u64().unwrap();
            if number > seen.last {
                seen.lost += number - seen.last - 1;
                seen.last = number;
                seen.events += 1;
            }
        }
    }
}
