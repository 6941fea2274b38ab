//! `windlass approve` and `windlass reject`.

use crate::{
    args::{Approve, Args, Output, Reject},
    client::Client,
    failure::Failure,
    json,
    lists::{self, plain},
    out,
    render::{Clock, Line, TRAFFIC, clean, labelled, millis, next, now_ms},
    show,
};
use std::{
    io::{BufRead, IsTerminal, Read, stdin},
    slice,
};
use windlass_proto::v1;

/// Bytes of the longest answer to a question.
const LONGEST_ANSWER: u64 = 256;

/// Approves what a job waits for. Without a digest a person is shown what waits, and asked.
pub(crate) async fn approve(
    client: &mut Client,
    args: &Args,
    command: &Approve,
) -> Result<(), Failure> {
    let Approve { id, digest, note } = command;
    let digest = match digest {
        Some(digest) => digest.clone(),
        None => {
            let request = v1::GetJobRequest { id: id.clone() };
            let job = client.jobs.get(request).await?.into_inner();
            let held = held(&job)?;
            for line in waiting(&job, held, &Clock::local()) {
                eprintln!("{}", line.show(false));
            }
            confirm(id, &held.digest)?;
            held.digest.clone()
        }
    };
    let request = v1::ApproveRequest { id: id.clone(), digest, note: note.clone() };
    let job = client.jobs.approve(request).await?.into_inner();
    print(args, &job)?;
    if args.output == Output::Text {
        let watch = format!("windlass watch {} --after {}", job.id, job.last_seq);
        out::lines(&next(&[(watch, "follow it")]), args)?;
    }
    Ok(())
}

/// Ends a job that waits for an approval.
pub(crate) async fn reject(
    client: &mut Client,
    args: &Args,
    command: &Reject,
) -> Result<(), Failure> {
    let request = v1::RejectRequest { id: command.id.clone(), note: command.note.clone() };
    let job = client.jobs.reject(request).await?.into_inner();
    print(args, &job)
}

/// Prints a job.
pub(crate) fn print(args: &Args, job: &v1::Job) -> Result<(), Failure> {
    out::either(args, &lists::jobs(slice::from_ref(job), now_ms()), &[json::value(job)])
}

fn held(job: &v1::Job) -> Result<&v1::Held, Failure> {
    job.held.as_ref().ok_or_else(|| {
        let state = json::word(job.state().as_str_name());
        Failure::usage(format!("job {} waits for no approval: it is {state}", job.id))
    })
}

/// Returns the lines that show what a job waits for an approval of.
pub(crate) fn waiting(job: &v1::Job, held: &v1::Held, clock: &Clock) -> Vec<Line> {
    let app = format!("{}{}", show::app(job.app.as_ref()), show::place(&job.clusters));
    let what = match &job.source {
        Some(source) => of_commit(source),
        None => match &job.removal {
            Some(v1::Removal { data: true }) => "removal of the app with all data".to_owned(),
            Some(v1::Removal { data: false }) => "removal of the app, without its data".to_owned(),
            None if !job.contract_of.is_empty() => format!(
                "contract of {}: no rollback leads to before it afterwards",
                job.contract_of
            ),
            None => format!("rollback to {}", job.rollback_of),
        },
    };
    let waits = match &*held.gate {
        TRAFFIC => "to give its version more of the requests".to_owned(),
        gate => format!("of its {gate}"),
    };
    let mut lines = vec![plain(&format!("job {} waits for approval {waits}", job.id))];
    let until = millis(held.until.as_ref()).map(|ms| clock.date(ms));
    for (label, value) in [
        ("app:", Some(app)),
        ("source:", Some(what)),
        ("command:", some(job.contract_command.join(" "))),
        ("by:", Some(job.principal.clone())),
        ("digest:", Some(held.digest.clone())),
        ("until:", until),
    ] {
        lines.extend(labelled(label, value));
    }
    lines
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the words for a commit. The ref tells a fork's pull request from a push.
fn of_commit(source: &v1::Source) -> String {
    let v1::Source { repository, commit, revision, .. } = source;
    if revision.is_empty() {
        format!("commit {commit} of {repository}")
    } else {
        format!("commit {commit} of {repository}, {revision}")
    }
}

/// Asks a person whether to approve.
fn confirm(id: &str, digest: &str) -> Result<(), Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "job {id} is not approved: nobody can be asked here; approve exactly this: \
             windlass approve {id} --digest {digest}"
        )));
    }
    eprint!("approve it? Type yes: ");
    let mut answer = String::new();
    let read = stdin().lock().take(LONGEST_ANSWER).read_line(&mut answer);
    read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::usage(format!("job {} is not approved: the answer is not `yes`", clean(id))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> v1::Job {
        v1::Job {
            id: "0197-1".into(),
            app: Some(v1::App {
                project: "shop".into(),
                name: "web".into(),
                environment: "production".into(),
            }),
            source: Some(v1::Source {
                repository: "https://git.example/web".into(),
                commit: "067f1fe93c".into(),
                ..v1::Source::default()
            }),
            principal: "ci".into(),
            state: v1::JobState::Held.into(),
            clusters: vec!["eu".into()],
            held: Some(v1::Held {
                gate: "release".into(),
                digest: "9f86\u{1b}[2J".into(),
                until: None,
            }),
            ..v1::Job::default()
        }
    }

    #[test]
    fn whoever_approves_sees_what_it_is() {
        let job = job();
        let lines = waiting(&job, held(&job).unwrap(), &Clock::local());
        let text: String = lines.iter().map(|line| line.show(false) + "\n").collect();
        let expected = "\
job 0197-1 waits for approval of its release
  app:       shop/web/production in eu
  source:    commit 067f1fe93c of https://git.example/web
  by:        ci
  digest:    9f86\\u{1b}[2J
";
        assert_eq!(text, expected);
        let more = v1::Held { gate: TRAFFIC.into(), ..v1::Held::default() };
        let first = waiting(&job, &more, &Clock::local()).into_iter().next().unwrap();
        let expected = "job 0197-1 waits for approval to give its version more of the requests";
        assert_eq!(first.show(false), expected);
        let revision = "refs/pull/7/head".to_owned();
        let fork = v1::Source { revision, ..job.source.unwrap() };
        let expected = "commit 067f1fe93c of https://git.example/web, refs/pull/7/head";
        assert_eq!(of_commit(&fork), expected);
    }

    #[test]
    fn whoever_approves_a_contraction_sees_what_runs() {
        let contracts = v1::Job {
            source: None,
            contract_of: "0197-0".into(),
            contract_command: ["./manage.py", "drop-old-columns\u{1b}[2J"].map(Into::into).into(),
            ..job()
        };
        let lines = waiting(&contracts, held(&contracts).unwrap(), &Clock::local());
        let shown: Vec<_> = lines.iter().map(|line| line.show(false)).collect();
        assert_eq!(
            shown.get(2..4).unwrap(),
            [
                "  source:    contract of 0197-0: no rollback leads to before it afterwards",
                "  command:   ./manage.py drop-old-columns\\u{1b}[2J",
            ]
        );
    }

    #[test]
    fn a_job_that_waits_for_none_is_named_with_its_state() {
        let running = v1::Job { state: v1::JobState::Running.into(), held: None, ..job() };
        let error = held(&running).unwrap_err().to_string();
        assert_eq!(error, "windlass: job 0197-1 waits for no approval: it is running");
    }
}
