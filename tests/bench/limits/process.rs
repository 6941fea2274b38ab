//! Figures of the daemon's process, by `/proc`.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

/// Returns a number of `/proc/ID/status`, such as `VmRSS:` in KiB or `Threads:`.
pub(crate) fn status(id: u32, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Returns the resident memory in MiB.
pub(crate) fn resident(id: u32) -> f64 {
    status(id, "VmRSS:") / 1024.0
}

/// The largest figures of a process while this lives.
pub(crate) struct Watched {
    is_ended: Arc<AtomicBool>,
    thread: JoinHandle<(f64, f64)>,
}

impl Watched {
    pub(crate) fn begin(id: u32) -> Self {
        let is_ended = Arc::new(AtomicBool::new(false));
        let end = is_ended.clone();
        let thread = thread::spawn(move || {
            let mut largest = (0.0_f64, 0.0_f64);
            while !end.load(Ordering::Relaxed) {
                largest.0 = largest.0.max(resident(id));
                largest.1 = largest.1.max(status(id, "Threads:"));
                // Figures of /proc come by no event.
                sleep(Duration::from_millis(20));
            }
            largest
        });
        Self { is_ended, thread }
    }

    /// Returns the largest resident memory in MiB, and the largest number of threads.
    pub(crate) fn end(self) -> (f64, f64) {
        self.is_ended.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
