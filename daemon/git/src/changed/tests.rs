use super::*;
use git2::Signature;
use std::collections::BTreeSet;
use tempfile::TempDir;

const URL: &str = "https://git.example/x";

fn repository() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

/// Makes a tree of files by path, each with its mode and content.
fn made(repository: &Repository, files: &[(&str, i32, &str)]) -> Oid {
    let mut builder = repository.treebuilder(None).unwrap();
    let mut inner: BTreeMap<&str, Vec<(&str, i32, &str)>> = BTreeMap::new();
    for (path, mode, content) in files {
        if let Some((folder, rest)) = path.split_once('/') {
            inner.entry(folder).or_default().push((rest, *mode, *content));
            continue;
        }
        let id = match *mode {
            0o160_000 => Oid::from_str(content).unwrap(),
            _ => repository.blob(content.as_bytes()).unwrap(),
        };
        builder.insert(*path, id, *mode).unwrap();
    }
    for (name, files) in inner {
        builder.insert(name, made(repository, &files), 0o040_000).unwrap();
    }
    builder.write().unwrap()
}

fn plain<'a>(files: &[(&'a str, &'a str)]) -> Vec<(&'a str, i32, &'a str)> {
    files.iter().map(|(path, content)| (*path, 0o100_644, *content)).collect()
}

fn compared(repository: &Repository, old: Oid, new: Oid) -> Vec<String> {
    let limits = CheckoutLimits::default();
    compare(repository, old, new, URL, 1000, &limits).unwrap().take()
}

#[test]
fn files_that_were_changed_moved_and_deleted_are_named() {
    let (_folder, repository) = repository();
    let old = [
        ("same.md", "same"),
        ("changed.md", "1"),
        ("deleted.md", "x"),
        ("moved/from.rs", "a file that moves"),
        ("untouched/deep/a.rs", "a"),
        ("web/src/main.rs", "1"),
        ("gone/a", "1"),
        ("gone/b/c", "1"),
    ];
    let new = [
        ("same.md", "same"),
        ("changed.md", "2"),
        ("moved/to.rs", "a file that moves"),
        ("untouched/deep/a.rs", "a"),
        ("web/src/main.rs", "2"),
        ("web/new.rs", "1"),
    ];
    let (old, new) = (made(&repository, &plain(&old)), made(&repository, &plain(&new)));
    let expected = [
        "changed.md",
        "deleted.md",
        "gone/a",
        "gone/b/c",
        "moved/from.rs",
        "moved/to.rs",
        "web/new.rs",
        "web/src/main.rs",
    ];
    assert_eq!(compared(&repository, old, new), expected);
    assert_eq!(compared(&repository, new, old), expected);
    assert_eq!(compared(&repository, new, new), [""; 0]);
}

#[test]
fn a_name_that_changes_its_kind_is_named() {
    let (_folder, repository) = repository();
    let (one, two) = ("1".repeat(40), "2".repeat(40));
    let old = [
        ("run.sh", 0o100_644, "x"),
        ("link", 0o120_000, "a"),
        ("theme", 0o160_000, &*one),
        ("file", 0o100_644, "x"),
        ("folder/a", 0o100_644, "x"),
    ];
    let new = [
        ("run.sh", 0o100_755, "x"),
        ("link", 0o120_000, "b"),
        ("theme", 0o160_000, &*two),
        ("file/a", 0o100_644, "x"),
        ("folder", 0o100_644, "x"),
    ];
    let (old, new) = (made(&repository, &old), made(&repository, &new));
    let found = compared(&repository, old, new);
    assert_eq!(found, ["file", "file/a", "folder", "folder/a", "link", "run.sh", "theme"]);
}

/// A push of several commits and a merge: what each of them changed is between the first and the last tree.
#[test]
fn what_several_commits_and_a_merge_changed_is_named() {
    let (_folder, repository) = repository();
    let me = Signature::now("me", "me@example.com").unwrap();
    let commit = |files: &[(&str, &str)], parents: &[Oid]| {
        let tree = repository.find_tree(made(&repository, &plain(files))).unwrap();
        let parents: Vec<_> =
            parents.iter().map(|id| repository.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        repository.commit(None, &me, &me, "one", &tree, &parents).unwrap()
    };
    let base = commit(&[("a/1", "1"), ("b/1", "1"), ("c/1", "1")], &[]);
    let left = commit(&[("a/1", "2"), ("b/1", "1"), ("c/1", "1")], &[base]);
    let left = commit(&[("a/1", "2"), ("b/1", "2"), ("c/1", "1")], &[left]);
    let right = commit(&[("a/1", "1"), ("b/1", "1"), ("c/1", "1"), ("d/1", "1")], &[base]);
    let merged = commit(&[("a/1", "2"), ("b/1", "2"), ("c/1", "1"), ("d/1", "1")], &[left, right]);
    let tree = |id| repository.find_commit(id).unwrap().tree_id();
    assert_eq!(compared(&repository, tree(base), tree(merged)), ["a/1", "b/1", "d/1"]);
    assert_eq!(compared(&repository, tree(right), tree(merged)), ["a/1", "b/1"]);
}

#[test]
fn many_files_are_named_up_to_the_number_that_was_asked_for() {
    let (_folder, repository) = repository();
    let names: Vec<_> = (0..468).map(|n| format!("docs/{n:03}.md")).collect();
    let files: Vec<_> = names.iter().map(|name| (&**name, 0o100_644, "x")).collect();
    let (old, new) = (made(&repository, &[]), made(&repository, &files));
    let limits = CheckoutLimits::default();
    let found = compare(&repository, old, new, URL, 468, &limits).unwrap().take();
    assert_eq!(found, names);
    let error = compare(&repository, old, new, URL, 467, &limits).unwrap_err();
    let FetchError::Tree { path, message } = error else { panic!("{error:?}") };
    assert!(path == URL && message.contains("more than 467 files"), "{path}: {message}");
}

/// A few objects that are billions of files: each level names the level below ten times.
#[test]
fn a_tree_that_names_itself_is_left_by_its_limits() {
    let (_folder, repository) = repository();
    let mut below = (repository.blob(b"x").unwrap(), 0o100_644);
    for _ in 0..12 {
        let mut level = repository.treebuilder(None).unwrap();
        for n in 0..10 {
            level.insert(n.to_string(), below.0, below.1).unwrap();
        }
        below = (level.write().unwrap(), 0o040_000);
    }
    let old = made(&repository, &[]);
    let unlimited = CheckoutLimits::default();
    for (most, limits, key) in [
        (100, unlimited.clone(), "more than 100 files"),
        (
            usize::MAX,
            CheckoutLimits { max_files: 1000, ..unlimited.clone() },
            "`checkout.max-files` is 1000",
        ),
        (usize::MAX, CheckoutLimits { max_depth: 5, ..unlimited }, "`checkout.max-depth` is 5"),
    ] {
        let error = compare(&repository, old, below.0, URL, most, &limits).unwrap_err();
        let FetchError::Tree { message, .. } = error else { panic!("{error:?}") };
        assert!(message.contains(key), "{message}");
    }
}

#[test]
fn the_order_of_paths_is_theirs() {
    let (_folder, repository) = repository();
    let files = [("b", "1"), ("a/c", "1"), ("a-b", "1"), ("a/b/c", "1")];
    let new = made(&repository, &plain(&files));
    let found = compared(&repository, made(&repository, &[]), new);
    let sorted: BTreeSet<_> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(found, sorted.into_iter().collect::<Vec<_>>());
}
