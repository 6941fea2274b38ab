//! The Cluster port on a real cluster.
