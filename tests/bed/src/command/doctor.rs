//! `bed doctor`: prints what this machine lacks, with the cure.

use super::Own;
use std::process::ExitCode;
use windlass_bed::{Layout, doctor};

pub(crate) fn run(layout: &Layout, own: Own) -> ExitCode {
    let lacks = doctor::examine(layout, &own.into());
    for lack in &lacks {
        println!("{lack}");
    }
    if lacks.is_empty() {
        println!("nothing is missing");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}
