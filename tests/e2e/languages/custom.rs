//! A build by the user's own command: with a secret and a cache, and when it fails.

use windlass_bed::Repository;
use windlass_tests::{SERVE, SMALL, TestEnv, bed, python};

/// Script that says how often it ran, by a file in its cache.
const SCRIPT: &str = r#"set -e
test "$(cat /run/secrets/token)" = "letmein-9041"
test "$(cat name.txt)" = moon || rm -f /root/.cache/runs
echo run >> /root/.cache/runs
mkdir -p dist
echo "$GREETING $(cat name.txt), build $(wc -l < /root/.cache/runs | tr -d ' ')" > dist/index.html
"#;

const BUILD: &str = r#"
[build]
command = ["sh", "build.sh"]
image = "debian:bookworm-slim"
output = "dist"
base = "python:3.11-slim"
caches = ["/root/.cache"]
secrets = ["token"]
arguments = { GREETING = "hello" }

[test]
command = ["sh", "-c", "grep hello dist/index.html && test -s /root/.cache/runs"]
"#;

#[test]
fn a_command_of_ones_own_has_secrets_and_caches_and_its_failure_is_shown() {
    let env = TestEnv::new("t-custom");
    env.daemon.put_secret("t-custom", "token", "letmein-9041").unwrap();
    let repository = Repository::new(&bed().layout, "t-custom", true).unwrap();
    let toml = format!("{}{SMALL}{BUILD}", python(SERVE));
    repository.write("windlass.toml", &toml).unwrap();
    repository.write("build.sh", SCRIPT).unwrap();
    repository.write("name.txt", "world\n").unwrap();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("build.command"), "{}", ended.text);
    env.serves("app", "hello world, build 1");
    env.keeps_nothing_of("letmein-9041");

    repository.write("name.txt", "moon\n").unwrap();
    repository.commit("two").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    // The cache is kept.
    env.serves("app", "hello moon, build 2");

    repository.write("build.sh", "echo a clue for you\nexit 7\n").unwrap();
    repository.commit("three").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("build", "build-step-failed");
    for part in ["exited with 7", "a clue for you", "build.command"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    repository.write("windlass.toml", &toml.replace("base = ", "# base = ")).unwrap();
    repository.commit("four").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("detect", "spec-invalid");
    assert!(text.contains("build.base") && text.contains("is missing"), "{text}");
}
