//! Pull requests, as forges are asked what became of them.
//!
//! Only the forge's word about one pull request proves its end. A list of the open ones spares questions: whoever is in
//! it is open, and whoever is not is asked about alone. A right that was lost, a page of a proxy and a list that was cut
//! short look like lists without it.

mod form;

use super::{
    call::{Answer, Call, Meaning},
    github,
    login::Login,
    place::Place,
};
use form::{Page, State};
use std::collections::BTreeSet;
use windlass_model::forge::ForgeKind;

/// Requests of one question, at most.
const MOST_REQUESTS: usize = 120;

/// Pages of a list among them.
const MOST_PAGES: usize = 20;

/// A question to a forge about pull requests of one repository. Whoever asks sends each [`call`](Self::call), and shows
/// its answer to [`read`](Self::read).
#[derive(Debug)]
pub struct PullQuestion {
    place: Place,
    login: Login,
    /// Numbers that are to be asked about.
    left: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    /// Numbers of which the forge says nothing that is understood.
    unknown: BTreeSet<u64>,
    /// Page of the open ones that is asked for next. `None` means that each is asked about alone.
    page: Option<Page>,
    requests: usize,
}

/// Answer to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullAnswer {
    /// Numbers of pull requests that were closed or merged.
    pub ended: BTreeSet<u64>,
    /// Numbers of those of which nothing is known: the forge does not show them, or its answer is not understood.
    pub unknown: BTreeSet<u64>,
}

impl PullQuestion {
    /// Makes a question about these numbers.
    #[must_use]
    pub fn new(place: Place, login: Login, numbers: &BTreeSet<u64>) -> Self {
        // One is asked about by one request in any case.
        let page = (numbers.len() > 1).then(|| Page::first(place.kind()));
        let (ended, unknown) = (BTreeSet::new(), BTreeSet::new());
        Self { place, login, left: numbers.clone(), ended, unknown, page, requests: 0 }
    }

    /// Returns the next request. `None` means that the forge was asked about all.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        let number = self.left.first()?;
        if self.requests >= MOST_REQUESTS {
            return None;
        }
        let url = match self.page {
            Some(page) => form::list(&self.place, page),
            None => form::one(&self.place, *number),
        };
        Some(if self.place.kind() == ForgeKind::Github {
            github::get(url, &self.login)
        } else {
            Call::get(url).with(self.login.header())
        })
    }

    /// Reads the answer to the last request.
    ///
    /// # Errors
    /// [`Meaning`] of an answer after which the forge is not asked on. It is never [`Meaning::Done`].
    pub fn read(&mut self, answer: &Answer, now_ms: u64) -> Result<(), Meaning> {
        self.requests += 1;
        let meaning = if self.place.kind() == ForgeKind::Github {
            github::meaning(answer, now_ms)
        } else {
            Meaning::of(answer, now_ms)
        };
        match (self.page.take(), meaning) {
            (Some(page), Meaning::Done) => {
                self.read_page(page, answer);
                Ok(())
            }
            (None, Meaning::Done) => {
                self.read_one(answer);
                Ok(())
            }
            // It was deleted, or the login may not see it any more.
            (None, Meaning::Refused(_)) if answer.status == 404 => {
                self.unknown.extend(self.left.pop_first());
                Ok(())
            }
            (_, meaning) => Err(meaning),
        }
    }

    /// Takes those from a list that are open. One that is not understood proves nothing.
    fn read_page(&mut self, page: Page, answer: &Answer) {
        let Some((open, next)) = form::open(self.place.kind(), page, &answer.json()) else {
            return;
        };
        self.left.retain(|number| !open.contains(number));
        // A page more is only worth it where it may spare as many questions.
        let spares = self.left.len() > self.requests + 1;
        self.page = next.filter(|_| spares && self.requests < MOST_PAGES);
    }

    fn read_one(&mut self, answer: &Answer) {
        let Some(asked) = self.left.pop_first() else { return };
        match form::state(self.place.kind(), &answer.json()) {
            Some((number, State::Ended)) if number == asked => {
                self.ended.insert(asked);
            }
            Some((number, State::Open)) if number == asked => {}
            _ => {
                self.unknown.insert(asked);
            }
        }
    }

    /// Returns what the forge has said so far.
    #[must_use]
    pub fn answer(self) -> PullAnswer {
        let Self { left, ended, mut unknown, .. } = self;
        unknown.extend(left);
        PullAnswer { ended, unknown }
    }
}

#[cfg(test)]
mod tests;
