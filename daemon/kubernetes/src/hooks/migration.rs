//! A part of a release's migration as a `Job`: one for each key, also where several daemons begin it.

use super::{
    action::end,
    job::{self, Begun, HookJob, LOCK},
    seen::Seen,
    turn,
    wait::{self, End},
};
use crate::{
    client::{Client, limited},
    json::{entry, set},
    render::JOB,
};
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use windlass_engine::{
    ports::{JobEnd, Migration},
    recorder::Recorder,
};
use windlass_model::{
    error::ClusterError,
    hook::ActionResult,
    job::{Release, Stage},
    runtime::{Migrate, MigrationPhase},
};

/// Variable of options with which PostgreSQL's clients begin a session.
const OPTIONS: &str = "PGOPTIONS";

/// Runs a part of a migration as a Job, and waits for its end. A Job of this name is adopted, whoever made it.
pub(crate) async fn migrate(
    client: &Client,
    release: &Release,
    migration: &Migration,
    pull: bool,
    recorder: &Recorder,
) -> Result<JobEnd, ClusterError> {
    let Some(migrate) = &release.runtime.migrate else {
        let why = "the release has no migration".into();
        return Ok(JobEnd::never_ran(ActionResult::Failed(why)));
    };
    let source = format!("migrate {}", migration.phase);
    let hook = format!("migrate-{}", migration.phase);
    let wanted = HookJob {
        hook: &hook,
        key: &migration.key,
        command: migrate.command(migration.phase),
        timeout_ms: migrate.timeout_seconds.saturating_mul(1000),
        pull,
    };
    let name = name(client, release, &migration.job, &wanted).await?;
    let begun = Begun {
        name: &name,
        source: &source,
        stage: Stage::Release,
        timeout_ms: wanted.timeout_ms,
    };
    let is_made = !wait::look(client, &release.app.namespace(), &name).await?.jobs.is_empty();
    if !is_made
        && let Some(ended) = turn::await_left(client, release, &begun, migration, recorder).await?
    {
        return Ok(JobEnd::never_ran(ended));
    }
    // An existing Job stays as it was made.
    client.create(&manifest(release, &name, migration, &wanted, migrate)).await?;
    let made = wait::look(client, &release.app.namespace(), &name).await?;
    if made.pods.is_empty() && made.jobs.first().is_some_and(turn::has_succeeded) {
        // An earlier run's: its pod is gone, and so is what it printed.
        return Ok(JobEnd::ran(ActionResult::Exited { code: 0, output: String::new() }));
    }
    if let Some(lock) = &migrate.lock
        && let Some(ended) = turn::take(client, release, &begun, lock, migration, recorder).await?
    {
        return Ok(JobEnd::never_ran(ended));
    }
    end(client, release, &begun, recorder).await
}

/// Returns the name of the Job. Where one of another job has failed, it is left for a look, and this job has one of its
/// own.
async fn name(
    client: &Client,
    release: &Release,
    job: &str,
    wanted: &HookJob<'_>,
) -> Result<String, ClusterError> {
    let name = job::name(release, wanted.hook, wanted.key);
    let api = client.api::<Job>(&release.app.namespace());
    let Some(found) = limited(api.get_opt(&name), "the migration's Job").await? else {
        return Ok(name);
    };
    let made_by = found.metadata.annotations.as_ref().and_then(|all| all.get(JOB));
    let is_ours = made_by.is_some_and(|made_by| made_by == job);
    if is_ours || !has_failed(client, release, &name).await? {
        return Ok(name);
    }
    Ok(job::name(release, wanted.hook, &format!("{}/{job}", wanted.key)))
}

/// Returns whether a Job ended in another way than with success, or was stopped.
async fn has_failed(client: &Client, release: &Release, name: &str) -> Result<bool, ClusterError> {
    let observed = wait::look(client, &release.app.namespace(), name).await?;
    // One that waits for its turn is suspended, too, and goes on.
    if observed.jobs.first().is_some_and(turn::waits) {
        return Ok(false);
    }
    Ok(match wait::end_of(&observed, Seen::Nothing) {
        None => false,
        // Its pod may be gone: only the Job itself shows its success then.
        Some(End::Exited(code)) => code != 0,
        Some(
            End::TimedOut | End::NeverRan | End::Hopeless(_) | End::Stuck(_) | End::Disrupted(_),
        ) => true,
    })
}

/// Renders the Job of a part of a migration.
fn manifest(
    release: &Release,
    name: &str,
    migration: &Migration,
    wanted: &HookJob<'_>,
    migrate: &Migrate,
) -> Value {
    let mut job = job::manifest(release, name, wanted);
    if let Some(metadata) = entry(&mut job, "metadata") {
        // A contraction is a job of its own: its release made other Jobs.
        set(metadata, "annotations", json!({ JOB: migration.job }));
    }
    if let Some(spec) = entry(&mut job, "spec") {
        set(spec, "podFailurePolicy", json!({ "rules": [when_disrupted(migration.phase)] }));
        set(spec, "podReplacementPolicy", json!("Failed"));
        if migrate.lock.is_some() {
            // Its turn comes later.
            set(spec, "suspend", json!(true));
        }
    }
    if let Some(lock) = &migrate.lock
        && let Some(labels) =
            entry(&mut job, "metadata").and_then(|metadata| entry(metadata, "labels"))
    {
        set(labels, LOCK, json!(lock));
    }
    if let Some(container) = job.pointer_mut("/spec/template/spec/containers/0") {
        set_options(release, container, migrate);
    }
    job
}

/// Returns the rule for a pod that the cluster takes from its node. What changes nothing is no failure then: the Job makes
/// another pod, once this one is gone. What changes the data is not run again by itself: it may be half done.
fn when_disrupted(phase: MigrationPhase) -> Value {
    let action = if phase.changes_data() { "FailJob" } else { "Ignore" };
    let condition = json!({ "type": "DisruptionTarget", "status": "True" });
    json!({ "action": action, "onPodConditions": [condition] })
}

/// Hands the timeouts to the clients of PostgreSQL, behind the app's own options: the last one of a name counts. Where none
/// is to be handed over, the variable stays as the app has it.
fn set_options(release: &Release, container: &mut Value, migrate: &Migrate) {
    let timeouts = migrate.options();
    if timeouts.is_empty() {
        return;
    }
    let Some(variables) = container.get_mut("env").and_then(Value::as_array_mut) else { return };
    let of_web = variables.iter().find(|variable| variable["name"] == OPTIONS);
    let own = of_web.and_then(|variable| variable["value"].as_str()).map(str::to_owned);
    let own = own.or_else(|| release.runtime.env.get(OPTIONS).cloned());
    variables.retain(|variable| variable["name"] != OPTIONS);
    let options = match own {
        Some(own) => format!("{own} {timeouts}"),
        None => timeouts,
    };
    variables.push(json!({ "name": OPTIONS, "value": options }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::FakeServer;
    use std::sync::Arc;
    use windlass_model::samples;

    const JOBS: &str = "/apis/batch/v1/namespaces/shop--production/jobs";

    fn release(lock: Option<&str>) -> Release {
        let mut release = samples::release();
        release.runtime.migrate = Some(Migrate {
            expand: vec!["./manage".into(), "migrate".into()],
            lock: lock.map(str::to_owned),
            lock_timeout_ms: 5000,
            statement_timeout_seconds: 600,
            timeout_seconds: 900,
            ..Migrate::default()
        });
        release
    }

    fn wanted(release: &Release) -> HookJob<'_> {
        let migrate = release.runtime.migrate.as_ref().unwrap();
        let command = migrate.command(MigrationPhase::Expand);
        HookJob { hook: "migrate-expand", key: "k", command, timeout_ms: 900_000, pull: false }
    }

    fn rendered(release: &Release) -> Value {
        rendered_as(release, MigrationPhase::Expand)
    }

    fn rendered_as(release: &Release, phase: MigrationPhase) -> Value {
        let migrate = release.runtime.migrate.as_ref().unwrap();
        let migration =
            Migration { phase, job: "0197".into(), key: "k".into(), ending: Arc::default() };
        manifest(release, "j", &migration, &wanted(release), migrate)
    }

    fn options(job: &Value) -> Vec<&Value> {
        let variables = job["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
        let of_name = variables.iter().filter(|variable| variable["name"] == OPTIONS);
        of_name.map(|variable| &variable["value"]).collect()
    }

    #[test]
    fn a_migration_runs_once_with_its_timeouts() {
        let job = rendered(&release(None));
        let spec = &job["spec"];
        assert_eq!(
            (&spec["backoffLimit"], &spec["activeDeadlineSeconds"]),
            (&json!(0), &json!(900))
        );
        assert_eq!(spec["template"]["spec"]["restartPolicy"], "Never");
        assert_eq!(spec["podReplacementPolicy"], "Failed");
        assert_eq!(options(&job), ["-c lock_timeout=5000 -c statement_timeout=600000"]);
        assert!(spec["suspend"].is_null() && job["metadata"]["labels"][LOCK].is_null());
    }

    /// A node that is emptied would have the data changed twice, though the app said nothing of tries.
    #[test]
    fn only_what_changes_no_data_runs_again_on_another_node() {
        use MigrationPhase::{Backup, Contract, Expand, Plan};
        for (phase, action) in
            [(Plan, "Ignore"), (Backup, "Ignore"), (Expand, "FailJob"), (Contract, "FailJob")]
        {
            let job = rendered_as(&release(None), phase);
            let rules = &job["spec"]["podFailurePolicy"]["rules"];
            let condition = json!({ "type": "DisruptionTarget", "status": "True" });
            let rule = json!({ "action": action, "onPodConditions": [condition] });
            assert_eq!(*rules, json!([rule]), "{phase}");
        }
    }

    /// The release of a contraction has an id of its own, by which its Jobs would be those of each other contraction.
    #[test]
    fn a_job_is_of_the_job_that_made_it_and_not_of_its_release() {
        let mut release = release(None);
        release.id = "0195".into();
        assert_eq!(rendered(&release)["metadata"]["annotations"], json!({ JOB: "0197" }));
    }

    #[test]
    fn a_lock_is_waited_for() {
        let job = rendered(&release(Some("shop-db")));
        assert_eq!(job["spec"]["suspend"], true);
        assert_eq!(job["metadata"]["labels"][LOCK], "shop-db");
        let of_pod = &job["spec"]["template"]["metadata"]["labels"];
        assert!(of_pod[LOCK].is_null(), "the lock is the Job's");
    }

    #[test]
    fn the_apps_own_options_stay() {
        let both = "-c search_path=shop -c lock_timeout=5000 -c statement_timeout=600000";
        let mut of_app = release(None);
        of_app.runtime.env.insert(OPTIONS.into(), "-c search_path=shop".into());
        assert_eq!(options(&rendered(&of_app)), [both]);
        let mut of_web = release(None);
        let web = of_web.runtime.processes.first_mut().unwrap();
        web.env.insert(OPTIONS.into(), "-c search_path=shop".into());
        assert_eq!(options(&rendered(&of_web)), [both]);
    }

    /// A pooler refuses a session that has any.
    #[test]
    fn no_timeouts_are_no_options() {
        let without = || {
            let mut release = release(None);
            if let Some(migrate) = &mut release.runtime.migrate {
                (migrate.lock_timeout_ms, migrate.statement_timeout_seconds) = (0, 0);
            }
            release
        };
        assert!(options(&rendered(&without())).is_empty());
        let mut of_web = without();
        let web = of_web.runtime.processes.first_mut().unwrap();
        web.env.insert(OPTIONS.into(), "-c search_path=shop".into());
        assert_eq!(options(&rendered(&of_web)), ["-c search_path=shop"]);
    }

    /// Puts a Job of this release id with this status.
    fn put(server: &FakeServer, name: &str, id: &str, status: Value) {
        let mut job = rendered(&release(None));
        job["metadata"]["name"] = json!(name);
        job["metadata"]["annotations"] = json!({ JOB: id });
        job["status"] = status;
        server.put(&format!("{JOBS}/{name}"), job);
    }

    #[tokio::test]
    async fn a_job_is_adopted_unless_that_of_another_job_has_failed() {
        let release = release(None);
        let first = job::name(&release, "migrate-expand", "k");
        let failed = || json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" }] });
        let done = || json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
        for (id, status, is_adopted) in [
            ("0197", failed(), true),
            ("0196", failed(), false),
            ("0196", done(), true),
            ("0196", json!({}), true),
        ] {
            let server = Arc::new(FakeServer::default());
            put(&server, &first, id, status.clone());
            let found = name(&server.client(), &release, "0197", &wanted(&release)).await.unwrap();
            assert_eq!(found == first, is_adopted, "{id}: {status}");
        }
        let server = Arc::new(FakeServer::default());
        assert_eq!(
            name(&server.client(), &release, "0197", &wanted(&release)).await.unwrap(),
            first
        );
    }
}
