//! Verdicts: which job a push led to, or why nothing was deployed.

use crate::{
    lists::plain,
    render::{Line, Look, short, table},
    show::app,
};
use windlass_proto::v1;

/// Heads of the cells of a verdict.
pub(crate) const HEADS: [&str; 4] = ["REF", "TRIGGER", "OUTCOME", "WHY"];

/// Returns verdicts as a table.
pub(crate) fn verdicts(verdicts: &[v1::DeliveryVerdict]) -> Vec<Line> {
    table(&HEADS, verdicts.iter().flat_map(rows).map(Vec::from).collect())
}

/// Returns the rows of a verdict. A failure has a second one, with what to do.
pub(crate) fn rows(verdict: &v1::DeliveryVerdict) -> Vec<[Line; 4]> {
    let mut rows = vec![[
        plain(&subject(&verdict.subject)),
        plain(&verdict.trigger),
        Line::of(look(&verdict.outcome), &verdict.outcome),
        plain(&why(verdict)),
    ]];
    if !verdict.fix.is_empty() {
        let fix = Line::of(Look::Good, "fix: ").add(Look::Plain, &verdict.fix);
        rows.push([plain(""), plain(""), plain(""), fix]);
    }
    rows
}

/// Returns a ref as lists show it: a branch by its name alone.
pub(crate) fn subject(name: &str) -> String {
    match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
        (Some(branch), _) => branch.to_owned(),
        (None, Some(tag)) => format!("tag {tag}"),
        (None, None) => name.to_owned(),
    }
}

fn why(verdict: &v1::DeliveryVerdict) -> String {
    let v1::DeliveryVerdict { outcome, sentence, job, commit, .. } = verdict;
    match (&**outcome, &verdict.app) {
        // A test makes no job.
        ("job", Some(_)) if job.is_empty() => {
            format!("would deploy {} at {}", app(verdict.app.as_ref()), short(commit))
        }
        ("job", Some(_)) => {
            format!("job {job} of {} at {}", app(verdict.app.as_ref()), short(commit))
        }
        _ if !job.is_empty() && !sentence.contains(&**job) => format!("{sentence} (job {job})"),
        _ => sentence.clone(),
    }
}

fn look(outcome: &str) -> Look {
    match outcome {
        "job" => Look::Good,
        "failed" => Look::Bad,
        "already" => Look::Faint,
        _ => Look::Plain,
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! One verdict of each kind.

    use windlass_proto::v1;

    /// Returns a verdict about the branch `main`.
    pub(crate) fn verdict(trigger: &str, outcome: &str, sentence: &str) -> v1::DeliveryVerdict {
        v1::DeliveryVerdict {
            subject: "refs/heads/main".into(),
            trigger: trigger.into(),
            outcome: outcome.into(),
            sentence: sentence.into(),
            ..v1::DeliveryVerdict::default()
        }
    }

    /// Returns one of each outcome.
    pub(crate) fn all() -> Vec<v1::DeliveryVerdict> {
        let app = v1::App {
            project: "shop".into(),
            name: "web".into(),
            environment: "production".into(),
        };
        vec![
            v1::DeliveryVerdict {
                job: "0197c0de-7a11".into(),
                app: Some(app),
                commit: "067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
                ..verdict("production", "job", "deploys")
            },
            v1::DeliveryVerdict {
                job: "0197c0de-0001".into(),
                ..verdict("docs", "already", "this commit is deployed")
            },
            verdict("staging", "nothing", "4 files changed since 7c3bd2a1f0, none below api/"),
            v1::DeliveryVerdict {
                code: "repository-denied".into(),
                fix: "windlass secret put shop forge-read".into(),
                ..verdict("api", "failed", "the server refuses the login `forge-read`")
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;

    #[test]
    fn each_verdict_says_which_job_or_why_none() {
        let mut all = samples::all();
        let tried = v1::DeliveryVerdict { job: String::new(), ..all[0].clone() };
        let tag = v1::DeliveryVerdict { subject: "refs/tags/v1.2".into(), ..all[2].clone() };
        let whole = samples::verdict("", "nothing", "an event that deploys nothing: star");
        let whole = v1::DeliveryVerdict { subject: String::new(), ..whole };
        all.extend([tried, tag, whole]);
        let text: String = verdicts(&all).iter().map(|line| line.show(false) + "\n").collect();
        same("verdicts", &text);
        assert!(verdicts(&[]).is_empty());
    }
}
