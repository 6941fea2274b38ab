//! Questions to forges: what became of pull requests.

use crate::{
    limits::RateLimits,
    resolve::slot,
    settings::OutgoingSettings,
    talk::{Cut, Line, Talk, masked},
};
use async_trait::async_trait;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use windlass_engine::ports::{PullRequests, PullStates, Secrets};
use windlass_forge::outgoing::{Meaning, Permission, Place, PullAnswer, PullQuestion, Unsendable};
use windlass_model::{
    clock::now_ms,
    project::{ForgeSpec, RepositorySpec},
};

/// Time of a whole question. Deliveries of the repository wait for it.
const WITHIN: Duration = Duration::from_secs(30);

/// Bytes of an answer that are read: a page of pull requests with their descriptions.
const LARGEST: usize = 2 << 20;

/// Time for which a login that is limited asks nothing, where the forge names none.
const LIMITED: Duration = Duration::from_secs(600);

/// Characters of a reason that are shown.
const LONGEST: usize = 300;

/// Reader of pull requests at forges. It connects to what messages may go to.
pub struct PullReader {
    line: Line,
    limits: RateLimits,
    within: Duration,
}

impl PullReader {
    /// Makes a reader. It shares `limits` with a sender.
    #[must_use]
    pub fn new(secrets: Arc<dyn Secrets>, settings: &OutgoingSettings, limits: RateLimits) -> Self {
        Self { line: Line::new(secrets, settings), limits, within: WITHIN }
    }

    /// Asks a forge, and keeps what it has said in `asked`.
    async fn ask(
        &self,
        talk: &mut Talk<'_>,
        forge: &ForgeSpec,
        place: Place,
        numbers: &BTreeSet<u64>,
        asked: &mut Option<PullQuestion>,
    ) -> Result<(), Cut> {
        let (login, token) = talk.login(forge, &place, Permission::Pulls).await?;
        let question = asked.insert(PullQuestion::new(place, login, numbers));
        while let Some(call) = question.call() {
            let answer = talk.send(&call, LARGEST).await?;
            if let Err(meaning) = question.read(&answer, now_ms()) {
                if let Some(key) = token.filter(|_| answer.status == 401) {
                    self.line.forget(&key);
                }
                return Err(Cut::Meaning(meaning));
            }
        }
        Ok(())
    }

    /// Notes a limit of rates, and returns the reason for which a question ended early.
    fn ended(&self, cut: Cut, login: &str, talk: &Talk<'_>) -> String {
        match cut {
            Cut::Away(why) => why,
            Cut::Meaning(meaning) => {
                if let Meaning::RateLimited { until_ms, .. } = &meaning {
                    let named =
                        until_ms.map(|at| Duration::from_millis(at.saturating_sub(now_ms())));
                    self.limits.note(login, named.unwrap_or(LIMITED), Instant::now());
                }
                match masked(meaning, &talk.known) {
                    Meaning::Done => String::new(),
                    Meaning::Void(why)
                    | Meaning::Retry { why, .. }
                    | Meaning::RateLimited { why, .. }
                    | Meaning::Refused(why) => windlass_forge::outgoing::cut(&why, LONGEST),
                }
            }
        }
    }
}

#[async_trait]
impl PullRequests for PullReader {
    async fn pull_states(
        &self,
        project: &str,
        repository: &RepositorySpec,
        numbers: &BTreeSet<u64>,
    ) -> PullStates {
        let unknown = |why: String| {
            let (ended, unknown) = (BTreeSet::new(), numbers.clone());
            PullStates { ended, unknown, why }
        };
        let Some(forge) = &repository.forge else { return unknown("it has no `forge`".into()) };
        let (login, place) = match target(project, repository, forge) {
            Ok(target) => target,
            Err(Unsendable(why)) => return unknown(why),
        };
        if self.limits.is_limited(&login, Instant::now()) {
            return unknown("the forge limits the rate of the login's requests".into());
        }
        let mut talk = self.line.talk(project);
        let mut asked = None;
        let asking = self.ask(&mut talk, forge, place, numbers, &mut asked);
        let done = timeout(self.within, asking).await;
        let why = match done {
            Ok(Ok(())) => String::new(),
            Ok(Err(cut)) => self.ended(cut, &login, &talk),
            Err(_) => format!("no whole answer within {} s", self.within.as_secs_f64()),
        };
        // What was said before the end of the time counts.
        let Some(PullAnswer { ended, unknown }) = asked.map(PullQuestion::answer) else {
            return unknown(why);
        };
        let is_hidden = why.is_empty() && !unknown.is_empty();
        let hidden = "the forge does not show them to the login, or its answer is not understood";
        let why = if is_hidden { hidden.to_owned() } else { why };
        PullStates { ended, unknown, why }
    }
}

/// Returns the name of the login at a repository's forge, and the repository's place there.
fn target(
    project: &str,
    repository: &RepositorySpec,
    forge: &ForgeSpec,
) -> Result<(String, Place), Unsendable> {
    let (api, slot) = slot(forge, project).map_err(|why| Unsendable(format!("it {why}")))?;
    let login = slot.login.ok_or_else(|| Unsendable("the forge has no login".into()))?;
    Ok((login, Place::new(forge.kind, api, &repository.url)?))
}

#[cfg(test)]
mod tests;
