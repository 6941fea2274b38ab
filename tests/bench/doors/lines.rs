//! From a line that a build prints to the pages that watch the job.

use crate::{
    live::Live,
    place::now,
    spread::{Spread, columns},
    title,
};
use bench_history::Figures;
use serde_json::Value;
use tokio::{runtime::Runtime, task::JoinSet};
use windlass_bed::Repository;
use windlass_tests::{TestEnv, bed, run_of_tests};

/// Pages that watch.
const PAGES: usize = 50;

/// Lines that are printed and measured, ten a second.
const LINES: usize = 300;

/// Word before the time in each measured line.
const WORD: &str = "printed ";

/// Seconds of one page: from the build to the journal, from there to the page, and both.
#[derive(Default)]
struct Times {
    journal: Spread,
    page: Spread,
    all: Spread,
}

pub(crate) fn to_pages(env: &TestEnv, runtime: &Runtime, cookie: &str, figures: &mut Figures) {
    title(
        "From a line of a build to 50 pages (300 lines, ten a second; aim of the last: p99 of 200)",
    );
    let repository = Repository::new(&bed().layout, "bench-lines", true).unwrap();
    // Each line has the time of its printing, by the clock that all programs of this machine have. It begins when all
    // pages are there; the build fails behind it, since nothing more is of interest.
    let dockerfile = format!(
        "FROM python:3.11-slim\nENV RUN_OF_TESTS={}\n\
         RUN sleep 5; i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo \"{WORD}$(date +%s%N)\"; sleep 0.1; done; exit 3\n",
        run_of_tests()
    );
    repository.write("Dockerfile", &dockerfile).unwrap();
    repository.commit("lines").unwrap();
    let job = env.submit_detached("lines", repository.url(), &["--no-test"]);
    let all = runtime.block_on(async {
        let mut pages = JoinSet::new();
        for _ in 0..PAGES {
            pages.spawn(watched(Live::open(cookie, &job).await));
        }
        let mut all = Times::default();
        while let Some(times) = pages.join_next().await {
            let (times, lines) = times.unwrap();
            assert_eq!(lines, LINES, "lines of a page");
            all.journal.extend(times.journal);
            all.page.extend(times.page);
            all.all.extend(times.all);
        }
        all
    });
    columns();
    all.journal.print("build to journal", "line", figures);
    all.page.print("journal to page", "line", figures);
    all.all.print("build to page", "line", figures);
}

/// Watches until the job has ended. Returns the times, and the number of measured lines.
async fn watched(mut live: Live) -> (Times, usize) {
    let (mut times, mut lines) = (Times::default(), 0);
    loop {
        let message = live.next().await;
        let here = now();
        if message["ended"] == true {
            return (times, lines);
        }
        let events = message["events"].as_array();
        for event in events.unwrap_or_else(|| panic!("a page that reads has no gap: {message}")) {
            let Some((printed, journaled)) = moments(event) else { continue };
            lines += 1;
            times.journal.add(journaled - printed);
            times.page.add(here - journaled);
            times.all.add(here - printed);
        }
    }
}

/// Returns when a measured line was printed, and when the journal had it. `None` stands for any other event.
fn moments(event: &Value) -> Option<(f64, f64)> {
    let printed: f64 = event["log"]["line"].as_str()?.strip_prefix(WORD)?.parse().ok()?;
    Some((printed / 1e9, event["at"].as_f64()?))
}
