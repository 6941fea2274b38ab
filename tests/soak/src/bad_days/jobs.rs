//! Submits jobs, and waits for their ends.

use super::{
    client::Client,
    inputs::{APPS, Input, PROJECTS},
};
use rand::{Rng, rngs::StdRng};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use windlass_bed::{Layout, Repository, Result};

/// Jobs that are not ended at one time: some wait, and newer ones of the same app take their place.
const UNENDED: usize = 14;

/// Pause between two looks at the jobs that are not ended.
const LOOK: Duration = Duration::from_millis(500);

/// A job of the run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    /// Index of the app.
    pub(crate) app: usize,
    pub(crate) input: Input,
    pub(crate) page: String,
    /// Time at which the job was submitted, in milliseconds of the Unix epoch.
    pub(crate) since_ms: u64,
    /// The daemon reported the job's end.
    pub(crate) has_ended: bool,
}

/// An app, with its repository.
struct App {
    /// `project/app`.
    name: String,
    repository: Repository,
    /// Commit and page of the newest good input. An empty text means that there is none.
    good: (String, String),
}

/// All jobs of the run.
pub(crate) struct Jobs {
    client: Client,
    random: StdRng,
    apps: Vec<App>,
    all: Vec<Job>,
    unended: Vec<usize>,
}

/// Returns `project/app` of the app with this index.
pub(crate) fn app_name(index: usize) -> String {
    let project = PROJECTS.get(index / APPS).copied().unwrap_or_default();
    format!("{project}/app{}", index % APPS)
}

/// Returns the machine's time in milliseconds of the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Jobs {
    pub(crate) fn new(client: Client, git: Layout, random: StdRng) -> Result<Self> {
        let app = |index: usize| {
            let name = app_name(index);
            let repository = Repository::new(&git, &name.replace('/', "-"), true)?;
            Ok(App { name, repository, good: <(String, String)>::default() })
        };
        let apps = (0..PROJECTS.len() * APPS).map(app).collect::<Result<Vec<_>>>()?;
        Ok(Self { client, random, apps, all: Vec::new(), unended: Vec::new() })
    }

    /// Releases each app once, and waits for all.
    pub(crate) fn first_releases(&mut self) -> Result<()> {
        for app in 0..self.apps.len() {
            self.submit(app, Input::Good)?;
            while self.unended.len() >= UNENDED {
                self.look()?;
            }
        }
        while !self.unended.is_empty() {
            self.look()?;
        }
        Ok(())
    }

    /// Submits `limit` jobs spread over the time until `until`, then waits for the ends. Days with many faults end
    /// with fewer jobs. The wait ends `last` after `is_calm`: jobs without an end are found by the audit.
    pub(crate) fn work(
        mut self,
        limit: u64,
        until: Instant,
        is_calm: &AtomicBool,
        last: Duration,
    ) -> Result<Vec<Job>> {
        let mut reported = 0;
        let (began, first) = (Instant::now(), u64::try_from(self.all.len())?);
        let pace = until.saturating_duration_since(began).as_secs_f64() / limit.max(1) as f64;
        loop {
            let submitted = u64::try_from(self.all.len())? - first;
            if submitted >= limit || Instant::now() >= until {
                break;
            }
            let is_due = began.elapsed().as_secs_f64() >= pace * submitted as f64;
            if is_due && self.unended.len() < UNENDED {
                let app = self.random.random_range(0..self.apps.len());
                let input = Input::drawn(self.random.random_range(0..100));
                self.submit(app, input)?;
            } else {
                self.look()?;
            }
            let ended = self.all.len() - self.unended.len();
            if ended / 50 > reported {
                reported = ended / 50;
                println!("{ended} jobs have ended");
            }
        }
        let mut calm_since = None;
        while !self.unended.is_empty() {
            self.look()?;
            if is_calm.load(Ordering::Relaxed) {
                let since = *calm_since.get_or_insert_with(Instant::now);
                if since.elapsed() > last {
                    break;
                }
            }
        }
        Ok(self.all)
    }

    fn submit(&mut self, index: usize, input: Input) -> Result<()> {
        let number = self.all.len();
        let app = self.apps.get_mut(index).ok_or("no such app")?;
        let (commit, page) = if input == Input::Unchanged && !app.good.0.is_empty() {
            app.good.clone()
        } else {
            let page = format!("page-{number}");
            // The git server may be down.
            let commit = loop {
                match input.commit(&app.repository, &page) {
                    Ok(commit) => break commit,
                    Err(_) => sleep(LOOK),
                }
            };
            (commit, page)
        };
        if input.is_good() {
            app.good = (commit.clone(), page.clone());
        }
        let request = format!("soak-{number}");
        let args = [
            "submit",
            &app.name,
            "--repository",
            app.repository.url(),
            "--revision",
            &commit,
            "--request-id",
            &request,
            "--detach",
        ];
        let since_ms = now_ms();
        // The same request id: whatever the daemon made of a try before, it is the same job.
        let id = loop {
            let answer = self.client.run(&args)?;
            let job = answer.text.lines().find_map(|line| {
                let job: serde_json::Value = serde_json::from_str(line).ok()?;
                Some(job.get("id")?.as_str()?.to_owned())
            });
            match job {
                Some(id) if answer.code == 0 => break id,
                // 2 is a request that is wrong, which no repeat mends.
                _ if answer.code == 2 && !is_passing(&answer.text) => {
                    return Err(format!("{args:?} is refused: {}", answer.text).into());
                }
                _ => sleep(LOOK),
            }
        };
        if input == Input::Cancelled {
            // Without an answer it was not cancelled: both ends are right.
            let _ = self.client.run(&["cancel", &id])?;
        }
        let has_ended = false;
        self.all.push(Job { id, app: index, input, page, since_ms, has_ended });
        self.unended.push(number);
        Ok(())
    }

    /// Looks which jobs have ended.
    fn look(&mut self) -> Result<()> {
        sleep(LOOK);
        let mut unended = Vec::new();
        for number in std::mem::take(&mut self.unended) {
            let Some(job) = self.all.get_mut(number) else { continue };
            let found = self.client.job(&job.id)?;
            let state = found.as_ref().and_then(|job| job.get("state")?.as_str());
            job.has_ended = matches!(state, Some("succeeded" | "failed" | "stopped"));
            if !job.has_ended {
                unended.push(number);
            }
        }
        self.unended = unended;
        Ok(())
    }
}

/// Returns whether a refusal is of a fault that passes: a full disk, a repository that does not answer.
fn is_passing(text: &str) -> bool {
    ["store-full", "store-failed", "repository-unreachable", "unreachable"]
        .iter()
        .any(|code| text.contains(code))
}
