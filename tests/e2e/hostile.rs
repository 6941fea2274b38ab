//! Hostile neighbours, bad days, big numbers: one file for each wall. `SECURITY.md` names the test of each promise.

mod addresses;
mod builds;
mod children;
mod connections;
mod journal;
mod pages;
mod projects;
mod slots;
mod terminals;
mod trees;
mod webhooks;
