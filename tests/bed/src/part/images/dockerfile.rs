//! Lines that the Dockerfiles of several images share.

/// Variables by which steps of builds trust the CAs that this machine trusts, and reach the package registries.
///
/// They name a file of its own, since Debian's ca-certificates, installed later, overwrites the usual file.
pub(super) const TRUST: &str = "ENV SSL_CERT_FILE=/etc/ssl/host-ca.crt NODE_EXTRA_CA_CERTS=/etc/ssl/host-ca.crt \
    PIP_CERT=/etc/ssl/host-ca.crt REQUESTS_CA_BUNDLE=/etc/ssl/host-ca.crt \
    GIT_SSL_CAINFO=/etc/ssl/host-ca.crt CURL_CA_BUNDLE=/etc/ssl/host-ca.crt\n";

/// Start of a step that installs Debian packages.
pub(super) const APT: &str =
    "RUN apt-get update -q && apt-get install -q -y --no-install-recommends";

/// End of a step that installs Debian packages.
pub(super) const CLEAN: &str = "&& rm -rf /var/lib/apt/lists/*";

/// Stage with Debian's npm, which fetches runtimes that npm's registry has. All images share its layers.
pub(super) const FETCH: &str = "FROM debian:bookworm-slim AS fetch\n\
    RUN apt-get update -q && apt-get install -q -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*\n\
    WORKDIR /fetch\n";
