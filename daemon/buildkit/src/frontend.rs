//! Questions that the Dockerfile's frontend answers, instead of building: its stages, its arguments.
//!
//! It alone reads a Dockerfile by the rules of its own parser, whatever `# syntax=` names (BuildKit,
//! `frontend/subrequests`).

use crate::{errors::Details, gateway::Gateway};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeSet, HashMap};
use tonic::Status;

/// A frontend that answers no questions must refuse them: without this it would build.
const CAPABILITY: &str = "moby.buildkit.frontend.subrequests+forward";

/// Bytes of an answer at most. It holds the Dockerfile, of which we send no more than a megabyte.
const LONGEST: usize = 4 << 20;

/// A stage of a Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Stage {
    /// In small letters; empty where it has no name.
    pub(crate) name: String,
    /// What it begins with: an image, or an earlier stage; without values of arguments.
    pub(crate) base: String,
    /// It is the one that is built where nobody names one.
    #[serde(rename = "default")]
    pub(crate) is_last: bool,
}

#[derive(Debug, Deserialize)]
struct Targets {
    // Required: an answer of another shape must not pass for a Dockerfile without stages. Go writes a list
    // without entries as null.
    #[serde(rename = "targets", deserialize_with = "Option::deserialize")]
    stages: Option<Vec<Stage>>,
}

#[derive(Debug, Deserialize)]
struct Outline {
    args: Option<Vec<Argument>>,
}

#[derive(Debug, Deserialize)]
struct Argument {
    name: String,
}

/// Lists the stages in their order; none where the frontend answers no such question.
pub(crate) async fn stages(
    gateway: &Gateway,
    options: &HashMap<String, String>,
) -> Result<Option<Vec<Stage>>, Status> {
    let answer: Option<Targets> = ask(gateway, options, "frontend.targets").await?;
    Ok(answer.map(|answer| answer.stages.unwrap_or_default()))
}

/// Lists the arguments that the stage to build takes, or one that it needs; none where the frontend
/// answers no such question.
pub(crate) async fn arguments(
    gateway: &Gateway,
    options: &HashMap<String, String>,
) -> Result<Option<BTreeSet<String>>, Status> {
    let answer: Option<Outline> = ask(gateway, options, "frontend.outline").await?;
    let names = |answer: Outline| answer.args.into_iter().flatten().map(|arg| arg.name).collect();
    Ok(answer.map(names))
}

async fn ask<T: DeserializeOwned>(
    gateway: &Gateway,
    options: &HashMap<String, String>,
    question: &str,
) -> Result<Option<T>, Status> {
    let mut options = options.clone();
    options.insert("requestid".into(), question.into());
    options.insert("frontend.caps".into(), CAPABILITY.into());
    let answer = match gateway.convert(options).await {
        Err(status) if is_unsupported(&status) => return Ok(None),
        answer => answer?,
    };
    let Some(json) = answer.metadata.get("result.json") else { return Ok(None) };
    read(question, json).map(Some)
}

fn read<T: DeserializeOwned>(question: &str, json: &[u8]) -> Result<T, Status> {
    if json.len() > LONGEST {
        let message = format!(
            "the frontend's answer to {question} has {} bytes, expected at most {LONGEST}",
            json.len()
        );
        return Err(Status::internal(message));
    }
    serde_json::from_slice(json).map_err(|error| {
        Status::internal(format!("the frontend's answer to {question} is not one: {error}"))
    })
}

/// Tells whether the frontend knows no such question. Builders of old say it in words alone.
fn is_unsupported(status: &Status) -> bool {
    let words = ["unsupported request frontend.", "unsupported frontend capability"];
    Details::of(status).unsupported || words.iter().any(|words| status.message().contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_go_writes_them() {
        let json = r#"{"targets":[{"name":"base","base":"python","location":{"ranges":[]}},
            {"default":true,"base":"base"}],"sources":["RlJPTQ=="]}"#;
        let targets: Targets = serde_json::from_str(json).unwrap();
        let stage = |name: &str, base: &str, is_last| Stage {
            name: name.into(),
            base: base.into(),
            is_last,
        };
        let expected = [stage("base", "python", false), stage("", "base", true)];
        assert_eq!(targets.stages.unwrap(), expected);
        let empty: Targets = serde_json::from_str(r#"{"targets":null,"sources":null}"#).unwrap();
        assert!(empty.stages.is_none());
        let json = r#"{"args":[{"name":"GO","value":"1","location":{}}]}"#;
        let outline: Outline = serde_json::from_str(json).unwrap();
        assert_eq!(outline.args.unwrap()[0].name, "GO");
        let outline: Outline = serde_json::from_str("{}").unwrap();
        assert!(outline.args.is_none());
    }

    #[test]
    fn answers_without_sense_are_refused_by_name() {
        let endless = format!(r#"{{"targets":[{}{{}}]}}"#, "{},".repeat(LONGEST / 3));
        for (json, words) in [
            (&*endless, "expected at most"),
            ("[]", "is not one"),
            ("", "is not one"),
            ("{}", "is not one"),
        ] {
            let error = read::<Targets>("frontend.targets", json.as_bytes()).unwrap_err();
            assert!(error.message().contains(words), "{error}");
            assert!(error.message().contains("frontend.targets"), "{error}");
        }
    }

    #[test]
    fn a_frontend_that_answers_nothing_is_told_from_one_that_fails() {
        let old = Status::unknown("failed: unsupported request frontend.targets");
        assert!(is_unsupported(&old));
        assert!(!is_unsupported(&Status::unknown("dockerfile parse error on line 2")));
    }
}
