//! Sends a context to BuildKit: the sender's side of `FileSync.DiffCopy`.
//!
//! One STAT per entry, an empty STAT, then DATA for each file that is asked for by its place in the
//! list; the receiver's FIN is answered and ends the stream (fsutil, `send.go`).

use crate::{
    context::{Context, Entry},
    links,
    patterns::{BadPattern, Matched, Patterns, clean},
};
use bollard_buildkit_proto::fsutil::types::{Packet, Stat, packet::PacketType};
use std::{
    collections::BTreeSet,
    io::Read,
    sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc},
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::mpsc;
use tonic::{Status, Streaming, metadata::MetadataMap};

/// Bytes of a file in one packet, as in fsutil's sender.
const CHUNK: usize = 32 << 10;

/// Threads that read the files of one upload, as many as fsutil's sender has.
const READERS: usize = 4;

/// Longest comparison of a tree with the patterns of a request.
const LONGEST_SELECTION: Duration = Duration::from_secs(120);

/// Entries that are compared between two looks at the clock.
const BETWEEN_LOOKS: usize = 256;

type Out = mpsc::Sender<Result<Packet, Status>>;

/// Error for a request whose entries cannot be selected.
#[derive(Debug, Error)]
pub(crate) enum SelectError {
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    #[error(
        "comparing {entries} files and folders with {patterns} patterns takes longer than {} s; write fewer and plainer patterns",
        LONGEST_SELECTION.as_secs()
    )]
    TooSlow { entries: usize, patterns: usize },
}

/// Selects the entries of a context that the builder asks for, in the protocol's order.
///
/// A pattern that cannot be read is an error, as in BuildKit's own client. Blocks.
pub(crate) fn select(context: &Context, metadata: &MetadataMap) -> Result<Vec<Entry>, SelectError> {
    let began = Instant::now();
    let mut include = values(metadata, "include-patterns");
    let copied = values(metadata, "followpaths");
    let mut led_to = BTreeSet::new();
    if !copied.is_empty()
        && let Some(found) = links::follow(context.entries(), &copied)
    {
        include.extend(copied.iter().map(|path| clean(path)));
        led_to = found;
    }
    let include = Patterns::new(&include)?;
    let exclude = Patterns::new(&values(metadata, "exclude-patterns"))?;
    let mut chosen: BTreeSet<&str> = BTreeSet::new();
    // The folders above an entry, each with the patterns that matched it.
    let mut above: Vec<(&str, Matched, Matched)> = Vec::new();
    for (index, entry) in context.entries().iter().enumerate() {
        if index.is_multiple_of(BETWEEN_LOOKS) && began.elapsed() > LONGEST_SELECTION {
            let entries = context.entries().len();
            return Err(SelectError::TooSlow { entries, patterns: include.len() + exclude.len() });
        }
        let path = &*entry.path;
        while above.last().is_some_and(|(folder, ..)| !is_below(path, folder)) {
            above.pop();
        }
        let folder = above.last();
        let (included, by_include) = include.matches(path, folder.map(|(_, by, _)| by));
        let (excluded, by_exclude) = exclude.matches(path, folder.map(|(_, _, by)| by));
        let included = included || include.is_empty() || is_among(&led_to, path);
        if included && !excluded {
            chosen.insert(path);
        }
        if entry.is_dir() {
            above.push((path, by_include, by_exclude));
        }
    }
    // A chosen entry brings the folders above it, also those that are excluded.
    let parents: BTreeSet<&str> = chosen
        .iter()
        .flat_map(|path| path.match_indices('/').filter_map(|(at, _)| path.get(..at)))
        .collect();
    let sent = |entry: &&Entry| {
        chosen.contains(&*entry.path) || parents.contains(&*entry.path) && entry.is_dir()
    };
    Ok(context.entries().iter().filter(sent).cloned().collect())
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether a path, or a folder above it, is one of these.
fn is_among(paths: &BTreeSet<String>, path: &str) -> bool {
    let mut folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
    paths.contains(path) || folders.any(|folder| paths.contains(folder))
}

/// Returns all values of a key, decoded if the sender marks them as encoded.
fn values(metadata: &MetadataMap, key: &str) -> Vec<String> {
    let encoded = metadata.get(format!("{key}-encoded")).is_some_and(|value| value == "1");
    let texts = metadata.get_all(key).iter().filter_map(|value| value.to_str().ok());
    texts.map(|text| if encoded { unescape(text) } else { text.to_owned() }).collect()
}

/// Decodes a text as Go's `url.QueryUnescape` does.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<_> = rest.by_ref().take(2).collect();
                let text = String::from_utf8_lossy(&digits).into_owned();
                u8::from_str_radix(&text, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Serves one `DiffCopy` to its end. BuildKit asks for all files at once: [`READERS`] threads read them.
pub(crate) async fn send(
    context: Arc<Context>,
    entries: Vec<Entry>,
    mut requests: Streaming<Packet>,
    out: Out,
) {
    let entries: Arc<[Entry]> = entries.into();
    let listing = {
        let out = out.clone();
        let entries = entries.clone();
        tokio::spawn(async move {
            for entry in entries.iter() {
                out.send(Ok(stat(entry))).await.ok()?;
            }
            out.send(Ok(packet(PacketType::PacketStat, 0, Vec::new()))).await.ok()
        })
    };
    let mut readers = Readers::new(context, entries.clone(), out.clone());
    while let Ok(Some(request)) = requests.message().await {
        match PacketType::try_from(request.r#type) {
            Ok(PacketType::PacketReq) => {
                let entry = usize::try_from(request.id).ok().and_then(|id| entries.get(id));
                let refused = match entry.filter(|entry| entry.is_file()) {
                    Some(_) => readers.read(request.id).err().map(|why| why.to_string()),
                    None => Some(format!("{} is no file of this list", request.id)),
                };
                if let Some(text) = refused {
                    let _ = out.send(Ok(error(&text))).await;
                }
            }
            Ok(PacketType::PacketFin) => {
                let _ = out.send(Ok(packet(PacketType::PacketFin, 0, Vec::new()))).await;
                break;
            }
            Ok(PacketType::PacketErr) => break,
            _ => {}
        }
    }
    listing.abort();
}

/// Threads of one upload that read files. They end when this is dropped and no file is left, or when nobody
/// receives any more.
struct Readers {
    context: Arc<Context>,
    entries: Arc<[Entry]>,
    out: Out,
    wanted: std_mpsc::Sender<u32>,
    /// Files that are still to be read, by their place in the list. There are at most as many as entries.
    queue: Arc<Mutex<std_mpsc::Receiver<u32>>>,
    started: usize,
}

impl Readers {
    fn new(context: Arc<Context>, entries: Arc<[Entry]>, out: Out) -> Self {
        let (wanted, queue) = std_mpsc::channel();
        Self { context, entries, out, wanted, queue: Arc::new(Mutex::new(queue)), started: 0 }
    }

    /// Has a file read. Fails when no thread can be started.
    fn read(&mut self, id: u32) -> std::io::Result<()> {
        if self.started < READERS {
            match self.start() {
                Ok(()) => self.started += 1,
                // Fewer threads do the same more slowly.
                Err(error) if self.started == 0 => return Err(error),
                Err(_) => {}
            }
        }
        self.wanted.send(id).map_err(std::io::Error::other)
    }

    fn start(&self) -> std::io::Result<()> {
        let context = self.context.clone();
        let entries = self.entries.clone();
        let out = self.out.clone();
        let queue = self.queue.clone();
        let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let read = move || {
            while let Ok(id) = next() {
                let entry = usize::try_from(id).ok().and_then(|id| entries.get(id));
                let Some(entry) = entry else { continue };
                data(&context, &entry.path, id, &out);
                if out.is_closed() {
                    return;
                }
            }
        };
        thread::Builder::new().name("context-reader".into()).spawn(read).map(drop)
    }
}

fn data(context: &Context, path: &str, id: u32, out: &Out) {
    let send = || -> std::io::Result<()> {
        let closed = |_| std::io::Error::other("the receiver has closed the stream");
        let mut file = context.open(path)?;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
            let last = chunk.is_empty();
            out.blocking_send(Ok(packet(PacketType::PacketData, id, chunk))).map_err(closed)?;
            if last {
                return Ok(());
            }
        }
    };
    if let Err(why) = send() {
        // Go's client sends an empty file here; that would build the wrong image in silence.
        let _ = out.blocking_send(Ok(error(&format!("{path}: {why}"))));
    }
}

fn stat(entry: &Entry) -> Packet {
    let stat = Stat {
        path: entry.path.clone(),
        mode: entry.mode,
        size: i64::try_from(entry.size).unwrap_or(i64::MAX),
        mod_time: entry.time,
        linkname: entry.link.clone(),
        ..Stat::default()
    };
    Packet { stat: Some(stat), ..packet(PacketType::PacketStat, 0, Vec::new()) }
}

fn error(text: &str) -> Packet {
    packet(PacketType::PacketErr, 0, text.as_bytes().to_vec())
}

fn packet(kind: PacketType, id: u32, data: Vec<u8>) -> Packet {
    Packet { r#type: kind.into(), stat: None, id, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink, path::Path};

    fn file(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "text").unwrap();
    }

    fn asked(
        prepare: impl Fn(&Path),
        asked: &[(&'static str, &str)],
    ) -> Result<Vec<String>, String> {
        let tree = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        prepare(tree.path());
        let context = Context::tree(tree.path(), state.path().join("m")).unwrap();
        let mut metadata = MetadataMap::new();
        for (key, value) in asked {
            metadata.append(*key, value.parse().unwrap());
        }
        let entries = select(&context, &metadata).map_err(|bad| bad.to_string())?;
        Ok(entries.into_iter().map(|entry| entry.path).collect())
    }

    #[test]
    fn what_is_excluded_is_not_sent() {
        let prepare = |root: &Path| {
            for path in [
                ".env.local",
                "dump-7.sql",
                "dump-x.sql",
                "logs/app.log",
                "logs/keep.txt",
                "docs/a.md",
            ] {
                file(root, path);
            }
        };
        let excluded = [".env.[a-z]*", "dump-[0-9].sql", "logs/[^k]*", "**.md"];
        let excluded = excluded.map(|pattern| ("exclude-patterns", pattern));
        let sent = asked(prepare, &excluded).unwrap();
        assert_eq!(sent, ["docs", "dump-x.sql", "logs", "logs/keep.txt"]);
    }

    /// As many patterns as a monorepo's `.dockerignore` may have, each compared with each file.
    #[test]
    fn ten_thousand_patterns_are_compared_at_once() {
        let tree = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        for n in 0..2_000 {
            file(tree.path(), &format!("d{}/f{n}.txt", n % 50));
        }
        let context = Context::tree(tree.path(), state.path().join("m")).unwrap();
        let mut metadata = MetadataMap::new();
        for n in 0..9_000 {
            metadata.append("exclude-patterns", format!("ignored-{n}/").parse().unwrap());
        }
        for n in 0..1_000 {
            let pattern = format!("d*/f{}*.txt", n * 10);
            metadata.append("exclude-patterns", pattern.parse().unwrap());
        }
        let began = Instant::now();
        let sent = select(&context, &metadata).unwrap();
        assert!(sent.iter().all(|entry| !entry.path.ends_with("/f10.txt")));
        assert!(sent.iter().any(|entry| entry.path.ends_with("/f21.txt")));
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }

    /// A blocked upload keeps its own threads, and none of those that everything else shares.
    #[test]
    fn an_upload_that_nobody_receives_has_four_threads() {
        let tree = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        for n in 0..100 {
            file(tree.path(), &format!("f{n}"));
        }
        let context = Arc::new(Context::tree(tree.path(), state.path().join("m")).unwrap());
        let entries: Arc<[Entry]> = context.entries().into();
        let (out, mut packets) = mpsc::channel(1);
        let mut readers = Readers::new(context, entries, out);
        for id in 0..100 {
            readers.read(id).unwrap();
        }
        assert_eq!(readers.started, READERS);
        drop(readers);
        let mut ended = BTreeSet::new();
        while let Some(packet) = packets.blocking_recv() {
            let packet = packet.unwrap();
            assert_eq!(packet.r#type, i32::from(PacketType::PacketData), "{packet:?}");
            if packet.data.is_empty() {
                ended.insert(packet.id);
            }
        }
        assert_eq!(ended.len(), 100, "each file is sent to its end, and then the threads end");
    }

    #[test]
    fn what_is_named_again_brings_its_folders() {
        let prepare = |root: &Path| {
            file(root, "src/deep/a.rs");
            file(root, "src/deep/b.key");
            file(root, "other/c");
        };
        let excluded = ["*", "!src/deep", "**/*.key"];
        let excluded = excluded.map(|pattern| ("exclude-patterns", pattern));
        assert_eq!(asked(prepare, &excluded).unwrap(), ["src", "src/deep", "src/deep/a.rs"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        let error = asked(|root| file(root, "a"), &[("exclude-patterns", "[z-a]")]).unwrap_err();
        assert!(error.contains("`[z-a]`"), "{error}");
    }

    #[test]
    fn only_what_is_copied_is_sent() {
        let prepare = |root: &Path| {
            file(root, "app/main.py");
            file(root, "app/deep/util.py");
            file(root, "notes.txt");
        };
        let sent = asked(prepare, &[("followpaths", "app/*.py"), ("followpaths", "none")]).unwrap();
        assert_eq!(sent, ["app", "app/main.py"]);
        let all = asked(prepare, &[("followpaths", ".")]).unwrap();
        assert_eq!(all.len(), 5, "{all:?}");
    }

    #[test]
    fn what_is_copied_through_a_link_is_sent_with_it() {
        let prepare = |root: &Path| {
            file(root, "releases/6/app.py");
            file(root, "releases/7/app.py");
            file(root, "releases/7/pages/index.html");
            file(root, "releases/7/pages/draft.md");
            symlink("releases/7", root.join("current")).unwrap();
        };
        let copied = ["current/app.py", "current/pages"].map(|path| ("followpaths", path));
        let mut asked_for = copied.to_vec();
        asked_for.push(("exclude-patterns", "**/*.md"));
        let expected = [
            "current",
            "releases",
            "releases/7",
            "releases/7/app.py",
            "releases/7/pages",
            "releases/7/pages/index.html",
        ];
        assert_eq!(asked(prepare, &asked_for).unwrap(), expected);
    }
}
