//! Apps of each language, for real: built, tested, released and fetched; builds by a command, and plans of folders.

mod bun;
mod custom;
mod deno;
mod elixir;
mod folder;
mod go;
mod java;
mod node;
mod others;
mod php;
mod python;
mod ruby;
mod rust;
mod static_sites;
