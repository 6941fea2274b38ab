//! The reason why there is no answer.

use std::{error::Error, fmt, net::IpAddr};

/// Reason why there is no answer.
#[derive(Debug)]
pub enum DialError {
    /// No address of the host may be connected to.
    Denied {
        host: String,
        /// The first address that was refused.
        address: IpAddr,
    },
    /// The host could not be reached, or the exchange failed.
    Unavailable(String),
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { host, address } => {
                write!(f, "{host} is {address}, which is not of the public internet")
            }
            Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl Error for DialError {}

/// Returns an error with its causes: "connection error" alone explains nothing.
pub(crate) fn unavailable(error: &dyn Error) -> DialError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    DialError::Unavailable(text)
}
