//! `bed env`: prints the variables of a bed that is up.

use windlass_bed::{Bed, Layout, Report, Result, Wanted, client};

pub(crate) fn run(layout: &Layout) -> Result<()> {
    if !client::is_up(layout) {
        return Err("the bed is not up: bed up".into());
    }
    for (name, value) in Bed::up(Wanted::default(), &Report::silent())?.env() {
        println!("export {name}={value}");
    }
    Ok(())
}
