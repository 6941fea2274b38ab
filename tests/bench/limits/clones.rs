//! Clones beside `git clone --depth 1`, of the same server, in turns.

use crate::{median, title};
use bench_history::Figures;
use serde_json::Value;
use std::{fmt::Write, fs, process::Command, time::Instant};
use windlass_bed::{Repository, process::run};
use windlass_tests::{TestEnv, bed};

const ROUNDS: usize = 9;

pub(crate) fn beside_git(env: &TestEnv, figures: &mut Figures) {
    title("A shallow clone, seconds (median of 9, in turns)");
    for (name, files, lines) in [("small", 3, 10), ("large", 5000, 200)] {
        let repository = Repository::new(&bed().layout, &format!("bench-{name}"), true).unwrap();
        // The build fails at once: only the clone is of interest.
        repository.write("Dockerfile", "RUNN nothing\n").unwrap();
        for file in 0..files {
            let mut text = String::new();
            for line in 0..lines {
                writeln!(text, "{:x}", (file * 7919 + line) as u64 * 0x9E37_79B9_7F4A_7C15)
                    .unwrap();
            }
            repository.write(&format!("folder{}/file{file}", file % 97), &text).unwrap();
        }
        repository.commit("bench").unwrap();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let ended = env.submit(&format!("{name}{round}"), repository.url(), &[]);
            let events = env.events(&ended.id);
            let at = |key: &str| {
                let of = |event: &&Value| event[key].is_object() && event["stage"] == "clone";
                events.iter().find(of).and_then(|event| event["at"].as_f64()).unwrap()
            };
            ours.push(at("finished") - at("started"));
            let to = bed().layout.at("work/bench-clone");
            let _ = fs::remove_dir_all(&to);
            let began = Instant::now();
            let mut git = Command::new("git");
            git.args(["clone", "--quiet", "--depth", "1", repository.url()]).arg(&to);
            run(&mut git).unwrap();
            theirs.push(began.elapsed().as_secs_f64());
        }
        let (ours, theirs) = (median(ours), median(theirs));
        figures.add(format!("clone, {name}"), ours, "s");
        figures.add(format!("clone, {name}, against git"), ours / theirs, "");
        println!("{name:6} windlass {ours:.3}   git {theirs:.3}   ratio {:.2}", ours / theirs);
    }
}
