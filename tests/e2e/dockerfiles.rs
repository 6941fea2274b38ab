//! Dockerfiles and their contexts, read as Docker reads them.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink, path::Path, process::Command};
use windlass_bed::process::run;
use windlass_tests::{SMALL, TestEnv, bed, dockerfile};

/// Patterns that mean something else to a reader that has rules of its own. [`FILES`] has files for each.
const IGNORED: &str = r"# What git keeps is no part of a job's tree.
.git
.env.[a-z]*
dump-[0-9].sql
logs/[^k]*
**.md
./dot/x
/root/x
up/../gone
spaces/x
range/[a-c]x
stars/**/x
mid/a**/x
end/**
order/x/y
!order/x
again
!again/keep
again/keep/*.key
brace/*.{js,ts}
count/a{2}?
either/a|zz*
escape/\*x
bracket/[*]
named/[[:digit:]]
digit/\d
hat/a^c*
plus/a+(c)$d*
";

const FILES: &[&str] = &[
    ".env.local",
    ".env.7",
    "dump-7.sql",
    "dump-x.sql",
    "dump--.sql",
    "logs/app.log",
    "logs/keep.txt",
    "README.md",
    "docs/guide.md",
    "docs/guide.txt",
    "dot/x",
    "root/x",
    "gone",
    "up/gone",
    "spaces/x",
    "range/bx",
    "range/dx",
    "range/-x",
    "stars/x",
    "stars/a/x",
    "stars/a/c/x",
    "stars/a/y",
    "mid/a/x",
    "mid/ac/d/x",
    "mid/x",
    "end/a/c",
    "order/x/y",
    "order/x/z",
    "again/gone",
    "again/keep/it",
    "again/keep/a.key",
    "brace/a.js",
    "brace/a.{js,ts}",
    "count/aac",
    "count/a{2}c",
    "either/axe",
    "either/c",
    "escape/*x",
    "escape/ax",
    "bracket/*",
    "bracket/[]",
    "named/7",
    "named/x",
    "digit/7",
    "digit/d",
    "hat/a^c",
    "plus/a+(c)$d",
    "plus/aac",
];

/// Finds all files and links below a folder.
fn files(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path);
        }
    }
}

/// Has BuildKit's own client send a folder, and returns the files that arrived.
fn sent_by_buildctl(env: &TestEnv, context: &Path) -> BTreeSet<String> {
    let folder = bed().layout.at(&format!("daemons/{}/reference", env.name));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("Dockerfile"), "FROM scratch\nCOPY . /\n").unwrap();
    let sent = folder.join("sent");
    let mut command = Command::new(bed().layout.program("buildctl"));
    command
        .args(["--addr", &bed().buildkit(), "build", "--frontend", "dockerfile.v0"])
        .args(["--local", &format!("context={}", context.display())])
        .args(["--local", &format!("dockerfile={}", folder.display())])
        .args(["--output", &format!("type=local,dest={}", sent.display())]);
    let _ = run(&mut command).unwrap();
    let mut found = BTreeSet::new();
    files(&sent, "", &mut found);
    found
}

#[test]
fn ignored_is_what_docker_ignores() {
    let env = TestEnv::new("t-ignored");
    let repository = env.small_app();
    let list = "COPY . /sent\nRUN cd /sent && find . -type f -o -type l | sed 's|^\\./|sent: |'\n";
    let text = dockerfile().replace("USER 10001\n", &format!("{list}USER 10001\n"));
    repository.write("Dockerfile", &text).unwrap();
    let ignored = IGNORED.replace("spaces/x", "  spaces/x \t");
    repository.write(".dockerignore", &ignored).unwrap();
    for file in FILES {
        repository.write(file, "text\n").unwrap();
    }
    symlink("range", repository.folder().join("link")).unwrap();
    repository.commit("files of all kinds").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    let sent: BTreeSet<_> = env
        .events(&ended.id)
        .iter()
        .filter_map(|event| Some(event["log"]["line"].as_str()?.strip_prefix("sent: ")?.to_owned()))
        .collect();
    assert_eq!(sent, sent_by_buildctl(&env, repository.folder()));
    for secret in [".env.local", "dump-7.sql", "logs/app.log", "README.md"] {
        assert!(!sent.contains(secret), "{secret}");
    }
    assert!(sent.contains("logs/keep.txt") && sent.contains("link"), "{sent:?}");
}

/// A pattern that cannot be read is named. Nothing is sent in the hope that the pattern matches nothing.
#[test]
fn a_pattern_that_cannot_be_read() {
    let env = TestEnv::new("t-unread");
    let repository = env.small_app();
    repository.write(".dockerignore", "secret[z-a]\n").unwrap();
    repository.commit("a range from z to a").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    assert_eq!(ended.diagnosis["stage"], "build", "{}", ended.text);
    assert!(ended.diagnosis["what"].to_string().contains("pattern"), "{}", ended.text);
}

/// A name in small letters is found, too, as by `docker build`.
#[test]
fn a_dockerfile_in_small_letters() {
    let env = TestEnv::new("t-small-letters");
    let repository = env.small_app();
    let path = repository.folder().join("Dockerfile");
    fs::rename(&path, path.with_file_name("dockerfile")).unwrap();
    repository.commit("small letters").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("dockerfile: a Dockerfile in the repository"), "{}", ended.text);
    env.serves("app", "one");
}

/// Stages and arguments are those that the builder's own parser reads.
#[test]
fn a_stage_for_tests_however_it_is_written() {
    let env = TestEnv::new("t-stages");
    let repository = env.small_app();
    repository.write("check.py", "import sys\nsys.exit('1 of 1 checks failed')\n").unwrap();
    let base = dockerfile()
        .replace("FROM python:3.11-slim", "FROM python:3.11-slim AS BASE")
        .replace("COPY index.html", "COPY index.html check.py");
    for from in ["FROM base AS TEST", "from base \\\n    as test", "FROM base \\\n# why\n  AS Test"]
    {
        let stage = format!("{from}\nCMD [\"python3\", \"check.py\"]\n");
        repository.write("Dockerfile", &format!("{base}{stage}FROM base AS serve\n")).unwrap();
        repository.commit(from).unwrap();
        let ended = env.submit("app", repository.url(), &[]);
        let text = ended.failed_with("test", "tests-failed");
        assert!(text.contains("1 of 1 checks failed"), "{from}: {text}");
        let pushed = env.events(&ended.id).iter().any(|event| event["pushed"].is_object());
        assert!(!pushed, "{from}: nothing is pushed");
    }

    // Text of a file is no stage. An argument may stand on a line of its own.
    let text = "COPY <<EOF notes\nFROM python:3.11-slim AS test\nEOF\n";
    let text = format!("# escape=`\n{}{text}ARG FIRST=1 `\n    GREETING=hello\n", dockerfile());
    repository.write("Dockerfile", &text).unwrap();
    repository.commit("a heredoc").unwrap();
    let more = ["--build-arg", "GREETING=good day", "--build-arg", "GREETNIG=hi"];
    let ended = env.submit("app", repository.url(), &more);
    ended.succeeded();
    assert!(ended.text.contains("has no stage `test`"), "{}", ended.text);
    assert!(ended.text.contains("no `ARG GREETNIG`"), "{}", ended.text);
    assert!(!ended.text.contains("no `ARG GREETING`"), "{}", ended.text);
}

/// One of several ports is chosen: the stage's own, or the customary one. Otherwise a warning says that the port is not
/// known.
#[test]
fn one_of_several_ports() {
    let env = TestEnv::new("t-ports");
    let repository = env.small_app();
    let base = dockerfile()
        .replace("FROM python:3.11-slim", "FROM python:3.11-slim AS base")
        .replace("EXPOSE 8080", "EXPOSE 7001 7002");
    let listens = |port: u16| format!("CMD [\"python3\", \"-m\", \"http.server\", \"{port}\"]\n");
    let own = format!("{base}FROM base\nEXPOSE 7002\nEXPOSE 9000/udp\n{}", listens(7002));
    repository.write("Dockerfile", &own).unwrap();
    repository.commit("its own").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(!ended.text.contains("nothing says at which"), "{}", ended.text);
    env.serves("app", "one");

    let customary = dockerfile().replace("EXPOSE 8080", "EXPOSE 7001 8080 9000");
    repository.write("Dockerfile", &customary).unwrap();
    repository.commit("the customary one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();

    let unclear = format!("{base}{}", listens(7001));
    repository.write("Dockerfile", &unclear).unwrap();
    repository.commit("nobody knows").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("exposes the ports 7001, 7002"), "{}", ended.text);
    assert!(ended.text.contains("write `port = 7001`"), "{}", ended.text);
    repository.write("windlass.toml", &format!("port = 7001\n{SMALL}")).unwrap();
    repository.commit("now it is said").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(!ended.text.contains("nothing says at which"), "{}", ended.text);
}

/// Two copies go through one link: buildx finds the first of two such paths, and not the second.
#[test]
fn a_link_on_the_way_to_what_is_copied() {
    let env = TestEnv::new("t-link");
    let repository = env.small_app();
    let copied = "COPY current/index.html ./\nCOPY current/pages ./pages\n";
    let text = dockerfile().replace("COPY index.html ./\n", copied);
    repository.write("Dockerfile", &text).unwrap();
    repository.write("releases/7/index.html", "seven\n").unwrap();
    repository.write("releases/7/pages/index.html", "pages of seven\n").unwrap();
    symlink("releases/7", repository.folder().join("current")).unwrap();
    repository.commit("seven is current").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "seven");
    let pages = env.exec("deploy/app", &["cat", "pages/index.html"]);
    assert_eq!(pages.trim(), "pages of seven");
}
