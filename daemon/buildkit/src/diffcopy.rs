//! Sends a context to BuildKit: the sender's side of `FileSync.DiffCopy`.
//!
//! One STAT per entry, an empty STAT, then DATA for each file that is asked for by its place in the
//! list; the receiver's FIN is answered and ends the stream (fsutil, `send.go`).

use crate::{
    context::{Context, Entry},
    patterns::{Patterns, clean},
};
use bollard_buildkit_proto::fsutil::types::{Packet, Stat, packet::PacketType};
use std::{collections::BTreeSet, io::Read, sync::Arc};
use tokio::sync::mpsc;
use tonic::{Status, Streaming, metadata::MetadataMap};

/// As Go's sender.
const CHUNK: usize = 32 << 10;

type Out = mpsc::Sender<Result<Packet, Status>>;

/// What of a context was asked for, in the protocol's order.
pub(crate) fn select(context: &Context, metadata: &MetadataMap) -> Vec<Entry> {
    let include = Patterns::new(&values(metadata, "include-patterns"));
    let exclude = Patterns::new(&values(metadata, "exclude-patterns"));
    let follow = follow(context.entries(), &values(metadata, "followpaths"));
    let wanted = |entry: &&Entry| {
        let included = match &follow {
            None => include.is_empty() || include.matches(&entry.path),
            Some(follow) => follow.matches(&entry.path) || include.matches(&entry.path),
        };
        included && !exclude.matches(&entry.path)
    };
    let chosen: BTreeSet<&str> =
        context.entries().iter().filter(wanted).map(|entry| &*entry.path).collect();
    // A chosen entry brings the folders above it, also those that are excluded.
    let parents: BTreeSet<&str> = chosen
        .iter()
        .flat_map(|path| path.match_indices('/').filter_map(|(at, _)| path.get(..at)))
        .collect();
    let sent = |entry: &&Entry| {
        chosen.contains(&*entry.path) || parents.contains(&*entry.path) && entry.is_dir()
    };
    context.entries().iter().filter(sent).cloned().collect()
}

/// The paths that COPY names, with what their symlinks lead to; none: everything.
fn follow(entries: &[Entry], paths: &[String]) -> Option<Patterns> {
    let mut paths: Vec<String> = paths.iter().map(|path| clean(path)).collect();
    if paths.is_empty() || paths.iter().any(String::is_empty) {
        return None;
    }
    // Links may lead to links; more than forty in a row are a loop, as for the kernel.
    for _ in 0..40 {
        let patterns = Patterns::new(&paths);
        let targets = entries.iter().filter(|e| !e.link.is_empty() && patterns.matches(&e.path));
        let targets: Vec<_> = targets
            .map(|entry| {
                let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                match entry.link.starts_with('/') {
                    true => clean(&entry.link),
                    false => clean(&format!("{folder}/{}", entry.link)),
                }
            })
            .filter(|target| !paths.contains(target))
            .collect();
        if targets.is_empty() {
            break;
        }
        paths.extend(targets);
    }
    Some(Patterns::new(&paths))
}

/// All values of a key, decoded where the sender says that they are encoded.
fn values(metadata: &MetadataMap, key: &str) -> Vec<String> {
    let encoded = metadata.get(format!("{key}-encoded")).is_some_and(|value| value == "1");
    let texts = metadata.get_all(key).iter().filter_map(|value| value.to_str().ok());
    texts.map(|text| if encoded { unescape(text) } else { text.to_owned() }).collect()
}

/// Go's `url.QueryUnescape`.
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

/// Serves one DiffCopy to its end.
pub(crate) async fn send(
    context: Arc<Context>,
    entries: Vec<Entry>,
    mut requests: Streaming<Packet>,
    out: Out,
) {
    let listing = {
        let (out, entries) = (out.clone(), entries.clone());
        tokio::spawn(async move {
            for entry in &entries {
                out.send(Ok(stat(entry))).await.ok()?;
            }
            out.send(Ok(packet(PacketType::PacketStat, 0, Vec::new()))).await.ok()
        })
    };
    while let Ok(Some(request)) = requests.message().await {
        match PacketType::try_from(request.r#type) {
            Ok(PacketType::PacketReq) => {
                let entry = usize::try_from(request.id).ok().and_then(|id| entries.get(id));
                match entry.filter(|entry| entry.is_file()) {
                    Some(entry) => {
                        let (context, out) = (context.clone(), out.clone());
                        let (path, id) = (entry.path.clone(), request.id);
                        tokio::task::spawn_blocking(move || data(&context, &path, id, &out));
                    }
                    None => {
                        let text = format!("{} is no file of this list", request.id);
                        let _ = out.send(Ok(error(&text))).await;
                    }
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

fn data(context: &Context, path: &str, id: u32, out: &Out) {
    let send = || -> std::io::Result<()> {
        let gone = |_| std::io::Error::other("the receiver is gone");
        let mut file = context.open(path)?;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
            let last = chunk.is_empty();
            out.blocking_send(Ok(packet(PacketType::PacketData, id, chunk))).map_err(gone)?;
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
