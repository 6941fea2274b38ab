//! The bed itself, whose keeper is killed with SIGKILL. The test is alone in its program, since it takes the bed away
//! from all others: tests of `main.rs` share one hold on the bed and run side by side.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Bed, Report, Wanted,
    layout::port,
    process::{listens, sh},
};
use windlass_tests::{TestEnv, bed};

#[test]
fn a_killed_keeper_takes_its_parts_along_and_the_next_start_cleans_up() {
    let layout = &bed().layout;
    let keeper = fs::read_to_string(layout.at("keeper.pid")).unwrap();
    sh(&format!("kill -9 {keeper}")).unwrap();
    let began = Instant::now();
    let limit = Duration::from_secs(20);
    for port in [port::API, port::ETCD, port::REGISTRY, port::GIT_HTTP, port::GIT, port::BUILDKIT] {
        while listens("127.0.0.1", port) {
            assert!(began.elapsed() < limit, "port {port} is still served");
            sleep(Duration::from_millis(50));
        }
    }
    let began = Instant::now();
    let again = Bed::up(Wanted::default(), &Report::printed()).unwrap();
    println!("up again after {:.1} s", began.elapsed().as_secs_f32());
    assert_ne!(fs::read_to_string(again.layout.at("keeper.pid")).unwrap(), keeper);
    TestEnv::new("t-restart").runs_the_next_job();
}
