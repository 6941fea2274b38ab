//! Shows what serves an app, and what it prints.

use crate::{
    caller::Caller, error::ServiceError, inspection::Serving, services::Services, verb::Verb,
};
use tokio::sync::mpsc;
use windlass_engine::ports::{
    LogLine, LogRequest,
    store::{Filter, JobRecord},
};
use windlass_model::app::App;

/// Number of jobs in a status.
const JOBS: u32 = 5;

/// Lines of each container's past by default, and at most.
const TAIL: (u32, u32) = (100, 10_000);

/// Status of an app now.
pub struct AppStatus {
    pub app: App,
    /// Release in each of the app's clusters.
    pub clusters: Vec<Serving>,
    /// Last jobs of the app, newest first.
    pub jobs: Vec<JobRecord>,
}

/// Choice of an app's log lines.
#[derive(Clone, Debug)]
pub struct LogsRequest {
    pub app: App,
    /// Process whose lines are read. Empty means all processes.
    pub process: String,
    /// Cluster whose lines are read. `None` means all clusters that are for the app.
    pub cluster: Option<String>,
    /// Lines that are printed from now on, too.
    pub follow: bool,
    /// Lines of the run before the last restart of each container.
    pub previous: bool,
    /// Number of lines of each container's past, at most 10000. `None` means 100.
    pub tail: Option<u32>,
    /// Age of the lines in seconds, at most. `None` means any age.
    pub since_seconds: Option<u32>,
}

impl Services {
    /// Returns what serves an app, masked, and the app's last jobs. A cluster that does not answer is no error:
    /// [`Serving::shown`] has the reason.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] if no cluster is for the app.
    pub async fn app_status(&self, caller: &Caller, app: App) -> Result<AppStatus, ServiceError> {
        caller.may(Verb::Read, &app.project)?;
        let clusters = self.clusters_of(&app, &[]).await?;
        let clusters = self.inspection.look(&app, &clusters.names).await?;
        let filter = Filter {
            projects: Some(vec![app.project.clone()]),
            app: Some(app.name.clone()),
            environment: Some(app.environment.clone()),
            limit: JOBS,
            ..Filter::default()
        };
        let jobs = self.jobs.jobs(&filter).await?.jobs;
        Ok(AppStatus { app, clusters, jobs })
    }

    /// Returns log lines of an app, masked. The channel closes when no more lines can come. Dropping the
    /// receiver ends the reading.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a field, [`ServiceError::Busy`] while many logs are read.
    pub async fn app_logs(
        &self,
        caller: &Caller,
        request: LogsRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ServiceError> {
        let LogsRequest { app, process, cluster, follow, previous, tail, since_seconds } = request;
        caller.may(Verb::Read, &app.project)?;
        let wanted: Vec<_> = cluster.into_iter().collect();
        let clusters = self.clusters_of(&app, &wanted).await?;
        let tail = tail.unwrap_or(TAIL.0);
        if tail > TAIL.1 {
            let expected = "must be at most 10000 lines";
            return Err(ServiceError::invalid("tail", tail.to_string(), expected));
        }
        if follow && previous {
            let expected = "cannot be followed: what ended prints no more";
            return Err(ServiceError::invalid("previous", "true", expected));
        }
        if since_seconds == Some(0) {
            return Err(ServiceError::invalid("since_seconds", "0", "must be at least 1"));
        }
        check_process(&process)?;
        let wanted = LogRequest { process, follow, previous, tail, since_seconds };
        self.inspection.logs(&app, &clusters.names, &wanted).await
    }
}

/// Checks the name of a process: it becomes part of a query for labels.
fn check_process(name: &str) -> Result<(), ServiceError> {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 63 || !name.chars().all(ok) {
        let expected = "must be a process's name: a-z, 0-9 and `-`";
        return Err(ServiceError::invalid("process", name, expected));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release, submit};
    use windlass_model::runtime::SecretEnv;

    fn logs() -> LogsRequest {
        LogsRequest {
            app: app("shop"),
            process: String::new(),
            cluster: None,
            follow: false,
            previous: false,
            tail: None,
            since_seconds: None,
        }
    }

    #[test]
    fn a_process_is_a_name_and_no_query() {
        for good in ["worker-2", ""] {
            check_process(good).unwrap();
        }
        for bad in ["web,other=1", "Web", "web!=x", " "] {
            assert!(check_process(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_status_shows_whose_job_released_what_serves() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        world.succeeds(release(&id, "new", &["eu"])).await;
        let error = world.services.app_status(&ci, app("blog")).await.err().unwrap();
        assert_eq!(error.reason(), "permission-denied");
        let status = world.services.app_status(&ci, app("shop")).await.unwrap();
        assert_eq!((status.jobs.len(), status.clusters.len()), (1, 2));
        let brought = status.clusters[0].release.as_ref().unwrap();
        assert_eq!((&*brought.release.id, &*brought.principal), (&*id, "ci"));
        assert!(status.clusters[1].release.is_none());
    }

    /// A project may have more secrets than one redactor knows: its jobs name some of them.
    #[tokio::test]
    async fn a_status_is_shown_although_a_project_has_too_many_secrets_to_mask() {
        let world = World::new();
        for name in ["a", "b", "c", "d", "e"] {
            world.sealed("shop", name, &name.repeat(256 << 10)).await;
        }
        world.released(release("1", "new", &["eu"])).await;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let status = world.services.app_status(&reader, app("shop")).await.unwrap();
        assert_eq!((status.jobs.len(), status.clusters.len()), (1, 2));
        let why = status.clusters[0].shown.as_ref().err().unwrap();
        assert!(why.starts_with("not shown: ") && why.contains("project shop"), "{why}");
        let error = world.services.app_logs(&reader, logs()).await.unwrap_err();
        assert_eq!(error.reason(), "secrets-too-large");
    }

    #[tokio::test]
    async fn logs_are_masked_and_wrong_wishes_are_named() {
        let world = World::new();
        world.sealed("shop", "password", "hunter22").await;
        world.inspect.prints("PASSWORD=hunter22");
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let one = LogsRequest { cluster: Some("us".into()), ..logs() };
        let mut lines = world.services.app_logs(&reader, one).await.unwrap();
        assert_eq!(lines.recv().await.unwrap().line, "PASSWORD=***");
        assert!(lines.recv().await.is_none());
        for (request, field) in [
            (LogsRequest { tail: Some(10_001), ..logs() }, "tail: `10001`"),
            (LogsRequest { follow: true, previous: true, ..logs() }, "previous: `true`"),
            (LogsRequest { since_seconds: Some(0), ..logs() }, "since_seconds: `0`"),
            (LogsRequest { process: "a=b".into(), ..logs() }, "process: `a=b`"),
            (LogsRequest { cluster: Some("mars".into()), ..logs() }, "clusters[0]: `mars`"),
            (LogsRequest { app: app("blog"), ..logs() }, "reader lacks the verb \"read\""),
        ] {
            let error = world.services.app_logs(&reader, request).await.unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    /// A secret that was deleted and put again has a gap in its versions. Only a version that serves is missed.
    #[tokio::test]
    async fn a_deleted_version_is_a_warning_where_it_serves() {
        let world = World::new();
        world.sealed("shop", "password", "hunter22").await;
        assert!(world.services.secrets.delete("shop", "password").await.unwrap());
        world.sealed("shop", "password", "sesame-of-shop").await;
        world.inspect.prints("PASSWORD=sesame-of-shop");
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let one = || LogsRequest { cluster: Some("us".into()), ..logs() };
        let mut lines = world.services.app_logs(&reader, one()).await.unwrap();
        assert_eq!(lines.recv().await.unwrap().line, "PASSWORD=***");
        assert!(lines.recv().await.is_none());
        let mut serves = release("1", "new", &["us"]);
        let password = SecretEnv { env: "PASSWORD".into(), name: "password".into(), version: 1 };
        serves.runtime.secrets.push(password);
        world.released(serves).await;
        let mut lines = world.services.app_logs(&reader, one()).await.unwrap();
        let warning = lines.recv().await.unwrap().line;
        assert!(warning.contains("`password` was deleted"), "{warning}");
    }
}
