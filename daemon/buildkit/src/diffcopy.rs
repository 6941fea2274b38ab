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
use std::{collections::BTreeSet, io::Read, sync::Arc};
use tokio::sync::mpsc;
use tonic::{Status, Streaming, metadata::MetadataMap};

/// Bytes of a file in one packet, as in fsutil's sender.
const CHUNK: usize = 32 << 10;

type Out = mpsc::Sender<Result<Packet, Status>>;

/// Selects the entries of a context that the builder asks for, in the protocol's order.
///
/// A pattern that cannot be read is an error, as in BuildKit's own client.
pub(crate) fn select(context: &Context, metadata: &MetadataMap) -> Result<Vec<Entry>, BadPattern> {
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
    for entry in context.entries() {
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

/// Serves one `DiffCopy` to its end.
pub(crate) async fn send(
    context: Arc<Context>,
    entries: Vec<Entry>,
    mut requests: Streaming<Packet>,
    out: Out,
) {
    let listing = {
        let out = out.clone();
        let entries = entries.clone();
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
                        let context = context.clone();
                        let out = out.clone();
                        let path = entry.path.clone();
                        let id = request.id;
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
