//! Conversation of the daemon with one child: its replies, and the streams that it asks for.
//!
//! The child is not trusted. It names addresses, and each is checked; it gets bytes, and never a socket or a login.

use crate::{
    frame::{Frame, Kind, LONGEST},
    list::List,
    network::unreachable,
    protocol::{Ask, FetchError, Reply, Service},
    smart_http::{Body, Client, SILENCE, opening},
    sockets::Channel,
};
use hyper::body::Bytes;
use std::{collections::VecDeque, io, mem};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, ChildStdout},
    sync::mpsc,
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;
use url::Url;
use windlass_engine::recorder::Recorder;
use windlass_model::job::Stage;

/// Bytes that a child may send to a server in one request. A request names commits.
const LARGEST_REQUEST: usize = 4 << 20;

/// Frames of the child that wait to be read.
const WAITING: usize = 8;

/// Bytes that a frame that waits counts for, beside those of its payload.
const FRAME: usize = 64;

/// Bytes that are read from a `git://` server at once.
const PIECE: usize = 64 << 10;

/// One conversation.
pub(crate) struct Session<'a> {
    to_child: ChildStdin,
    from_child: mpsc::Receiver<io::Result<Frame>>,
    _reader: AbortOnDropHandle<()>,
    client: Client,
    /// Takes the child's progress. `None` drops it.
    recorder: Option<&'a Recorder>,
    /// Bytes that servers may still send, of so many.
    left: u64,
    most: u64,
    /// Name of that limit, for errors.
    limit: &'static str,
    /// Address of the repository that the child waits for.
    server: String,
    /// A stream that was opened before the child asked for it.
    first: Option<(Ask, Opened)>,
    stream: Stream,
    /// Frames that came while a stream before them was served: one that opens something, and those behind it.
    later: VecDeque<Frame>,
    /// Bytes of those frames.
    later_bytes: usize,
    /// Lines that the child listed so far.
    list: List,
    /// The last reply. `None` means that the child works.
    last: Option<Reply>,
}

/// State of the stream that the child opened last.
#[derive(Default)]
struct Stream {
    number: u32,
    /// Bytes from the child that no server has yet.
    output: Vec<u8>,
    /// The child sends no more.
    ended: bool,
    /// The child reads no more.
    closed: bool,
}

/// A stream of a server.
enum Opened {
    Http(Body),
    Git(Box<dyn Channel>),
}

/// End of a conversation without a last reply.
pub(crate) enum Broken {
    /// The child ended.
    Ended,
    Failed(FetchError),
}

impl From<FetchError> for Broken {
    fn from(error: FetchError) -> Self {
        Self::Failed(error)
    }
}

impl<'a> Session<'a> {
    /// Makes the conversation. `most` is the number of bytes that all servers may send, and `limit` the name of that
    /// limit.
    pub(crate) fn new(
        to_child: ChildStdin,
        mut child: ChildStdout,
        client: Client,
        recorder: Option<&'a Recorder>,
        most: u64,
        limit: &'static str,
    ) -> Self {
        let (sender, from_child) = mpsc::channel(WAITING);
        // A task of its own, since to read a frame halfway loses it.
        let reader = tokio::spawn(async move {
            loop {
                let frame = Frame::receive(&mut child).await;
                let is_last = frame.is_err();
                if sender.send(frame).await.is_err() || is_last {
                    break;
                }
            }
        });
        Self {
            to_child,
            from_child,
            _reader: AbortOnDropHandle::new(reader),
            client,
            recorder,
            left: most,
            most,
            limit,
            server: String::new(),
            first: None,
            stream: Stream::default(),
            later: VecDeque::new(),
            later_bytes: 0,
            list: List::default(),
            last: None,
        }
    }

    /// Hands over the task, and answers the child until its last reply. The refs of `url`, which the child asks for
    /// first, are asked for while the child starts. `is_v2` says whether the child will ask in version 2 of the protocol.
    pub(crate) async fn run(
        mut self,
        task: Frame,
        url: &Url,
        is_v2: bool,
    ) -> Result<Reply, Broken> {
        self.server = url.to_string();
        self.deliver(&task).await?;
        let ask = Ask { url: url.to_string(), service: Service::Refs, is_v2 };
        let opened = self.opened(&ask).await?;
        self.first = Some((ask, opened));
        loop {
            let Some(frame) = self.next().await? else {
                return self.last.take().ok_or(Broken::Ended);
            };
            match frame.kind {
                Kind::Check => {
                    self.catch_up().await?;
                    let text = String::from_utf8_lossy(&frame.payload).into_owned();
                    let answer = self.client.servers.admit(&text).await.map(String::from);
                    let answer = Frame::json(Kind::Checked, 0, &answer).map_err(broken)?;
                    self.deliver(&answer).await?;
                }
                Kind::Open => self.serve(&frame).await?,
                _ => return Err(unexpected(&frame).into()),
            }
        }
    }

    /// Waits for a frame that opens something. `None` means that the child gave its last reply.
    async fn next(&mut self) -> Result<Option<Frame>, Broken> {
        while self.last.is_none() {
            if let Some(frame) = self.later.pop_front() {
                return Ok(Some(frame));
            }
            let waiting = timeout(SILENCE, self.from_child.recv()).await;
            match waiting.map_err(|_| idle())? {
                Some(Ok(frame)) if matches!(frame.kind, Kind::Check | Kind::Open) => {
                    return Ok(Some(frame));
                }
                frame => self.note(frame).await?,
            }
        }
        Ok(None)
    }

    /// Takes the frames that waited, up to the next one that opens something.
    async fn catch_up(&mut self) -> Result<(), Broken> {
        self.later_bytes = 0;
        for frame in mem::take(&mut self.later) {
            self.note(Some(Ok(frame))).await?;
        }
        Ok(())
    }

    /// Takes a frame that may come at any time. One that opens something waits, and ends the stream before it: the
    /// child reads one stream at a time.
    async fn note(&mut self, frame: Option<io::Result<Frame>>) -> Result<(), Broken> {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(broken(error).into());
            }
            // After its last reply the child is done.
            Some(Err(_)) | None if self.last.is_some() => return Ok(()),
            Some(Err(_)) | None => return Err(Broken::Ended),
        };
        let is_current = frame.stream == self.stream.number;
        match frame.kind {
            Kind::Reply => {
                let text = String::from_utf8_lossy(&frame.payload);
                let reply = Reply::read(&text).map_err(|error| broken(error.into()))?;
                match reply {
                    Reply::Alive => {}
                    Reply::Server(url) => self.server = url,
                    Reply::Progress(line) => {
                        if let Some(recorder) = self.recorder {
                            recorder.log_line(Stage::Clone, "git", &line).await;
                        }
                    }
                    Reply::Part(lines) => self.list.add(lines)?,
                    Reply::Listed(lines) => {
                        self.list.add(lines)?;
                        self.last = Some(Reply::Listed(self.list.take()));
                    }
                    last @ (Reply::Done(_) | Reply::Resolved(_) | Reply::Failed(_)) => {
                        self.last = Some(last);
                    }
                }
            }
            Kind::Check | Kind::Open => {
                self.stream.closed = true;
                self.keep(frame)?;
            }
            Kind::Data | Kind::End | Kind::Close if !self.later.is_empty() => self.keep(frame)?,
            Kind::Data if is_current => {
                self.stream.output.extend_from_slice(&frame.payload);
                if self.stream.output.len() > LARGEST_REQUEST {
                    return Err(self.too_large().into());
                }
            }
            Kind::End if is_current => self.stream.ended = true,
            Kind::Close if is_current => self.stream.closed = true,
            // Of a stream before.
            Kind::Data | Kind::End | Kind::Close => {}
            _ => return Err(unexpected(&frame).into()),
        }
        Ok(())
    }

    /// Keeps a frame until the stream before it has ended.
    fn keep(&mut self, frame: Frame) -> Result<(), FetchError> {
        self.later_bytes = self.later_bytes.saturating_add(frame.payload.len() + FRAME);
        if self.later_bytes > LARGEST_REQUEST {
            return Err(self.too_large());
        }
        self.later.push_back(frame);
        Ok(())
    }

    fn too_large(&self) -> FetchError {
        let server = &self.server;
        FetchError::Other(format!("a request to {server} has more than {LARGEST_REQUEST} bytes"))
    }

    /// Sends a frame, and takes those of the child meanwhile: neither waits for the other.
    async fn deliver(&mut self, frame: &Frame) -> Result<(), Broken> {
        let bytes = frame.bytes().map_err(broken)?;
        let mut left = &*bytes;
        while !left.is_empty() && self.last.is_none() {
            let step = async {
                tokio::select! {
                    sent = self.to_child.write(left) => Ok(sent),
                    frame = self.from_child.recv() => Err(frame),
                }
            };
            match timeout(SILENCE, step).await.map_err(|_| idle())? {
                // The child has ended. Its last words come from the other side.
                Ok(Ok(0) | Err(_)) => return Ok(()),
                Ok(Ok(sent)) => left = left.get(sent..).unwrap_or_default(),
                Err(frame) => self.note(frame).await?,
            }
        }
        Ok(())
    }

    /// Connects the stream that a frame opens, until one side ends.
    async fn serve(&mut self, frame: &Frame) -> Result<(), Broken> {
        let ask: Ask = frame.parse().map_err(broken)?;
        self.stream = Stream { number: frame.stream, ..Stream::default() };
        self.catch_up().await?;
        let first = self.first.take().filter(|(first, _)| *first == ask);
        let is_exchange = ask.service == Service::Pack && !ask.url.starts_with("git:");
        while is_exchange && !self.stream.ended && !self.stream.closed && self.last.is_none() {
            let waiting = timeout(SILENCE, self.from_child.recv()).await;
            self.note(waiting.map_err(|_| idle())?).await?;
        }
        if self.stream.closed || self.last.is_some() {
            return Ok(());
        }
        let opened = match first {
            Some((_, opened)) => Ok(opened),
            None => self.opened(&ask).await,
        };
        let done = match opened {
            Ok(Opened::Http(body)) => self.pass(body).await?,
            Ok(Opened::Git(channel)) => self.join(channel).await?,
            Err(error) => Err(error),
        };
        let last = match done {
            Ok(()) => Frame::new(Kind::End, self.stream.number, Vec::new()),
            Err(error) => Frame::json(Kind::Fault, self.stream.number, &error).map_err(broken)?,
        };
        self.deliver(&last).await
    }

    /// Opens the stream of a server.
    async fn opened(&mut self, ask: &Ask) -> Result<Opened, FetchError> {
        let url = self.client.servers.admit(&ask.url).await?;
        if url.scheme() == "git" {
            let mut channel = self.client.servers.connect(&url).await?;
            let line = opening(&url, ask.is_v2);
            channel.write_all(line.as_bytes()).await.map_err(|error| unreachable(&error))?;
            return Ok(Opened::Git(channel));
        }
        let body = match ask.service {
            Service::Refs => self.client.refs(&url, ask.is_v2).await?,
            Service::Pack => {
                let body = Bytes::from(mem::take(&mut self.stream.output));
                self.client.pack(&url, body, ask.is_v2).await?
            }
        };
        Ok(Opened::Http(body))
    }

    /// Passes the body of an answer to the child.
    async fn pass(&mut self, mut body: Body) -> Result<Result<(), FetchError>, Broken> {
        loop {
            tokio::select! {
                chunk = body.chunk() => match chunk {
                    Ok(Some(bytes)) => {
                        if let Err(error) = self.hand_over(&bytes).await? {
                            return Ok(Err(error));
                        }
                    }
                    Ok(None) => return Ok(Ok(())),
                    Err(error) => return Ok(Err(error)),
                },
                frame = self.from_child.recv() => self.note(frame).await?,
            }
            if self.stream.closed || self.last.is_some() {
                body.drain().await;
                return Ok(Ok(()));
            }
        }
    }

    /// Joins the child to a server that answers while it listens.
    async fn join(&mut self, channel: Box<dyn Channel>) -> Result<Result<(), FetchError>, Broken> {
        let (mut from, mut to) = tokio::io::split(channel);
        let mut piece = vec![0; PIECE];
        loop {
            tokio::select! {
                read = received(&mut from, &mut piece) => match read {
                    Ok([]) => return Ok(Ok(())),
                    Ok(bytes) => {
                        if let Err(error) = self.hand_over(bytes).await? {
                            return Ok(Err(error));
                        }
                    }
                    Err(error) => return Ok(Err(error)),
                },
                frame = self.from_child.recv() => self.note(frame).await?,
            }
            let output = mem::take(&mut self.stream.output);
            // A server that has ended says why on its own side.
            let _ = timeout(SILENCE, to.write_all(&output)).await;
            if self.stream.closed || self.last.is_some() {
                return Ok(Ok(()));
            }
        }
    }

    /// Hands bytes of a server to the child, as far as all servers may send so many.
    async fn hand_over(&mut self, bytes: &[u8]) -> Result<Result<(), FetchError>, Broken> {
        let sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let Some(left) = self.left.checked_sub(sent) else {
            return Ok(Err(FetchError::Tree {
                path: self.server.clone(),
                message: format!("sends more than {} bytes, {}", self.most, self.limit),
            }));
        };
        self.left = left;
        for bytes in bytes.chunks(LONGEST) {
            self.deliver(&Frame::new(Kind::Data, self.stream.number, bytes)).await?;
        }
        Ok(Ok(()))
    }
}

/// Waits for bytes of a server. An empty slice means the end.
async fn received<'a>(
    from: &mut (impl AsyncRead + Unpin),
    into: &'a mut [u8],
) -> Result<&'a [u8], FetchError> {
    match timeout(SILENCE, from.read(into)).await {
        Ok(Ok(read)) => Ok(into.get(..read).unwrap_or_default()),
        Ok(Err(error)) => Err(unreachable(&error)),
        Err(_) => {
            let seconds = SILENCE.as_secs();
            Err(FetchError::Unreachable(format!("the server sent nothing for {seconds} s")))
        }
    }
}

fn idle() -> FetchError {
    FetchError::Other(format!("the checkout did nothing for {} s", SILENCE.as_secs()))
}

fn broken(error: io::Error) -> FetchError {
    FetchError::Other(format!("the checkout sent what cannot be read: {error}"))
}

fn unexpected(frame: &Frame) -> FetchError {
    FetchError::Other(format!("the checkout sent an unexpected frame: {:?}", frame.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        egress::Egress,
        network::{Network, Servers},
        sockets::System,
    };
    use std::{process::Stdio, sync::Arc};
    use tokio::process::Command;

    /// The child reads no answer to its end: the next stream may open while the daemon still ends the one before.
    #[tokio::test]
    async fn a_stream_that_opens_early_waits_with_what_follows_it() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let network = Network::new(Egress::default(), Box::new(System)).unwrap();
        let home = Url::parse("https://git.example/x").unwrap();
        let client = Client::new(Servers::new(Arc::new(network)), home, None);
        let mut session = Session::new(stdin, stdout, client, None, 100, "a limit");
        session.stream.number = 1;
        for (kind, stream) in [
            (Kind::Open, 2),
            (Kind::Close, 1),
            (Kind::Data, 2),
            (Kind::End, 2),
            (Kind::Check, 0),
            (Kind::Data, 3),
        ] {
            let frame = Frame::new(kind, stream, "word");
            assert!(session.note(Some(Ok(frame))).await.is_ok(), "{kind:?}");
        }
        assert!(session.stream.closed && session.stream.output.is_empty());

        let Ok(Some(opened)) = session.next().await else { panic!("nothing opens") };
        assert_eq!((opened.kind, opened.stream), (Kind::Open, 2));
        session.stream = Stream { number: 2, ..Stream::default() };
        assert!(session.catch_up().await.is_ok());
        assert_eq!((&*session.stream.output, session.stream.ended), (&b"word"[..], true));
        let Ok(Some(check)) = session.next().await else { panic!("nothing is checked") };
        assert_eq!((check.kind, session.later.len()), (Kind::Check, 1));

        let piece = vec![0_u8; LONGEST];
        let mut refused = false;
        for _ in 0..5 {
            let frame = Frame::new(Kind::Data, 4, piece.clone());
            refused |= session.note(Some(Ok(frame))).await.is_err();
        }
        assert!(refused, "what waits has a bound");
    }
}
