//! Follows a job to its end, over lost connections too.

use crate::{
    FAILED,
    args::{Args, Output},
    client::{Client, Failure},
    json, show,
};
use std::{io::IsTerminal, process::ExitCode, time::Duration};
use tonic::{Code, Status};
use windlass_proto::v1::{self, event::What};

/// How often a lost connection is tried again before it is told.
const TRIES: u32 = 5;

pub(crate) async fn watch(
    client: &mut Client,
    args: &Args,
    id: &str,
    after: u64,
) -> Result<ExitCode, Failure> {
    let mut printer = Printer { output: args.output, terminal: std::io::stdout().is_terminal() };
    let mut after = after;
    let mut tries = 0;
    loop {
        let followed = tokio::select! {
            followed = follow(client, id, &mut after, &mut printer) => followed,
            _ = tokio::signal::ctrl_c() => {
                printer.clear();
                eprintln!("job {id} goes on; follow it: windlass watch {id} --after {after}; stop it: windlass cancel {id}");
                return Ok(ExitCode::from(130));
            }
        };
        match followed {
            Ok(Some(ended)) => return Ok(code(&ended)),
            Ok(None) => {
                let job = client.jobs.get(v1::GetJobRequest { id: id.into() }).await?.into_inner();
                if let Some(ended) = job.ended {
                    return Ok(code(&ended));
                }
            }
            Err(status) if status.code() == Code::NotFound || tries == TRIES => {
                return Err(status.into());
            }
            Err(_) => {}
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

async fn follow(
    client: &mut Client,
    id: &str,
    after: &mut u64,
    printer: &mut Printer,
) -> Result<Option<v1::Ended>, Status> {
    let request = v1::WatchRequest { id: id.into(), after_seq: *after };
    let mut events = client.jobs.watch(request).await?.into_inner();
    while let Some(event) = events.message().await? {
        *after = event.seq;
        printer.print(&event);
        if let Some(What::Ended(ended)) = event.what {
            return Ok(Some(ended));
        }
    }
    Ok(None)
}

/// On a terminal, lines of tools and rollouts replace each other; elsewhere all are kept.
struct Printer {
    output: Output,
    terminal: bool,
}

impl Printer {
    fn print(&mut self, event: &v1::Event) {
        if self.output == Output::Json {
            println!("{}", json::event(event));
            return;
        }
        let text = show::event(event);
        let passing = matches!(event.what, Some(What::Log(_) | What::Rollout(_)));
        if self.terminal && passing && event.stage() != v1::Stage::Test {
            use std::io::Write;
            let line: String = text.chars().take(100).collect();
            print!("\r\x1b[2K{line}");
            let _ = std::io::stdout().flush();
        } else {
            self.clear();
            println!("{text}");
        }
    }

    fn clear(&self) {
        if self.terminal && self.output == Output::Text {
            print!("\r\x1b[2K");
        }
    }
}
