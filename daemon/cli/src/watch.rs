//! Follows a job to its end, over lost connections too.

use crate::{
    FAILED,
    args::{Args, Output},
    client::{Client, Failure},
    json,
    render::{Detail, Screen},
};
use std::{io, process::ExitCode, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tonic::{Code, Status};
use windlass_proto::v1::{self, event::What};

/// How often in a row a lost connection is tried again before it is told.
const TRIES: u32 = 5;

/// Why a stream of events is read no more.
enum Broken {
    /// The daemon's.
    Lost(Status),
    /// Ours.
    Output(io::Error),
}

/// What shows events.
enum Shown {
    Json,
    Text(Box<Screen>),
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
    let mut shown = match args.output {
        Output::Json => Shown::Json,
        Output::Text => Shown::Text(Box::new(Screen::new(job, detail, args.color))),
    };
    let mut tries = 0;
    loop {
        let before = after;
        let read = tokio::select! {
            read = read(client, &id, &mut after, &mut shown) => read,
            _ = tokio::signal::ctrl_c() => {
                shown.clear().map_err(|error| Failure::output(&error))?;
                eprintln!("job {id} goes on; follow it: windlass watch {id} --after {after}; stop it: windlass cancel {id}");
                return Ok(ExitCode::from(130));
            }
        };
        if after > before {
            tries = 0;
        }
        match read {
            Ok(Some(ended)) => return Ok(code(&ended)),
            Ok(None) => {
                let job = client.jobs.get(v1::GetJobRequest { id: id.clone() }).await?.into_inner();
                if let Some(ended) = job.ended {
                    return Ok(code(&ended));
                }
            }
            Err(Broken::Output(error)) => return Err(Failure::output(&error)),
            Err(Broken::Lost(status)) if status.code() == Code::NotFound || tries == TRIES => {
                shown.clear().map_err(|error| Failure::output(&error))?;
                return Err(status.into());
            }
            Err(Broken::Lost(_)) => {}
        }
        tries += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
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
    shown: &mut Shown,
) -> Result<Option<v1::Ended>, Broken> {
    let request = v1::WatchRequest { id: id.into(), after_seq: *after };
    let mut events = client.jobs.watch(request).await.map_err(Broken::Lost)?.into_inner();
    let mut ticks = interval(shown.pace());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let event = tokio::select! {
            event = events.message() => event.map_err(Broken::Lost)?,
            _ = ticks.tick() => {
                shown.tick().map_err(Broken::Output)?;
                continue;
            }
        };
        let Some(event) = event else { return Ok(None) };
        shown.take(&event).map_err(Broken::Output)?;
        *after = event.seq;
        if let Some(What::Ended(ended)) = event.what {
            return Ok(Some(ended));
        }
    }
}

impl Shown {
    fn pace(&self) -> Duration {
        match self {
            Self::Json => Duration::from_secs(3600),
            Self::Text(screen) => screen.pace(),
        }
    }

    fn take(&mut self, event: &v1::Event) -> io::Result<()> {
        match self {
            Self::Json => {
                println!("{}", json::event(event));
                Ok(())
            }
            Self::Text(screen) => screen.take(event),
        }
    }

    fn tick(&mut self) -> io::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Text(screen) => screen.tick(),
        }
    }

    fn clear(&mut self) -> io::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Text(screen) => screen.clear(),
        }
    }
}
