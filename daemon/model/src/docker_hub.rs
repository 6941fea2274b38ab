//! Docker Hub, which has several names.

/// Host of Docker Hub in references and requests.
pub const HOST: &str = "docker.io";

/// Other hosts of Docker Hub: a former one, and that of its API.
pub const ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// Returns the one name of a registry's host.
#[must_use]
pub fn canonical(host: &str) -> &str {
    if ALIASES.contains(&host) { HOST } else { host }
}
