//! A context of 100,000 files.

use crate::{
    process::{Watched, resident},
    title,
};
use bench_history::Figures;
use std::time::Instant;
use windlass_bed::Repository;
use windlass_tests::{TestEnv, bed};

const FILES: usize = 100_000;

pub(crate) fn of_many_files(env: &TestEnv, figures: &mut Figures) {
    title("A build whose context has 100,000 files");
    let repository = Repository::new(&bed().layout, "bench-context", true).unwrap();
    repository.write("Dockerfile", "FROM scratch\nCOPY . /\nRUN none\n").unwrap();
    for file in 0..FILES {
        let path = format!("a{}/b{}/file{file}", file % 100, file / 100 % 100);
        repository.write(&path, &format!("{file}\n")).unwrap();
    }
    repository.commit("many").unwrap();
    let id = env.daemon.id().unwrap();
    let before = resident(id);
    let watched = Watched::begin(id);
    let began = Instant::now();
    // The last step fails: nothing is pushed or released.
    let ended = env.submit("context", repository.url(), &["--no-test"]);
    let seconds = began.elapsed().as_secs_f64();
    let (memory, threads) = watched.end();
    figures.add("100,000 files, job", seconds, "s");
    figures.add("100,000 files, more memory", memory - before, "MiB");
    figures.add("100,000 files, threads", threads, "");
    println!(
        "{} after {seconds:.1} s; {:.1} MiB more, {threads} threads at most",
        ended.diagnosis["code"],
        memory - before
    );
}
