//! The dashboard's door: the page's files, a JSON API, and the live connection of a page that is open.
//!
//! A browser logs in once with a token and keeps a cookie. What a caller may is decided by the use cases alone.

mod api;
mod board;
mod codes;
mod cookie;
mod dashboard;
mod event;
mod failures;
mod files;
mod guard;
mod identify;
mod live;
mod login;
mod origin;
mod problem;
mod sessions;
mod state;
mod strategy;
#[cfg(test)]
mod tests;

pub use codes::LoginCodes;
pub use cookie::value as session_cookie;
pub use dashboard::{Dashboard, Settings};
pub use live::reread_message;
