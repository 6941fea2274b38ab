//! Report on the confinement of children: what this kernel enforces.

use crate::wire::PROGRAM;
use std::path::Path;
use windlass_confine::{Enforced, probe};

/// Command that makes this program the child which is asked.
const ROLE: &str = "confinement";

async fn enforced() -> Result<Enforced, String> {
    probe(Path::new(PROGRAM), ROLE).await
}

/// Returns the line of `windlassd check`. A feature that the kernel lacks is no failure.
pub(crate) async fn report() -> Result<String, String> {
    enforced().await.map(|enforced| enforced.to_string())
}

/// Logs once what is enforced.
pub(crate) async fn log() {
    match enforced().await {
        Ok(enforced) if enforced.missing().is_empty() => tracing::info!("{enforced}"),
        Ok(enforced) => tracing::warn!("{enforced}"),
        Err(why) => tracing::error!("{why}: checkouts and plugins cannot be started either"),
    }
}
