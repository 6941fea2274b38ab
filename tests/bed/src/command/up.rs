//! `bed up`: joins the bed, or brings it up.

use super::Own;
use windlass_bed::{Bed, Report, Result, Wanted};

pub(crate) fn run(own: Own) -> Result<()> {
    let wanted = Wanted { existing: Some(own.into()), ..Wanted::default() };
    Bed::up(wanted, &Report::printed())?;
    println!("bed: ready; it ends ten minutes after its last user, or with `cargo demo -- down`");
    Ok(())
}
