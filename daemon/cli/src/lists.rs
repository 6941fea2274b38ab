//! Jobs and releases, a line each, with their ages.

use crate::{
    json::word,
    render::{Line, Look, age, bytes, millis, short, short_tag, table, took},
    show::{app, place},
};
use windlass_proto::v1;

/// Returns jobs as a table.
pub(crate) fn jobs(jobs: &[v1::Job], now_ms: u64) -> Vec<Line> {
    let waits = jobs.iter().any(|job| job.waiting.is_some() || job.paused.is_some());
    let rows = jobs.iter().map(|job| {
        let what = match &job.source {
            Some(source) => short(&source.commit),
            None if job.removal.is_some() => "removal".to_owned(),
            None if !job.contract_of.is_empty() => {
                format!("contract of {}", short(&job.contract_of))
            }
            None => format!("rollback to {}", short(&job.rollback_of)),
        };
        let state = word(job.state().as_str_name()).replace('_', "-");
        let mut row = vec![
            plain(&job.id),
            Line::of(look(job.state()), &state),
            plain(&word(job.stage().as_str_name())),
            plain(&app(job.app.as_ref())),
            plain(&format!("{what}{}", place(&job.clusters))),
            plain(&since(job.created.as_ref(), now_ms)),
            plain(&duration(job, now_ms)),
        ];
        if waits {
            row.push(plain(&waits_for(job)));
        }
        row
    });
    let mut head = vec!["ID", "STATE", "STAGE", "APP", "COMMIT", "AGE", "TOOK"];
    head.extend(waits.then_some("WAITS FOR"));
    table(&head, rows.collect())
}

/// Returns what a job waits for. Empty for one that is at work.
fn waits_for(job: &v1::Job) -> String {
    match (&job.waiting, &job.paused) {
        (Some(waiting), _) => waiting.sentence.clone(),
        (None, Some(pause)) => format!("somebody to resume it; {} paused it", pause.by),
        (None, None) => String::new(),
    }
}

/// Returns the warning about a job that the daemon cannot read.
pub(crate) fn unreadable(job: &v1::UnreadableJob) -> Line {
    let app = app(job.app.as_ref());
    let text = format!("UNREADABLE {} of {app} is left alone: {}", job.id, job.why);
    Line::of(Look::Odd, &text)
}

/// Returns releases as a table. A star marks the one that serves.
pub(crate) fn releases(releases: &[v1::Release], now_ms: u64) -> Vec<Line> {
    let rows = releases.iter().map(|release| {
        let size = if release.bytes > 0 { bytes(release.bytes) } else { String::new() };
        vec![
            Line::of(Look::Good, if release.current { "*" } else { "" }),
            plain(&release.id),
            plain(&short(&release.commit)),
            plain(&since(release.created.as_ref(), now_ms)),
            plain(&size),
            plain(&format!("{}{}", short_tag(&release.image), place(&release.clusters))),
        ]
    });
    table(&["", "ID", "COMMIT", "AGE", "SIZE", "IMAGE"], rows.collect())
}

/// Returns a cell.
pub(crate) fn plain(text: &str) -> Line {
    Line::of(Look::Plain, text)
}

fn look(state: v1::JobState) -> Look {
    match state {
        v1::JobState::Succeeded => Look::Good,
        v1::JobState::Failed => Look::Bad,
        v1::JobState::Stopped | v1::JobState::RollingBack | v1::JobState::Held => Look::Odd,
        v1::JobState::Running => Look::Strong,
        v1::JobState::Waiting | v1::JobState::Unspecified => Look::Plain,
    }
}

/// Returns the age of a time. Empty for a time that is absent.
pub(crate) fn since(time: Option<&prost_types::Timestamp>, now_ms: u64) -> String {
    millis(time).map(|ms| age(now_ms.saturating_sub(ms))).unwrap_or_default()
}

/// Returns the time that a job has run, or ran.
fn duration(job: &v1::Job, now_ms: u64) -> String {
    let ended = millis(job.finished.as_ref());
    match (millis(job.started.as_ref()), ended, &job.ended) {
        (Some(began), Some(ended), _) => took(ended.saturating_sub(began)),
        (Some(began), None, None) => format!("{} so far", took(now_ms.saturating_sub(began))),
        // The job never began, or an older daemon does not send the times.
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn ago(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: 1_764_093_182 - seconds, nanos: 0 })
    }

    fn job(id: &str, state: v1::JobState, stage: v1::Stage) -> v1::Job {
        v1::Job {
            id: id.into(),
            app: Some(v1::App {
                project: "shop".into(),
                name: "web".into(),
                environment: "production".into(),
            }),
            source: Some(v1::Source {
                commit: "067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
                ..v1::Source::default()
            }),
            state: state.into(),
            stage: stage.into(),
            created: ago(200),
            started: ago(190),
            ..v1::Job::default()
        }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn jobs_have_ages_and_durations() {
        let ended = |outcome: v1::Outcome| {
            Some(v1::Ended { outcome: outcome.into(), ..v1::Ended::default() })
        };
        let waiting = v1::Job {
            started: None,
            ..job("0197-5", v1::JobState::Waiting, v1::Stage::Unspecified)
        };
        let running = job("0197-4", v1::JobState::Running, v1::Stage::Release);
        let back = v1::Job {
            source: None,
            rollback_of: "0197c0de-7a11".into(),
            clusters: vec!["eu".into(), "us".into()],
            ..job("0197-3", v1::JobState::RollingBack, v1::Stage::Release)
        };
        let failed = v1::Job {
            finished: ago(60),
            ended: ended(v1::Outcome::Failed),
            created: ago(90_000),
            ..job("0197-2", v1::JobState::Failed, v1::Stage::Test)
        };
        let never = v1::Job {
            started: None,
            finished: ago(3),
            ended: ended(v1::Outcome::Stopped),
            created: ago(900_000),
            ..job("0197-1", v1::JobState::Stopped, v1::Stage::Clone)
        };
        let jobs = jobs(&[waiting, running, back, failed, never], NOW_MS);
        same("jobs", &text(&jobs));
        assert!(super::jobs(&[], NOW_MS).is_empty());
    }

    #[test]
    fn a_job_that_waits_says_for_what() {
        let sentence = "a place to build (4 of 4 taken, 3 by its project; 2 before it)";
        let waiting = v1::Waiting { sentence: sentence.into(), ..v1::Waiting::default() };
        let waits = v1::Job {
            waiting: Some(waiting),
            ..job("0197-2", v1::JobState::Running, v1::Stage::Detect)
        };
        let works = job("0197-1", v1::JobState::Running, v1::Stage::Build);
        let lines = text(&jobs(&[waits, works], NOW_MS));
        let lines: Vec<_> = lines.lines().collect();
        assert!(lines[0].ends_with("WAITS FOR"), "{lines:?}");
        assert!(lines[1].ends_with(sentence), "{lines:?}");
        assert!(!lines[2].contains("place"), "{lines:?}");
    }

    #[test]
    fn a_job_that_cannot_be_read_is_named_with_its_reason() {
        let job = v1::UnreadableJob {
            id: "0197-9".into(),
            app: job("0197-9", v1::JobState::Waiting, v1::Stage::Unspecified).app,
            why: "job 0197-9 in the store has version 9".into(),
        };
        let expected = "UNREADABLE 0197-9 of shop/web/production is left alone: job 0197-9 in the store has version 9\n";
        assert_eq!(text(&[unreadable(&job)]), expected);
    }

    #[test]
    fn releases_say_which_one_serves() {
        let release = |id: &str, current, bytes| v1::Release {
            id: id.into(),
            commit: "067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
            image: "r.example/shop/web:067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
            created: ago(10_000),
            clusters: vec!["default".into()],
            current,
            bytes,
            ..v1::Release::default()
        };
        let releases = [release("0197-2", true, 62_345_678), release("0197-1", false, 0)];
        same("releases", &text(&super::releases(&releases, NOW_MS)));
    }
}
