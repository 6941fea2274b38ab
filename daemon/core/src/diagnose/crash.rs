//! The app ends by itself, again and again (kubernetes 20 and 21).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::Crash)?;
    let (finding, release, _) = parts;
    let app = &release.app.name;
    let (what, fix) = match finding.exit {
        Some(0) => (
            "the app ends at once, without an error".to_owned(),
            "start it in the foreground: a server must not return".to_owned(),
        ),
        Some(code) => (
            format!("the app starts and exits with code {code}"),
            "the last log lines say why: fix that and submit again".to_owned(),
        ),
        None => ("the app ends again and again".to_owned(), "look at its log".to_owned()),
    };
    let fixes = vec![
        fix,
        format!(
            "the log of `{app}` is above; run the image on your machine with the same variables to see it again"
        ),
    ];
    Some(of_rollout("app-crashes", parts, what, fixes))
}
