//! Places for work on others' servers that no job asks for: dry runs, revisions that are resolved, and reviews of clusters.
//!
//! Each has a child process and a disk to itself, so there are few. One project has at most half of them: another
//! finds a place at once.

use crate::error::ServiceError;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// Number of requests of one project, and of all projects, that wait for a place.
const WAITING: (usize, usize) = (200, 1000);

/// Places for dry runs. Clones share them.
#[derive(Clone)]
pub struct PlanSlots {
    limit: usize,
    time: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Number of places taken, by project. A project without one is not in it.
    taken: BTreeMap<String, usize>,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    project: String,
    go: oneshot::Sender<Place>,
}

/// A place, given back when dropped.
struct Place {
    project: String,
    slots: PlanSlots,
}

impl PlanSlots {
    /// Makes `limit` places, each for at most `time`. A request waits as long for one.
    #[must_use]
    pub fn new(limit: usize, time: Duration) -> Self {
        Self { limit: limit.max(1), time, state: Arc::default() }
    }

    /// Does work in a place of a project. Dropping the future gives the place back and drops the work.
    ///
    /// # Errors
    /// The error of `work`; [`ServiceError::Exhausted`] without a place, [`ServiceError::Late`] if the work takes too
    /// long.
    pub(crate) async fn run<T>(
        &self,
        project: &str,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        let _place = self.place(project).await?;
        timeout(self.time, work).await.unwrap_or_else(|_| {
            Err(ServiceError::Late {
                message: format!(
                    "what was asked was not read and compared within {} s",
                    self.time.as_secs()
                ),
                fix: "see that the git server and the clusters answer; the operator sets the limit by `plan-seconds`".into(),
            })
        })
    }

    async fn place(&self, project: &str) -> Result<Place, ServiceError> {
        let receiver = {
            let mut state = self.state();
            state.waiting.retain(|waiting| !waiting.go.is_closed());
            if self.has_place(&state, project) {
                return Ok(self.take(&mut state, project));
            }
            let own = state.waiting.iter().filter(|waiting| waiting.project == project).count();
            if own >= WAITING.0 || state.waiting.len() >= WAITING.1 {
                return Err(self.none(&state, project));
            }
            let (go, receiver) = oneshot::channel();
            state.waiting.push_back(Waiting { project: project.to_owned(), go });
            receiver
        };
        match timeout(self.time, receiver).await {
            Ok(Ok(place)) => Ok(place),
            // The error counts this request among those that wait.
            _ => Err(self.none(&self.state(), project)),
        }
    }

    fn has_place(&self, state: &State, project: &str) -> bool {
        let own = state.taken.get(project).copied().unwrap_or_default();
        state.taken.values().sum::<usize>() < self.limit && own < self.limit.div_ceil(2)
    }

    fn take(&self, state: &mut State, project: &str) -> Place {
        *state.taken.entry(project.to_owned()).or_default() += 1;
        Place { project: project.to_owned(), slots: self.clone() }
    }

    /// Gives a free place to a request that waits: of the project with the fewest places the oldest.
    fn next(&self) {
        let (go, place) = {
            let mut state = self.state();
            state.waiting.retain(|waiting| !waiting.go.is_closed());
            let taken = |project: &str| state.taken.get(project).copied().unwrap_or_default();
            let able = state.waiting.iter().enumerate();
            let able = able.filter(|(_, waiting)| self.has_place(&state, &waiting.project));
            let first = able.min_by_key(|(at, waiting)| (taken(&waiting.project), *at));
            let Some((at, _)) = first else { return };
            let Some(Waiting { project, go }) = state.waiting.remove(at) else { return };
            let place = self.take(&mut state, &project);
            (go, place)
        };
        // Where nobody listens any more, the place comes back and is dropped: then the next one gets it.
        let _ = go.send(place);
    }

    fn none(&self, state: &State, project: &str) -> ServiceError {
        let own = state.taken.get(project).copied().unwrap_or_default();
        let waiting = state.waiting.iter().filter(|waiting| waiting.project == project).count();
        ServiceError::Exhausted {
            reason: "too-many-plans",
            message: format!(
                "no place to read it: project `{project}` has {own} of {} places, of which one project gets at most {}, and {waiting} of its requests wait ({} of all projects)",
                self.limit,
                self.limit.div_ceil(2),
                state.waiting.len(),
            ),
            fix: "send the request again later; a request with a commit's id needs no place to be submitted".into(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.slots.state();
            match state.taken.get_mut(&self.project) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    state.taken.remove(&self.project);
                }
            }
        }
        self.slots.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinHandle;

    const TIME: Duration = Duration::from_secs(300);

    /// Begins work of a project that never ends.
    async fn hangs(
        slots: &PlanSlots,
        project: &'static str,
    ) -> JoinHandle<Result<(), ServiceError>> {
        let slots = slots.clone();
        let task = tokio::spawn(async move { slots.run(project, std::future::pending()).await });
        tokio::task::yield_now().await;
        task
    }

    fn taken(slots: &PlanSlots) -> Vec<(String, usize)> {
        slots.state().taken.clone().into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn one_project_has_at_most_half_of_the_places() {
        let slots = PlanSlots::new(4, TIME);
        let mut greedy = Vec::new();
        for _ in 0..10 {
            greedy.push(hangs(&slots, "greedy").await);
        }
        assert_eq!(taken(&slots), [("greedy".to_owned(), 2)]);
        slots.run("shop", async { Ok(()) }).await.unwrap();
        let _one = hangs(&slots, "shop").await;
        let _two = hangs(&slots, "shop").await;
        assert_eq!(taken(&slots), [("greedy".to_owned(), 2), ("shop".to_owned(), 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_by_its_deadline_and_the_next_one_begins() {
        let slots = PlanSlots::new(1, TIME);
        let first = hangs(&slots, "shop").await;
        let second = hangs(&slots, "shop").await;
        let error = first.await.unwrap().unwrap_err();
        assert_eq!((error.reason(), error.fixes().len()), ("plan-timed-out", 1));
        let error = second.await.unwrap().unwrap_err();
        assert!(["plan-timed-out", "too-many-plans"].contains(&error.reason()), "{error}");
        assert!(taken(&slots).is_empty());
        slots.run("shop", async { Ok(()) }).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_goes_away_gives_its_place_back() {
        let slots = PlanSlots::new(1, TIME);
        let first = hangs(&slots, "shop").await;
        let waiting = hangs(&slots, "shop").await;
        let blog = hangs(&slots, "blog").await;
        waiting.abort();
        let _ = waiting.await;
        first.abort();
        let _ = first.await;
        tokio::task::yield_now().await;
        assert_eq!(taken(&slots), [("blog".to_owned(), 1)]);
        blog.abort();
        let _ = blog.await;
        assert!(taken(&slots).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_few_and_the_error_counts_them() {
        let slots = PlanSlots::new(2, TIME);
        let mut all = Vec::new();
        for _ in 0..=WAITING.0 {
            all.push(hangs(&slots, "shop").await);
        }
        let error = slots.run("shop", async { Ok(()) }).await.unwrap_err();
        assert_eq!(error.reason(), "too-many-plans");
        let expected = format!(
            "project `shop` has 1 of 2 places, of which one project gets at most 1, and {} of its requests wait",
            WAITING.0
        );
        assert!(error.to_string().contains(&expected), "{error}");
    }
}
