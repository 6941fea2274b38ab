//! Entries of a commit's tree that stand for something which is not in the repository: submodules,
//! and Git LFS pointers.

use git2::{AttrCheckFlags, Commit, FileMode, ObjectType, Oid, Repository};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// First lines of a pointer: today's, by the specification of Git LFS, and the one before it.
const POINTERS: [&[u8]; 2] =
    [b"version https://git-lfs.github.com/spec/v1", b"version https://hawser.github.com/spec/v1"];

/// Bytes of the longest file that may be a pointer.
const LONGEST_POINTER: usize = 1024;

/// Entries by path. Paths are bytes to git.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Paths of submodules, each with its commit.
    pub(crate) submodules: Vec<(Vec<u8>, Oid)>,
    /// Paths of files that an attribute gives to Git LFS, and that are a pointer.
    pub(crate) pointers: Vec<Vec<u8>>,
}

/// Finds the submodules and pointers of a commit's whole tree.
pub(crate) fn read(repository: &Repository, commit: &Commit<'_>) -> Result<Contents, git2::Error> {
    let tree = commit.tree()?;
    let mut contents = Contents::default();
    let mut files = Vec::new();
    let mut names_lfs = false;
    let mut folders = vec![(Vec::new(), tree.id())];
    while let Some((at, id)) = folders.pop() {
        for entry in repository.find_tree(id)?.iter() {
            let path = joined(&at, entry.name_bytes());
            let is_link = entry.filemode() == i32::from(FileMode::Link);
            match entry.kind() {
                Some(ObjectType::Tree) => folders.push((path, entry.id())),
                Some(ObjectType::Commit) => contents.submodules.push((path, entry.id())),
                Some(ObjectType::Blob) if !is_link => {
                    if entry.name_bytes() == b".gitattributes" {
                        let text = repository.find_blob(entry.id())?;
                        names_lfs |= text.content().windows(3).any(|word| word == b"lfs");
                    }
                    files.push((path, entry.id()));
                }
                _ => {}
            }
        }
    }
    if names_lfs {
        // The index is changed in memory alone: attributes are read from the index, and not from the disk.
        repository.index()?.read_tree(&tree)?;
        for (path, id) in files {
            if is_pointer(repository, &path, id)? {
                contents.pointers.push(path);
            }
        }
    }
    contents.submodules.sort();
    contents.pointers.sort();
    Ok(contents)
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
    [folder, slash, name].concat()
}

fn is_pointer(repository: &Repository, path: &[u8], id: Oid) -> Result<bool, git2::Error> {
    let (size, _) = repository.odb()?.read_header(id)?;
    if size > LONGEST_POINTER {
        return Ok(false);
    }
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
        let commit = repository.find_commit(id).unwrap();
        let contents = read(&repository, &commit).unwrap();
        let text = |path: &Vec<u8>| String::from_utf8(path.clone()).unwrap();
        let submodules: Vec<_> = contents.submodules.iter().map(|(path, _)| text(path)).collect();
        assert_eq!(submodules, ["sub/deep", "theme"]);
        let pointers: Vec<_> = contents.pointers.iter().map(text).collect();
        assert_eq!(pointers, ["logo.png", "sub/run.png"]);
    }
}
