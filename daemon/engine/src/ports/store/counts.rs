//! Numbers that a store knows: jobs that have not ended, and room on its disk.

/// Numbers of jobs that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Jobs that no run has begun.
    pub pending: u64,
    /// Jobs that a run has begun.
    pub executing: u64,
    /// Jobs among those begun that somebody asked to stop.
    pub finalizing: u64,
    /// Jobs that no run can take up.
    pub left_alone: u64,
}

/// Room on the store's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this process can still write.
    pub free_bytes: u64,
    /// Size of the disk in bytes.
    pub disk_bytes: u64,
    /// The disk was full, and the reserve of the store is in use. Running jobs go on, and no job is accepted
    /// until there is room for the reserve again.
    pub uses_reserve: bool,
}

/// Number of jobs that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnfinishedCount {
    /// Jobs of one project.
    pub of_project: u64,
    /// Jobs of all projects.
    pub total: u64,
}
