//! The command is not in the image (kubernetes 14).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::BadCommand)?;
    let (_, release, _) = parts;
    let what = what_it_ran(&release.runtime.command);
    let fixes = vec!["set `command` to a program that is in the image, by its full path or one in its $PATH".into(), "a script needs a shebang line that names a program in the image, without a carriage return at its end".into()];
    Some(of_rollout("command-not-found", parts, what, fixes))
}

fn what_it_ran(command: &[String]) -> String {
    match command {
        [] => "the image's own command does not exist in the image".into(),
        command => format!("the command `{}` does not exist in the image", command.join(" ")),
    }
}
