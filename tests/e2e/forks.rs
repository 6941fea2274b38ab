//! Pull requests at a real forge: of a fork nothing is fetched before somebody approves the very commit, and an end of which
//! nobody hears ends the preview all the same.

use crate::{
    approvals::{approve, job},
    previews::await_gone,
};
use serde_json::Value;
use windlass_bed::{Repository, daemon::Config, part::gitea};
use windlass_tests::{
    Namespace, SMALL, TestEnv, bed, forge,
    forge_project::{Endpoint, ForgeProject, KEY, within},
};

/// Account of whoever may only read the repository.
const STRANGER: &str = "stranger";

const NAME: &str = "t-forks";

/// Repository of the test, whose fork is at the forge.
struct Fork {
    repository: Repository,
    /// Address with the stranger's login.
    url: String,
}

impl Fork {
    /// Pushes a commit to the branch of the pull request, and returns its id.
    fn push(&self, file: &str, text: &str) -> String {
        self.repository.write(file, text).unwrap();
        let commit = self.repository.commit(text.lines().next().unwrap()).unwrap();
        self.repository.git(&["push", "--quiet", &self.url, "HEAD:refs/heads/feature"]).unwrap();
        commit
    }
}

/// Returns the job that the newest delivery of the pull request made, once it waits for its approval. `after` is the number
/// of deliveries before.
fn held(project: &ForgeProject, commit: &str, after: usize) -> String {
    let verdict = &project.verdicts("pull/1", after)[0];
    assert_eq!(verdict["outcome"], "job", "{verdict}");
    let id = verdict["job"].as_str().unwrap().to_owned();
    let sentence = verdict["sentence"].as_str().unwrap();
    assert!(sentence.contains(&format!("windlass approve {id}")), "{sentence}");
    let env = &project.env;
    let waits = env.await_event(&id, |event| event["held"].is_object());
    assert!(waits.is_some(), "it was never held: {:#?}", env.events(&id));
    let job = job(env, &id);
    assert_eq!((&job["held"]["gate"], &job["held"]["digest"]), (&"clone".into(), &commit.into()));
    let is_fetched = |event: &Value| event["cloned"].is_object() || event["pushed"].is_object();
    assert!(!env.events(&id).iter().any(is_fetched), "{:#?}", env.events(&id));
    id
}

fn refused(env: &TestEnv, id: &str, digest: &str, reason: &str) {
    let answer = approve(env, id, digest);
    assert!(answer.code == 2 && answer.text.contains(reason), "{reason}: {}", answer.text);
}

#[test]
fn a_fork_is_deployed_once_its_commit_is_approved_and_gets_no_secret() {
    let preview = Namespace::of("t-forks--pr-1");
    preview.delete("namespace/t-forks--pr-1");
    let endpoint = Endpoint::start();
    let more = format!(
        "[previews]\nsecrets = [\"preview\"]\n\
         [triggers.previews]\napp = \"web\"\npull = {{ into = [\"main\"], forks = \"approval\" }}\n\
         {}",
        endpoint.table()
    );
    let project = ForgeProject::new(NAME, 21_312, Config::of(bed()).unwrap(), "", &more);
    let env = &project.env;
    env.put_secret("chat-key", KEY);
    env.put_secret("preview", "postgres://db.example/preview");
    let repository = env.small_app();
    repository.commit("main").unwrap();
    project.push(&repository, "HEAD:refs/heads/main");
    let fork = Fork { repository, url: forge().fork(NAME, STRANGER).unwrap() };

    let first_commit = fork.push("index.html", "one of the fork\n");
    assert_eq!(forge().propose(NAME, STRANGER, "feature").unwrap(), 1);
    let first = held(&project, &first_commit, 0);

    // Whoever may approve hears of it, from the commit's status and from the endpoint.
    let status = within("a status", || {
        let all = forge().statuses(NAME, &first_commit).unwrap();
        let waits = |one: &&Value| one["description"].as_str().unwrap().contains("approval");
        all.as_array()?.iter().find(waits).cloned()
    });
    assert_eq!(status["status"], "pending", "{status}");
    assert_eq!(status["context"], "windlass/web/pr-1", "{status}");
    let body = endpoint.hear().verified(KEY);
    assert_eq!((&body["type"], &body["data"]["job"]), (&"job.held".into(), &(&*first).into()));
    let approval = &body["data"]["approval"];
    assert_eq!(
        (&approval["gate"], &approval["digest"]),
        (&"clone".into(), &(&*first_commit).into()),
        "{body}"
    );
    assert!(approval["until"].is_string(), "{body}");

    // A newer commit takes its place, and an approval of the older one is none of the newer.
    let commit = fork.push("index.html", "two of the fork\n");
    let second = held(&project, &commit, 1);
    let ended = env.watch(&first);
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
    refused(env, &first, &first_commit, "not-held");
    refused(env, &second, &first_commit, "digest-changed");
    let answer = approve(env, &second, &commit);
    assert_eq!(answer.code, 0, "{}", answer.text);
    env.watch(&second).succeeded();
    preview.await_page("web", "two of the fork").unwrap();
    let last = within("the end as a status", || {
        let all = forge().statuses(NAME, &commit).unwrap();
        all.as_array()?.first().filter(|one| one["status"] == "success").cloned()
    });
    assert_eq!(last["context"], "windlass/web/pr-1", "{last}");

    // Approved or not, it gets no secret.
    let secret = format!("{SMALL}[secrets]\nDATABASE = \"preview\"\n");
    let commit = fork.push("windlass.toml", &secret);
    let greedy = held(&project, &commit, 2);
    assert_eq!(approve(env, &greedy, &commit).code, 0);
    let ended = env.watch(&greedy);
    assert_eq!(ended.outcome, "failed", "{}", ended.text);
    assert!(ended.text.contains("secrets.DATABASE"), "{}", ended.text);
    preview.await_page("web", "two of the fork").unwrap();

    // The end of the pull request ends what waits, and the preview.
    let commit = fork.push("index.html", "four of the fork\n");
    let waiting = held(&project, &commit, 3);
    forge().close(NAME, 1).unwrap();
    // Whoever watches a job that waits gets its end only when it is there.
    within("the end of the job that waits", || {
        env.events(&waiting).into_iter().find(|event| event["ended"].is_object())
    });
    let ended = env.watch(&waiting);
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
    refused(env, &waiting, &commit, "not-held");
    await_gone(&preview);
}

/// The forge keeps the ref of a pull request that was closed, so only its API knows the end.
#[test]
fn a_pull_request_that_is_closed_while_nobody_listens_ends_its_preview() {
    let name = "t-lost-close";
    let preview = Namespace::of("t-lost-close--pr-1");
    preview.delete("namespace/t-lost-close--pr-1");
    let more = "[previews]\n[triggers.previews]\napp = \"web\"\npull = { into = [\"main\"] }\n";
    let mut project = ForgeProject::new(name, 21_314, Config::of(bed()).unwrap(), "", more);
    let repository = project.env.small_app();
    repository.commit("main").unwrap();
    project.push(&repository, "HEAD:refs/heads/main");
    repository.write("index.html", "proposed\n").unwrap();
    repository.commit("feature").unwrap();
    project.push(&repository, "HEAD:refs/heads/feature");
    assert_eq!(forge().propose(name, gitea::USER, "feature").unwrap(), 1);
    let opened = project.verdicts("pull/1", 0);
    assert_eq!(opened[0]["outcome"], "job", "{opened:?}");
    project.env.watch(opened[0]["job"].as_str().unwrap()).succeeded();
    preview.await_page("web", "proposed").unwrap();

    // Another start finds it open, and leaves it.
    project.env.daemon.restart().unwrap();
    preview.await_page("web", "proposed").unwrap();
    project.env.daemon.kill();
    forge().delete_hooks(name).unwrap();
    forge().close(name, 1).unwrap();
    project.env.daemon.restart().unwrap();
    let closed = project.verdicts("pull/1", 1);
    assert_eq!(closed[0]["outcome"], "job", "{closed:?}");
    let sentence = closed[0]["sentence"].as_str().unwrap();
    assert!(sentence.contains("the pull request was closed"), "{sentence}");
    project.env.watch(closed[0]["job"].as_str().unwrap()).succeeded();
    await_gone(&preview);
    let delivery = project.windlass(&["deliveries", name]);
    assert_eq!(delivery["event"], "poll", "no webhook brought it: {delivery}");
    let head = repository.git(&["ls-remote", &forge().push_url(name), "refs/pull/1/head"]).unwrap();
    assert!(head.contains("refs/pull/1/head"), "the ref is still there: {head}");
}
