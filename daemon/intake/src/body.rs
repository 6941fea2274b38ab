//! Bodies, read within bounds of bytes, time and number.

use axum::body::Body;
use http_body_util::BodyExt;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// Bounds of bodies.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Bytes of the longest body.
    pub(crate) longest: usize,
    /// Bytes from which on a body is large.
    pub(crate) large: usize,
    /// Time until a body is there.
    pub(crate) time: Duration,
}

/// Places for bodies in memory.
#[derive(Clone)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A body with its places, which are free again when it is dropped.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    _place: OwnedSemaphorePermit,
    /// `None` means that the body is not large.
    _large: Option<OwnedSemaphorePermit>,
}

/// The reason why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It has more bytes than any may have.
    TooLong,
    /// It was not there in its time.
    TooSlow,
    /// Others have all places.
    Busy,
    /// The connection broke.
    Broken,
}

impl Places {
    /// Makes places for so many bodies, and for so many large ones among them.
    pub(crate) fn new(all: usize, large: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), large: Arc::new(Semaphore::new(large)) }
    }

    /// Reads a body. `length` is the one that its sender announced; `None` means that the sender did not.
    pub(crate) async fn read(
        &self,
        mut body: Body,
        length: Option<u64>,
        bounds: &Bounds,
    ) -> Result<Whole, Unread> {
        let announced = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > bounds.longest) {
            return Err(Unread::TooLong);
        }
        let until = Instant::now() + bounds.time;
        let place = place(&self.all, until).await?;
        let mut large = None;
        if announced.is_some_and(|length| length > bounds.large) {
            large = Some(self::place(&self.large, until).await?);
        }
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(bounds.large));
        loop {
            let frame = timeout_at(until, body.frame()).await.map_err(|_| Unread::TooSlow)?;
            let Some(frame) = frame else { break };
            // Trailers are nobody's.
            let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > bounds.longest {
                return Err(Unread::TooLong);
            }
            if length > bounds.large && large.is_none() {
                large = Some(self::place(&self.large, until).await?);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Whole { bytes, _place: place, _large: large })
    }
}

async fn place(places: &Arc<Semaphore>, until: Instant) -> Result<OwnedSemaphorePermit, Unread> {
    let place = timeout_at(until, places.clone().acquire_owned()).await;
    place.map_err(|_| Unread::Busy)?.map_err(|_| Unread::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { longest: 1000, large: 100, time: Duration::from_secs(10) };

    fn body(length: usize) -> Body {
        Body::from(vec![b'x'; length])
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_long_is_not_kept_whatever_was_announced() {
        let places = Places::new(2, 2);
        let whole = places.read(body(1000), Some(1000), &BOUNDS).await.ok().unwrap();
        assert_eq!(whole.bytes.len(), 1000);
        for length in [Some(1001), Some(u64::MAX), Some(1), None] {
            let unread = places.read(body(1001), length, &BOUNDS).await.err();
            assert_eq!(unread, Some(Unread::TooLong), "{length:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_their_places_and_small_ones_do_not() {
        let places = Places::new(3, 1);
        for length in [Some(200), None] {
            let first = places.read(body(200), length, &BOUNDS).await.ok().unwrap();
            let unread = places.read(body(200), length, &BOUNDS).await.err();
            assert_eq!(unread, Some(Unread::Busy));
            places.read(body(100), Some(100), &BOUNDS).await.ok().unwrap();
            drop(first);
            places.read(body(200), length, &BOUNDS).await.ok().unwrap();
        }
    }
}
