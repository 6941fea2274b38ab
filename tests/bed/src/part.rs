//! Parts of a bed, one file each, which configures, starts and awaits the part.

pub mod buildkit;
pub mod control_plane;
pub mod controllers;
pub mod gateway;
pub mod git;
pub mod gitea;
pub mod images;
pub mod node;
pub mod pki;
pub mod postgres;
pub mod prometheus;
pub mod python;
pub mod rabbitmq;
pub mod registry;
