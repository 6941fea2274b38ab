//! Errors as a person should read them.

use crate::{
    exit::{UNREACHABLE, UNREAD, USAGE},
    render::clean,
};
use std::fmt;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A message, and the exit code that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: USAGE }
    }

    /// Makes the failure of a daemon that does not answer.
    pub(crate) fn unreachable(message: String) -> Self {
        Self { message, code: UNREACHABLE }
    }

    /// Makes the failure of an output that cannot be written. A closed one gets no message.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { message: String::new(), code: UNREAD };
        }
        Self::usage(format!("standard output: {error}"))
    }

    /// Returns true where nobody would read the message.
    pub(crate) fn is_silent(&self) -> bool {
        self.code == UNREAD
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A daemon's message quotes what repositories and tools print.
        let lines: Vec<_> = self.message.lines().map(clean).collect();
        write!(f, "windlass: {}", lines.join("\n"))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded => {
                UNREACHABLE
            }
            _ => USAGE,
        };
        let mut message = status.message().to_owned();
        let details = status.get_error_details();
        if let Some(info) = details.error_info() {
            if let Some(stage) = info.metadata.get("stage") {
                message = format!("{stage}: {message}");
            }
            message.push_str(&format!("\n  code: {}", info.reason));
        }
        let fixes: Vec<_> = details.help().into_iter().flat_map(|help| &help.links).collect();
        for link in &fixes {
            message.push_str(&format!("\n  fix:  {}", link.description));
        }
        if let (true, Some(fix)) = (fixes.is_empty(), fix(status.code())) {
            message.push_str(&format!("\n  fix:  {fix}"));
        }
        Self { message, code }
    }
}

/// Returns the fix for an error to which the daemon gives none.
fn fix(code: Code) -> Option<&'static str> {
    match code {
        Code::InvalidArgument => Some("see `windlass help COMMAND`, and `windlass schema`"),
        Code::Unimplemented => Some("the daemon is older than this client: upgrade windlassd"),
        Code::Unavailable | Code::Unknown | Code::Cancelled => {
            Some("see that windlassd runs (`windlassd check`), and try again")
        }
        Code::DeadlineExceeded => Some("try again; `windlassd check` says which part is slow"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use tonic_types::ErrorDetails;

    #[test]
    fn a_closed_output_gets_no_message() {
        let closed = Failure::output(&std::io::ErrorKind::BrokenPipe.into());
        assert!(closed.is_silent() && closed.code() == 141);
        let full = Failure::output(&std::io::ErrorKind::StorageFull.into());
        assert!(!full.is_silent() && full.code() == USAGE);
    }

    /// Each error that a person reads names what to do next.
    #[test]
    fn errors_name_the_next_command() {
        let mut details = ErrorDetails::new();
        let stage = std::collections::HashMap::from([("stage".to_owned(), "detect".to_owned())]);
        details.set_error_info("nothing-detected", "windlass", stage);
        details.add_help_link("commit a Dockerfile", "");
        details.add_help_link("name a recipe: `[build] recipe`", "");
        let with = |code, message: &str| Status::with_error_details(code, message, details.clone());
        let errors = [
            with(Code::FailedPrecondition, "no plugin recognises the source"),
            Status::new(Code::InvalidArgument, "spec.port: `0` must be 1 to 65535"),
            Status::new(Code::Unimplemented, "unknown service windlass.v1.Apps"),
            Status::new(Code::Unavailable, "transport error"),
            Status::new(Code::DeadlineExceeded, "no answer"),
        ];
        let moves = Status::new(Code::NotFound, "no file `\u{1b}[2Ja`\r\n  fix:  b");
        assert_eq!(Failure::from(moves).to_string(), "windlass: no file `\\u{1b}[2Ja`\n  fix:  b");
        let texts = errors.map(|status| Failure::from(status).to_string());
        assert!(texts.iter().all(|text| text.contains("fix:")), "{texts:#?}");
        same("errors", &(texts.join("\n") + "\n"));
    }
}
