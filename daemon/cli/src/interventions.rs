//! `windlass pause`, `windlass resume` and `windlass abort`.

use crate::{
    approvals::print,
    args::{Args, Intervene, Output},
    client::Client,
    failure::Failure,
    lists::plain,
    out,
    render::{Clock, Line, labelled, millis, next},
};
use windlass_proto::v1;

/// Lets a job's release take no further step.
pub(crate) async fn pause(
    client: &mut Client,
    args: &Args,
    command: &Intervene,
) -> Result<(), Failure> {
    let Intervene { id, note } = command;
    let request = v1::PauseRequest { id: id.clone(), note: note.clone() };
    let job = client.jobs.pause(request).await?.into_inner();
    print(args, &job)?;
    if let Some(pause) = job.paused.as_ref().filter(|_| args.output == Output::Text) {
        out::lines(&paused(&job, pause, &Clock::local()), args)?;
    }
    Ok(())
}

/// Lets a job's release go on.
pub(crate) async fn resume(
    client: &mut Client,
    args: &Args,
    command: &Intervene,
) -> Result<(), Failure> {
    let Intervene { id, note } = command;
    let request = v1::ResumeRequest { id: id.clone(), note: note.clone() };
    let job = client.jobs.resume(request).await?.into_inner();
    print(args, &job)?;
    follow(args, &job)
}

/// Ends a job's release that is under way.
pub(crate) async fn abort(
    client: &mut Client,
    args: &Args,
    command: &Intervene,
) -> Result<(), Failure> {
    let Intervene { id, note } = command;
    let request = v1::AbortRequest { id: id.clone(), note: note.clone() };
    let job = client.jobs.abort(request).await?.into_inner();
    print(args, &job)?;
    follow(args, &job)
}

/// Prints how to follow a job that goes on.
fn follow(args: &Args, job: &v1::Job) -> Result<(), Failure> {
    if args.output == Output::Text && job.ended.is_none() {
        let watch = format!("windlass watch {} --after {}", job.id, job.last_seq);
        out::lines(&next(&[(watch, "follow it")]), args)?;
    }
    Ok(())
}

/// Returns the lines that show who paused a job, and how it goes on.
pub(crate) fn paused(job: &v1::Job, pause: &v1::Pause, clock: &Clock) -> Vec<Line> {
    let id = &job.id;
    let mut lines = vec![plain(&format!("job {id} is paused: its release takes no further step"))];
    let note = Some(pause.note.clone()).filter(|note| !note.is_empty());
    for (label, value) in [
        ("by:", Some(pause.by.clone())),
        ("since:", millis(pause.at.as_ref()).map(|ms| clock.date(ms))),
        ("note:", note),
    ] {
        lines.extend(labelled(label, value));
    }
    lines.extend(next(&[
        (format!("windlass resume {id}"), "it goes on where it was"),
        (format!("windlass abort {id}"), "what ran before is put back"),
    ]));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_says_whose_it_is_and_how_to_go_on() {
        let job = v1::Job { id: "0197-1".into(), ..v1::Job::default() };
        let at = prost_types::Timestamp { seconds: 1_764_093_182, nanos: 0 };
        let pause =
            v1::Pause { by: "ann".into(), note: "logs\u{1b}[2J\nof web".into(), at: Some(at) };
        let lines = paused(&job, &pause, &Clock::utc());
        let text: String = lines.iter().map(|line| line.show(false) + "\n").collect();
        let expected = "\
job 0197-1 is paused: its release takes no further step
  by:        ann
  since:     2025-11-25 17:53
  note:      logs\\u{1b}[2J\\nof web
  next:      windlass resume 0197-1  # it goes on where it was
             windlass abort 0197-1   # what ran before is put back
";
        assert_eq!(text, expected);
        let bare = v1::Pause { by: "ann".into(), ..v1::Pause::default() };
        assert_eq!(paused(&job, &bare, &Clock::utc()).len(), 4, "neither time nor note");
    }
}
