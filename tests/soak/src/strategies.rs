//! `cargo soak strategies`: releases by each strategy under traffic, before a `Service` and behind a gateway, that are
//! aborted in each step, and whose daemon is killed at instants that a seed draws.

mod proof;
mod way;

use proof::Proof;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{process::ExitCode, time::Duration};
use way::{COURSES, STRATEGIES, Way};
use windlass_bed::Result;

/// Arguments of `cargo soak strategies`.
#[derive(clap::Args)]
pub(crate) struct StrategiesArgs {
    /// Number of kills, spread over all strategies, releases, aborts and rollbacks.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    instants: u32,
    /// Seed of the instants, as an earlier run printed it. Times differ all the same.
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out the aborts in each step.
    #[arg(long)]
    only_kills: bool,
}

/// Releases two apps again and again, aborts and kills, and looks at each end.
pub(crate) fn run(args: &StrategiesArgs) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed}: `cargo soak strategies --seed {seed}` draws the same instants again");
    let mut proofs = [Proof::at_the_service(), Proof::at_the_gateway()];
    if !args.only_kills {
        for proof in &mut proofs {
            for strategy in &STRATEGIES {
                proof.abort_in_each_step(strategy);
            }
        }
    }
    kill(&mut proofs, &mut StdRng::seed_from_u64(seed), args.instants);
    let mut is_well = true;
    for proof in &proofs {
        for finding in &proof.findings {
            println!("FINDING {finding}");
        }
        if !proof.findings.is_empty() {
            is_well = false;
            println!("the log of its daemon ends with:\n{}", proof.log());
        }
    }
    if is_well {
        println!("no finding after {} kills", args.instants);
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Kills the daemons so many times, each time in another way until each had its turn.
fn kill(proofs: &mut [Proof], rng: &mut StdRng, instants: u32) {
    let mut ways = Vec::new();
    for place in 0..proofs.len() {
        for strategy in &STRATEGIES {
            ways.extend(COURSES.map(|course| (place, Way { strategy, course }, None)));
        }
    }
    ways.shuffle(rng);
    let (mut killed, mut number) = (0, 0);
    let count = ways.len();
    while killed < instants {
        let Some((place, way, takes)) = ways.get_mut(number % count) else { return };
        let Some(proof) = proofs.get_mut(*place) else { return };
        // A share of its time: draws do not depend on how long a release took.
        let share: f64 = rng.random_range(0.0..1.0);
        let whole = *takes.get_or_insert_with(|| proof.run(*way, None).takes);
        let instant = whole.mul_f64(share).max(Duration::from_millis(1));
        let run = proof.run(*way, Some(instant));
        if run.was_met {
            killed += 1;
            println!(
                "{killed} of {instants}: {}, {way}, killed {:.2} s behind its begin of {:.1} s",
                proof.place,
                instant.as_secs_f64(),
                whole.as_secs_f64()
            );
        } else {
            println!("{}, {way}: it had ended before the kill, which does not count", proof.place);
            // Later ones are quicker than the first, of which the image had to be pulled.
            *takes = Some(run.takes);
        }
        number += 1;
    }
}
