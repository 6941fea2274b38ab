//! A commit's tree, fetched by a child process.
