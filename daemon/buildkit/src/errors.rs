//! Evidence for diagnoses, from BuildKit's errors.
//!
//! Details are JSON inside `Any` (moby/buildkit `util/grpcerrors`), except that their type URLs
//! look like protobuf's.

use base64::{Engine, engine::general_purpose::STANDARD};
use bollard_buildkit_proto::google::rpc;
use prost::Message;
use serde::Deserialize;
use tonic::{Code, Status};
use windlass_model::error::BuildError;

/// Phrase of the system for a full disk, in small letters.
const NO_SPACE: &str = "no space left on device";

/// Beginnings of what a call to a registry failed with, in small letters.
const REGISTRY_CALLS: [&str; 4] = [
    "failed to push ",
    "failed to resolve source metadata for ",
    "failed to do request",
    "failed to copy",
];

/// Errors of the network that may pass, and answers of a registry or its proxy that cannot serve now, in small
/// letters. A host without an address is a wrong name: it does not pass.
const REGISTRY_AWAY: [&str; 13] = [
    "connection refused",
    "connection reset",
    "i/o timeout",
    "tls handshake timeout",
    "unexpected eof",
    ": eof",
    "no route to host",
    "network is unreachable",
    "temporary failure in name resolution",
    "500 internal server error",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway timeout",
];

/// `UnknownExitStatus`: BuildKit's exit code of a command that never ran (`gateway/pb/exit.go`).
pub(crate) const COULD_NOT_RUN: u32 = 255;

/// Details of a failed solve, beside its message.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// Digest of the failing step.
    pub(crate) vertex: Option<String>,
    /// Flag that the frontend does not know the request.
    pub(crate) unsupported: bool,
    exit: Option<u32>,
    file: Option<String>,
    line: Option<u32>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    info: Option<Info>,
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    filename: String,
    /// Base64.
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Range {
    start: Option<Position>,
}

#[derive(Deserialize)]
struct Position {
    #[serde(default)]
    line: u32,
}

#[derive(Deserialize)]
struct Exit {
    #[serde(rename = "Code", alias = "code")]
    code: u32,
}

#[derive(Deserialize)]
struct Vertex {
    digest: String,
}

impl Details {
    pub(crate) fn of(status: &Status) -> Self {
        let mut details = Self::default();
        let Ok(all) = rpc::Status::decode(status.details()) else { return details };
        for any in all.details {
            let kind = any.type_url.rsplit('/').next().unwrap_or_default();
            match kind {
                "errdefs.Vertex+json" => {
                    details.vertex = json::<Vertex>(&any.value).map(|vertex| vertex.digest);
                }
                "errdefs.Subrequest+json" | "errdefs.FrontendCap+json" => {
                    details.unsupported = true;
                }
                "gatewayapi.ExitMessage+json" => {
                    details.exit = json::<Exit>(&any.value).map(|exit| exit.code);
                }
                "errdefs.Source+json" => {
                    if let Some(source) = json::<Source>(&any.value) {
                        details.find_place(source);
                    }
                }
                _ => {}
            }
        }
        details
    }

    /// Returns file and line of the failing instruction. Without a line it is the file alone.
    pub(crate) fn place(&self) -> String {
        let file = self.file.as_deref().unwrap_or("Dockerfile");
        self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
    }

    fn find_place(&mut self, source: Source) {
        let start = source.ranges.first().and_then(|range| range.start.as_ref());
        self.line = start.map(|start| start.line);
        if let Some(info) = source.info {
            let text = STANDARD.decode(&info.data).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            self.source = self.line.and_then(|line| line_of(&text, line));
            self.file = Some(info.filename);
        }
    }
}

fn json<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

pub(crate) fn line_of(text: &str, line: u32) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    text.lines().nth(index).map(|line| line.trim_end().to_owned())
}

/// Finds the image that the policy of the solve denied. `None` means that the call failed for another reason.
pub(crate) fn denied_source(status: &Status, details: &Details) -> Option<String> {
    if details.exit.is_some() {
        return None;
    }
    let (before, _) = status.message().split_once("\" denied by policy")?;
    let (_, source) = before.rsplit_once("source \"")?;
    Some(source.split_once("://").map_or(source, |(_, image)| image).to_owned())
}

/// Finds the kind of a failed call.
///
/// `address` names a builder that cannot be reached. `tail` has the last lines of the failing step.
///
/// Typed details come first. Phrases are searched only where no command ran, and outside of quotes: a message quotes
/// the command of a step, and names from the Dockerfile.
pub(crate) fn explain(status: &Status, address: &str, tail: Vec<String>) -> BuildError {
    let details = Details::of(status);
    let message = status.message().to_owned();
    let place = details.line.unwrap_or_default();
    let file = details.file.unwrap_or_else(|| "Dockerfile".into());
    if let Some(exit) = details.exit {
        if let Some(why) = never_ran(exit, &message)
            && unquoted(why).to_lowercase().contains(NO_SPACE)
        {
            return BuildError::Full { message };
        }
        let source_line = details.source.unwrap_or_default();
        return BuildError::Step { file, line: place, source_line, exit, tail };
    }
    let parse = message.split_once("parse error on line ").and_then(|(_, rest)| {
        let (line, what) = rest.split_once(':')?;
        Some((line.parse().ok()?, what.trim().to_owned()))
    });
    if let Some((line, message)) = parse {
        let source_line = details.source.unwrap_or_default();
        return BuildError::Dockerfile { file, line, source_line, message };
    }
    let lower = unquoted(&message).to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    if has(&[NO_SPACE]) {
        return BuildError::Full { message };
    }
    if has(&["header list size to send violates"]) {
        let advice = "more patterns in .dockerignore, or paths after COPY, than fit into one request: \
                      write fewer, such as `**/*.log` for many";
        return BuildError::Other { message: format!("{advice} ({message})") };
    }
    if message.contains("exporter \"image\" could not be found") {
        let advice = "this Docker engine pushes nothing that it builds: turn on its containerd image \
                      store, in daemon.json `\"features\": {\"containerd-snapshotter\": true}`";
        return BuildError::Other { message: format!("{advice} ({message})") };
    }
    // The answer to an `ADD https://…` is that of no registry.
    let is_download = has(&["invalid response status"]);
    if !is_download
        && has(&[
            "401 unauthorized",
            "403 forbidden",
            "no basic auth",
            "insufficient_scope",
            "authorization failed",
        ])
    {
        return BuildError::Denied { host: host(&message), message };
    }
    if has(&REGISTRY_CALLS) && !is_download && has(&REGISTRY_AWAY) {
        return BuildError::Registry { host: host(&message), message, is_own: false };
    }
    if let Some(image) = message
        .split_once("failed to resolve source metadata for ")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map(|(image, _)| image.to_owned())
        && has(&["not found"])
    {
        return BuildError::NoBaseImage { image, message };
    }
    if let (Some(line), None) = (details.line, &details.vertex) {
        let source_line = details.source.unwrap_or_default();
        return BuildError::Dockerfile { file, line, source_line, message };
    }
    // A builder that goes away breaks its streams; a builder that lives gives its reasons.
    let is_unreachable = matches!(status.code(), Code::Unavailable | Code::Cancelled)
        || has(&["transport error", "h2 protocol error", "broken pipe", "error reading a body"]);
    if is_unreachable {
        return BuildError::Unreachable { address: address.into(), message };
    }
    BuildError::Other { message }
}

/// Returns the reason why a step's command never ran. `None` means that it ran, and ended with this code.
fn never_ran(exit: u32, message: &str) -> Option<&str> {
    let (_, why) = message.rsplit_once("did not complete successfully: ")?;
    (exit == COULD_NOT_RUN && !why.starts_with("exit code")).then_some(why)
}

/// Returns a message without what is quoted in it, as Go's `%q` quotes.
fn unquoted(message: &str) -> String {
    let mut kept = String::with_capacity(message.len());
    let mut is_quoted = false;
    let mut chars = message.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => {
                let _ = chars.next();
            }
            c if !is_quoted => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// Finds the registry in a message such as `failed to push 10.0.0.1:5000/a/b:c: …`.
fn host(message: &str) -> String {
    let words = message.split([' ', '"']).map(|word| word.trim_end_matches(':'));
    let mut hosts = words.filter_map(|word| {
        let word = word.strip_prefix("https://").or(word.strip_prefix("http://")).unwrap_or(word);
        word.split_once('/').map(|(host, _)| host)
    });
    let found = hosts.find(|host| host.contains('.') || host.contains(':'));
    found.unwrap_or("docker.io").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard_buildkit_proto::google::protobuf::Any;

    fn status(message: &str, details: &[(&str, &str)]) -> Status {
        let details = details.iter().map(|(kind, json)| Any {
            type_url: format!("github.com/moby/buildkit/{kind}"),
            value: json.as_bytes().to_vec(),
        });
        let all = rpc::Status { code: 2, message: message.into(), details: details.collect() };
        Status::with_details(Code::Unknown, message, all.encode_to_vec().into())
    }

    #[test]
    fn a_failing_step_is_found_in_its_dockerfile() {
        let source = r#"{"info":{"filename":"Dockerfile","data":"RlJPTSBhClJVTiBmYWxzZQo="},"ranges":[{"start":{"line":2}}]}"#;
        let status = status(
            "process \"/bin/sh -c false\" did not complete successfully: exit code: 1",
            &[
                ("gatewayapi.ExitMessage+json", r#"{"Code":1}"#),
                ("errdefs.Vertex+json", r#"{"digest":"sha256:1"}"#),
                ("errdefs.Source+json", source),
            ],
        );
        assert_eq!(Details::of(&status).vertex.as_deref(), Some("sha256:1"));
        let error = explain(&status, "", vec!["last".into()]);
        assert_eq!(error.to_string(), "Dockerfile:2: `RUN false` exited with 1");
    }

    #[test]
    fn a_question_that_a_frontend_does_not_know_is_no_failure_of_the_build() {
        let named = r#"{"name":"moby.buildkit.frontend.subrequests"}"#;
        let status = status("unsupported", &[("errdefs.FrontendCap+json", named)]);
        assert!(Details::of(&status).unsupported);
    }

    #[test]
    fn an_engine_that_cannot_push_is_told_what_to_turn_on() {
        let message = "failed to solve: exporter \"image\" could not be found";
        let error = explain(&status(message, &[]), "", vec![]).to_string();
        assert!(error.contains("containerd-snapshotter") && error.contains(message), "{error}");
    }

    #[test]
    fn a_registry_that_is_away_is_no_fault_of_the_build() {
        let push = "failed to solve: failed to push reg.example:5000/shop/web:1: ";
        let head = "failed to do request: Head \"http://reg.example:5000/v2/x\": ";
        for why in [
            "dial tcp 10.0.0.1:5000: connect: connection refused",
            "read tcp 10.0.0.1:1->10.0.0.1:5000: read: connection reset by peer",
            "EOF",
        ] {
            let error = explain(&status(&format!("{push}{head}{why}"), &[]), "", vec![]);
            assert!(
                matches!(&error, BuildError::Registry { host, .. } if host == "reg.example:5000"),
                "{error:?}"
            );
        }
        let busy = format!("{push}unexpected status from PUT request: 503 Service Unavailable");
        let error = explain(&status(&busy, &[]), "", vec![]);
        assert!(matches!(error, BuildError::Registry { .. }), "{error:?}");
        let typo = format!("{push}{head}dial tcp: lookup reg.exmaple: no such host");
        let error = explain(&status(&typo, &[]), "", vec![]);
        assert!(matches!(error, BuildError::Other { .. }), "{error:?}");
        let download = "failed to load cache key: Get \"https://x\": dial tcp: connection refused";
        let error = explain(&status(download, &[]), "", vec![]);
        assert!(matches!(error, BuildError::Other { .. }), "{error:?}");
    }

    fn step(message: &str, code: u32) -> BuildError {
        let exit = format!(r#"{{"Code":{code}}}"#);
        explain(&status(message, &[("gatewayapi.ExitMessage+json", &exit)]), "", vec![])
    }

    /// The command of a step stands in the message. Its words are no answer of a registry or of a disk.
    #[test]
    fn an_exit_code_comes_before_words() {
        for words in ["403 Forbidden", "401 Unauthorized", "no space left on device", "broken pipe"]
        {
            let message = format!(
                "process \"/bin/sh -c ./check || (echo \\\"{words}\\\"; false)\" did not complete successfully: exit code: 1"
            );
            assert!(matches!(step(&message, 1), BuildError::Step { exit: 1, .. }), "{words}");
            let message = message.replace("code: 1", "code: 255");
            assert!(matches!(step(&message, 255), BuildError::Step { exit: 255, .. }), "{words}");
        }
        let full = "process \"/bin/sh -c make\" did not complete successfully: mkdir /run/x: no space left on device";
        assert!(matches!(step(full, 255), BuildError::Full { .. }));
    }

    /// Names from the Dockerfile stand in quotes, and in errors of its parser.
    #[test]
    fn words_of_a_dockerfile_are_no_answers() {
        for message in [
            "failed to calculate checksum of ref a::b: \"/403 Forbidden\": not found",
            "dockerfile parse error on line 3: unknown instruction: 401 Unauthorized",
            "invalid response status 403 Forbidden",
        ] {
            let error = explain(&status(message, &[]), "", vec![]);
            assert!(!matches!(error, BuildError::Denied { .. }), "{error:?}");
        }
    }

    #[test]
    fn an_image_that_the_policy_denies_is_found() {
        let message = "failed to solve: could not resolve image due to policy: source \"docker-image://reg.example/bank/web:1\" denied by policy: source denied by policy";
        let status = status(message, &[]);
        let found = denied_source(&status, &Details::of(&status));
        assert_eq!(found.as_deref(), Some("reg.example/bank/web:1"));
    }

    #[test]
    fn registries_are_named() {
        let message =
            "failed to push 10.0.0.1:5000/shop/web:1: unexpected status: 401 Unauthorized";
        let BuildError::Denied { host, .. } = explain(&status(message, &[]), "", vec![]) else {
            panic!("not denied")
        };
        assert_eq!(host, "10.0.0.1:5000");
    }
}
