//! Settings of the operator.

use crate::allow::Allow;
use std::{path::PathBuf, time::Duration};

/// Time of one attempt, all of its requests included.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Settings of the operator for messages.
#[derive(Clone, Debug)]
pub struct OutgoingSettings {
    /// Address of the dashboard, which links in messages begin with. `None` means that messages have no links.
    pub public_url: Option<String>,
    /// Places beside public addresses over https.
    pub allow: Allow,
    /// PEM file of certificate authorities, trusted beside the system's. `None` means the system's alone.
    pub ca: Option<PathBuf>,
    /// Longest time of one attempt. A message that was taken is taken again after twice this time.
    pub timeout: Duration,
}

impl Default for OutgoingSettings {
    fn default() -> Self {
        Self { public_url: None, allow: Allow::default(), ca: None, timeout: TIMEOUT }
    }
}

impl OutgoingSettings {
    /// Returns the page of a job. `None` means that there is none.
    pub(crate) fn page(&self, job: &str) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/jobs/{job}"))
    }
}
