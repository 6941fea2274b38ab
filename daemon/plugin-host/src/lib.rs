//! Runs plugins: limits, grants, cache.
