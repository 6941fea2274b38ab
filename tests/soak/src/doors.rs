//! `cargo soak doors`: ten thousand webhooks in ten seconds, and a daemon that is killed behind the last answer.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository, Result,
    daemon::Config,
    process::{await_that, listens},
};
use windlass_tests::{
    TestEnv, bed,
    flood::{Flood, Flooded, id_of, listed},
    growth::Growth,
    hash_of,
    webhooks::{hooks, project, push},
};

/// Ports of the page's API and of the door for webhooks.
const PAGE: u16 = 21_350;
const HOOKS: u16 = 21_351;

/// Token of a caller who may read all projects.
const TOKEN: &str = "1f2e3d4c5b6a79880f1e2d3c4b5a6978";

/// Projects of the hooks. Each has eight places for bodies.
const PROJECTS: [&str; 4] = ["soak-doors-a", "soak-doors-b", "soak-doors-c", "soak-doors-d"];

/// Hooks of each project. One may get a hundred deliveries at once and ten a second after that, which the flood is below.
const HOOKS_EACH: usize = 50;

/// Connections that are kept.
const SENDERS: usize = 32;

/// MiB by which the daemon's memory may grow: caches of the journal, and what the allocator keeps.
const GROWTH: u64 = 64;

/// Time in which all doors of a daemon that was started are open.
const READY: Duration = Duration::from_secs(30);

/// Time in which all deliveries have their verdicts.
const DECIDED: Duration = Duration::from_secs(900);

/// Arguments of `cargo soak doors`.
#[derive(clap::Args)]
pub(crate) struct DoorsArgs {
    /// Number of deliveries, each with an id of its own.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    deliveries: u32,
    /// Seconds over which they are spread.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// Sends the flood, kills the daemon, and looks for each delivery and its verdict.
pub(crate) fn run(args: &DoorsArgs) -> Result<ExitCode> {
    let count = usize::try_from(args.deliveries)?;
    let mut config = Config::of(bed())?;
    config.tables = format!(
        "[listen]\ntcp = \"127.0.0.1:{PAGE}\"\nhooks = \"127.0.0.1:{HOOKS}\"\n\
         [[principals]]\nname = \"reader\"\ntoken-sha256 = \"{}\"\nprojects = [\"*\"]\nverbs = [\"read\"]\n",
        hash_of(TOKEN)
    );
    let mut env = TestEnv::with("soak-doors", &config);
    let repository = Repository::new(&bed().layout, "soak-doors", true)?;
    repository.write("README", "nothing is deployed\n")?;
    let commit = repository.commit("one")?;
    // A branch that is there, and that no trigger is for.
    repository.git(&["push", "--quiet", repository.url(), "HEAD:refs/heads/other"])?;
    let body = push("other", &commit);
    let mut all = Vec::new();
    for name in PROJECTS {
        project(&env, name, repository.url());
        all.extend(hooks(&env.daemon, name, HOOKS_EACH, &body)?);
    }
    let id = env.daemon.id().ok_or("the daemon does not run")?;
    let growth = Growth::begin(id);
    let within = Some(Duration::from_secs(args.seconds));
    let flooded = Flood { port: HOOKS, count, senders: SENDERS, within }.send(&all)?;
    let grown = growth.most();
    println!(
        "{} deliveries in {:.1} s, {} times asked to come later; at most {grown} MiB more memory",
        flooded.waits.len(),
        flooded.time.as_secs_f64(),
        flooded.later
    );
    // Behind the last answer: what was answered is in the journal, and what was not decided is decided now.
    env.daemon.restart()?;
    if !await_that(READY, || listens("127.0.0.1", PAGE)) {
        return Err(format!("the page does not listen\n{}", env.daemon.log()).into());
    }
    let mut findings = answered(&flooded, count);
    if grown > GROWTH {
        findings.push(format!("the memory grew by {grown} MiB; expected at most {GROWTH} MiB"));
    }
    findings.extend(kept(count)?);
    for finding in &findings {
        println!("FINDING {finding}");
    }
    if findings.is_empty() {
        println!("no finding");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} findings; the daemon's log ends with:\n{}", findings.len(), env.daemon.log());
    Ok(ExitCode::FAILURE)
}

/// Returns what is wrong with the answers.
fn answered(flooded: &Flooded, count: usize) -> Vec<String> {
    let mut findings = flooded.refused.clone();
    let accepted = flooded.waits.len();
    if accepted != count {
        findings.push(format!("{accepted} of {count} deliveries were accepted"));
    }
    findings
}

/// Waits until all deliveries are decided, and returns what is missing.
fn kept(count: usize) -> Result<Vec<String>> {
    let expected: Vec<_> = (0..count).map(id_of).collect();
    let began = Instant::now();
    loop {
        let (mut lost, mut undecided, mut found) = (0, 0, 0);
        let mut pages = Vec::new();
        for name in PROJECTS {
            pages.push(listed(PAGE, TOKEN, name)?);
        }
        for id in &expected {
            match pages.iter().find_map(|page| page.get(id)) {
                None => lost += 1,
                Some(is_decided) => {
                    found += 1;
                    undecided += usize::from(!is_decided);
                }
            }
        }
        if undecided == 0 || began.elapsed() > DECIDED {
            let others = pages.iter().map(BTreeMap::len).sum::<usize>() - found;
            let facts = [
                (lost, "deliveries were answered, and are not in the journal"),
                (undecided, "deliveries have no verdict"),
                (others, "deliveries are in the journal twice, or were never sent"),
            ];
            let wrong = facts.into_iter().filter(|(number, _)| *number > 0);
            return Ok(wrong.map(|(number, what)| format!("{number} {what}")).collect());
        }
        // Verdicts are reported to nobody who only reads.
        sleep(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_missing_is_a_finding() {
        let of = |accepted: usize, refused: Vec<String>| Flooded {
            time: Duration::from_secs(10),
            waits: vec![0.001; accepted],
            later: 3,
            refused,
        };
        assert!(answered(&of(7, Vec::new()), 7).is_empty());
        let findings = answered(&of(6, vec!["404: no".into()]), 7);
        assert_eq!(findings, ["404: no", "6 of 7 deliveries were accepted"]);
    }
}
