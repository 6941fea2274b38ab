//! Runs one command in a container of the build's result, and records its output live.

use crate::{
    errors::COULD_NOT_RUN,
    gateway::{Gateway, reference},
    image::Image,
    reports,
    status::Streams,
};
use bollard_buildkit_proto::{
    moby::buildkit::v1::frontend::{
        ExecMessage, InitMessage, NewContainerRequest, Result as Built, exec_message::Input,
    },
    pb::{CacheOpt, CacheSharingOpt, Meta, Mount, MountType},
};
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tonic::Status;
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::BuildError,
    job::Stage,
    redact::Redactor,
    testing::{LastWords, TestOutput, TestRun},
};

/// Most bytes of output that are kept for a plugin. Of a longer output, the end is kept.
const KEPT: usize = 1 << 20;

/// `input` of a mount that begins empty.
const NO_INPUT: i64 = -1;

/// `PATH` of a process whose image sets none: runc's own default.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a test of a project in a container. An empty command means the one of the image.
///
/// The container is returned for its reports. `None` means that building the stage was the test.
pub(crate) async fn run(
    gateway: &Gateway,
    built: &Built,
    (test, namespace): (&TestRun, &str),
    last: &LastWords,
    recorder: &Recorder,
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
        mounts: [root].into_iter().chain(caches(namespace, &test.caches)).collect(),
        ..NewContainerRequest::default()
    };
    gateway.new_container(request).await?;
    let cwd = match &*image.config.working_dir {
        "" => "/",
        folder => folder,
    };
    let container = Container { gateway: gateway.clone(), id, cwd: cwd.into() };
    let output = exec(&container, &image, command, &test.env, last, recorder).await?;
    Ok((output, Some(container)))
}

/// Returns the cache mounts of a container. Each is the one that `RUN --mount=type=cache` of the project's builds has:
/// its id is the namespace and the path, which begins with a slash (`dockerfile2llb/convert_runmount.go`).
fn caches(namespace: &str, paths: &[String]) -> impl Iterator<Item = Mount> {
    paths.iter().map(move |path| {
        let path = clean(path);
        let id = format!("{namespace}/{path}");
        let sharing = CacheSharingOpt::Shared.into();
        Mount {
            input: NO_INPUT,
            dest: path,
            mount_type: MountType::Cache.into(),
            cache_opt: Some(CacheOpt { id, sharing }),
            ..Mount::default()
        }
    })
}

/// Returns an absolute path without doubled slashes, `.` and a slash at its end, as the frontend cleans targets.
fn clean(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

/// Container of a test. Dropping it releases it in BuildKit, also in the middle of a run.
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
        let gateway = self.gateway.clone();
        let id = std::mem::take(&mut self.id);
        tokio::spawn(async move { gateway.release_container(&id).await });
    }
}

async fn exec(
    container: &Container,
    image: &Image,
    command: Vec<String>,
    more: &[(String, String)],
    last: &LastWords,
    recorder: &Recorder,
) -> Result<TestOutput, Status> {
    let mut env = image.config.env.clone().unwrap_or_default();
    if !env.iter().any(|variable| variable.starts_with("PATH=")) {
        env.push(PATH.into());
    }
    // With it, test tools print for machines rather than for people at a terminal.
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
    let mut transcript = Transcript::new(last, recorder);
    let mut exit = None;
    while let Some(message) = stream.message().await? {
        match message.input {
            Some(Input::File(file)) => transcript.take(file.fd, &file.data).await?,
            Some(Input::Exit(message)) => {
                // A command that ran has an exit code of its own; a container that could not be
                // made, or a program that does not exist, has only a message.
                let error = message.error.map(|error| error.message).unwrap_or_default();
                if message.code == COULD_NOT_RUN && !error.contains("exit code") {
                    if !error.contains("executable file not found") {
                        return Err(Status::internal(error));
                    }
                    transcript.record(&[error]).await?;
                }
                exit = Some(message.code);
            }
            Some(Input::Done(_)) => break,
            _ => {}
        }
    }
    transcript.finish().await?;
    let exit = exit.ok_or_else(|| Status::unavailable("the container went away"))?;
    transcript.cut(KEPT);
    let tail = last.lines();
    let output = std::mem::take(&mut transcript.all);
    Ok(TestOutput { command, exit, tail, output, ..TestOutput::default() })
}

/// Output of a command, from its first byte until it ends or is given up.
struct Transcript<'a> {
    streams: Streams,
    all: String,
    last: &'a LastWords,
    recorder: &'a Recorder,
}

impl<'a> Transcript<'a> {
    fn new(last: &'a LastWords, recorder: &'a Recorder) -> Self {
        Self { streams: Streams::new(recorder), all: String::new(), last, recorder }
    }

    async fn take(&mut self, fd: u32, bytes: &[u8]) -> Result<(), Status> {
        let lines = self.streams.of(fd.into()).push(bytes);
        self.record(&lines).await
    }

    async fn finish(&mut self) -> Result<(), Status> {
        let lines = self.streams.finish();
        self.record(&lines).await
    }

    /// Keeps whole lines at the end, at most `most` bytes.
    fn cut(&mut self, most: usize) {
        let Some(excess) = self.all.len().checked_sub(most).filter(|excess| *excess > 0) else {
            return;
        };
        let end = self.all.as_bytes().iter().skip(excess).position(|&byte| byte == b'\n');
        self.all.drain(..end.map_or(self.all.len(), |end| excess + end + 1));
    }

    async fn record(&mut self, lines: &[String]) -> Result<(), Status> {
        // Once more: without escape sequences a secret may be whole again.
        let redactor = self.recorder.redactor();
        let lines: Vec<_> = lines.iter().map(|line| redactor.mask(line)).collect();
        // All of them first: recording takes time, in which the command may be given up.
        for line in &lines {
            self.last.keep(line.clone());
        }
        for line in lines {
            self.recorder.log_line(Stage::Test, "test", &line).await;
            self.all.push_str(&line);
            self.all.push('\n');
            // Not at each line: cutting moves all that is kept.
            if self.all.len() > 2 * KEPT {
                self.cut(KEPT);
            }
        }
        Ok(())
    }
}

impl Drop for Transcript<'_> {
    /// Keeps an unfinished line. Tools write a test's name before they run it and end the line after
    /// it: a test that hangs leaves nothing else. [`Transcript::finish`] leaves no such line.
    fn drop(&mut self) {
        let redactor = self.recorder.redactor();
        for line in self.streams.begun() {
            self.last.keep(redactor.mask(&line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Duration};
    use tokio::sync::watch;
    use windlass_engine::{journal::NullJournal, run::Run};
    use windlass_model::secret::Secret;

    #[test]
    fn a_cache_of_the_tests_is_the_one_of_the_builds_steps() {
        let paths = ["/root/.cache/go-build".to_owned(), "/go//pkg/./mod/".to_owned()];
        let mounts: Vec<_> = caches("shop", &paths).collect();
        let id = |mount: &Mount| mount.cache_opt.as_ref().unwrap().id.clone();
        assert_eq!(id(&mounts[0]), "shop//root/.cache/go-build");
        assert_eq!((&*mounts[1].dest, id(&mounts[1])), ("/go/pkg/mod", "shop//go/pkg/mod".into()));
        assert!(mounts.iter().all(|mount| mount.input == -1 && mount.result_id.is_empty()));
        assert_eq!(mounts[0].mount_type, i32::from(MountType::Cache));
    }

    /// A line that was only begun is kept too, without the possible start of a secret.
    #[tokio::test]
    async fn what_is_given_up_leaves_its_last_words() {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        run.mask([Secret::new(b"hunter22".to_vec())]);
        let last = LastWords::default();
        let hangs = async {
            let mut transcript = Transcript::new(&last, run.recorder());
            transcript.take(2, b"test_adds ... ok\ntest_waits_for_the_bank ... ").await.unwrap();
            transcript.take(1, b"token hunter").await.unwrap();
            std::future::pending::<()>().await;
        };
        tokio::time::timeout(Duration::from_millis(20), hangs).await.unwrap_err();
        let expected = ["test_adds ... ok", "token ***", "test_waits_for_the_bank ... "];
        assert_eq!(last.lines(), expected);
    }

    #[tokio::test]
    async fn what_ends_is_recorded_once() {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let last = LastWords::default();
        let mut transcript = Transcript::new(&last, run.recorder());
        for line in 0..100 {
            transcript.take(1, format!("{line}\n").as_bytes()).await.unwrap();
        }
        transcript.take(1, b"no line end").await.unwrap();
        transcript.finish().await.unwrap();
        assert!(
            transcript.all.starts_with("0\n1\n") && transcript.all.ends_with("99\nno line end\n")
        );
        drop(transcript);
        let lines = last.lines();
        assert_eq!((lines.len(), &*lines[0], &*lines[29]), (30, "71", "no line end"));
    }
}
