//! Recorded runs of the strategies in `deploy/reference/strategy-runs.md`: what happened on the bed, in which order.
//! `WINDLASS_BLESS=1` writes the file. Other runs compare all of it but times and numbers of requests.

use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write, fs};
use windlass_tests::{
    Ended,
    traffic::{Report, Shop, Traffic, shifted_to},
};

const HEAD: &str = "\
# Runs of the strategies

<!-- Made by a test on the bed: WINDLASS_BLESS=1 cargo suite -- recorded -->

Two pods of an app that drains, on a cluster of one node, with some forty requests a second. `one` served before. The first
run of each strategy succeeds. In the second one something is wrong with `three`, and `two` is put back. Seconds count from
the plan; a line is printed as the step begins. [strategies.md](strategies.md) says what the steps mean.
";

/// Characters of a commit that steps show.
const SHOWN: usize = 10;

/// Program that ends at once.
const CRASH: &str = "command = [\"python3\", \"-c\", \"raise SystemExit(3)\"]\n";

/// A strategy, and what somebody does in its second run.
struct Recorded {
    title: &'static str,
    keys: &'static str,
    bad: Bad,
    /// Says that a gate is opened in each run that comes to it.
    is_gated: bool,
}

#[derive(PartialEq)]
enum Bad {
    /// The program ends at once.
    Crashes,
    /// Somebody aborts the release while it holds.
    Aborted,
}

const ALL: [Recorded; 4] = [
    Recorded { title: "rolling", keys: "", bad: Bad::Crashes, is_gated: false },
    Recorded {
        title: "recreate",
        keys: "[strategy]\nkind = \"recreate\"\n",
        bad: Bad::Crashes,
        is_gated: false,
    },
    Recorded {
        title: "blue-green",
        keys: "[strategy]\nkind = \"blue-green\"\ncheck = \"/healthz\"\nhold-seconds = 5\ngates = [100]\n",
        bad: Bad::Aborted,
        is_gated: true,
    },
    Recorded {
        title: "canary",
        keys: "[strategy]\nkind = \"canary\"\nweights = [34, 50, 100]\nhold-seconds = 5\n",
        bad: Bad::Aborted,
        is_gated: false,
    },
];

#[test]
fn the_published_runs_go_as_releases_go() {
    let shop = Shop::new("t-recorded");
    let mut text = HEAD.to_owned();
    for strategy in &ALL {
        let keys = format!("replicas = 2\n{}", strategy.keys);
        let mut names = BTreeMap::new();
        let mut next = |version: &'static str| {
            shop.repository.write("VERSION", &format!("{version} by {}", strategy.title)).unwrap();
            names.insert(shop.repository.commit(version).unwrap(), version);
            names.clone()
        };
        next("one");
        shop.release("one", "replicas = 2\n").succeeded();
        shop.env.serves("app", "one");
        let _ = write!(text, "\n## {}\n", strategy.title);
        if !strategy.keys.is_empty() {
            let _ = write!(text, "\n```toml\n{}```\n", strategy.keys);
        }

        let names = next("two");
        let traffic = Traffic::start(&shop.target());
        let id = shop.begin("two", &keys);
        if strategy.is_gated {
            let digest = shop.await_gate(&id);
            let args = ["approve", &id, "--digest", &digest, "--note", "it looks well"];
            assert_eq!(shop.env.daemon.windlass(&args).unwrap().code, 0);
        }
        let ended = shop.env.watch(&id);
        ended.succeeded();
        shop.env.serves("app", "two");
        show(&mut text, &shop.env.events(&id), &ended, &names, &traffic.end());

        let names = next("three");
        let traffic = Traffic::start(&shop.target());
        let crash = if strategy.bad == Bad::Crashes { CRASH } else { "" };
        let id = shop.begin("three", &format!("replicas = 2\n{crash}{}", strategy.keys));
        if strategy.bad == Bad::Aborted {
            shop.await_hold(&id);
            shop.does("abort", &id, "slower than it was");
        }
        let ended = shop.env.watch(&id);
        shop.env.serves("app", "two");
        show(&mut text, &shop.env.events(&id), &ended, &names, &traffic.end());
    }
    let file = windlass_blessed::reference("strategy-runs.md");
    if windlass_blessed::is_blessing() {
        fs::write(&file, &text).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(timeless(&text), timeless(&published), "{} is not of this code", file.display());
}

/// Writes the run of a job. Commits have the names of their versions.
fn show(
    text: &mut String,
    events: &[Value],
    ended: &Ended,
    names: &BTreeMap<String, &'static str>,
    report: &Report,
) {
    let at = |event: &Value| event["at"].as_f64().unwrap();
    let planned = events.iter().find(|event| event["planned"].is_object()).map(at).unwrap();
    text.push_str("\n```\n");
    for event in events {
        let Some(mut line) = line_of(event) else { continue };
        for (commit, name) in names {
            line = line.replace(&commit[..SHOWN], name);
        }
        let _ = writeln!(text, "{:6.1} s  {line}", at(event) - planned);
    }
    let code = ended.diagnosis["code"].as_str().map(|code| format!(": {code}"));
    let end = events.last().map(at).unwrap() - planned;
    let _ = writeln!(text, "{end:6.1} s  {}{}", ended.outcome, code.unwrap_or_default());
    let versions: Vec<_> =
        report.versions.iter().map(|(name, count)| format!("{count} by {name}")).collect();
    let _ = writeln!(text, "Requests: {}, {} failed", versions.join(", "), report.failed);
    text.push_str("```\n");
}

/// Returns the words for an event. `None` means that it is not shown.
fn line_of(event: &Value) -> Option<String> {
    let step = &event["step"];
    if let Some(description) = step["description"].as_str().filter(|text| !text.is_empty()) {
        let way = if step["rollback"] == true { "back: " } else { "" };
        return Some(format!("{way}{description}"));
    }
    if let Some(weight) = shifted_to(event) {
        return Some(format!("{weight} % of requests go to the new version"));
    }
    if event["approved"].is_object() {
        return Some("somebody approved it".to_owned());
    }
    None
}

/// Returns a file without its times and numbers of requests.
fn timeless(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with("Requests: "));
    let time = |line: &str| {
        line.trim_start().split(' ').next().is_some_and(|it| it.parse::<f64>().is_ok())
    };
    lines
        .map(|line| line.split_once(" s  ").filter(|_| time(line)).map_or(line, |it| it.1))
        .collect()
}

#[test]
fn times_alone_are_not_compared() {
    let text = "a b\n  12.5 s  apply app at two\nRequests: 3 by one, 0 failed\nx s  y\n";
    assert_eq!(timeless(text), ["a b", "apply app at two", "x s  y"]);
}
