//! Follows a job to its end, across lost connections too.

use crate::{
    args::{Args, Output},
    client::Client,
    exit::{FAILED, INTERRUPTED},
    failure::Failure,
    json, out,
    render::{Detail, Screen, TRAFFIC, clean},
};
use std::{io, pin::pin, process::ExitCode, time::Duration};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tonic::{Code, Status};
use windlass_proto::v1::{self, event::What};

/// Number of tries in a row before a lost connection is an error: a daemon that restarts takes a while.
const TRIES: u32 = 20;

/// Pause between a lost connection and the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// Reason of a job's wait for an approval.
const APPROVAL: &str = "approval";

/// Pause between two looks at why a job that is silent does not go on.
const LOOK: Duration = Duration::from_secs(5);

/// Pause before the look at a job that has come to a gate: its run ends first.
const AT_GATE: Duration = Duration::from_millis(500);

/// Reason for which a job is watched no longer.
enum End {
    Ended(Box<v1::Ended>),
    /// The job waits for an approval, for days maybe.
    Held,
}

/// Reason why a stream of events ended early.
enum Broken {
    /// The connection was lost, or the daemon refused it.
    Lost(Status),
    /// The events cannot be printed.
    Output(Failure),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Output(Failure::output(&error))
    }
}

/// A viewer of events.
enum Shown {
    Json,
    Text {
        screen: Box<Screen>,
        /// Events up to this one were shown before.
        known: u64,
    },
}

/// Follows a job of this id.
pub(crate) async fn watch(
    client: &mut Client,
    args: &Args,
    id: &str,
    after: u64,
    detail: Detail,
) -> Result<ExitCode, Failure> {
    let job = client.jobs.get(v1::GetJobRequest { id: id.into() }).await?.into_inner();
    follow(client, args, job, after, detail).await
}

/// Follows a job from the event after `after`.
pub(crate) async fn follow(
    client: &mut Client,
    args: &Args,
    job: v1::Job,
    mut after: u64,
    detail: Detail,
) -> Result<ExitCode, Failure> {
    let id = job.id.clone();
    let known = after;
    // The last event that is known says that the job came to a gate. It may have been approved since.
    let is_held = job.held.as_ref().is_some_and(|held| held.gate != TRAFFIC);
    let mut is_at_gate = is_held && after >= job.last_seq;
    let mut shown = match args.output {
        Output::Json => Shown::Json,
        Output::Text => {
            // A stage's line needs the events before that, too.
            after = 0;
            is_at_gate = false;
            Shown::Text { screen: Box::new(Screen::new(job, detail, args.color)), known }
        }
    };
    // One for all tries: what comes while a connection is lost counts as well.
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    let mut tries = 0;
    loop {
        let before = after;
        let pause = if tries == 0 { Duration::ZERO } else { PAUSE };
        let read = tokio::select! {
            read = attempt(client, &id, &mut after, &mut is_at_gate, &mut shown, pause) => read,
            _ = &mut interrupted => {
                shown.clear().map_err(|error| Failure::output(&error))?;
                let after = after.max(known);
                let id = clean(&id);
                eprintln!("job {id} goes on; follow it: windlass watch {id} --after {after}; stop it: windlass cancel {id}");
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        if after > before {
            tries = 0;
        }
        match read {
            Ok(Some(End::Ended(ended))) => return Ok(code(&ended)),
            Ok(Some(End::Held)) => {
                shown.clear().map_err(|error| Failure::output(&error))?;
                let after = after.max(known);
                let id = clean(&id);
                eprintln!(
                    "job {id} goes on once it is approved: windlass approve {id}; follow it then: windlass watch {id} --after {after}"
                );
                return Ok(ExitCode::SUCCESS);
            }
            Ok(None) => {}
            Err(Broken::Output(failure)) => return Err(failure),
            Err(Broken::Lost(status)) if !may_pass(status.code()) || tries >= TRIES => {
                shown.clear().map_err(|error| Failure::output(&error))?;
                return Err(status.into());
            }
            Err(Broken::Lost(_)) => {
                shown.lost(tries).map_err(|error| Failure::output(&error))?;
            }
        }
        tries += 1;
    }
}

/// Returns true where the same request may be answered later.
fn may_pass(code: Code) -> bool {
    !matches!(
        code,
        Code::NotFound
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::InvalidArgument
            | Code::Unimplemented
    )
}

/// Reads to the job's end, to its wait for an approval, or to the end of a connection.
async fn attempt(
    client: &mut Client,
    id: &str,
    after: &mut u64,
    is_at_gate: &mut bool,
    shown: &mut Shown,
    pause: Duration,
) -> Result<Option<End>, Broken> {
    sleep(pause).await;
    let end = read(client, id, after, is_at_gate, shown).await?;
    if end.is_some() {
        return Ok(end);
    }
    // The end of the job may lie before the first event that was asked for.
    let request = v1::GetJobRequest { id: id.into() };
    let job = client.jobs.get(request).await.map_err(Broken::Lost)?.into_inner();
    Ok(job.ended.map(|ended| End::Ended(Box::new(ended))))
}

fn code(ended: &v1::Ended) -> ExitCode {
    match ended.outcome() {
        v1::Outcome::Succeeded => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

async fn read(
    client: &mut Client,
    id: &str,
    after: &mut u64,
    is_at_gate: &mut bool,
    shown: &mut Shown,
) -> Result<Option<End>, Broken> {
    let request = v1::WatchRequest { id: id.into(), after_seq: *after };
    let mut events = client.jobs.watch(request).await.map_err(Broken::Lost)?.into_inner();
    let mut ticks = interval(shown.pace());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut waits = String::new();
    loop {
        let event = tokio::select! {
            event = events.message() => event.map_err(Broken::Lost)?,
            _ = ticks.tick() => {
                shown.tick()?;
                continue;
            }
            _ = looks.tick(), if shown.is_text() || *is_at_gate => {
                let request = v1::GetJobRequest { id: id.into() };
                // An answer that does not come now is asked for again, or the stream is lost too.
                if let Ok(job) = client.jobs.get(request).await {
                    let waiting = job.into_inner().waiting;
                    let waits_for = waiting.as_ref().map(|waiting| &*waiting.reason);
                    if *is_at_gate && waits_for == Some(APPROVAL) {
                        return Ok(Some(End::Held));
                    }
                    shown.waits(waiting, &mut waits)?;
                }
                continue;
            }
        };
        let Some(event) = event else { return Ok(None) };
        shown.take(&event)?;
        *after = event.seq;
        // A release that is under way is watched on: its pods may fail meanwhile.
        *is_at_gate = matches!(&event.what, Some(What::Held(held)) if held.gate != TRAFFIC);
        looks.reset_after(if *is_at_gate { AT_GATE } else { LOOK });
        if let Some(What::Ended(ended)) = event.what {
            return Ok(Some(End::Ended(Box::new(ended))));
        }
    }
}

impl Shown {
    fn pace(&self) -> Duration {
        match self {
            Self::Json => Duration::from_secs(3600),
            Self::Text { screen, .. } => screen.pace(),
        }
    }

    fn take(&mut self, event: &v1::Event) -> Result<(), Broken> {
        match self {
            Self::Json => out::line(json::value(event)).map_err(Broken::Output),
            Self::Text { screen, known } if event.seq <= *known => {
                screen.take_silently(event);
                Ok(())
            }
            Self::Text { screen, .. } => Ok(screen.take(event)?),
        }
    }

    fn tick(&mut self) -> io::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Text { screen, .. } => screen.tick(),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// Prints why the job does not go on, once for each reason. `last` is the reason that was printed. Programs
    /// read the field of the job. The event of a wait for an approval is printed already.
    fn waits(&mut self, waiting: Option<v1::Waiting>, last: &mut String) -> io::Result<()> {
        if !self.is_text() {
            return Ok(());
        }
        let v1::Waiting { reason, sentence, .. } = waiting.unwrap_or_default();
        if !matches!(&*reason, "" | APPROVAL) && reason != *last {
            self.clear()?;
            eprintln!("{}", waits_for(&sentence));
        }
        *last = reason;
        Ok(())
    }

    /// Prints once that a connection is lost. Programs get an error if it stays so.
    fn lost(&mut self, tries: u32) -> io::Result<()> {
        if self.is_text() && tries == 0 {
            self.clear()?;
            eprintln!("the daemon does not answer any more; it is asked again for a while");
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Text { screen, .. } => screen.clear(),
        }
    }
}

/// Returns the line that says why a job does not go on. A daemon may be anybody's.
fn waits_for(sentence: &str) -> String {
    format!("waits for {}", clean(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_cannot_drive_the_terminal_by_what_a_job_waits_for() {
        let line = waits_for("a place\u{1b}]52;c;cm0=\u{7}\r\nSUCCEEDED \u{202e}");
        assert_eq!(line, "waits for a place\\u{1b}]52;c;cm0=\\u{7}\\nSUCCEEDED \\u{202e}");
    }
}
