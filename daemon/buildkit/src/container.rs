//! Runs one command in a container of what was built, live.

use crate::{
    gateway::{Gateway, reference},
    image::Image,
    status::Lines,
};
use bollard_buildkit_proto::{
    moby::buildkit::v1::frontend::{
        ExecMessage, InitMessage, NewContainerRequest, Result as Built, exec_message::Input,
    },
    pb::{Meta, Mount},
};
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tonic::Status;
use windlass_core::{job::Stage, ports::TestOutput, run::Voice};

/// Lines that are kept for the error.
const TAIL: usize = 30;

/// BuildKit's exit code for what never ran (`gateway/pb/exit.go`, UnknownExitStatus).
const COULD_NOT_RUN: u32 = 255;

/// What a process gets where its image says nothing (runc's own default).
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `command` empty: what the image runs.
pub(crate) async fn run(
    gateway: &Gateway,
    built: &Built,
    command: &[String],
    voice: &Voice,
) -> Result<TestOutput, Status> {
    let image = Image::of(built);
    let command = match command {
        [] => image.command(),
        command => command.to_vec(),
    };
    if command.is_empty() {
        // The stage was built, and building it was the test.
        return Ok(TestOutput { command, exit: 0, tail: Vec::new() });
    }
    let result_id = reference(built).ok_or_else(|| Status::internal("the stage has no result"))?;
    // Letters and digits only.
    let id = uuid::Uuid::now_v7().simple().to_string();
    let root = Mount { dest: "/".into(), result_id, ..Mount::default() };
    let container = NewContainerRequest {
        container_id: id.clone(),
        mounts: vec![root],
        ..NewContainerRequest::default()
    };
    gateway.new_container(container).await?;
    let release = Release { gateway: gateway.clone(), id: id.clone() };
    let output = exec(gateway, &id, &image, command, voice).await;
    drop(release);
    output
}

/// Releases the container however the run ends, also when it is dropped in the middle.
struct Release {
    gateway: Gateway,
    id: String,
}

impl Drop for Release {
    fn drop(&mut self) {
        let (gateway, id) = (self.gateway.clone(), std::mem::take(&mut self.id));
        tokio::spawn(async move { gateway.release_container(&id).await });
    }
}

async fn exec(
    gateway: &Gateway,
    container: &str,
    image: &Image,
    command: Vec<String>,
    voice: &Voice,
) -> Result<TestOutput, Status> {
    let mut env = image.config.env.clone().unwrap_or_default();
    if !env.iter().any(|variable| variable.starts_with("PATH=")) {
        env.push(PATH.into());
    }
    // What test tools look at to print for machines rather than for people at a terminal.
    env.push("CI=true".into());
    let cwd = match &*image.config.working_dir {
        "" => "/",
        folder => folder,
    };
    let meta = Meta {
        args: command.clone(),
        env,
        cwd: cwd.into(),
        user: image.config.user.clone(),
        remove_mount_stubs_recursive: true,
        ..Meta::default()
    };
    let init = InitMessage {
        container_id: container.into(),
        meta: Some(meta),
        fds: vec![1, 2],
        ..InitMessage::default()
    };
    let process_id = uuid::Uuid::now_v7().to_string();
    let (send, messages) = mpsc::channel(4);
    let first = ExecMessage { process_id, input: Some(Input::Init(init)) };
    let _ = send.send(first).await;
    let mut stream = gateway.exec(messages).await?;
    let mut lines = [Lines::new(voice), Lines::new(voice)];
    let (mut tail, mut exit) = (VecDeque::new(), None);
    while let Some(message) = stream.message().await? {
        match message.input {
            Some(Input::File(file)) => {
                let [out, err] = &mut lines;
                let lines = if file.fd == 2 { err } else { out };
                tell(lines.push(&file.data), &mut tail, voice).await?;
            }
            Some(Input::Exit(message)) => {
                // A command that ran has an exit code of its own; a container that could not be
                // made, or a program that is not there, has only words.
                let error = message.error.map(|error| error.message).unwrap_or_default();
                if message.code == COULD_NOT_RUN && !error.contains("exit code") {
                    if !error.contains("executable file not found") {
                        return Err(Status::internal(error));
                    }
                    tell(vec![error], &mut tail, voice).await?;
                }
                exit = Some(message.code);
            }
            Some(Input::Done(_)) => break,
            _ => {}
        }
    }
    for lines in &mut lines {
        tell(lines.finish(), &mut tail, voice).await?;
    }
    let exit = exit.ok_or_else(|| Status::unavailable("the container went away"))?;
    Ok(TestOutput { command, exit, tail: tail.into() })
}

async fn tell(
    lines: Vec<String>,
    tail: &mut VecDeque<String>,
    voice: &Voice,
) -> Result<(), Status> {
    for line in lines {
        let told = voice.log(Stage::Test, "test", &line).await;
        told.map_err(|lost| Status::aborted(lost.to_string()))?;
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    Ok(())
}
