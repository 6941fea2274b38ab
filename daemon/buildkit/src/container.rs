//! Runs one command in a container of what was built, live.

use crate::{
    gateway::{Gateway, reference},
    image::Image,
    reports,
    status::Lines,
};
use bollard_buildkit_proto::{
    moby::buildkit::v1::frontend::{
        ExecMessage, InitMessage, NewContainerRequest, Result as Built, exec_message::Input,
    },
    pb::{Meta, Mount},
};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::mpsc;
use tonic::Status;
use windlass_core::{
    job::Stage,
    ports::BuildError,
    redact::Redactor,
    run::Voice,
    testing::{TestOutput, TestRun},
};

/// Lines that are kept for the error.
const TAIL: usize = 30;

/// Bytes of output that are kept for a plugin: of more, the end.
const KEPT: usize = 1 << 20;

/// BuildKit's exit code for what never ran (`gateway/pb/exit.go`, UnknownExitStatus).
const COULD_NOT_RUN: u32 = 255;

/// What a process gets where its image says nothing (runc's own default).
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An empty command is what the image runs; the container, where one ran, for its reports.
pub(crate) async fn run(
    gateway: &Gateway,
    built: &Built,
    test: &TestRun,
    voice: &Voice,
) -> Result<(TestOutput, Option<Container>), Status> {
    let image = Image::of(built);
    let command = match &*test.command {
        [] => image.command(),
        command => command.to_vec(),
    };
    if command.is_empty() {
        // The stage was built, and building it was the test.
        return Ok((TestOutput::default(), None));
    }
    let result_id = reference(built).ok_or_else(|| Status::internal("the stage has no result"))?;
    // Letters and digits only.
    let id = uuid::Uuid::now_v7().simple().to_string();
    let root = Mount { dest: "/".into(), result_id, ..Mount::default() };
    let request = NewContainerRequest {
        container_id: id.clone(),
        mounts: vec![root],
        ..NewContainerRequest::default()
    };
    gateway.new_container(request).await?;
    let cwd = match &*image.config.working_dir {
        "" => "/",
        folder => folder,
    };
    let container = Container { gateway: gateway.clone(), id, cwd: cwd.into() };
    let output = exec(&container, &image, command, &test.env, voice).await?;
    Ok((output, Some(container)))
}

/// Released however the run ends, also when it is dropped in the middle.
pub(crate) struct Container {
    gateway: Gateway,
    id: String,
    cwd: String,
}

impl Container {
    pub(crate) async fn reports(
        &self,
        globs: &[String],
        redactor: &Redactor,
    ) -> Result<BTreeMap<String, String>, BuildError> {
        reports::collect(&self.gateway, &self.id, &self.cwd, globs, redactor).await
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (gateway, id) = (self.gateway.clone(), std::mem::take(&mut self.id));
        tokio::spawn(async move { gateway.release_container(&id).await });
    }
}

async fn exec(
    container: &Container,
    image: &Image,
    command: Vec<String>,
    more: &[(String, String)],
    voice: &Voice,
) -> Result<TestOutput, Status> {
    let mut env = image.config.env.clone().unwrap_or_default();
    if !env.iter().any(|variable| variable.starts_with("PATH=")) {
        env.push(PATH.into());
    }
    // What test tools look at to print for machines rather than for people at a terminal.
    env.push("CI=true".into());
    env.extend(more.iter().map(|(name, value)| format!("{name}={value}")));
    let meta = Meta {
        args: command.clone(),
        env,
        cwd: container.cwd.clone(),
        user: image.config.user.clone(),
        remove_mount_stubs_recursive: true,
        ..Meta::default()
    };
    let init = InitMessage {
        container_id: container.id.clone(),
        meta: Some(meta),
        fds: vec![1, 2],
        ..InitMessage::default()
    };
    let process_id = uuid::Uuid::now_v7().to_string();
    let (send, messages) = mpsc::channel(4);
    let first = ExecMessage { process_id, input: Some(Input::Init(init)) };
    let _ = send.send(first).await;
    let mut stream = container.gateway.exec(messages).await?;
    let mut lines = [Lines::new(voice), Lines::new(voice)];
    let (mut said, mut exit) = (Said::default(), None);
    while let Some(message) = stream.message().await? {
        match message.input {
            Some(Input::File(file)) => {
                let [out, err] = &mut lines;
                let lines = if file.fd == 2 { err } else { out };
                said.tell(lines.push(&file.data), voice).await?;
            }
            Some(Input::Exit(message)) => {
                // A command that ran has an exit code of its own; a container that could not be
                // made, or a program that is not there, has only words.
                let error = message.error.map(|error| error.message).unwrap_or_default();
                if message.code == COULD_NOT_RUN && !error.contains("exit code") {
                    if !error.contains("executable file not found") {
                        return Err(Status::internal(error));
                    }
                    said.tell(vec![error], voice).await?;
                }
                exit = Some(message.code);
            }
            Some(Input::Done(_)) => break,
            _ => {}
        }
    }
    for lines in &mut lines {
        said.tell(lines.finish(), voice).await?;
    }
    let exit = exit.ok_or_else(|| Status::unavailable("the container went away"))?;
    said.cut(KEPT);
    let (tail, output) = (said.tail.into(), said.all);
    Ok(TestOutput { command, exit, tail, output, ..TestOutput::default() })
}

/// What the command printed so far.
#[derive(Default)]
struct Said {
    tail: VecDeque<String>,
    all: String,
}

impl Said {
    /// Keeps whole lines at the end, at most so many bytes.
    fn cut(&mut self, most: usize) {
        let Some(over) = self.all.len().checked_sub(most).filter(|over| *over > 0) else { return };
        let end = self.all.as_bytes().iter().skip(over).position(|&byte| byte == b'\n');
        self.all.drain(..end.map_or(self.all.len(), |end| over + end + 1));
    }

    async fn tell(&mut self, lines: Vec<String>, voice: &Voice) -> Result<(), Status> {
        for line in lines {
            // Once more: without escape sequences a secret may be whole again.
            let line = voice.redactor().mask(&line);
            let told = voice.log(Stage::Test, "test", &line).await;
            told.map_err(|lost| Status::aborted(lost.to_string()))?;
            self.all.push_str(&line);
            self.all.push('\n');
            // Not at each line: cutting moves all that is kept.
            if self.all.len() > 2 * KEPT {
                self.cut(KEPT);
            }
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(line);
        }
        Ok(())
    }
}
