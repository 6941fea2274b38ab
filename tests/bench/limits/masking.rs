//! Masking: the memory and the time of many secrets, and the lines of a log per second.

use bench_history::Figures;
use std::{fs, hint::black_box, time::Instant};
use windlass_model::{redact::Redactor, secret::Secret};

/// Number of lines that are masked.
const LINES: usize = 200_000;

/// Measures redactors of 5 and of 50 secrets of 4 KiB, and of 4 of the largest size.
pub(crate) fn measure(figures: &mut Figures) {
    println!("\n{:28}{:>12}{:>12}{:>14}", "secrets", "built, ms", "MiB more", "lines/s");
    for (name, count, length) in
        [("5 of 4 KiB", 5, 4 << 10), ("50 of 4 KiB", 50, 4 << 10), ("4 of 256 KiB", 4, 256 << 10)]
    {
        let secrets: Vec<_> = (1..=count).map(|seed| Secret::new(noise(length, seed))).collect();
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = resident("VmRSS:");
        let began = Instant::now();
        let redactor = Redactor::new(&secrets);
        let built_ms = began.elapsed().as_secs_f64() * 1e3;
        let more = resident("VmHWM:").saturating_sub(before) as f64 / 1024.0;
        let lines_per_second = masked_per_second(&redactor);
        println!("{name:28}{built_ms:>12.1}{more:>12.1}{lines_per_second:>14.0}");
        figures.add(format!("masking, {name}, built"), built_ms, "ms");
        figures.add(format!("masking, {name}, memory"), more, "MiB");
        figures.add(format!("masking, {name}"), lines_per_second / 1e3, "k lines/s");
    }
}

/// Masks a log as a stream, in the pieces of a pipe.
fn masked_per_second(redactor: &Redactor) -> f64 {
    let log: String = (0..LINES)
        .map(|line| format!("[{line:06}] GET /api/orders/{line} 200 in {} ms\n", line % 97))
        .collect();
    let mut stream = redactor.stream();
    let began = Instant::now();
    for piece in log.as_bytes().chunks(4 << 10) {
        black_box(stream.push(piece));
    }
    black_box(stream.finish());
    LINES as f64 / began.elapsed().as_secs_f64()
}

/// Returns bytes without a pattern.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let bytes = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    bytes.take(length).collect()
}

/// Returns a figure of this process's memory in KiB, by its line in `/proc/self/status`.
fn resident(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|own| own.strip_prefix(line)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
