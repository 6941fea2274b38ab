//! Pods for which no node is found, or that a node cannot set up.

pub(super) mod no_node_matches;
pub(super) mod no_room;
pub(super) mod no_sandbox;
pub(super) mod node_pressure;
pub(super) mod not_scheduled;
pub(super) mod port_taken;
pub(super) mod spread;
pub(super) mod taint;
