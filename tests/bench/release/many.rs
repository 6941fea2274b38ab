//! Two hundred releases of fifty apps on fifty simulated nodes.

use crate::meter::cpu;
use bench_history::Figures;
use std::{fs, time::Instant};
use windlass_bed::{Repository, daemon::Config};
use windlass_tests::{
    TestEnv, bed,
    simulated_nodes::{PLACEMENT, SimulatedNodes},
};

const APPS: usize = 50;
const RELEASES: usize = 4;
const NODES: usize = 50;

const SPEC: &str =
    "replicas = 2\nresources = { cpu = \"10m\", memory = \"32Mi\" }\nenv = { ROUND = \"0\" }\n";

pub(crate) fn releases(figures: &mut Figures) {
    let layout = &bed().layout;
    let mut config = Config::of(bed()).unwrap();
    config.more = format!("jobs = {APPS}\n");
    let env = TestEnv::with("bench-many", &config);
    env.fresh();
    let nodes = SimulatedNodes::up(NODES);
    let repository = Repository::new(layout, "bench-many", true).unwrap();
    repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
    repository.write("index.html", "bench\n").unwrap();
    repository.commit("bench").unwrap();
    let process = env.daemon.id().unwrap().to_string();
    let began = Instant::now();
    let before = cpu(&process, false);
    let mut times = Vec::new();
    let mut failed = 0;
    let mut resident = 0.0_f64;
    for round in 0..RELEASES {
        let file = layout.at("daemons/bench-many/spec.toml");
        let spec = SPEC.replace("\"0\"", &format!("\"{round}\""));
        fs::write(&file, spec + PLACEMENT).unwrap();
        let file = file.display().to_string();
        let ids: Vec<_> = (0..APPS)
            .map(|app| {
                env.submit_detached(&format!("app{app}"), repository.url(), &["--spec", &file])
            })
            .collect();
        for id in ids {
            let ended = env.watch(&id);
            failed += usize::from(ended.outcome != "succeeded");
            resident = resident.max(memory(&process));
            let events = env.events(&id);
            let at = |key: &str| {
                let event = events.iter().find(|event| event[key].is_object());
                event.and_then(|event| event["at"].as_f64()).unwrap_or_default()
            };
            times.push(at("ended") - at("planned"));
        }
    }
    times.sort_by(f64::total_cmp);
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let seconds = began.elapsed().as_secs_f64();
    let computed = cpu(&process, false) - before;
    for (what, value, unit) in [
        ("whole", seconds, "s"),
        ("p50", p50, "s"),
        ("p99", p99, "s"),
        ("resident", resident, "MiB"),
        ("CPU", computed, "s"),
    ] {
        figures.add(format!("many, {what}"), value, unit);
    }
    println!(
        "\n{} releases of {APPS} apps on {NODES} simulated nodes: {failed} failed, {seconds:.0} s in all; from plan to end p50 {p50:.1} s, p99 {p99:.1} s; daemon {resident:.0} MiB, {computed:.1} CPU s",
        times.len(),
    );
    drop(nodes);
}

/// Returns the resident memory of a process in MiB.
fn memory(process: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
