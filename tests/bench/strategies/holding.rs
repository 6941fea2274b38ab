//! Fifty canaries that hold at once.

use bench_history::Figures;
use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, daemon::Config, process::computed};
use windlass_tests::{
    SMALL, TestEnv, bed,
    simulated_nodes::{PLACEMENT, SimulatedNodes},
};

/// Number of apps.
const APPS: usize = 50;
const NODES: usize = 10;

/// Time until the daemon has done what comes after the releases of before, such as the collection of old ones.
const SETTLED: Duration = Duration::from_secs(120);

/// Time for which the daemon is watched.
const WATCHED: Duration = Duration::from_secs(60);

const CANARY: &str = "[strategy]\nkind = \"canary\"\nweights = [50, 100]\nhold-seconds = 3600\n";

/// Has fifty canaries hold, and measures what the daemon takes meanwhile.
pub(crate) fn fifty(figures: &mut Figures) {
    let mut config = Config::of(bed()).unwrap();
    config.more = format!("jobs = {APPS}\n");
    let env = TestEnv::with("bench-holding", &config);
    env.fresh();
    let nodes = SimulatedNodes::up(NODES);
    let repository = Repository::new(&bed().layout, "bench-holding", true).unwrap();
    repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
    repository.write("index.html", "bench\n").unwrap();
    repository.commit("bench").unwrap();
    let release = |version: &str, strategy: &str| -> Vec<String> {
        let text = format!("env.VERSION = \"{version}\"\n{PLACEMENT}{strategy}{SMALL}");
        let file = env.spec_file(version, &text);
        let submit = |app: usize| {
            env.submit_detached(&format!("app{app}"), repository.url(), &["--spec", &file])
        };
        (0..APPS).map(submit).collect()
    };
    for id in release("one", "") {
        env.watch(&id).succeeded();
    }
    let process = env.daemon.id().unwrap();
    let before = resident(process);
    let ids = release("two", CANARY);
    for id in &ids {
        let holds = env.await_event(id, |event| event["holding"].is_object());
        assert!(holds.is_some(), "{:#?}", env.events(id));
    }
    sleep(SETTLED);
    let (began, ticks) = (Instant::now(), computed(process));
    sleep(WATCHED);
    let seconds = (computed(process) - ticks) as f64 / 100.0;
    let share = seconds / began.elapsed().as_secs_f64() * 100.0;
    let each = (resident(process) - before) / APPS as f64;
    println!(
        "\n{APPS} canaries that hold: {share:.2} % of a core (aim: below 1), {each:.2} MiB each (aim: below 2)"
    );
    figures.add("holding, CPU", share, "%");
    figures.add("holding, resident, each", each, "MiB");
    for id in &ids {
        assert_eq!(env.daemon.windlass(&["abort", id]).unwrap().code, 0);
    }
    for id in &ids {
        assert_eq!(env.watch(id).outcome, "stopped");
    }
    drop(nodes);
}

/// Returns the resident memory of a process in MiB.
fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
