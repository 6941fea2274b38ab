//! A thousand jobs that wait, and fifty clients that watch.

use crate::{process::resident, title};
use bench_history::Figures;
use std::process::{Child, Stdio};
use windlass_tests::TestEnv;

const WAITING: usize = 1000;
const WATCHERS: usize = 50;

pub(crate) fn jobs_and_watchers(env: &TestEnv, figures: &mut Figures) {
    title("The daemon's resident memory, MiB");
    let id = env.daemon.id().unwrap();
    let before = resident(id);
    let repository = env.small_app();
    repository.write("Dockerfile", "FROM debian:bookworm-slim\nRUN sleep 600\n").unwrap();
    let commit = repository.commit("slow").unwrap();
    // By the commit's id: no revision is resolved a thousand times.
    let arguments = ["--no-test", "--revision", &commit];
    let ids: Vec<_> = (0..WAITING + 4)
        .map(|n| env.submit_detached(&format!("wait{n}"), repository.url(), &arguments))
        .collect();
    let waiting = resident(id);
    figures.add("resident, 1,000 waiting", waiting, "MiB");
    println!("before {before:.1}; 1,000 waiting {waiting:.1}");
    let watch = |id: &String| -> Child {
        let mut client = env.daemon.client(&["--output", "json", "watch", id]).unwrap();
        client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut watchers: Vec<_> = ids.iter().take(WATCHERS).map(watch).collect();
    // An answer to a later request: the watchers' came before.
    assert_eq!(env.daemon.windlass(&["jobs"]).unwrap().code, 0);
    let watched = resident(id);
    figures.add("resident, 1,000 waiting and 50 watchers", watched, "MiB");
    println!("and 50 watchers {watched:.1}");
    for watcher in &mut watchers {
        let _ = watcher.kill();
        let _ = watcher.wait();
    }
    for id in ids.iter().rev() {
        let _ = env.daemon.windlass(&["cancel", id]);
    }
}
