//! Limits of jobs that deploy to previews: they hold for what the repository's own file says, too.

use crate::{failed, job, run, world::World};
use windlass_model::{event::Event, job::Job, outcome::Outcome, preview::Preview, spec::Spec};

fn job_with(spec: &str) -> Job {
    let preview = Preview {
        host: Some("web-pr-7.example.com".into()),
        secrets: vec!["db-preview".into()],
        fork: false,
    };
    Job { spec: Spec::from_toml(spec).unwrap(), preview: Some(preview), ..job() }
}

#[tokio::test(start_paused = true)]
async fn a_preview_runs_one_pod_at_its_own_host() {
    let exposed = "replicas = 4\n[expose]\nhosts = [\"shop.example.com\"]\ngateway = \"public\"\n";
    let Outcome::Succeeded(release) = run(&World::new(), &job_with(exposed)).await else {
        panic!("not released")
    };
    assert_eq!(release.runtime.web().unwrap().replicas, 1);
    assert_eq!(release.runtime.expose.hosts, ["web-pr-7.example.com"]);
    // Without a gateway nothing leads there, and the job says so.
    let world = World::new();
    let Outcome::Succeeded(release) = run(&world, &job_with("")).await else {
        panic!("not released")
    };
    assert!(release.runtime.expose.hosts.is_empty());
    let warns = |event: &Event| matches!(event, Event::Warning { message, .. } if message.contains("web-pr-7.example.com"));
    assert!(world.past().iter().any(warns));
}

/// Returns the job as one of a fork.
fn of_fork(job: Job) -> Job {
    let preview = job.preview.map(|preview| Preview { fork: true, ..preview });
    Job { preview, ..job }
}

#[tokio::test(start_paused = true)]
async fn a_fork_gets_no_secret_and_no_cache_of_others() {
    let world = World::new();
    let secret = job_with("[secrets]\nDB = \"db-preview\"\n");
    let diagnosis = failed(run(&world, &of_fork(secret)).await);
    assert!(diagnosis.to_string().contains("secrets.DB"), "{diagnosis}");
    assert_eq!(world.builder.built(), 0);
    let project = job().app.project;
    for (job, expected) in
        [(job_with(""), project.clone()), (of_fork(job_with("")), format!("{project}--forks"))]
    {
        let world = World::new();
        let ended = run(&world, &job).await;
        assert!(matches!(ended, Outcome::Succeeded(_)), "{ended:?}");
        assert_eq!(world.builder.caches(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_production_is_refused_with_its_field_before_it_is_opened() {
    let world = World::new();
    let diagnosis = failed(run(&world, &job_with("[secrets]\nDB = \"db\"\n")).await);
    assert!(diagnosis.to_string().contains("secrets.DB"), "{diagnosis}");
    assert!(!world.past().iter().any(|event| matches!(event, Event::Pushed(_))));
}
