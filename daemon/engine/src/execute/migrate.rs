//! Migrations: commands of the new image that change the app's data before requests come to it.

use crate::{
    deploy::Deploy,
    failure::Cause,
    ports::{JobEnd, Migration},
};
use sha2::{Digest, Sha256};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;
use windlass_model::{
    clock::{now_ms, utc},
    error::ClusterError,
    event::Event,
    hook::ActionResult,
    job::{Release, Stage},
    runtime::{Backup, Migrate, MigrationPhase},
};

mod output;

use output::{ends_in_lock_timeout, last_lines};

/// Number of runs of one part, with those after lock timeouts.
const RUNS: u32 = 4;

/// Pause after a lock timeout: whoever has the lock gets time to end.
const AGAIN: Duration = Duration::from_secs(10);

impl Deploy<'_> {
    /// Runs a part of a release's migration in its cluster, unless the whole migration was done for the same image by an
    /// earlier job.
    pub(super) async fn migrate(
        &self,
        release: &Release,
        phase: MigrationPhase,
    ) -> Result<(), Cause> {
        let Some(migrate) = &release.runtime.migrate else { return Ok(()) };
        let whole = self.key(release, migrate, MigrationPhase::Expand);
        if !self.contracts()
            && let Some(at_ms) = self.migrated(release, &whole).await?
        {
            let line = format!("not run: the data was migrated for this image at {}", utc(at_ms));
            self.run.recorder().log_line(Stage::Release, &source(phase), &line).await;
            return Ok(());
        }
        let key = self.key(release, migrate, phase);
        // A run that ended between this event and the end of the step did it.
        if self.migrated(release, &key).await?.is_some() {
            return Ok(());
        }
        if !migrate.command(phase).is_empty() {
            self.run_part(release, migrate, phase, &key).await?;
        }
        // Only what is shown may be shown again.
        if phase == MigrationPhase::Plan {
            return Ok(());
        }
        let (cluster, at_ms) = (release.cluster().to_owned(), now_ms());
        let (release, digest) = (release.id.clone(), release.image.digest.clone());
        let done = Event::Migrated { cluster, release, digest, phase, key, at_ms };
        Ok(self.run.record(done).await?)
    }

    async fn migrated(&self, release: &Release, key: &str) -> Result<Option<u64>, Cause> {
        Ok(self.run.migrated(&release.app, release.cluster(), key).await?)
    }

    fn key(&self, release: &Release, migrate: &Migrate, phase: MigrationPhase) -> String {
        key(&self.job.id, release, migrate, phase)
    }

    /// Runs the command of a part as a Job, again after lock timeouts where the app says so. A stop ends no Job that has
    /// begun, and lets none begin.
    async fn run_part(
        &self,
        release: &Release,
        migrate: &Migrate,
        phase: MigrationPhase,
        key: &str,
    ) -> Result<(), Cause> {
        let recorder = self.run.recorder();
        let source = source(phase);
        let retries = migrate.retry_lock_timeouts && phase.changes_data();
        let ending = Arc::new(AtomicBool::new(false));
        let because = format!("a lock timeout in the migration{}", release.place());
        // What earlier runs of the daemon tried is not looked at again: its output may be gone.
        let mut run = if retries { self.run.attempt(&because).clamp(1, RUNS) } else { 1 };
        let mut before = (run > 1).then(timed_out_before);
        loop {
            let ending = ending.clone();
            let (job, key) = (self.job.id.clone(), format!("{key}/{run}"));
            let migration = Migration { phase, job, key, ending };
            let begin = || async {
                let ended = async {
                    let ended = self.ports.cluster.migrate(release, &migration, recorder).await;
                    ended.map_err(|error| Cause::applying(error, release))
                };
                // A Job may wait long for its turn before it is begun.
                self.writing(release, ended).await
            };
            let running = self.run.retrying(begin);
            let ended = match self.seen_through(&source, &migration.ending, running).await {
                Ok(ended) => ended,
                Err(cause) => {
                    self.warn_of_unknown_end(&cause, release, phase).await?;
                    return Err(cause);
                }
            };
            let JobEnd { result, may_have_run } = match (ended.result, before) {
                // What it did before its lock timeout is to be known.
                (ActionResult::Waited | ActionResult::Denied(_), Some(failed)) => {
                    let failed = JobEnd::ran(failed);
                    return Err(self.migration_failed(release, migrate, phase, failed).await?);
                }
                (ActionResult::Waited, None) => {
                    return Err(Cause::Stopped(self.run.stopped().await));
                }
                (result, before) => {
                    JobEnd { result, may_have_run: ended.may_have_run || before.is_some() }
                }
            };
            let output = result.output();
            if let ActionResult::Exited { .. } = result {
                for line in output.lines() {
                    recorder.log_line(Stage::Release, &source, line).await;
                }
            }
            if let ActionResult::Exited { code: 0, .. } = result {
                return Ok(());
            }
            if !retries || run == RUNS || !ends_in_lock_timeout(&output) {
                let failed = JobEnd { result, may_have_run };
                return Err(self.migration_failed(release, migrate, phase, failed).await?);
            }
            run += 1;
            before = Some(result);
            if migration.is_ending() {
                // Only a Job that an earlier life of the daemon began is waited for.
                continue;
            }
            let after_ms = u64::try_from(AGAIN.as_millis()).unwrap_or(u64::MAX);
            let because = because.clone();
            self.run.record(Event::Retrying { attempt: run, after_ms, because }).await?;
            sleep(AGAIN).await;
        }
    }

    /// Warns that a change of the data may go on, where the cluster does not answer any more.
    async fn warn_of_unknown_end(
        &self,
        cause: &Cause,
        release: &Release,
        phase: MigrationPhase,
    ) -> Result<(), Cause> {
        let Cause::Applying { error, .. } = cause else { return Ok(()) };
        let is_away = matches!(
            **error,
            ClusterError::Unreachable { .. }
                | ClusterError::NotYet { .. }
                | ClusterError::NotTrusted { .. }
        );
        if !is_away || !phase.changes_data() {
            return Ok(());
        }
        let message = format!(
            "nobody knows how `{phase}` of the migration ended{}: its Job may still run, and the data may be half changed",
            release.place()
        );
        let fix =
            "once the cluster answers, look at that Job and at the database; then submit again"
                .to_owned();
        Ok(self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await?)
    }

    /// Does work to its end. `ending` is set, and the reason is logged, once the job is to stop: the data would be half
    /// changed by a command that is killed.
    async fn seen_through<T>(
        &self,
        source: &str,
        ending: &AtomicBool,
        work: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Cause> {
        let mut work = pin!(work);
        if !ending.load(Ordering::Relaxed) {
            let why = tokio::select! {
                biased;
                why = self.run.stopped() => why,
                done = &mut work => return done,
            };
            ending.store(true, Ordering::Relaxed);
            let line =
                format!("{why}: a command that has begun runs to its end, and no other begins");
            self.run.recorder().log_line(Stage::Release, source, &line).await;
        }
        work.await
    }

    /// Returns the cause of a part that failed, with what is known of the data.
    async fn migration_failed(
        &self,
        release: &Release,
        migrate: &Migrate,
        phase: MigrationPhase,
        end: JobEnd,
    ) -> Result<Cause, Cause> {
        let backup_ms = match migrate.backup {
            Backup::None => None,
            Backup::PointInTime | Backup::Command(_) => {
                self.migrated(release, &self.key(release, migrate, MigrationPhase::Backup)).await?
            }
        };
        let never_ran = !end.may_have_run;
        let message = end.result.to_string();
        let (output, judged) = match end.result {
            ActionResult::Exited { output, .. } => (last_lines(&output), None),
            ActionResult::Hopeless(judged) => (Vec::new(), Some(judged)),
            ActionResult::Waited
            | ActionResult::Denied(_)
            | ActionResult::TimedOut
            | ActionResult::Failed(_) => (Vec::new(), None),
        };
        let release = Box::new(release.clone());
        let contracts = self.contracts();
        Ok(Cause::Migration {
            release,
            phase,
            contracts,
            message,
            output,
            backup_ms,
            never_ran,
            judged,
        })
    }
}

/// Returns the name of exactly what a part does in a job. The data is changed once by an image; before each change it is
/// shown and backed up again, since it is not what it was at an earlier job's try. What is taken out of the data is taken
/// out again by each job that somebody approves.
fn key(job: &str, release: &Release, migrate: &Migrate, phase: MigrationPhase) -> String {
    let job = if phase == MigrationPhase::Expand { "" } else { job };
    let command = migrate.command(phase);
    let parts = [release.image.digest.as_str(), phase.as_str(), job].into_iter();
    let parts = parts.chain(command.iter().map(String::as_str));
    let environment = environment(release);
    let parts = parts.chain([&*environment]);
    // No part holds a NUL: a container could not have it as an argument.
    hex::encode(Sha256::digest(parts.collect::<Vec<_>>().join("\0")))
}

/// Returns the environment of a migration's Job: with another one the same command may change another database.
fn environment(release: &Release) -> String {
    let runtime = &release.runtime;
    let process = runtime.web().or(runtime.processes.first());
    let own = process.map(|process| &process.env);
    serde_json::json!([runtime.env, own, runtime.secrets]).to_string()
}

fn source(phase: MigrationPhase) -> String {
    format!("migrate {phase}")
}

/// Returns the result of a command that an earlier run of the daemon saw end. The journal has what it printed.
fn timed_out_before() -> ActionResult {
    ActionResult::Failed("a lock timeout, before the daemon was started again".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{runtime::SecretEnv, samples};

    fn migrate(command: &str) -> Migrate {
        let argv = vec![command.to_owned()];
        let backup = Backup::Command(argv.clone());
        Migrate { plan: argv.clone(), backup, expand: argv, ..Migrate::default() }
    }

    #[test]
    fn an_image_changes_the_data_once_and_each_job_backs_it_up() {
        let one = samples::release();
        let mut other_image = one.clone();
        other_image.image.digest = "sha256:13".into();
        let up = migrate("up");
        let of = |job: &str, phase| key(job, &one, &up, phase);
        let (backup, expand) = (MigrationPhase::Backup, MigrationPhase::Expand);
        assert_eq!(of("1", expand), of("2", expand));
        for phase in [MigrationPhase::Plan, backup, MigrationPhase::Contract] {
            assert_ne!(of("1", phase), of("2", phase));
        }
        assert_ne!(of("1", expand), key("1", &other_image, &up, expand));
        assert_ne!(of("1", expand), key("1", &one, &migrate("up2"), expand));
        assert_ne!(of("1", backup), of("1", MigrationPhase::Plan));
    }

    /// Otherwise a version would serve with a database that was never migrated.
    #[test]
    fn another_environment_may_be_another_database() {
        let one = samples::release();
        let up = migrate("up");
        let of = |release: &Release| key("1", release, &up, MigrationPhase::Expand);
        let address = || ("DATABASE".to_owned(), "postgres://second/shop".to_owned());
        let mut of_app = one.clone();
        of_app.runtime.env.extend([address()]);
        let mut of_web = one.clone();
        let web = of_web.runtime.processes.first_mut().unwrap();
        web.env.extend([address()]);
        let mut of_secret = one.clone();
        let (env, name) = ("DATABASE".to_owned(), "database".to_owned());
        of_secret.runtime.secrets.push(SecretEnv { env, name, version: 1 });
        let mut of_version = of_secret.clone();
        of_version.runtime.secrets.last_mut().unwrap().version = 2;
        let keys = [&one, &of_app, &of_web, &of_secret, &of_version].map(of);
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}
