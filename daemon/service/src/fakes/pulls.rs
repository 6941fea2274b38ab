//! A forge in memory, of which only the ends of pull requests are known.

use async_trait::async_trait;
use std::{collections::BTreeSet, sync::Mutex};
use windlass_engine::ports::{PullRequests, PullStates};
use windlass_model::project::RepositorySpec;

/// A forge that shows all pull requests, or none.
#[derive(Default)]
pub(crate) struct FakePulls(Mutex<State>);

#[derive(Default)]
struct State {
    ended: BTreeSet<u64>,
    hides: bool,
    /// Numbers that were asked about, by question.
    asked: Vec<BTreeSet<u64>>,
}

impl FakePulls {
    /// Lets a pull request be closed.
    pub(crate) fn ends(&self, number: u64) {
        self.0.lock().unwrap().ended.insert(number);
    }

    /// Lets the forge answer nothing, or answer again.
    pub(crate) fn hides(&self, hides: bool) {
        self.0.lock().unwrap().hides = hides;
    }

    /// Returns the numbers that were asked about, by question.
    pub(crate) fn asked(&self) -> Vec<BTreeSet<u64>> {
        self.0.lock().unwrap().asked.clone()
    }
}

#[async_trait]
impl PullRequests for FakePulls {
    async fn pull_states(
        &self,
        _: &str,
        _: &RepositorySpec,
        numbers: &BTreeSet<u64>,
    ) -> PullStates {
        let mut state = self.0.lock().unwrap();
        state.asked.push(numbers.clone());
        if state.hides {
            let (unknown, why) = (numbers.clone(), "HTTP 404: Not Found".to_owned());
            return PullStates { unknown, why, ..PullStates::default() };
        }
        let ended = numbers.intersection(&state.ended).copied().collect();
        PullStates { ended, ..PullStates::default() }
    }
}
