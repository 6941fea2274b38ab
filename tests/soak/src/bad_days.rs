//! Bad days: jobs of many apps, while every part that the daemon needs fails in turn.

mod audit;
mod client;
mod faults;
mod inputs;
mod jobs;
mod parts;
mod proxy;
mod vitals;

use audit::audit;
use client::Client;
use faults::Faults;
use jobs::Jobs;
use parts::Parts;
use rand::{SeedableRng, rngs::StdRng};
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use vitals::Vitals;
use windlass_bed::Result;

/// Time that jobs have to end once nothing fails any more.
const LAST: Duration = Duration::from_secs(900);

/// Time between two faults, in milliseconds.
const BETWEEN: std::ops::Range<u64> = 3_000..20_000;

/// Arguments of `cargo soak`.
#[derive(clap::Args)]
pub(crate) struct BadDaysArgs {
    /// Minutes after which no job is submitted any more.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Number of jobs, spread over the minutes.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    jobs: u64,
    /// Seed of all random choices, as an earlier run printed it. Times differ all the same.
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs the bad days, and prints their report.
pub(crate) fn run(args: &BadDaysArgs) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed}: `cargo soak --seed {seed}` makes the same choices again");
    let mut parts = Parts::up()?;
    let client = Client::of(&parts)?;
    let mut jobs = Jobs::new(client.clone(), parts.git.clone(), StdRng::seed_from_u64(seed))?;
    println!("first, a release of each app");
    jobs.first_releases()?;
    let at_begin = Vitals::when_calm(&parts)?;
    println!("at the beginning: {at_begin}");

    let began = Instant::now();
    let until = began + Duration::from_secs(args.minutes * 60);
    let is_calm = Arc::new(AtomicBool::new(false));
    let (limit, calm) = (args.jobs, is_calm.clone());
    let working = thread::spawn(move || jobs.work(limit, until, &calm, LAST));
    let mut faults = Faults::new(StdRng::seed_from_u64(seed ^ 1));
    while !working.is_finished() && Instant::now() < until {
        let pause = faults.pause(BETWEEN);
        faults::sleep_unless(pause, || working.is_finished());
        if !working.is_finished() {
            faults.next(&mut parts, &client)?;
        }
    }
    faults.end(&mut parts)?;
    is_calm.store(true, Ordering::Relaxed);
    println!("nothing fails any more: waiting for the jobs that are left");
    let done = working.join().map_err(|_| "the jobs' thread panicked")??;
    println!("{} jobs in {} s", done.len(), began.elapsed().as_secs());
    println!("faults: {faults}; the daemon had {} lives", parts.lives());

    let at_end = Vitals::when_calm(&parts)?;
    println!("at the end: {at_end}; largest in between: {}", faults.largest());
    let mut findings = audit(&client, &parts, &done, &faults)?;
    findings.extend(at_end.grown_since(&at_begin));
    for finding in &findings {
        println!("FINDING {finding}");
    }
    if !findings.is_empty() {
        println!("{} findings; the daemon's folder is {}", findings.len(), parts.folder.display());
        return Ok(ExitCode::FAILURE);
    }
    parts.discard();
    println!("no finding");
    Ok(ExitCode::SUCCESS)
}
