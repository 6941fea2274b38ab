//! Bad sources: the error has stage, cause and fix, nothing is released, and the next job runs.

use std::{
    os::unix::fs::symlink,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, layout::PASSWORD};
use windlass_tests::{SMALL, TestEnv, bed, dockerfile};

#[test]
fn unreachable_missing_denied_and_empty_repositories() {
    let env = TestEnv::new("t-source");
    let layout = &bed().layout;
    let id = "0123456789012345678901234567890123456789";

    // The policy allows port 9 of loopback, and nobody listens there.
    let ended = env.submit("app", "http://127.0.0.1:9/x.git", &["--revision", id]);
    let text = ended.failed_with("clone", "repository-unreachable");
    assert!(text.contains("check the host"), "{text}");

    let ended = env.submit("app", "https://10.0.0.1/x.git", &["--revision", id]);
    let _ = ended.failed_with("clone", "egress-refused");

    let ended = env.submit("app", &layout.git_url("nowhere"), &["--revision", id]);
    let _ = ended.failed_with("clone", "repository-not-found");

    let repository = env.small_app();
    let commit = repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &["--revision", id]);
    let text = ended.failed_with("clone", "commit-not-found");
    assert!(text.contains("push the commit"), "{text}");

    let private = layout.private_git_url("t-source");
    let ended = env.submit("app", &private, &["--revision", &commit]);
    let text = ended.failed_with("clone", "repository-denied");
    assert!(text.contains("user:token"), "{text}");
    env.daemon.put_secret("t-source", "git", "bed:wrong-password").unwrap();
    let with = ["--revision", &*commit, "--credential", "git"];
    let ended = env.submit("app", &private, &with);
    let text = ended.failed_with("clone", "repository-denied");
    assert!(text.contains("may not read") && !ended.text.contains("wrong-password"), "{text}");
    env.daemon.put_secret("t-source", "git", &format!("bed:{PASSWORD}")).unwrap();
    env.submit("app", &private, &with).succeeded();

    let ended =
        env.submit("app", repository.url(), &["--revision", &commit, "--credential", "none"]);
    let _ = ended.failed_with("clone", "secret-missing");

    let empty = Repository::new(layout, "t-source-empty", true).unwrap();
    empty.commit("nothing").unwrap();
    let ended = env.submit("empty", empty.url(), &[]);
    let text = ended.failed_with("clone", "tree-refused");
    assert!(text.contains("no files"), "{text}");
    env.serves("app", "one");
}

/// A commit is found by id where the server allows it, by a ref's tip, by id in protocol v2, and deep in a branch.
#[test]
fn the_ladder_finds_commits_wherever_they_are() {
    let env = TestEnv::new("t-ladder");
    env.daemon.put_secret("t-ladder", "git", &format!("bed:{PASSWORD}")).unwrap();
    for by_id in [true, false] {
        let name = format!("t-ladder-{by_id}");
        let repository = Repository::new(&bed().layout, &name, by_id).unwrap();
        repository.write("Dockerfile", &dockerfile()).unwrap();
        repository.write("index.html", "deep\n").unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        let deep = repository.commit("deep").unwrap();
        for n in 0..60 {
            repository
                .git(&["commit", "--quiet", "--allow-empty", "--message", &n.to_string()])
                .unwrap();
        }
        // A force-push removed the commit from its branch: only its id leads to it.
        repository.write("index.html", "aside\n").unwrap();
        let aside = repository.commit("aside").unwrap();
        repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]).unwrap();
        repository.write("index.html", "tip\n").unwrap();
        let tip = repository.commit("tip").unwrap();
        let git = bed().layout.git_protocol_url(&name);
        for (url, commit, page) in [
            (repository.url(), &deep, "deep"),
            (repository.url(), &tip, "tip"),
            (repository.url(), &aside, "aside"),
            (&git, &deep, "deep"),
            (&git, &aside, "aside"),
        ] {
            let ended = env.submit("app", url, &["--revision", commit]);
            ended.succeeded();
            assert!(!ended.text.contains("commits of HEAD"), "{}", ended.text);
            env.serves("app", page);
        }
        let private = bed().layout.private_git_url(&name);
        let more = ["--revision", &*deep, "--credential", "git"];
        let ended = env.submit("app", &private, &more);
        ended.succeeded();
        assert!(!ended.text.contains("commits of HEAD"), "{}", ended.text);
        // Without version 2 of the protocol, the branch is searched.
        let old = bed().layout.old_git_url(&name);
        let ended = env.submit("app", &old, &["--revision", &*deep]);
        ended.succeeded();
        assert_eq!(ended.text.contains("500 commits of HEAD"), !by_id, "{}", ended.text);
    }
}

/// Revisions: a bot's branch with the same tail, annotated tags, a name that two refs have. Each is resolved with the
/// login, and for a client that has no git.
#[test]
fn revisions_are_exact_and_resolved_by_the_daemon() {
    let env = TestEnv::new("t-revision");
    env.daemon.put_secret("t-revision", "git", &format!("bed:{PASSWORD}")).unwrap();
    let layout = &bed().layout;
    for by_id in [true, false] {
        let name = format!("t-revision-{by_id}");
        let repository = Repository::new(layout, &name, by_id).unwrap();
        repository.write("Dockerfile", &dockerfile()).unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository.write("index.html", "old\n").unwrap();
        let old = repository.commit("old").unwrap();
        let git = |args: &[&str]| repository.git(args).unwrap();
        let _ = git(&["tag", "--annotate", "v0.9", "--message", "version 0.9"]);
        repository.write("index.html", "new\n").unwrap();
        let new = repository.commit("new").unwrap();
        let _ = git(&["tag", "--annotate", "v1.0", "--message", "version 1.0"]);
        // The commit is on no branch: where ids are hidden, only the tag leads to it.
        repository.write("index.html", "aside\n").unwrap();
        let aside = repository.commit("aside").unwrap();
        let _ = git(&["tag", "--annotate", "v2.0", "--message", "version 2.0"]);
        let _ = git(&["reset", "--quiet", "--hard", &new]);
        let refs = ["bot/main", "both"].map(|branch| format!("{old}:refs/heads/{branch}"));
        let both = format!("{new}:refs/tags/both");
        let push =
            ["push", "--quiet", "--force", repository.url(), "HEAD:refs/heads/main", "--tags"];
        let _ = git(&[&push[..], &[&*refs[0], &*refs[1], &*both][..]].concat());
        let (protocol, private) = (layout.git_protocol_url(&name), layout.private_git_url(&name));
        for (url, revision, commit) in [
            (repository.url(), "HEAD", &new),
            (repository.url(), "main", &new),
            (repository.url(), "bot/main", &old),
            (repository.url(), "v0.9", &old),
            (repository.url(), "refs/heads/both", &old),
            (repository.url(), "refs/tags/both", &new),
            (&*protocol, "v1.0", &new),
            (&*private, "v2.0", &aside),
        ] {
            // A login that nobody asks for is not sent.
            let args = ["--output", "json", "submit", "t-revision/names", "--detach"];
            let more =
                ["--repository", url, "--revision", revision, "--credential", "git", "--no-test"];
            let mut client = env.daemon.client(&[&args[..], &more[..]].concat()).unwrap();
            let output = client.env("PATH", "").output().unwrap();
            let job = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(job.contains(&format!("\"commit\":\"{commit}\"")), "{revision}: {output:?}");
            assert!(job.contains(&format!("\"revision\":\"{revision}\"")), "{revision}: {job}");
        }
        for (revision, page) in [("main", "new"), ("v1.0", "new"), ("v2.0", "aside")] {
            env.submit("app", repository.url(), &["--revision", revision]).succeeded();
            env.serves("app", page);
        }
        let jobs =
            || env.daemon.windlass(&["jobs", "--limit", "100"]).unwrap().text.lines().count();
        let before = jobs();
        for (revision, expected) in [
            ("mian", &["revision-not-found", "source.revision", "main"][..]),
            ("both", &["revision-ambiguous", "refs/heads/both", "refs/tags/both"][..]),
            (&new[..10], &["revision-not-found", "40 or 64 hex digits"][..]),
            ("main~1", &["source.revision", "main~1"][..]),
        ] {
            let args = ["submit", "t-revision/app", "--repository", repository.url(), "--revision"];
            let answer = env.daemon.windlass(&[&args[..], &[revision]].concat()).unwrap();
            assert_eq!(answer.code, 2, "{}", answer.text);
            for text in expected {
                assert!(answer.text.contains(text), "{text}: {}", answer.text);
            }
        }
        assert_eq!(jobs(), before, "what leads to no commit is no job");
        // The tag's own id is no commit's: the job fails at once, and names the commit's id.
        let tag = git(&["rev-parse", "v1.0"]);
        let ended = env.submit("app", repository.url(), &["--revision", tag.trim()]);
        let text = ended.failed_with("clone", "commit-not-found");
        assert!(text.contains("an annotated tag") && text.contains(&*new), "{text}");
    }
    let private = layout.private_git_url("t-revision-true");
    let args = ["submit", "t-revision/app", "--repository", &private];
    let answer = env.daemon.windlass(&args).unwrap();
    assert!(answer.code == 2 && answer.text.contains("repository-denied"), "{}", answer.text);
}

/// Adds a commit of another repository, as `git submodule add` would without fetching it.
fn add_submodule(repository: &Repository, path: &str, url: &str, commit: &str) {
    let file = repository.folder().join(".gitmodules");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let text = format!("{before}[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
    repository.write(".gitmodules", &text).unwrap();
    std::fs::create_dir_all(repository.folder().join(path)).unwrap();
    let entry = format!("160000,{commit},{path}");
    repository.git(&["update-index", "--add", "--cacheinfo", &entry]).unwrap();
}

/// A submodule of the same server, and another within it, with and without the login; a submodule that does not concern
/// the app; and submodules that cannot be fetched.
#[test]
fn submodules_are_fetched_or_refused_by_name() {
    let env = TestEnv::new("t-modules");
    let layout = &bed().layout;
    env.daemon.put_secret("t-modules", "git", &format!("bed:{PASSWORD}")).unwrap();
    let icons = Repository::new(layout, "t-modules-icons", false).unwrap();
    icons.write("icon.txt", "an icon\n").unwrap();
    let icon = icons.commit("icon").unwrap();
    let theme = Repository::new(layout, "t-modules-theme", true).unwrap();
    theme.write("style.css", "blue\n").unwrap();
    add_submodule(&theme, "icons", "../t-modules-icons.git", &icon);
    let style = theme.commit("style").unwrap();

    let shop = env.small_app();
    let checks = "COPY . ./\nRUN test -s theme/style.css && test -s theme/icons/icon.txt && \
                  test ! -e theme/.git && test ! -e theme/icons/.git";
    shop.write("Dockerfile", &dockerfile().replace("COPY index.html ./", checks)).unwrap();
    add_submodule(&shop, "theme", "../t-modules-theme.git", &style);
    shop.commit("with a theme").unwrap();
    for (url, more) in [
        (shop.url().to_owned(), &[][..]),
        (layout.git_protocol_url("t-modules"), &[][..]),
        (layout.private_git_url("t-modules"), &["--credential", "git"][..]),
    ] {
        let ended = env.submit("app", &url, more);
        ended.succeeded();
        assert!(ended.text.contains(&format!("submodule theme/icons: {icon}")), "{}", ended.text);
    }
    env.serves("app", "one");

    let missing = "0123456789012345678901234567890123456789";
    for (name, url, commit, expected) in [
        ("ssh", "git@git.example:shop/fonts.git", &*icon, "ssh address"),
        ("login", "https://u:s3cr3t-t0ken@git.example/fonts.git", &*icon, "holds a login"),
        ("private", "https://10.0.0.1/fonts.git", &*icon, "private address"),
        ("nowhere", "../t-modules-nobody.git", &*icon, "no such repository"),
        ("commit", "../t-modules-icons.git", missing, "has no commit"),
    ] {
        let name = format!("t-modules-{name}");
        let other = Repository::new(layout, &name, true).unwrap();
        other.write("app/Dockerfile", &dockerfile()).unwrap();
        other.write("app/index.html", "two\n").unwrap();
        other.write("app/windlass.toml", SMALL).unwrap();
        add_submodule(&other, "fonts", url, commit);
        other.commit("with fonts").unwrap();
        let ended = env.submit("other", other.url(), &[]);
        let text = ended.failed_with("clone", "submodule-failed");
        assert!(text.contains("`fonts`") && text.contains(expected), "{text}");
        assert!(!ended.text.contains("s3cr3t-t0ken"), "{}", ended.text);
        if name == "t-modules-ssh" {
            env.submit("other", other.url(), &["--directory", "app"]).succeeded();
        }
    }
    let stray = Repository::new(layout, "t-modules-stray", true).unwrap();
    stray.write("index.html", "three\n").unwrap();
    add_submodule(&stray, "fonts", "../t-modules-icons.git", &icon);
    std::fs::remove_file(stray.folder().join(".gitmodules")).unwrap();
    stray.commit("a stray commit").unwrap();
    let ended = env.submit("other", stray.url(), &[]);
    let text = ended.failed_with("clone", "submodule-failed");
    assert!(text.contains("`fonts`") && text.contains(".gitmodules does not say"), "{text}");
}

#[test]
fn lfs_pointers_are_refused_by_name() {
    let env = TestEnv::new("t-lfs");
    let repository = env.small_app();
    repository.write(".gitattributes", "*.png filter=lfs diff=lfs merge=lfs -text\n").unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    repository.write("logo.png", pointer).unwrap();
    repository.git(&["config", "filter.lfs.clean", "cat"]).unwrap();
    repository.git(&["config", "filter.lfs.required", "false"]).unwrap();
    repository.commit("a logo").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("detect", "lfs-pointers");
    assert!(text.contains("logo.png") && text.contains("lfs-pointers = true"), "{text}");
    let answer =
        env.daemon.windlass(&["plan", "t-lfs/app", "--repository", repository.url()]).unwrap();
    assert!(answer.code == 2 && answer.text.contains("logo.png"), "{}", answer.text);
    let settings = format!("{SMALL}[build]\nlfs-pointers = true\n");
    repository.write("windlass.toml", &settings).unwrap();
    repository.commit("without it").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("logo.png"), "a warning: {}", ended.text);
}

/// A build has no `.git`: tools that ask git for a version get it by a variable, from the tag that leads to the commit.
#[test]
fn versions_of_the_repository_reach_the_build() {
    let env = TestEnv::new("t-version");
    let repository = env.repository();
    let project = "[project]\nname = \"shop\"\ndynamic = [\"version\"]\n[build-system]\n\
                   requires = [\"setuptools\", \"setuptools-scm>=8\"]\n[tool.setuptools_scm]\n";
    repository.write("pyproject.toml", project).unwrap();
    repository.write("main.py", "print(1)\n").unwrap();
    let first = repository.commit("one").unwrap();
    let plan = |more: &[&str]| {
        let args = ["plan", "t-version/app", "--repository", repository.url()];
        let answer = env.daemon.windlass(&[&args[..], more].concat()).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
        answer.text
    };
    let variable = "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP";
    let text = plan(&[]);
    assert!(text.contains(&format!("{variable}=\"0.0.0+g{}\"", &first[..12])), "{text}");
    let text = plan(&["--build-arg", "WINDLASS_VERSION=7.1"]);
    assert!(text.contains(&format!("{variable}=\"7.1\"")), "{text}");
    let _ = repository.git(&["tag", "--annotate", "v1.4.2", "--message", "version"]).unwrap();
    let _ = repository.git(&["push", "--quiet", repository.url(), "v1.4.2"]).unwrap();
    for more in [&[][..], &["--revision", &first], &["--revision", "v1.4.2"]] {
        let text = plan(more);
        assert!(text.contains(&format!("{variable}=\"1.4.2\"")), "{text}");
    }

    let own = env.small_app();
    let step = "ARG WINDLASS_COMMIT\nARG WINDLASS_VERSION\n\
                RUN echo \"it is $WINDLASS_VERSION of $WINDLASS_COMMIT\"\nUSER 10001";
    own.write("Dockerfile", &dockerfile().replace("USER 10001", step)).unwrap();
    let commit = own.commit("own").unwrap();
    let _ = own.git(&["push", "--quiet", own.url(), "HEAD:refs/tags/shop-2.0"]).unwrap();
    let ended = env.submit("own", own.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains(&format!("it is 2.0 of {commit}")), "{}", ended.text);
}

#[test]
fn trees_that_cannot_be_built() {
    let env = TestEnv::new("t-tree");
    let repository = env.repository();
    repository.write("README.md", "nothing to run\n").unwrap();
    repository.commit("no app").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("detect", "nothing-detected");
    assert!(text.contains("deno, python, go") && text.contains("commit a Dockerfile"), "{text}");

    repository.write("windlass.toml", "prot = 80\n").unwrap();
    repository.commit("a key that nobody knows").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("detect", "spec-invalid");
    assert!(text.contains("windlass.toml:1") && text.contains("prot"), "{text}");

    std::fs::remove_file(repository.folder().join("windlass.toml")).unwrap();
    symlink("/etc/passwd", repository.folder().join("windlass.toml")).unwrap();
    repository.commit("a link out of the tree").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("detect", "tree-refused");
    assert!(text.contains("leaves the repository") && !ended.text.contains("root:x:0"), "{text}");
    env.runs_the_next_job();
    // A thread removes them, after the children have ended.
    let left = || std::fs::read_dir(env.daemon.data().join("workspaces")).unwrap().count();
    let began = Instant::now();
    while left() > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "a workspace goes with its job");
        sleep(Duration::from_millis(20));
    }
}
