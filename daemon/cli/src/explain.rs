//! `windlass explain`: what a code means.

use crate::{args::Output, failure::Failure, out};
use serde_json::json;
use windlass_rollout::problem::{headings, page};

/// Prints the page of a code, or all codes.
///
/// # Errors
/// When there is no such code, or nobody reads what is printed.
pub(crate) fn explain(code: Option<&str>, output: Output) -> Result<(), Failure> {
    let Some(code) = code else {
        for (reference, code, title) in headings() {
            match output {
                Output::Json => {
                    out::line(json!({ "reference": reference, "code": code, "title": title }))?;
                }
                Output::Text => out::line(format!("{reference}  {code:24} {title}"))?,
            }
        }
        return Ok(());
    };
    let text = page(code).ok_or_else(|| {
        Failure::usage(format!("there is no code `{code}`; `windlass explain` lists all"))
    })?;
    match output {
        Output::Json => out::line(json!({ "code": code, "page": text })),
        Output::Text => out::line(text.trim_end()),
    }
}
