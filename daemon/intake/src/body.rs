//! Bodies, read within bounds of bytes, time and number.

use axum::body::Body;
use http_body_util::BodyExt;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
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
    all: Room,
    /// Number of bodies of one project, and of large ones among them.
    of_project: (usize, usize),
    /// Room of each project that has a body here, or waits to have one.
    projects: Arc<Mutex<BTreeMap<String, Room>>>,
}

#[derive(Clone)]
struct Room {
    bodies: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Room {
    fn new((bodies, large): (usize, usize)) -> Self {
        Self { bodies: Arc::new(Semaphore::new(bodies)), large: Arc::new(Semaphore::new(large)) }
    }
}

/// A body with its places, which are free again when it is dropped.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    _place: [OwnedSemaphorePermit; 2],
    /// `None` means that the body is not large.
    _large: Option<[OwnedSemaphorePermit; 2]>,
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
    /// Makes places for so many bodies, and for so many large ones among them: of all projects, and of one. Nothing is
    /// verified before a body is there, so that who knows the address of a hook can take places for nothing.
    pub(crate) fn new(all: (usize, usize), of_project: (usize, usize)) -> Self {
        Self { all: Room::new(all), of_project, projects: Arc::default() }
    }

    fn room(&self, project: &str) -> Room {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        // A body that is read, and each that waits, holds its project's room.
        projects.retain(|_, room| Arc::strong_count(&room.bodies) > 1);
        projects.entry(project.to_owned()).or_insert_with(|| Room::new(self.of_project)).clone()
    }

    /// Reads a body that a project's hook got. `length` is the one that its sender announced; `None` means that the
    /// sender did not.
    pub(crate) async fn read(
        &self,
        project: &str,
        mut body: Body,
        length: Option<u64>,
        bounds: &Bounds,
    ) -> Result<Whole, Unread> {
        let announced = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > bounds.longest) {
            return Err(Unread::TooLong);
        }
        let until = Instant::now() + bounds.time;
        let own = self.room(project);
        let place = both(&own.bodies, &self.all.bodies, until).await?;
        let mut large = None;
        if announced.is_some_and(|length| length > bounds.large) {
            large = Some(both(&own.large, &self.all.large, until).await?);
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
                large = Some(both(&own.large, &self.all.large, until).await?);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Whole { bytes, _place: place, _large: large })
    }
}

/// Takes a place of the project's, and then one of those that all projects share.
async fn both(
    own: &Arc<Semaphore>,
    all: &Arc<Semaphore>,
    until: Instant,
) -> Result<[OwnedSemaphorePermit; 2], Unread> {
    let own = place(own, until).await?;
    Ok([own, place(all, until).await?])
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
        let places = Places::new((2, 2), (2, 2));
        let whole = places.read("shop", body(1000), Some(1000), &BOUNDS).await.ok().unwrap();
        assert_eq!(whole.bytes.len(), 1000);
        for length in [Some(1001), Some(u64::MAX), Some(1), None] {
            let unread = places.read("shop", body(1001), length, &BOUNDS).await.err();
            assert_eq!(unread, Some(Unread::TooLong), "{length:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_their_places_and_small_ones_do_not() {
        let places = Places::new((3, 1), (3, 1));
        for length in [Some(200), None] {
            let first = places.read("shop", body(200), length, &BOUNDS).await.ok().unwrap();
            let unread = places.read("shop", body(200), length, &BOUNDS).await.err();
            assert_eq!(unread, Some(Unread::Busy));
            places.read("shop", body(100), Some(100), &BOUNDS).await.ok().unwrap();
            drop(first);
            places.read("shop", body(200), length, &BOUNDS).await.ok().unwrap();
        }
    }

    /// Who knows a hook's address sends bodies that never end.
    #[tokio::test(start_paused = true)]
    async fn one_project_takes_no_place_from_another() {
        let places = Places::new((3, 2), (2, 1));
        let small = places.read("shop", body(1), Some(1), &BOUNDS).await.ok().unwrap();
        let large = places.read("shop", body(200), Some(200), &BOUNDS).await.ok().unwrap();
        let unread = places.read("shop", body(1), Some(1), &BOUNDS).await.err();
        assert_eq!(unread, Some(Unread::Busy));
        places.read("blog", body(200), Some(200), &BOUNDS).await.ok().unwrap();
        drop((small, large));
        places.read("blog", body(1), Some(1), &BOUNDS).await.ok().unwrap();
        assert_eq!(places.projects.lock().unwrap().len(), 1, "the other is forgotten");
    }
}
