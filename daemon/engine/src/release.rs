//! Carries a plan out: forward, and back at the first failure or when the job is stopped.

use crate::{
    failure::{Cause, Failure},
    pipeline::hooks,
    ports::Ports,
    run::Run,
};
use futures::future::{join_all, try_join_all};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
    outcome::Outcome,
    plan::{Change, Cursor, Plan, Step},
    replay::{HookProgress, RollingBack},
};
use windlass_rollout::{
    blocked::Blocked,
    judge::{Judge, Verdict},
    problem::Finding,
    report::report,
    snapshot::Snapshot,
};

/// Where a plan is taken up.
pub struct Resumed {
    /// The step that comes next.
    pub from: Cursor,
    /// Whether an earlier run had begun it.
    pub begun: bool,
    /// When an earlier run had already turned back.
    pub rolling_back: Option<RollingBack>,
    /// How far the hook is that this step asks.
    pub progress: HookProgress,
}

impl Default for Resumed {
    /// At the start.
    fn default() -> Self {
        Self {
            from: Cursor::Forward(0),
            begun: false,
            rolling_back: None,
            progress: HookProgress::default(),
        }
    }
}

/// Takes the steps forward, and those back where one fails.
///
/// # Errors
/// Why it turned back, when the way back is done; or both, when that failed too.
pub async fn carry_out(
    plan: &Plan,
    resumed: Resumed,
    ports: &Ports,
    run: &Run,
) -> Result<Release, Failure> {
    let (failure, begun, from) = match (resumed.from, resumed.rolling_back) {
        (Cursor::Rollback(index), Some(RollingBack { outcome, begun })) => {
            (Failure { at: Stage::Release, cause: Cause::Told(Box::new(outcome)) }, begun, index)
        }
        (from, _) => {
            match forward(plan, from.index(), resumed.begun, resumed.progress, ports, run).await {
                Ok(()) => return Ok(plan.release.clone()),
                Err((failure, _)) if failure.is_lost() || failure.stays() => return Err(failure),
                Err((failure, begun)) => {
                    let turning = Event::RollingBack(failure.outcome());
                    run.record(turning).await.map_err(|lost| lost.at(failure.at))?;
                    (failure, begun, 0)
                }
            }
        }
    };
    match back(&plan.rollback_from(begun), from, ports, run).await {
        Ok(()) => Err(failure),
        Err(lost) if lost.is_lost() => Err(lost),
        Err(stuck) => {
            let first = match failure.outcome() {
                Outcome::Failed(diagnosis) => diagnosis,
                Outcome::Stopped { why, .. } => {
                    Box::new(crate::diagnose::stopped(failure.at, &why))
                }
                Outcome::Succeeded(_) => Box::default(),
            };
            let cause = Cause::Stuck { first, back: Box::new(stuck.cause) };
            Err(Failure { at: failure.at, cause })
        }
    }
}

/// `again`: the first of these steps was begun before. Says too how many steps were begun when it
/// failed.
async fn forward(
    plan: &Plan,
    from: usize,
    again: bool,
    progress: HookProgress,
    ports: &Ports,
    run: &Run,
) -> Result<(), (Failure, usize)> {
    let mut progress = Some(progress);
    for (index, step) in plan.forward.iter().enumerate().skip(from) {
        let progress = progress.take().unwrap_or_default();
        // A step that is not begun leaves nothing to put back.
        let stopped = run.unless_stopped(async { Ok::<_, Cause>(()) }).await;
        stopped.map_err(|cause| {
            let begun = index + usize::from(again && index == from);
            (Failure { at: Stage::Release, cause }.of(step), begun)
        })?;
        let work = async {
            if step.is_wait() {
                run.unless_stopped(take(step, progress, ports, run)).await
            } else {
                take(step, progress, ports, run).await
            }
        };
        let taken = run.step(Cursor::Forward(index), step.to_string(), work).await;
        taken.map_err(|failure| (failure.of(step), index + 1))?;
    }
    Ok(())
}

async fn back(steps: &[Step], from: usize, ports: &Ports, run: &Run) -> Result<(), Failure> {
    for (index, step) in steps.iter().enumerate().skip(from) {
        run.step(
            Cursor::Rollback(index),
            step.to_string(),
            take(step, HookProgress::default(), ports, run),
        )
        .await?;
    }
    Ok(())
}

/// What may pass (an API server that restarts) is waited out; what will not is an error at once.
async fn take(step: &Step, progress: HookProgress, ports: &Ports, run: &Run) -> Result<(), Cause> {
    match step {
        Step::Hook { hook, release } => hooks::step(hook, release, progress, ports, run).await,
        Step::Change(change) => {
            let make = || async {
                let made = ports.cluster.make(change, run.recorder()).await;
                made.map_err(|error| Cause::applying(error, change.release()))
            };
            run.retrying(make).await
        }
        Step::AwaitHealthy { release, within } => {
            let left = Mutex::new(*within);
            let judge = tokio::sync::Mutex::default();
            run.retrying(|| healthy(release, *within, &left, &judge, ports, run)).await
        }
        Step::Parallel(steps) => {
            let all =
                steps.iter().map(|step| Box::pin(take(step, HookProgress::default(), ports, run)));
            // Of waits the first verdict is enough; a write that was begun is seen through.
            if step.is_wait() {
                return try_join_all(all).await.map(|_| ());
            }
            let mut failed = join_all(all).await.into_iter().filter_map(Result::err);
            let Some(first) = failed.next() else { return Ok(()) };
            for other in failed {
                let fix =
                    "look at that cluster too; the job ends with the first that failed".into();
                let message = other.to_string();
                run.record(Event::Warning { stage: Stage::Release, message, fix }).await?;
            }
            Err(first)
        }
        Step::Sequence(steps) => {
            for step in steps {
                Box::pin(take(step, HookProgress::default(), ports, run)).await?;
            }
            Ok(())
        }
    }
}

/// After a cluster was away, its controllers have some catching up to do as well.
const CATCHING_UP: Duration = Duration::from_secs(60);

/// Watches a rollout until it is healthy, hopeless, or out of time. `left`: of that time. While a
/// cluster is away none of it passes, and nothing is judged.
async fn healthy(
    release: &Release,
    within: Duration,
    left: &Mutex<Duration>,
    judge: &tokio::sync::Mutex<Judge>,
    ports: &Ports,
    run: &Run,
) -> Result<(), Cause> {
    let limit = *left.lock().unwrap_or_else(PoisonError::into_inner);
    let of_release = |error| Cause::applying(error, release);
    let mut snapshots = ports.cluster.observe(release).await.map_err(of_release)?;
    let started = Instant::now();
    // A DaemonSet goes node by node, and only the cluster knows how many there are: its time begins
    // anew with each pod that is ready.
    let mut since = started;
    let mut most = 0;
    let away = |error: ClusterError| {
        let rest = limit.saturating_sub(started.elapsed()).max(CATCHING_UP);
        *left.lock().unwrap_or_else(PoisonError::into_inner) = rest;
        Err(of_release(error))
    };
    let mut judge = judge.lock().await;
    let mut blocked = Blocked::default();
    judge.begin_again();
    let mut last = Snapshot::default();
    let mut may_unblock = true;
    let finding = loop {
        // A signal that must persist is fatal while nothing more happens: look again by then.
        let late = since + limit;
        let looks = [judge.look_again(), blocked.look_again()];
        let look = looks.into_iter().flatten().fold(late, |look, at| look.min(started + at));
        let seen = tokio::select! {
            seen = snapshots.recv() => match seen {
                Some(Ok(seen)) => seen,
                Some(Err(error)) => return away(error),
                None => return away(ClusterError::Unreachable { message: "the watch ended".into() }),
            },
            () = sleep_until(look) => last.clone(),
        };
        if seen.progress() != last.progress() && seen.is_of(&release.id) {
            let (ready, wanted) = seen.progress();
            let cluster = release.cluster().to_owned();
            run.record(Event::Rollout { cluster, ready, wanted }).await?;
        }
        let ready = seen.progress().0;
        if ready > most && seen.workloads.iter().any(|one| one.kind == "DaemonSet") {
            (since, most) = (Instant::now(), ready);
        }
        last = seen;
        match judge.judge(&last, release, started.elapsed()) {
            Verdict::Healthy(warned) => {
                for finding in warned {
                    let words = report(&finding, release, Vec::new());
                    let (subject, place) = (words.subject, release.place());
                    let message = format!("{subject}{place}: {} ({})", words.what, words.why);
                    let fix = words.fixes.join("; or: ");
                    run.record(Event::Warning { stage: Stage::Release, message, fix }).await?;
                }
                return Ok(());
            }
            Verdict::Failed(finding) => break finding,
            Verdict::Progressing if since.elapsed() >= limit => {
                let excused = judge.excused().cloned();
                break excused.unwrap_or_else(|| Finding::stalled(&last, within));
            }
            Verdict::Progressing => {}
        }
        if may_unblock && blocked.must_go(&last, release, started.elapsed()) {
            match unblock(release, ports, run).await {
                Ok(can) => may_unblock = can,
                Err(error) => return away(error),
            }
        }
    };
    let evidence = ports.cluster.evidence(release).await;
    Err(Cause::Rollout { finding, release: Box::new(release.clone()), evidence })
}

/// Deletes what is in the way of a rollout. Says whether that can be done; where it cannot, the rollout may
/// go on all the same.
async fn unblock(release: &Release, ports: &Ports, run: &Run) -> Result<bool, ClusterError> {
    let change = Change::Unblock(Box::new(release.clone()));
    let error = match ports.cluster.make(&change, run.recorder()).await {
        Ok(()) => return Ok(true),
        Err(error @ (ClusterError::Unreachable { .. } | ClusterError::NotTrusted { .. })) => {
            return Err(error);
        }
        Err(error) => error,
    };
    let message = format!("a pod of another version is in the way{}: {error}", release.place());
    let fix = "delete that pod by hand; its StatefulSet then goes on".into();
    let told = run.record(Event::Warning { stage: Stage::Release, message, fix }).await;
    told.map_err(|lost| ClusterError::Unreachable { message: lost.to_string() })?;
    Ok(false)
}
