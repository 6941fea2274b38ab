//! A job on the screen: events in, lines out.
//!
//! [`board::Board`] is the model, and pure: it takes events, and gives lines that stay and lines that are
//! redrawn. [`Screen`] shows them: on a terminal with movement, elsewhere with times.

mod board;
mod course;
mod ending;
mod line;
mod painter;
mod past;
mod screen;
mod section;
mod serves;
mod table;
mod time;

#[cfg(test)]
mod scenes;
#[cfg(test)]
mod tests;

pub(crate) use course::TRAFFIC;
pub(crate) use ending::{image, labelled, next, reached};
pub(crate) use line::{Line, Look, clean};
pub(crate) use past::past_ending;
pub(crate) use screen::{Screen, print};
pub(crate) use section::{short, short_tag};
pub(crate) use table::table;
pub(crate) use time::{Clock, age, bytes, millis, now_ms, took};

/// Detail in which a job is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Detail {
    /// Every line of every tool, as it comes.
    pub(crate) verbose: bool,
    /// Events of plugins and steps too.
    pub(crate) events: bool,
}
