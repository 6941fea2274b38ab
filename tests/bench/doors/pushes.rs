//! From a push to a claimed job: Gitea on the same machine, which sends its webhook.

use crate::{
    place::{PAGE, ask, now},
    spread::{Spread, columns},
    title,
};
use bench_history::Figures;
use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, layout::PASSWORD, part::gitea};
use windlass_tests::{TestEnv, bed, forge, http::Connection};

/// Pushes that are measured, after one that is not: it fills caches.
const PUSHES: usize = 20;

const NAME: &str = "bench-pushes";

/// Time in which a push has its verdict, and the job its claim.
const SOON: Duration = Duration::from_secs(60);

/// Time between two looks. They go over one connection, and cost the daemon little.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn to_claimed(env: &TestEnv, figures: &mut Figures) {
    title("From a push to the claim of its job (20 pushes to Gitea; aim of the last: 1,000)");
    let repository = hooked(env);
    let mut connection = Connection::open(PAGE).unwrap();
    let mut steps: [(&str, Spread); 5] =
        ["push ended", "webhook arrived", "job accepted", "verdict stored", "job claimed"]
            .map(|name| (name, Spread::default()));
    for round in 0..=PUSHES {
        repository.write("index.html", &format!("{round}\n")).unwrap();
        let commit = repository.commit(&format!("round {round}")).unwrap();
        let began = now();
        let to = forge().push_url(NAME);
        repository.git(&["push", "--quiet", &to, "HEAD:refs/heads/main"]).unwrap();
        let pushed = now();
        let (arrived, job, decided) = decided(&mut connection, &commit);
        let created =
            ask(&mut connection, &format!("/api/jobs/{job}"))["created"].as_f64().unwrap();
        let claimed = claimed(&mut connection, &job);
        if round > 0 {
            let times = [pushed, arrived, created, decided, claimed];
            for ((_, spread), at) in steps.iter_mut().zip(times) {
                spread.add(at - began);
            }
        }
        // The next one would wait for the place of this one.
        let _ = env.watch(&job);
    }
    columns();
    for (name, spread) in steps {
        spread.print(name, "push", figures);
    }
}

/// Makes a repository at the forge, a project of it, and the hook between the two.
fn hooked(env: &TestEnv) -> Repository {
    let url = forge().create_repository(NAME).unwrap();
    env.daemon.put_secret(NAME, "read", &format!("{}:{PASSWORD}", gitea::USER)).unwrap();
    env.daemon.put_secret(NAME, "write", forge().token()).unwrap();
    let text = format!(
        "project = \"{NAME}\"\n[repositories.web]\nurl = \"{url}\"\ncredential = \"read\"\n\
         [repositories.web.forge]\nkind = \"gitea\"\napi = \"{}\"\ntoken = \"write\"\n\
         [apps.web]\n[triggers.production]\napp = \"web\"\npush = {{ branches = [\"main\"] }}\n",
        forge().api_url()
    );
    let file = env.spec_file("project-pushes", &text);
    let applied = env.daemon.windlass(&["project", "apply", "--file", &file]).unwrap();
    assert_eq!(applied.code, 0, "{}", applied.text);
    let made = env.daemon.windlass(&["--output", "json", "hook", "create", NAME]).unwrap();
    let mut values = serde_json::Deserializer::from_str(&made.text).into_iter::<Value>();
    let made = values.next().expect("a hook").unwrap();
    let (at, secret) = (made["hook"]["url"].as_str().unwrap(), made["secret"].as_str().unwrap());
    forge().create_hook(NAME, at, secret).unwrap();
    let repository = Repository::new(&bed().layout, NAME, true).unwrap();
    // The build fails at once: only what comes before is of interest.
    repository.write("Dockerfile", "RUNN nothing\n").unwrap();
    repository
}

/// Waits for the verdict on a commit. Returns when its delivery arrived, its job, and when the verdict was there.
fn decided(connection: &mut Connection, commit: &str) -> (f64, String, f64) {
    within(commit, || {
        let path = format!("/api/projects/{NAME}/deliveries?limit=5");
        let page = ask(connection, &path);
        let seen = now();
        page["items"].as_array().unwrap().iter().find_map(|delivery| {
            let mut verdicts = delivery["verdicts"].as_array()?.iter();
            let verdict = verdicts.find(|verdict| verdict["commit"] == commit)?;
            let job = verdict["job"].as_str()?.to_owned();
            Some((delivery["at"].as_f64()?, job, seen))
        })
    })
}

/// Waits until a job is claimed, and returns when it was.
fn claimed(connection: &mut Connection, job: &str) -> f64 {
    within(job, || {
        let page = ask(connection, &format!("/api/jobs/{job}/events?after=0&limit=50"));
        let events = page["events"].as_array().unwrap().iter();
        let mut claims = events.filter(|event| event["claimed"].is_object());
        claims.next().and_then(|event| event["at"].as_f64())
    })
}

/// Looks again and again until there is an answer.
fn within<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(began.elapsed() < SOON, "{what}: nothing came within {} s", SOON.as_secs());
        sleep(LOOK);
    }
}
