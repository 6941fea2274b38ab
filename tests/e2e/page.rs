//! The page in a real browser, against a daemon with real jobs: `page/*.mjs` has the flows. The test is alone in its
//! program, since a browser takes the processors that tests of `main.rs` need to be in time.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{daemon::Config, part::controllers::page_tests};
use windlass_tests::{SMALL, TestEnv, bed, dockerfile, hash_of};

const NAME: &str = "t-page";
const PORT: u16 = 21_320;

/// Tokens of a caller who may do everything, and of one who may look.
const OWNER: &str = "5f2c0d7e9b1a4386c05d7f1e2a9b8c3e";
const READER: &str = "0d7e9b1a4386c05d7f1e2a9b8c3e5f2c";

/// Longest time that all flows take together.
const LONGEST: Duration = Duration::from_secs(600);

/// Prints 100,000 lines, slowly enough that the builder clips none, and together below the 2 MiB at which it clips.
const LONG: &str = "RUN i=0; while [ $i -lt 200 ]; do seq -f 'line %.0f of it' $((i*500+1)) $((i*500+500)); \
                    sleep 0.15; i=$((i+1)); done\n";

/// Prints a line each 100 ms for ten minutes.
const LIVE: &str = "RUN i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo \"line $i of a job that runs\"; sleep 0.1; done\n";

#[test]
fn people_see_what_happens_and_change_what_they_may() {
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:{PORT}\" }}\nlogs = {{ stage-lines = 200000 }}\n\
         principals = [\n\
         {{ name = \"owner\", token-sha256 = \"{}\", projects = [\"*\"], verbs = [\"read\", \"deploy\", \"projects\"] }},\n\
         {{ name = \"reader\", token-sha256 = \"{}\", projects = [\"{NAME}\"], verbs = [\"read\"] }},\n]\n",
        hash_of(OWNER),
        hash_of(READER),
    );
    let mut env = TestEnv::with(NAME, &config);
    let file = env.spec_file(
        "project",
        &format!("project = \"{NAME}\"\n[repositories.web]\nurl = \"https://git.example/web\"\n"),
    );
    assert_eq!(env.daemon.windlass(&["project", "apply", "--file", &file]).unwrap().code, 0);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("web", repository.url(), &[]);
    ended.succeeded();
    let with = |step: &str| {
        repository
            .write("Dockerfile", &format!("{}{step}", dockerfile().replace("USER 10001\n", "")))
            .unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository.commit("a step").unwrap();
    };
    with("RUN echo 'it goes wrong' && exit 3\n");
    let failed = env.submit("bad", repository.url(), &[]);
    assert_eq!(failed.outcome, "failed", "{}", failed.text);
    with(LONG);
    let long = env.submit("long", repository.url(), &[]);
    assert_eq!(long.outcome, "succeeded", "{}", long.text);
    with(LIVE);
    let live = env.submit_detached("web", repository.url(), &[]);

    let folder = page_tests(&bed().layout).unwrap();
    let control = bed().layout.at("page");
    let _ = fs::remove_dir_all(&control);
    fs::create_dir_all(&control).unwrap();
    let mut command = Command::new("node");
    command
        .current_dir(folder)
        .args(["--test", "all.mjs"])
        .env("WINDLASS_PAGE", format!("http://127.0.0.1:{PORT}"))
        .env("WINDLASS_PAGE_TOKEN", OWNER)
        .env("WINDLASS_PAGE_READER", READER)
        .env("WINDLASS_PAGE_ENDED", &ended.id)
        .env("WINDLASS_PAGE_FAILED", &failed.id)
        .env("WINDLASS_PAGE_LIVE", &live)
        .env("WINDLASS_PAGE_LONG", &long.id)
        .env("WINDLASS_PAGE_CONTROL", &control);
    let mut node = command.spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = node.try_wait().unwrap() {
            break status;
        }
        if control.join("restart").exists() {
            env.daemon.restart().unwrap();
            fs::remove_file(control.join("restart")).unwrap();
        }
        if began.elapsed() > LONGEST {
            let _ = node.kill();
            panic!("the flows took longer than {} s", LONGEST.as_secs());
        }
        sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "the output above has the flow that failed");
}
