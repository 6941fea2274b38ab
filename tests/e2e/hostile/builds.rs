//! Builds of projects that do not trust each other, and builds that are out of proportion. Most end in a step that
//! fails on purpose: nothing is pushed and deployed.

use windlass_bed::Repository;
use windlass_tests::{Ended, TestEnv, bed, run_of_tests};

/// Last step of a Dockerfile whose build is all of the test.
const END: &str = "RUN echo the end && exit 9\n";

fn repository(name: &str, dockerfile: &str) -> Repository {
    let repository = Repository::new(&bed().layout, name, true).unwrap();
    change(&repository, dockerfile);
    repository
}

fn change(repository: &Repository, dockerfile: &str) {
    repository.write("Dockerfile", dockerfile).unwrap();
    repository.commit("a Dockerfile").unwrap();
}

/// Returns the beginning of a Dockerfile that shares no cache with earlier runs of the tests.
fn base() -> String {
    format!("FROM python:3.11-slim\nENV RUN_OF_TESTS={}\n", run_of_tests())
}

fn build(env: &TestEnv, project: &str, repository: &Repository, more: &[&str]) -> Ended {
    let id = env.submit_detached_as(&format!("{project}/app"), repository.url(), more);
    Ended { id: id.clone(), ..env.watch(&id) }
}

/// Asserts that a build came to its last step, and returns the lines that its steps printed.
fn printed(env: &TestEnv, ended: &Ended) -> Vec<String> {
    let text = ended.failed_with("build", "build-step-failed");
    assert!(text.contains("exited with 9"), "{text}");
    let events = env.events(&ended.id);
    events.iter().filter_map(|event| event["log"]["line"].as_str().map(str::to_owned)).collect()
}

/// A build finds in caches only what builds of its own project left.
#[test]
fn caches_are_a_projects_own() {
    let env = TestEnv::new("t-hostile-caches");
    let mount = "RUN --mount=type=cache,target=/cache";
    let writes = format!("{}{mount} echo poison > /cache/x\n{END}", base());
    let reads = format!("{}{mount} echo \"found $(cat /cache/x || echo nothing)\"\n{END}", base());
    let evil = repository("t-hostile-caches-evil", &writes);
    let shop = repository("t-hostile-caches-shop", &reads);
    let _ = printed(&env, &build(&env, "t-evil", &evil, &[]));
    let seen = printed(&env, &build(&env, "t-shop", &shop, &[]));
    assert!(seen.iter().any(|line| line == "found nothing"), "{seen:?}");
    // The same step, which is in BuildKit's cache by now.
    change(&evil, &reads);
    let seen = printed(&env, &build(&env, "t-evil", &evil, &[]));
    assert!(seen.iter().any(|line| line == "found poison"), "{seen:?}");

    // In a step's key for old frontends, which leave the host's name out.
    let hosts = format!("{}RUN grep project.invalid /etc/hosts\n{END}", base());
    change(&shop, &hosts);
    let seen = printed(&env, &build(&env, "t-shop", &shop, &[]));
    assert!(seen.iter().any(|line| line.contains("t-shop.project.invalid")), "{seen:?}");

    // BuildKit's key of a step does not hold the values of secrets.
    let step = "RUN --mount=type=secret,id=token,required=true wc -c < /run/secrets/token > /made";
    let made = format!("{}{step}\nRUN echo \"made of $(cat /made)\" && exit 9\n", base());
    for (project, repository, value, expected) in [
        ("t-evil", &evil, "evil's own token", "made of 16"),
        ("t-shop", &shop, "shop's token", "made of 12"),
    ] {
        env.daemon.put_secret(project, "token", value).unwrap();
        change(repository, &made);
        let ended = build(&env, project, repository, &["--build-secret", "token"]);
        let seen = printed(&env, &ended);
        assert!(seen.iter().any(|line| line == expected), "{project}: {seen:?}");
    }

    // The project has the secret, and the app does not name it.
    let mount = "RUN --mount=type=secret,id=token";
    let asks = format!("{}{mount} echo \"secrets=[$(ls -A /run/secrets)]\"\n{END}", base());
    change(&shop, &asks);
    let seen = printed(&env, &build(&env, "t-shop", &shop, &[]));
    assert!(seen.iter().any(|line| line == "secrets=[]"), "{seen:?}");
}

/// A frontend, an option of the builder or an image would each lead around the wall.
#[test]
fn what_reaches_around_a_project_is_refused() {
    let env = TestEnv::new("t-hostile-build");
    let registry = bed().registry();
    let repository = repository("t-hostile-build", "# syntax=evil/frontend:1\nFROM scratch\n");
    let text = build(&env, "t-evil", &repository, &[]).failed_with("build", "build-forbidden");
    for expected in ["Dockerfile:1", "evil/frontend:1", "docker/dockerfile"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    change(&repository, "\u{feff}// syntax=evil/frontend:1\nFROM scratch\n");
    let _ = build(&env, "t-evil", &repository, &[]).failed_with("build", "build-forbidden");

    let submit = ["submit", "t-evil/app", "--repository", repository.url()];
    let option = ["--build-arg", "BUILDKIT_SYNTAX=evil/frontend:1"];
    let answer = env.daemon.windlass(&[&submit[..], &option[..]].concat()).unwrap();
    assert_ne!(answer.code, 0, "{}", answer.text);
    assert!(answer.text.contains("build.arguments"), "{}", answer.text);
    let arguments = "[build.arguments]\nBUILDKIT_CACHE_MOUNT_NS = \"t-shop\"\n";
    repository.write("windlass.toml", arguments).unwrap();
    change(&repository, &format!("{}{END}", base()));
    let ended = build(&env, "t-evil", &repository, &[]);
    assert_eq!(ended.diagnosis["code"], "spec-invalid", "{}", ended.text);
    assert!(ended.text.contains("BUILDKIT_CACHE_MOUNT_NS"), "{}", ended.text);
    repository.write("windlass.toml", "").unwrap();

    // The registry asks nobody for a login.
    let image = format!("{registry}/t-shop/web:1");
    for lines in [
        format!("ARG WHOSE=t-shop\nFROM {registry}/${{WHOSE}}/web:1\n"),
        format!("{}COPY --from={image} / /stolen\n{END}", base()),
        format!("{}RUN --mount=from={image},target=/stolen ls /stolen\n{END}", base()),
    ] {
        change(&repository, &lines);
        let ended = build(&env, "t-evil", &repository, &[]);
        let text = ended.failed_with("build", "build-forbidden");
        for expected in [&*image, "project `t-shop`", &*format!("{registry}/t-evil/")] {
            assert!(text.contains(expected), "{expected} for {lines}: {text}");
        }
    }
    change(&repository, &format!("FROM {registry}/t-evil/none:1\n"));
    let _ = build(&env, "t-evil", &repository, &[]).failed_with("build", "base-image-not-found");
}

/// Words of a step are no answers of a registry, a long list of patterns is sent, and a deep tree ends its own job.
#[test]
fn builds_out_of_proportion() {
    let env = TestEnv::new("t-hostile-large");
    let check = "RUN sh -c '(echo \"403 Forbidden: no space left on device\"; false)'\n";
    let repository = repository("t-hostile-large", &format!("{}{check}", base()));
    let ended = build(&env, "t-large", &repository, &[]);
    let text = ended.failed_with("build", "build-step-failed");
    assert!(text.contains("exited with 1"), "{text}");
    let retried = env.events(&ended.id).iter().any(|event| event["retrying"].is_object());
    assert!(!retried, "{}", ended.text);

    let mut patterns: String = (0..10_000).map(|n| format!("ignored-directory-{n}/\n")).collect();
    patterns.push_str("*.secret\n");
    repository.write(".dockerignore", &patterns).unwrap();
    for file in ["ignored-directory-9999/x", "a.secret", "sent-1"] {
        repository.write(file, "text\n").unwrap();
    }
    change(&repository, &format!("{}COPY . /sent\nRUN ls /sent\n{END}", base()));
    let seen = printed(&env, &build(&env, "t-large", &repository, &[]));
    assert!(seen.iter().any(|line| line == "sent-1"), "{seen:?}");
    let ignored = |line: &String| line.starts_with("ignored-") || line == "a.secret";
    assert!(!seen.iter().any(ignored), "{seen:?}");

    // 500 levels, straight into the index: no path is so long that a system call refuses it.
    let blob = repository.git(&["hash-object", "-w", "sent-1"]).unwrap();
    let entry = format!("100644,{},{}f", blob.trim(), "d/".repeat(500));
    let _ = repository.git(&["update-index", "--add", "--cacheinfo", &entry]).unwrap();
    let _ = repository.git(&["commit", "--quiet", "--message", "deep"]).unwrap();
    let push = ["push", "--quiet", "--force", repository.url(), "HEAD:refs/heads/main"];
    let _ = repository.git(&push).unwrap();
    let ended = build(&env, "t-large", &repository, &[]);
    assert_eq!(ended.outcome, "failed", "{}", ended.text);
    let what = ended.diagnosis["what"].to_string();
    assert!(what.contains("`checkout.max-depth` is 100"), "{}", ended.text);
    change(&repository, &format!("{}{END}", base()));
    let _ = printed(&env, &build(&env, "t-large", &repository, &[]));
}
