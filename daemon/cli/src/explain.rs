//! `windlass explain`: what a code means.

use crate::args::Output;
use serde_json::json;
use std::process::ExitCode;
use windlass_core::problem::{headings, page};

pub(crate) fn explain(code: Option<&str>, output: Output) -> ExitCode {
    match code {
        Some(code) => {
            let Some(text) = page(code) else {
                eprintln!("there is no code `{code}`; `windlass explain` lists all");
                return ExitCode::from(crate::USAGE);
            };
            match output {
                Output::Json => println!("{}", json!({ "code": code, "page": text })),
                Output::Text => print!("{text}"),
            }
        }
        None => {
            for (reference, code, title) in headings() {
                match output {
                    Output::Json => println!(
                        "{}",
                        json!({ "reference": reference, "code": code, "title": title })
                    ),
                    Output::Text => println!("{reference}  {code:24} {title}"),
                }
            }
        }
    }
    ExitCode::SUCCESS
}
