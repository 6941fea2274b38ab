//! Entries of a commit's tree: how much they are, and which stand for something that is not in the repository:
//! submodules, and Git LFS pointers.
//!
//! A tree is read before anything of it is written. One that names the same file or folder many times has that file
//! many times on the disk, so each name counts.

use crate::{
    link::send,
    place::Checkout,
    protocol::{FetchError, HEARTBEAT, Reply},
    remote::local,
};
use git2::{AttrCheckFlags, Commit, FileMode, ObjectType, Oid, Repository};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, time::Instant};

/// First lines of a pointer: today's, by the specification of Git LFS, and the one before it.
const POINTERS: [&[u8]; 2] =
    [b"version https://git-lfs.github.com/spec/v1", b"version https://hawser.github.com/spec/v1"];

/// Bytes of the longest file that may be a pointer.
const LONGEST_POINTER: usize = 1024;

/// Bytes of the longest path that Linux knows.
const LONGEST_PATH: usize = 4096;

/// Bytes of the largest `.gitattributes` that is searched: git reads no larger one either.
const LONGEST_ATTRIBUTES: usize = 100 << 20;

/// Entries by path. Paths are bytes to git.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Paths of submodules, each with its commit.
    pub(crate) submodules: Vec<(Vec<u8>, Oid)>,
    /// Files that may be pointers, by size.
    small: Vec<(Vec<u8>, Oid)>,
    /// A `.gitattributes` speaks of LFS.
    names_lfs: bool,
}

/// Finds the submodules of a commit's whole tree, and subtracts its entries from what the checkout may still write.
/// `depth` is the number of folders that the tree stands in.
pub(crate) fn read(
    repository: &Repository,
    commit: &Commit<'_>,
    depth: u64,
    checkout: &Checkout<'_>,
) -> Result<Contents, FetchError> {
    let failed = |error: git2::Error| local(&error);
    let odb = repository.odb().map_err(failed)?;
    let mut contents = Contents::default();
    let mut last = Instant::now();
    let mut folders = vec![(Vec::new(), commit.tree_id(), depth)];
    while let Some((at, id, depth)) = folders.pop() {
        if depth > checkout.limits.max_depth {
            let most = checkout.limits.max_depth;
            return Err(beyond(
                &at,
                format!("is within {depth} folders, and the limit `checkout.max-depth` is {most}"),
            ));
        }
        for entry in repository.find_tree(id).map_err(failed)?.iter() {
            let path = joined(&at, entry.name_bytes());
            if path.len() > LONGEST_PATH {
                let message =
                    format!("its path has {} bytes, and the limit is {LONGEST_PATH}", path.len());
                return Err(beyond(&path, message));
            }
            let Some(left) = checkout.files_left.get().checked_sub(1) else {
                let most = checkout.limits.max_files;
                return Err(beyond(
                    &path,
                    format!(
                        "is one more than {most} files, folders and links, the limit `checkout.max-files`"
                    ),
                ));
            };
            checkout.files_left.set(left);
            if last.elapsed() > HEARTBEAT {
                send(&Reply::Alive);
                last = Instant::now();
            }
            match entry.kind() {
                Some(ObjectType::Tree) => folders.push((path, entry.id(), depth + 1)),
                Some(ObjectType::Commit) => contents.submodules.push((path, entry.id())),
                Some(ObjectType::Blob) => {
                    let (size, _) = odb.read_header(entry.id()).map_err(failed)?;
                    let bytes = u64::try_from(size).unwrap_or(u64::MAX);
                    let Some(left) = checkout.bytes_left.get().checked_sub(bytes) else {
                        let most = checkout.limits.max_bytes;
                        return Err(beyond(
                            &path,
                            format!(
                                "makes the tree larger than {most} bytes, the limit `checkout.max-bytes`: this file has {bytes}"
                            ),
                        ));
                    };
                    checkout.bytes_left.set(left);
                    if entry.filemode() == i32::from(FileMode::Link) {
                        continue;
                    }
                    if entry.name_bytes() == b".gitattributes" && size <= LONGEST_ATTRIBUTES {
                        let text = repository.find_blob(entry.id()).map_err(failed)?;
                        contents.names_lfs |= text.content().windows(3).any(|word| word == b"lfs");
                    }
                    if size <= LONGEST_POINTER {
                        contents.small.push((path, entry.id()));
                    }
                }
                _ => {}
            }
        }
    }
    contents.submodules.sort();
    Ok(contents)
}

/// Returns the paths of files that an attribute gives to Git LFS, and that are a pointer.
pub(crate) fn pointers(
    repository: &Repository,
    commit: &Commit<'_>,
    contents: &Contents,
) -> Result<Vec<Vec<u8>>, git2::Error> {
    let mut pointers = Vec::new();
    if contents.names_lfs {
        // The index is changed in memory alone: attributes are read from the index, and not from the disk.
        repository.index()?.read_tree(&commit.tree()?)?;
        for (path, id) in &contents.small {
            if is_pointer(repository, path, *id)? {
                pointers.push(path.clone());
            }
        }
    }
    pointers.sort();
    Ok(pointers)
}

/// Makes the error of an entry beyond a limit, cut: a tree may have names of any length.
fn beyond(path: &[u8], message: String) -> FetchError {
    let path: String = String::from_utf8_lossy(path).chars().take(200).collect();
    FetchError::Tree { path, message }
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
    [folder, slash, name].concat()
}

fn is_pointer(repository: &Repository, path: &[u8], id: Oid) -> Result<bool, git2::Error> {
    let blob = repository.find_blob(id)?;
    if !POINTERS.iter().any(|pointer| blob.content().starts_with(pointer)) {
        return Ok(false);
    }
    let path = Path::new(OsStr::from_bytes(path));
    let flags = AttrCheckFlags::INDEX_ONLY | AttrCheckFlags::NO_SYSTEM;
    Ok(repository.get_attr_bytes(path, "filter", flags)? == Some(&b"lfs"[..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::CheckoutLimits;
    use git2::Signature;

    fn committed(repository: &Repository, entries: &[(&str, i32, &[u8])]) -> Oid {
        let mut builder = repository.treebuilder(None).unwrap();
        let mut nested = repository.treebuilder(None).unwrap();
        for (name, mode, content) in entries {
            let id = match *mode {
                0o160_000 => Oid::from_str(&"1234567890".repeat(4)).unwrap(),
                _ => repository.blob(content).unwrap(),
            };
            match name.strip_prefix("sub/") {
                Some(name) => nested.insert(name, id, *mode).map(|_| ()).unwrap(),
                None => builder.insert(*name, id, *mode).map(|_| ()).unwrap(),
            }
        }
        builder.insert("sub", nested.write().unwrap(), 0o040_000).unwrap();
        let tree = repository.find_tree(builder.write().unwrap()).unwrap();
        let me = Signature::now("me", "me@example.com").unwrap();
        repository.commit(None, &me, &me, "one", &tree, &[]).unwrap()
    }

    fn checked(
        repository: &Repository,
        id: Oid,
        limits: &CheckoutLimits,
    ) -> Result<(Contents, Vec<Vec<u8>>), FetchError> {
        let commit = repository.find_commit(id).unwrap();
        let checkout = Checkout::new("https://h/x", false, ".", limits, &|_| {});
        let contents = read(repository, &commit, 0, &checkout)?;
        let pointers = pointers(repository, &commit, &contents).unwrap();
        Ok((contents, pointers))
    }

    #[test]
    fn submodules_and_pointers_are_found_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        let id = committed(
            &repository,
            &[
                (".gitattributes", 0o100_644, b"*.png filter=lfs diff=lfs merge=lfs -text\n"),
                ("README.md", 0o100_644, pointer),
                ("logo.png", 0o100_644, pointer),
                ("real.png", 0o100_644, b"\x89PNG"),
                ("link.png", 0o120_000, pointer),
                ("theme", 0o160_000, b""),
                ("sub/deep", 0o160_000, b""),
                ("sub/run.png", 0o100_755, pointer),
            ],
        );
        let (contents, pointers) = checked(&repository, id, &CheckoutLimits::default()).unwrap();
        let text = |path: &Vec<u8>| String::from_utf8(path.clone()).unwrap();
        let submodules: Vec<_> = contents.submodules.iter().map(|(path, _)| text(path)).collect();
        assert_eq!(submodules, ["sub/deep", "theme"]);
        let pointers: Vec<_> = pointers.iter().map(text).collect();
        assert_eq!(pointers, ["logo.png", "sub/run.png"]);
    }

    /// A few objects that are terabytes on the disk: each level names the level below ten times.
    #[test]
    fn a_tree_is_counted_as_it_would_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let mut below = (repository.blob(&[0; 1000]).unwrap(), 0o100_644);
        for _ in 0..12 {
            let mut level = repository.treebuilder(None).unwrap();
            for n in 0..10 {
                level.insert(n.to_string(), below.0, below.1).unwrap();
            }
            below = (level.write().unwrap(), 0o040_000);
        }
        let tree = repository.find_tree(below.0).unwrap();
        let me = Signature::now("me", "me@example.com").unwrap();
        let id = repository.commit(None, &me, &me, "one", &tree, &[]).unwrap();
        let unlimited = CheckoutLimits::default();
        for (limits, key) in [
            (CheckoutLimits { max_bytes: 100_000, ..unlimited.clone() }, "`checkout.max-bytes`"),
            (unlimited.clone(), "`checkout.max-files`"),
            (CheckoutLimits { max_depth: 5, ..unlimited }, "`checkout.max-depth` is 5"),
        ] {
            let error = checked(&repository, id, &limits).unwrap_err();
            let FetchError::Tree { path, message } = error else { panic!("{error:?}") };
            assert!(message.contains(key) && path.contains('/'), "{path}: {message}");
        }
    }
}
