//! Messages as JSON: the form of fields that prost keeps as numbers, times or texts. `build.rs` names the
//! fields; all others are as serde derives them.

use crate::v1;
use prost_types::{Duration, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Returns the name of an enum's value as JSON has it: `rolling_back` for `JOB_STATE_ROLLING_BACK`. Empty
/// for the value that stands for none.
#[must_use]
pub fn word(name: &str) -> String {
    let name = ["JOB_STATE_", "STAGE_", "OUTCOME_", "CHANGE_VERB_", "HEALTH_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    match name {
        "UNSPECIFIED" => String::new(),
        name => name.to_ascii_lowercase(),
    }
}

/// Writes an enum's number as a word. A number that this version does not know is written as none.
fn named<E: TryFrom<i32> + Default, S: Serializer>(
    number: i32,
    name: fn(&E) -> &'static str,
    to: S,
) -> Result<S::Ok, S::Error> {
    let value = E::try_from(number).unwrap_or_default();
    to.serialize_str(&word(name(&value)))
}

pub(crate) fn job_state<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    named(*number, v1::JobState::as_str_name, to)
}

pub(crate) fn stage<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    named(*number, v1::Stage::as_str_name, to)
}

pub(crate) fn outcome<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    named(*number, v1::Outcome::as_str_name, to)
}

pub(crate) fn change_verb<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    named(*number, v1::ChangeVerb::as_str_name, to)
}

pub(crate) fn health<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    named(*number, v1::Health::as_str_name, to)
}

/// Writes a time as seconds since 1970, to the millisecond.
pub(crate) fn seconds<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    let seconds = time.as_ref().map(|time| {
        #[expect(clippy::cast_precision_loss, reason = "exact for 200,000 years at milliseconds")]
        let seconds = time.seconds as f64;
        seconds + f64::from(time.nanos / 1_000_000) / 1000.0
    });
    seconds.serialize(to)
}

/// Writes a duration in milliseconds; 0 where there is none.
pub(crate) fn millis<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    let millis = time.as_ref().map_or(0, |time| {
        time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos / 1_000_000))
    });
    to.serialize_i64(millis)
}

/// Writes a JSON text as what it holds; null where it cannot be read.
pub(crate) fn document<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    parsed(text).serialize(to)
}

/// Writes each of several JSON texts as what it holds.
pub(crate) fn documents<S: Serializer>(texts: &[String], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(texts.iter().map(|text| parsed(text)))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
