//! Messages that were taken: which may be sent now, and which wait for others.
//!
//! Each host and each login has its own bound, so that a slow one leaves room for the others. A message for which there
//! is no room is let go: the store gives it again a little later. Those of one host that were let go come one after the
//! other.

use crate::{
    limits::RateLimits,
    work::{Slot, Work},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

/// Messages that are sent at the same time.
const SENT: usize = 16;

/// Messages to one host that are sent at the same time.
const SENT_TO_HOST: usize = 4;

/// Messages that were taken and wait.
const WAITING: usize = 128;

/// Messages to one host among them.
const WAITING_FOR_HOST: usize = 32;

/// Messages of one login among them: logins share the host of their forge, and each sends one at a time.
const WAITING_FOR_LOGIN: usize = 8;

/// Milliseconds after which a message that was let go is given again, and those between two of one host.
const AGAIN_MS: (u64, u64) = (250, 50);

/// Longest of these times, for a host and for a login that is limited.
const LATEST_MS: (u64, u64) = (40_000, 600_000);

/// Messages that were taken.
#[derive(Default)]
pub(crate) struct Lanes {
    waiting: VecDeque<Work>,
    /// Number of messages that are sent now, by host.
    hosts: BTreeMap<String, usize>,
    /// Logins that send now.
    logins: BTreeSet<String>,
    /// Logins that send nothing for a time.
    limits: RateLimits,
    /// Time at which the last message of a host that was let go is given again, in milliseconds since 1970.
    again: BTreeMap<String, u64>,
}

impl Lanes {
    /// Makes lanes in which a login that is limited sends nothing.
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Returns how many more messages may be taken.
    pub(crate) fn room(&self) -> usize {
        WAITING.saturating_sub(self.waiting.len())
    }

    /// Adds a message. `false` means that it was let go.
    pub(crate) fn add(&mut self, work: Work, now: Instant) -> bool {
        let is_limited =
            work.slot.login.as_ref().is_some_and(|login| self.limits.is_limited(login, now));
        let of_host = self.waiting.iter().filter(|one| one.slot.host == work.slot.host).count();
        let is_of_login =
            |one: &&Work| one.slot.login.is_some() && one.slot.login == work.slot.login;
        let of_login = self.waiting.iter().filter(is_of_login).count();
        let is_full = of_host >= WAITING_FOR_HOST || of_login >= WAITING_FOR_LOGIN;
        if is_limited || is_full || self.room() == 0 {
            return false;
        }
        self.waiting.push_back(work);
        true
    }

    /// Returns when a message that was let go is given again, in milliseconds since 1970.
    pub(crate) fn again_ms(&mut self, slot: &Slot, now: Instant, now_ms: u64) -> u64 {
        let (first, between) = AGAIN_MS;
        let limited = slot.login.as_ref().and_then(|login| self.limits.left(login, now));
        if let Some(left) = limited {
            let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            return now_ms + left.clamp(first, LATEST_MS.1);
        }
        self.again.retain(|_, at| *at > now_ms);
        let after = self.again.get(&slot.host).map_or(0, |last| last + between);
        let at = after.clamp(now_ms + first, now_ms + LATEST_MS.0);
        self.again.insert(slot.host.clone(), at);
        at
    }

    /// Takes the first message that may be sent now. `None` means that there is none.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Work> {
        self.waiting.retain(|work| work.begin_by > now);
        if self.hosts.values().sum::<usize>() >= SENT {
            return None;
        }
        let at = self.waiting.iter().position(|work| self.is_free(work, now))?;
        let work = self.waiting.remove(at)?;
        *self.hosts.entry(work.slot.host.clone()).or_default() += 1;
        self.logins.extend(work.slot.login.clone());
        Some(work)
    }

    /// Records that a message was sent.
    pub(crate) fn ended(&mut self, slot: &Slot) {
        if let Some(count) = self.hosts.get_mut(&slot.host) {
            *count = count.saturating_sub(1);
        }
        self.hosts.retain(|_, count| *count > 0);
        if let Some(login) = &slot.login {
            self.logins.remove(login);
        }
    }

    fn is_free(&self, work: &Work, now: Instant) -> bool {
        let slot = &work.slot;
        let is_used =
            |login: &String| self.logins.contains(login) || self.limits.is_limited(login, now);
        self.hosts.get(&slot.host).is_none_or(|count| *count < SENT_TO_HOST)
            && !slot.login.as_ref().is_some_and(is_used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::work;
    use std::time::Duration;

    fn to(host: &str, login: Option<&str>) -> Slot {
        Slot { host: host.into(), login: login.map(ToOwned::to_owned) }
    }

    fn begun(lanes: &mut Lanes) -> Vec<String> {
        let now = Instant::now();
        std::iter::from_fn(|| lanes.next(now)).map(|work| work.slot.host).collect()
    }

    #[test]
    fn a_host_gets_four_at_once_and_all_hosts_sixteen() {
        let mut lanes = Lanes::default();
        for host in ["a", "b", "c", "d", "e"] {
            for _ in 0..6 {
                assert!(lanes.add(work(to(host, None)), Instant::now()));
            }
        }
        let first = begun(&mut lanes);
        assert_eq!(first.len(), SENT);
        assert_eq!(first.iter().filter(|host| *host == "a").count(), SENT_TO_HOST);
        assert!(!first.contains(&"e".to_owned()));
        lanes.ended(&to("b", None));
        assert_eq!(begun(&mut lanes), ["b"]);
    }

    #[test]
    fn a_login_sends_one_after_the_other_and_nothing_while_it_is_limited() {
        let mut lanes = Lanes::default();
        let slot = to("a", Some("t"));
        for _ in 0..3 {
            lanes.add(work(slot.clone()), Instant::now());
        }
        lanes.add(work(to("a", Some("u"))), Instant::now());
        assert_eq!(begun(&mut lanes).len(), 2);
        lanes.ended(&slot);
        assert_eq!(begun(&mut lanes).len(), 1);
        lanes.ended(&slot);
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        // Nobody waits for the end of it here.
        lanes.limits.note("t", 20 * second, now);
        assert_eq!(begun(&mut lanes).len(), 0);
        assert!(!lanes.add(work(slot.clone()), now), "it is let go");
        assert!(lanes.next(now + 20 * second).is_some());
    }

    #[test]
    fn what_is_let_go_comes_again_one_after_the_other() {
        let mut lanes = Lanes::default();
        let (slot, other) = (to("a", Some("t")), to("b", None));
        let now = Instant::now();
        assert_eq!([0, 0, 0].map(|ms| lanes.again_ms(&slot, now, ms)), [250, 300, 350]);
        assert_eq!(lanes.again_ms(&other, now, 0), 250, "others do not wait for it");
        assert_eq!((0..5000).map(|_| lanes.again_ms(&other, now, 0)).max(), Some(LATEST_MS.0));
        assert_eq!(lanes.again_ms(&slot, now, 10_000), 10_250);
        lanes.limits.note("t", Duration::from_secs(80), now);
        assert_eq!(lanes.again_ms(&slot, now, 10_000), 90_000);
        let added = (0..20).filter(|_| lanes.add(work(to("c", Some("u"))), Instant::now())).count();
        assert_eq!(added, WAITING_FOR_LOGIN);
        assert!(lanes.add(work(to("c", Some("v"))), Instant::now()), "another login has room");
    }

    #[test]
    fn what_waits_too_long_or_in_too_great_a_number_is_let_go() {
        let mut lanes = Lanes::default();
        let added = (0..100).filter(|_| lanes.add(work(to("a", None)), Instant::now())).count();
        assert_eq!(added, WAITING_FOR_HOST);
        assert!(lanes.add(work(to("b", None)), Instant::now()), "others have room");
        assert!(lanes.next(Instant::now() + Duration::from_secs(3600)).is_none());
        assert_eq!(lanes.room(), WAITING);
    }
}
