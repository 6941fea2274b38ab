//! Growth of a process's memory from a moment on, also where it has shrunk again since.

use std::fs;

/// Memory of a process at a moment.
pub struct Growth {
    id: u32,
    before: u64,
}

impl Growth {
    /// Begins with the resident memory as it is now.
    #[must_use]
    pub fn begin(id: u32) -> Self {
        // The largest value so far becomes that of now (proc_pid_clear_refs(5)).
        fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();
        Self { id, before: mebibytes(id, "VmRSS:") }
    }

    /// Returns by how many MiB the resident memory was larger than at the beginning, at most.
    #[must_use]
    pub fn most(&self) -> u64 {
        mebibytes(self.id, "VmHWM:").saturating_sub(self.before)
    }
}

/// Returns a figure of a process's memory, by its line in `/proc/ID/status`.
fn mebibytes(id: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let kib = status.lines().find_map(|own| own.strip_prefix(line)).unwrap();
    kib.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}
