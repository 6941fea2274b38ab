//! Base images of languages, for a bed that is up.

use crate::{Bed, Result, part::images};

/// Builds those of these base images that the bed's registry has not, by the names that recipes use, such as
/// `rust:1-slim-bookworm`. An empty list means all. A builder of the user's own pulls the real ones.
///
/// # Errors
/// A name is no image of the bed, or a build fails.
pub fn languages(bed: &Bed, wanted: &[&str]) -> Result<()> {
    if bed.existing.buildkit.is_some() {
        return Ok(());
    }
    images::provide(&bed.layout, &bed.buildkit(), &bed.registry(), wanted)
}
