//! The codes of diagnoses, as an argument.

use clap::{
    Arg, Command,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use std::ffi::OsStr;
use windlass_engine::explain::{Entry, entries};

/// Takes any text, so that an unknown code gets an answer of ours. Shells complete the known ones.
#[derive(Clone)]
pub(crate) struct Codes;

impl TypedValueParser for Codes {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |entry: Entry| PossibleValue::new(entry.code()).help(entry.title());
        Some(Box::new(entries().into_iter().map(value)))
    }
}
