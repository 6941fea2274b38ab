//! Example controllers of `proto/examples`, each against a daemon of its own, by the unix socket and by TCP with TLS
//! and a token.

use serde_json::Value;
use windlass_bed::{
    Repository,
    daemon::Config,
    part::{
        controllers::{Language, controller},
        pki,
    },
};
use windlass_tests::{TestEnv, bed, hash_of};

/// A token of this test alone.
const TOKEN: &str = "5f2c0d7e9b1a4386c05d7f1e2a9b8c3d";

/// A token in an address. The client `windlass` refuses the address by itself: only other programs show what the daemon
/// does with it.
const PASTED: &str = "glpat-PastedByAController01";

#[test]
fn a_controller_in_python() {
    drives("t-ctl-python", Language::Python, 21781);
}

#[test]
fn a_controller_in_node() {
    drives("t-ctl-node", Language::Node, 21782);
}

#[test]
fn a_controller_in_go() {
    drives("t-ctl-go", Language::Go, 21783);
}

fn drives(name: &'static str, language: Language, port: u16) {
    let folder = bed().layout.at(&format!("daemons/{name}-pki"));
    pki::write(&folder).unwrap();
    let at = |file: &str| folder.join(file).display().to_string();
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:{port}\", certificate = \"{}\", key = \"{}\" }}\n\
         principals = [{{ name = \"ci\", token-sha256 = \"{}\", projects = [\"{name}\"], verbs = [\"read\", \"deploy\"] }}]\n",
        at("apiserver.crt"),
        at("apiserver.key"),
        hash_of(TOKEN),
    );
    let env = TestEnv::with(name, &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let connected = |address: String, token: &'static str| Controller {
        language,
        address,
        project: name,
        variables: [("WINDLASS_TOKEN", token.to_owned()), ("CA_FILE", at("ca.crt"))],
    };
    let tcp = format!("https://localhost:{port}");
    connected(env.daemon.address(), "").deploys("unix", &repository);
    connected(tcp.clone(), TOKEN).deploys("tcp", &repository);
    env.keeps_nothing_of(PASTED);

    let (code, lines) = connected(tcp, "nobody-gave-out-such-a-token-ever").run(&["cancel", "any"]);
    let error = &lines[0]["error"];
    assert_eq!((code, error["code"].as_str()), (Some(2), Some("UNAUTHENTICATED")), "{error}");
    assert!(error["fixes"][0].as_str().is_some_and(|fix| fix.contains("authorization")), "{error}");
}

/// An example, with its arguments and its environment.
struct Controller {
    language: Language,
    address: String,
    project: &'static str,
    variables: [(&'static str, String); 2],
}

impl Controller {
    /// Runs the example to its end, and reads what the example prints.
    fn run(&self, args: &[&str]) -> (Option<i32>, Vec<Value>) {
        let mut command = controller(&bed().layout, self.language).unwrap();
        command.envs(self.variables.clone()).arg(&self.address).args(args);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<_> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!lines.is_empty(), "{args:?} over {}: {text}{errors}", self.address);
        (output.status.code(), lines)
    }

    fn submits(&self, app: &str, repository: &Repository, request: &str) -> String {
        let app = format!("{}/{app}", self.project);
        let commit = repository.git(&["rev-parse", "HEAD"]).unwrap();
        let (code, lines) = self.run(&["submit", &app, repository.url(), commit.trim(), request]);
        assert_eq!(code, Some(0), "{lines:?}");
        lines[0]["job"].as_str().unwrap().to_owned()
    }

    fn deploys(&self, app: &str, repository: &Repository) {
        let bad = format!("{}/Web!", self.project);
        let (code, lines) = self.run(&["submit", &bad, repository.url(), "main"]);
        let error = &lines[0]["error"];
        assert_eq!((code, error["code"].as_str()), (Some(2), Some("INVALID_ARGUMENT")), "{error}");
        assert_eq!(error["reason"], "field-invalid", "{error}");
        assert!(error["fields"]["app.name"].as_str().is_some_and(|why| !why.is_empty()), "{error}");

        let (app_of, id) = (format!("{}/{app}", self.project), "0".repeat(40));
        let pasted = format!("https://deploy:{PASTED}@git.example/shop/web.git");
        let (code, lines) = self.run(&["submit", &app_of, &pasted, &id]);
        let error = &lines[0]["error"];
        assert_eq!((code, &error["reason"]), (Some(2), &Value::from("field-invalid")), "{error}");
        let why = error["fields"]["source.repository"].as_str().unwrap_or_default();
        assert!(why.contains("source.credential"), "{error}");
        assert!(!error.to_string().contains(PASTED), "{error}");

        let job = self.submits(app, repository, app);
        assert_eq!(self.submits(app, repository, app), job, "the same request is one job");
        let (code, events) = self.run(&["watch", &job]);
        let outcome = |events: &[Value]| events.last().unwrap()["outcome"].to_string();
        assert_eq!((code, &*outcome(&events)), (Some(0), "\"OUTCOME_SUCCEEDED\""), "{events:?}");
        let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        let (_, rest) = self.run(&["watch", &job, "3"]);
        assert_eq!(rest, events[3..], "from a number on");

        let late = self.submits(&format!("{app}-late"), repository, "late");
        let (code, lines) = self.run(&["cancel", &late]);
        assert_eq!((code, lines[0]["job"].as_str()), (Some(0), Some(&*late)), "{lines:?}");
        let (code, events) = self.run(&["watch", &late]);
        assert_eq!((code, &*outcome(&events)), (Some(1), "\"OUTCOME_STOPPED\""), "{events:?}");
        // The job has ended: a second cancel is answered with the job's state.
        let (_, lines) = self.run(&["cancel", &late]);
        assert_eq!(lines[0]["state"], "JOB_STATE_STOPPED", "{lines:?}");
    }
}
