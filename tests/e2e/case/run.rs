//! Runs cases, each in a project and a namespace of its own, with one daemon and one repository for all. The first
//! test begins all cases that this run was asked for, so that they run side by side. Each test then waits for its own
//! case.

use super::{Case, Need, Outcome};
use crate::{bad_registry, cases::NAMES};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Mutex, Once, OnceLock, mpsc},
    thread::{JoinHandle, park, spawn},
};
use windlass_bed::{
    Repository,
    daemon::Config,
    layout::{HOST, port},
};
use windlass_tests::{Namespace, SMALL, TestEnv, bed, run_of_tests};

/// Folder of the release that is made first where a case asks for one. No case has this name.
const PREVIOUS: &str = "previous-release";
/// Page of the previous release.
const PREVIOUS_PAGE: &str = "the previous release";

/// Daemon and repository of all cases, and their jobs.
struct Runner {
    env: TestEnv,
    repository: Repository,
    /// Commit that holds [`PREVIOUS`] alone.
    previous: String,
    /// Ids of jobs by case, each as soon as its job is accepted.
    begun: Mutex<BTreeMap<&'static str, JoinHandle<String>>>,
}

/// Runs the case of this name.
pub(crate) fn run(name: &'static str) {
    let (runner, case) = (Runner::get(), read(name));
    let namespace = namespace(&case);
    let objects = case.cluster.as_deref().map(|text| filled(text, &case));
    let _cleared = Cleared { namespace: &namespace, objects: objects.as_deref() };
    let begun = runner.begun.lock().unwrap().remove(name);
    let job = match begun {
        Some(begun) => joined(name, begun),
        // Libtest reads the program's arguments in another way than `is_asked_for`.
        None => runner.begin(&case),
    };
    let ended = runner.env.watch(&job);
    let events = runner.env.events(&job);
    let expect = &case.expect;
    let took = seconds(&events);
    println!("{name}: {} {} after {took:.1} s", ended.outcome, ended.diagnosis["code"]);
    match expect.outcome {
        Outcome::Succeeded => ended.succeeded(),
        Outcome::Failed => {
            let code = expect.code.as_deref().unwrap_or_default();
            let text = ended.failed_with(&expect.stage, code);
            ended.is_explained();
            let lacking = expect.diagnosis.lacking(&ended.diagnosis);
            assert!(lacking.is_empty(), "{lacking:#?} in {text}");
        }
    }
    for expected in &expect.warnings {
        let warns = |event: &Value| event["warning"].to_string().contains(expected.as_str());
        assert!(events.iter().any(warns), "no warning `{expected}`: {events:#?}");
    }
    if let Some(limit) = expect.within_seconds {
        assert!(took < f64::from(limit), "{took:.1} s, and at most {limit} are allowed");
    }
    let previous = expect.previous_still_serves.then_some(PREVIOUS_PAGE);
    if let Some(page) = expect.serves.as_deref().or(previous) {
        runner.serves(&namespace, page);
    }
    if expect.restarts > 0 {
        let found = restarts(&namespace);
        assert!(found >= expect.restarts, "{found} restarts, not {}", expect.restarts);
    }
}

impl Runner {
    /// Returns the one runner. The first call starts it, and begins the cases.
    fn get() -> &'static Self {
        static RUNNER: OnceLock<Runner> = OnceLock::new();
        static BEGUN: Once = Once::new();
        let runner = RUNNER.get_or_init(|| {
            let (send, receive) = mpsc::channel();
            // A daemon ends with the thread that started it, and a test's thread ends with its test.
            spawn(move || {
                let _ = send.send(Self::start());
                stay();
            });
            receive.recv().expect("a daemon for the cases; what it lacks is printed above")
        });
        BEGUN.call_once(|| {
            let mut begun = runner.begun.lock().unwrap();
            for &name in NAMES {
                if is_asked_for(&format!("cases::{name}"), std::env::args().skip(1)) {
                    let _ = begun.insert(name, spawn(move || runner.begin(&read(name))));
                }
            }
        });
        runner
    }

    fn start() -> Self {
        let mut config = Config::of(bed()).unwrap();
        // More at once leave the one machine no time for the kubelet to tell what happened.
        config.more = "jobs = 24\n".into();
        config.cluster = "pod-security = \"privileged\"".into();
        let env = TestEnv::with("t-cases", &config);
        let cases: Vec<_> = NAMES.iter().map(|name| read(name)).collect();
        // An earlier run may have left these.
        let all: Vec<_> = cases.iter().map(|case| namespace(case).as_str().to_owned()).collect();
        env.delete(&format!("namespaces {}", all.join(" ")));
        let repository = env.repository();
        for (path, text) in super::app("page").unwrap() {
            let text = text.replace("$RUN_OF_TESTS", &run_of_tests().to_string());
            repository.write(&format!("{PREVIOUS}/{path}"), &text).unwrap();
        }
        repository.write(&format!("{PREVIOUS}/index.html"), PREVIOUS_PAGE).unwrap();
        repository.write(&format!("{PREVIOUS}/windlass.toml"), SMALL).unwrap();
        let previous = repository.commit("the release before").unwrap();
        for case in &cases {
            for (path, text) in &case.files {
                let path = format!("{}/{path}", case.name);
                repository.write(&path, &filled(text, case)).unwrap();
            }
        }
        repository.commit("the cases").unwrap();
        Self { env, repository, previous, begun: Mutex::default() }
    }

    /// Prepares the cluster, makes the previous release where the case asks for one, submits the case, and returns the
    /// job's id.
    fn begin(&self, case: &Case) -> String {
        for need in &case.expect.needs {
            match need {
                Need::BadRegistry => bad_registry::start(),
            }
        }
        let namespace = namespace(case);
        if let Some(text) = &case.cluster {
            let objects = filled(text, case);
            // An earlier run may have left objects that are in no namespace.
            namespace.delete_applied(&objects);
            namespace.fresh();
            namespace.apply(&objects);
        }
        if case.expect.previous_still_serves {
            let job = self.submit(case, &["--directory", PREVIOUS, "--revision", &self.previous]);
            self.env.watch(&job).succeeded();
            self.serves(&namespace, PREVIOUS_PAGE);
        }
        self.submit(case, &["--directory", &case.name])
    }

    fn submit(&self, case: &Case, more: &[&str]) -> String {
        let app = format!("{}/app", case.project());
        self.env.submit_detached_as(&app, self.repository.url(), more)
    }

    fn serves(&self, namespace: &Namespace, page: &str) {
        if let Err(other) = namespace.await_page("app", page) {
            panic!("{page}, not {other}\n{}", self.env.daemon.log());
        }
    }
}

/// Deletes what a case has made, however the case ends, without waiting.
struct Cleared<'a> {
    namespace: &'a Namespace,
    objects: Option<&'a str>,
}

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.namespace.discard();
        if let Some(objects) = self.objects {
            self.namespace.discard_applied(objects);
        }
    }
}

fn read(name: &str) -> Case {
    Case::read(name).unwrap_or_else(|why| panic!("{why}"))
}

fn namespace(case: &Case) -> Namespace {
    Namespace::of(&format!("{}--production", case.project()))
}

/// Replaces the placeholders by values of the bed.
fn filled(text: &str, case: &Case) -> String {
    let placeholders = [
        ("$NAMESPACE", namespace(case).as_str().to_owned()),
        ("$BED_REGISTRY", bed().registry()),
        ("$BAD_REGISTRY", format!("{HOST}:{}", bad_registry::PORT)),
        ("$PLAIN_REGISTRY", format!("{HOST}:{}", bad_registry::TLS_PORT)),
        ("$API_SERVER", format!("{HOST}:{}", port::API)),
        ("$RUN_OF_TESTS", run_of_tests().to_string()),
    ];
    placeholders.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// Keeps a thread for ever, since daemons end with the thread that started them.
fn stay() {
    loop {
        park();
    }
}

/// Waits for a job's id. Panics with the reason if the case could not begin.
fn joined(name: &str, begun: JoinHandle<String>) -> String {
    begun.join().unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
        panic!("{name} could not be begun: {}", text.unwrap_or("no reason was given"))
    })
}

/// Returns how often containers of a namespace's pods were started again.
fn restarts(namespace: &Namespace) -> u32 {
    let of = |kind: &str| format!("{{.items[*].status.{kind}[*].restartCount}}");
    let counts = of("containerStatuses") + " " + &of("initContainerStatuses");
    let found = namespace.get("pods", &counts);
    found.split_whitespace().map(|count| count.parse::<u32>().unwrap()).sum()
}

/// Returns the time from the first event to the last. Panics if there is none: a limit would hold then, whatever
/// the job took.
fn seconds(events: &[Value]) -> f64 {
    let at = |event: Option<&Value>| event.and_then(|event| event["at"].as_f64());
    at(events.last()).expect("the job's last event, with its time")
        - at(events.first()).expect("the job's first event, with its time")
}

/// Returns whether libtest runs the test of this name when a test program has these arguments. A test cannot ask
/// libtest for the other tests of a run.
fn is_asked_for(test: &str, mut arguments: impl Iterator<Item = String>) -> bool {
    let (mut wanted, mut skipped, mut exact) = (Vec::new(), Vec::new(), false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // All that follows is a name.
            "--" => wanted.extend(arguments.by_ref()),
            "--exact" => exact = true,
            "--skip" => skipped.extend(arguments.next()),
            "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                let _ = arguments.next();
            }
            flag if flag.starts_with('-') => {
                skipped.extend(flag.strip_prefix("--skip=").map(str::to_owned));
            }
            _ => wanted.push(argument),
        }
    }
    let fits = |filter: &String| {
        if exact { test == filter } else { test.contains(filter.as_str()) }
    };
    (wanted.is_empty() || wanted.iter().any(fits)) && !skipped.iter().any(fits)
}

#[test]
fn the_arguments_say_which_cases_are_begun() {
    let asked =
        |line: &str| is_asked_for("cases::taint", line.split_whitespace().map(str::to_owned));
    for line in
        ["", "taint", "release cases::", "--test-threads 4 --nocapture", "--exact cases::taint"]
    {
        assert!(asked(line), "{line}");
    }
    assert!(asked("aint -- --exact"), "a name follows `--`, and no flag");
    for line in ["release", "--exact taint", "--skip taint", "cases --skip=cases::t"] {
        assert!(!asked(line), "{line}");
    }
}
