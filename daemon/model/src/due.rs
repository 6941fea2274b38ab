//! Work for a later time, which is stored, and the rules by which events schedule it.

use crate::{app::App, event::Event, outcome::Outcome};

/// Milliseconds for which the lines of an ended job's tools are kept: 30 days.
pub const LOGS_KEPT_MS: u64 = 30 * DAY_MS;

/// Milliseconds for which an ended job is kept: 365 days.
pub const JOBS_KEPT_MS: u64 = 365 * DAY_MS;

/// Milliseconds between a release, or a removal, and the look which older releases are kept: releases one after another
/// are looked at together.
pub const COLLECT_AFTER_MS: u64 = 60_000;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Work for a later time. A store keeps one of each kind and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub kind: DueKind,
    /// A job's id, or an app as `project/name/environment`.
    pub key: String,
    /// Time of the work, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A kind of work. The name of a kind is stored, so a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueKind {
    /// Deletes the lines that a job's tools printed.
    ForgetLogs,
    /// Deletes a job and its events. Its release stays.
    ForgetJob,
    /// Renews the secret with which nodes pull an app's image.
    RenewPull,
    /// Ends a job that nobody approved in time.
    HoldEnds,
    /// Sends the trace of a job that ended. Without a collector it is done at once.
    SendTrace,
    /// Removes a preview that nobody uses any more.
    PreviewEnds,
    /// Deletes what was kept of the release before the one that serves. The key is the app.
    KeepEnds,
    /// Forgets the releases of an app that are kept no more. The key is the app.
    Collect,
    /// Has somebody asked to approve that the data of an app holds no more what only earlier releases work with. The key
    /// is the app.
    Contract,
}

impl DueKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::ForgetLogs,
        Self::ForgetJob,
        Self::RenewPull,
        Self::HoldEnds,
        Self::SendTrace,
        Self::PreviewEnds,
        Self::KeepEnds,
        Self::Collect,
        Self::Contract,
    ];

    /// Returns the name that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForgetLogs => "forget_logs",
            Self::ForgetJob => "forget_job",
            Self::RenewPull => "renew_pull",
            Self::HoldEnds => "hold_ends",
            Self::SendTrace => "send_trace",
            Self::PreviewEnds => "preview_ends",
            Self::KeepEnds => "keep_ends",
            Self::Collect => "collect",
            Self::Contract => "contract",
        }
    }

    /// Returns the kind of a stored name. `None` means that no kind has this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Due {
    /// Returns work on an app.
    #[must_use]
    pub fn on_app(kind: DueKind, app: &App, at_ms: u64) -> Self {
        Self { kind, key: app.to_string(), at_ms }
    }

    /// Returns the app that the key names. `None` means that it names none.
    #[must_use]
    pub fn app(&self) -> Option<App> {
        let mut names = self.key.splitn(3, '/');
        let (project, name, environment) = (names.next()?, names.next()?, names.next()?);
        App::new(project, name, environment).ok()
    }
}

/// Returns the work that an event of `job` schedules when the event is stored at `now_ms`. Work that is
/// scheduled already keeps the earlier of both times, since it may be for another cluster of the app.
#[must_use]
pub fn due_after(job: &str, now_ms: u64, event: &Event) -> Vec<Due> {
    match event {
        Event::PullSecret { release, at_ms, .. } => {
            vec![Due::on_app(DueKind::RenewPull, &release.app, *at_ms)]
        }
        Event::Kept { release, until_ms } => {
            vec![Due::on_app(DueKind::KeepEnds, &release.app, *until_ms)]
        }
        // A later wait of the job may have a later end: whoever does the work looks at the job.
        Event::Held { until_ms, .. } => {
            vec![Due { kind: DueKind::HoldEnds, key: job.into(), at_ms: *until_ms }]
        }
        Event::Ended(outcome) => {
            let after = |kind, kept_ms| Due { kind, key: job.into(), at_ms: now_ms + kept_ms };
            let mut all = vec![
                after(DueKind::SendTrace, 0),
                after(DueKind::ForgetLogs, LOGS_KEPT_MS),
                after(DueKind::ForgetJob, JOBS_KEPT_MS),
            ];
            let app = match outcome {
                Outcome::Succeeded(release) => Some(&release.app),
                Outcome::Removed(removed) => Some(&removed.app),
                Outcome::Contracted(_) | Outcome::Failed(_) | Outcome::Stopped { .. } => None,
            };
            let collect = |app| Due::on_app(DueKind::Collect, app, now_ms + COLLECT_AFTER_MS);
            all.extend(app.map(collect));
            if let Outcome::Succeeded(release) = outcome
                && let Some(migrate) = &release.runtime.migrate
                && !migrate.contract.is_empty()
            {
                let at_ms = now_ms + u64::from(migrate.contract_after_seconds) * 1000;
                all.push(Due::on_app(DueKind::Contract, &release.app, at_ms));
            }
            all
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{Gate, Image, Release, Stage},
        outcome::{Outcome, Removed, Stop},
        runtime::Runtime,
    };

    #[test]
    fn an_end_schedules_the_trace_and_that_logs_and_job_are_forgotten() {
        let why = Stop::Cancelled { by: "someone".into() };
        let ended = Event::Ended(Outcome::Stopped { at: Stage::Clone, why });
        let due = due_after("j1", 1000, &ended);
        let kinds: Vec<_> = due.iter().map(|due| (due.kind, &*due.key, due.at_ms)).collect();
        let (logs, job) = (1000 + LOGS_KEPT_MS, 1000 + JOBS_KEPT_MS);
        let expected = [
            (DueKind::SendTrace, "j1", 1000),
            (DueKind::ForgetLogs, "j1", logs),
            (DueKind::ForgetJob, "j1", job),
        ];
        assert_eq!(kinds, expected);
        assert!(due_after("j1", 1000, &Event::Started(Stage::Build)).is_empty());
    }

    #[test]
    fn a_release_that_succeeds_schedules_a_look_at_the_older_ones() {
        let release = crate::samples::release();
        let ended = Event::Ended(Outcome::Succeeded(Box::new(release.clone())));
        let due = due_after("j1", 1000, &ended);
        let collect = Due::on_app(DueKind::Collect, &release.app, 1000 + COLLECT_AFTER_MS);
        assert!(due.contains(&collect) && due.len() == 4, "{due:?}");
        let removed = Removed { job: "j1".into(), app: release.app, clusters: Vec::new() };
        let due = due_after("j1", 1000, &Event::Ended(Outcome::Removed(removed)));
        assert!(due.contains(&collect), "what served before a removal is not kept: {due:?}");
    }

    #[test]
    fn what_earlier_releases_need_of_the_data_goes_after_its_time() {
        let mut release = crate::samples::release();
        let migrate = crate::runtime::Migrate {
            contract: vec!["drop".into()],
            contract_after_seconds: 60,
            ..Default::default()
        };
        release.runtime.migrate = Some(migrate);
        let app = release.app.clone();
        let due = due_after("j1", 1000, &Event::Ended(Outcome::Succeeded(Box::new(release))));
        assert!(due.contains(&Due::on_app(DueKind::Contract, &app, 61_000)), "{due:?}");
    }

    #[test]
    fn a_pull_secret_schedules_its_renewal() {
        let app = App::new("shop", "web", "").unwrap();
        let image = Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: None };
        let release = Box::new(Release {
            id: "j1".into(),
            app: app.clone(),
            clusters: vec!["default".into()],
            commit: "abc".into(),
            image,
            runtime: Runtime::default(),
            hooks: Default::default(),
        });
        let event = Event::PullSecret { release, host: "r.example".into(), at_ms: 77 };
        let due = due_after("j1", 1000, &event);
        assert_eq!(due, [Due::on_app(DueKind::RenewPull, &app, 77)]);
        assert_eq!(due[0].app(), Some(app));
    }

    #[test]
    fn a_wait_for_an_approval_schedules_its_end() {
        let held = Event::Held { gate: Gate::Release, digest: "a".into(), until_ms: 77 };
        let due = Due { kind: DueKind::HoldEnds, key: "j1".into(), at_ms: 77 };
        assert_eq!(due_after("j1", 1000, &held), [due]);
    }

    #[test]
    fn what_is_kept_schedules_its_end_once_for_the_app() {
        let release = crate::samples::release();
        let kept = Event::Kept { release: Box::new(release.clone()), until_ms: 77 };
        let due = due_after("j1", 1000, &kept);
        assert_eq!(due, [Due::on_app(DueKind::KeepEnds, &release.app, 77)]);
        assert_eq!(due[0].app(), Some(release.app));
    }

    #[test]
    fn a_kind_is_read_as_it_was_written() {
        for kind in DueKind::ALL {
            assert_eq!(DueKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(DueKind::parse("other"), None);
        let due = |key: &str| Due { kind: DueKind::RenewPull, key: key.into(), at_ms: 0 };
        assert_eq!(due("shop/web").app(), None);
        assert_eq!(due("Shop/web/production").app(), None);
    }
}
