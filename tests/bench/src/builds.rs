//! Builds beside buildctl: the same BuildKit, in turns, everything cached, pushed to the same registry.

use crate::figures::{median, title};
use bench_history::Figures;
use std::{process::Command, time::Instant};
use windlass_bed::{Repository, process::run};
use windlass_tests::{TestEnv, bed};

const ROUNDS: usize = 9;

pub(crate) fn beside_buildctl(env: &TestEnv, figures: &mut Figures) {
    title("A cached build with push, seconds (median of 9, in turns)");
    let repository = Repository::new(&bed().layout, "bench-build", true).unwrap();
    repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
    repository.write("index.html", "bench\n").unwrap();
    repository.commit("bench").unwrap();
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..ROUNDS {
        let ended = env.submit("build", repository.url(), &[]);
        ended.succeeded();
        let events = env.events(&ended.id);
        let at = |key: &str, stage: &str| {
            let found =
                events.iter().find(|event| event[key].is_object() && event["stage"] == stage);
            found.and_then(|event| event["at"].as_f64()).unwrap_or_default()
        };
        ours.push(at("finished", "push") - at("started", "build"));

        let folder = repository.folder().display().to_string();
        let started = Instant::now();
        run(Command::new(bed().layout.program("buildctl"))
            .args(["--addr", &bed().buildkit(), "build", "--frontend", "dockerfile.v0"])
            .arg(format!("--local=context={folder}"))
            .arg(format!("--local=dockerfile={folder}"))
            .arg(format!(
                "--output=type=image,name={}/bench/buildctl:1,push=true",
                bed().registry()
            )))
        .unwrap();
        theirs.push(started.elapsed().as_secs_f64());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    figures.add("cached build with push", ours, "s");
    figures.add("cached build with push, against buildctl", ours / theirs, "");
    println!(
        "windlass {ours:.3} (build, test looked for, push)   buildctl {theirs:.3}   ratio {:.2}",
        ours / theirs
    );
}
