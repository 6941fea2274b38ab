//! Logins that failed, counted for each address.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Number of failures within [`WINDOW`] after which an address has to wait.
const MOST: usize = 5;

/// Time in which failures are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Number of addresses that are counted. With more, all those that are new share one count.
const ADDRESSES: usize = 10_000;

/// Failures by address. `None` is the address of those without one, and of those for whom there is no room.
#[derive(Default)]
pub(crate) struct Failures(HashMap<Option<IpAddr>, Vec<Instant>>);

impl Failures {
    /// Returns how long an address has to wait before its next try. `None` means that it may try now.
    pub(crate) fn wait(&mut self, address: Option<IpAddr>, now: Instant) -> Option<Duration> {
        let key = self.key(address);
        let failures = self.0.get_mut(&key)?;
        failures.retain(|at| now.duration_since(*at) < WINDOW);
        let first = failures.len().checked_sub(MOST).and_then(|index| failures.get(index))?;
        Some(WINDOW.saturating_sub(now.duration_since(*first)))
    }

    /// Counts a failure.
    pub(crate) fn add(&mut self, address: Option<IpAddr>, now: Instant) {
        if self.0.len() >= ADDRESSES {
            self.0.retain(|_, failures| {
                failures.last().is_some_and(|at| now.duration_since(*at) < WINDOW)
            });
        }
        let key = self.key(address);
        let failures = self.0.entry(key).or_default();
        failures.retain(|at| now.duration_since(*at) < WINDOW);
        if failures.len() < MOST {
            failures.push(now);
        }
    }

    /// Returns the key of an address. One of IPv6 counts with its network of 64 bits: one machine has all of them.
    fn key(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        let network = address.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
            }
        });
        let has_room = self.0.len() < ADDRESSES || self.0.contains_key(&network);
        if has_room { network } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn five_failures_a_minute_and_the_next_has_to_wait() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let second = Duration::from_secs(1);
        for number in 0..5 {
            assert_eq!(failures.wait(address("10.0.0.1"), start), None, "{number}");
            failures.add(address("10.0.0.1"), start + number * second);
        }
        let later = start + 10 * second;
        assert_eq!(failures.wait(address("10.0.0.1"), later), Some(50 * second));
        assert_eq!(failures.wait(address("10.0.0.2"), later), None);
        assert_eq!(failures.wait(address("10.0.0.1"), start + 60 * second), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for number in 0..5 {
            failures.add(address(&format!("2001:db8::{number}")), now);
        }
        assert!(failures.wait(address("2001:db8::ffff:1"), now).is_some());
        assert!(failures.wait(address("2001:db8:0:1::1"), now).is_none());
    }

    #[test]
    fn addresses_without_room_share_a_count() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for number in 0..u32::try_from(ADDRESSES).unwrap() {
            failures.add(Some(IpAddr::V4(number.into())), now);
        }
        for number in 0..5 {
            failures.add(address(&format!("192.0.2.{number}")), now);
        }
        assert!(failures.0.len() <= ADDRESSES + 1);
        assert!(failures.wait(address("192.0.2.77"), now).is_some());
    }
}
