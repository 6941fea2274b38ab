//! The journal on SQLite: jobs, events, releases, sealed secrets.
