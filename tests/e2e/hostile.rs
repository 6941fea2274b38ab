//! Hostile neighbours, bad days, big numbers: one file for each wall. `SECURITY.md` names the test of each promise.

