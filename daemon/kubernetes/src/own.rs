//! Clusters that projects bring: their kubeconfigs, their connections, and the look at them before they are stored.

mod connections;
mod kubeconfig;
mod probe;

pub use connections::OwnConnections;
pub use probe::OwnProbe;
