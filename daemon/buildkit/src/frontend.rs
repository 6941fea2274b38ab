//! Requests that the Dockerfile's frontend answers instead of building: stages and arguments.
//!
//! Only the frontend reads a Dockerfile by the rules of its own parser, whatever `# syntax=` names (BuildKit,
//! `frontend/subrequests`).

use crate::{errors::Details, gateway::Gateway};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeSet, HashMap};
use tonic::Status;

/// Capability that a frontend must have, or refuse the request. Without it, an old frontend would build.
const CAPABILITY: &str = "moby.buildkit.frontend.subrequests+forward";

/// Largest answer in bytes. It holds the Dockerfile, of which we send no more than a megabyte.
const LONGEST: usize = 4 << 20;

/// A stage of a Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Stage {
    /// Name in small letters. Empty means that the stage has none.
    pub(crate) name: String,
    /// Image or earlier stage of its `FROM`, without values of arguments.
    pub(crate) base: String,
    /// `default`: the stage is built when no target is named.
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

/// Lists the stages in their order. `None` means that the frontend does not know the request.
pub(crate) async fn stages(
    gateway: &Gateway,
    options: &HashMap<String, String>,
) -> Result<Option<Vec<Stage>>, Status> {
    let answer: Option<Targets> = ask(gateway, options, "frontend.targets").await?;
    Ok(answer.map(|answer| answer.stages.unwrap_or_default()))
}

/// Lists the arguments that the stage to build takes, or one that it needs. `None` means that the frontend
/// does not know the request.
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

/// Returns whether the frontend does not know the request. Old builders report it in the message alone.
fn is_unsupported(status: &Status) -> bool {
    let phrases = ["unsupported request frontend.", "unsupported frontend capability"];
    Details::of(status).unsupported
        || phrases.iter().any(|phrase| status.message().contains(phrase))
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
        for (json, expected) in [
            (&*endless, "expected at most"),
            ("[]", "is not one"),
            ("", "is not one"),
            ("{}", "is not one"),
        ] {
            let error = read::<Targets>("frontend.targets", json.as_bytes()).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
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
