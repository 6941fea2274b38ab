//! Pages: the image cannot be built.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const BUILD_STEP_FAILED: &Page = &Page {
    code: "build-step-failed",
    title: "A command of the build failed",
    stages: &[Stage::Build],
    means: "A `RUN` of the Dockerfile ended with an error. `where` has file and line, the lines below `why` are the last that it printed. What serves is as it was.",
    noticed: "BuildKit reported the step's exit code.",
    causes: &[
        Origin {
            cause: "The code or its dependencies do not build",
            evidence: "The last lines name a compiler's or a package manager's error. The same build fails on your machine.",
            fix: "Mend it and commit.",
            lines: Lines::Shell(&["docker build ."]),
        },
        Origin {
            cause: "A file is not in the build's context",
            evidence: "The last lines say that a file is not there, and it is on your machine.",
            fix: "Commit it, and see that `.dockerignore` does not name it. A build has no `.git`.",
            lines: Lines::Shell(&["git status --ignored --short", "cat .dockerignore"]),
        },
        Origin {
            cause: "A private package needs a login",
            evidence: "The last lines speak of 401, 403 or 404 of a package host.",
            fix: "Put the token as a secret, name it, and mount it in that step.",
            lines: Lines::App(&["[build]", "secrets = [\"npm-token\"]"]),
        },
        Origin {
            cause: "The builder has no way to a host",
            evidence: "The last lines speak of a name that does not resolve or of a timeout.",
            fix: "Ask the operator to open the way from the builder to that host.",
            lines: Lines::None,
        },
        Origin {
            cause: "The step was killed for its memory",
            evidence: "The exit code is 137, without an error of the tool.",
            fix: "Let the tool use less, such as fewer parallel jobs, or give the builder more memory.",
            lines: Lines::Dockerfile(&["RUN NODE_OPTIONS=--max-old-space-size=1024 npm run build"]),
        },
    ],
    related: &["dockerfile-invalid", "base-image-not-found", "secret-missing"],
};

pub(crate) const DOCKERFILE_INVALID: &Page = &Page {
    code: "dockerfile-invalid",
    title: "A line of the Dockerfile cannot be read",
    stages: &[Stage::Build],
    means: "The Dockerfile has a line that BuildKit does not understand, or that names something that is not there. `where` has file and line. No step was run for it.",
    noticed: "BuildKit's Dockerfile frontend refused it.",
    causes: &[
        Origin {
            cause: "An instruction has a typing error",
            evidence: "`what` reads `unknown instruction`, and the line begins with that word.",
            fix: "Correct the word.",
            lines: Lines::None,
        },
        Origin {
            cause: "`COPY` names a path that is not in the context",
            evidence: "`what` reads `not found`, and the line is a `COPY` or `ADD`.",
            fix: "Commit the file, correct the path, or take it out of `.dockerignore`. Paths are relative to the app's folder.",
            lines: Lines::Shell(&["git ls-files | head -50", "cat .dockerignore"]),
        },
        Origin {
            cause: "A stage of that name does not exist",
            evidence: "`what` names a stage; the line has `--from=`, or `build.target` names it.",
            fix: "Use the name after `AS`.",
            lines: Lines::App(&["[build]", "target = \"serve\""]),
        },
        Origin {
            cause: "The instruction needs a newer frontend",
            evidence: "The documentation of Docker has the instruction or the flag.",
            fix: "Name a frontend in the first line.",
            lines: Lines::Dockerfile(&["# syntax=docker/dockerfile:1"]),
        },
    ],
    related: &["build-step-failed", "base-image-not-found"],
};

pub(crate) const BASE_IMAGE_NOT_FOUND: &Page = &Page {
    code: "base-image-not-found",
    title: "The base image does not exist",
    stages: &[Stage::Build],
    means: "The registry answers and does not have the image that a `FROM` names. `where` is that image. What serves is as it was.",
    noticed: "BuildKit asked the registry for the image and got `not found`.",
    causes: &[
        Origin {
            cause: "Name or tag has a typing error",
            evidence: "The registry's page lists another tag.",
            fix: "Correct the line. Without a host the image is of `docker.io/library`.",
            lines: Lines::Dockerfile(&["FROM docker.io/library/node:22-slim"]),
        },
        Origin {
            cause: "The tag was removed",
            evidence: "The same Dockerfile was built before.",
            fix: "Choose a tag that is kept, and pin it by its digest.",
            lines: Lines::Shell(&["docker buildx imagetools inspect node:22-slim"]),
        },
        Origin {
            cause: "The name was meant for a stage",
            evidence: "The `FROM` names a stage of the Dockerfile that stands further down, or is spelled in another way.",
            fix: "Put that stage first, with the same name.",
            lines: Lines::Dockerfile(&["FROM golang:1.25 AS build", "FROM build AS test"]),
        },
        Origin {
            cause: "The image has no variant for the builder's platform",
            evidence: "`why` names a platform, such as `linux/arm64`.",
            fix: "Choose an image that has this platform.",
            lines: Lines::None,
        },
    ],
    related: &["registry-denied", "dockerfile-invalid", "wrong-platform"],
};

pub(crate) const BUILD_FORBIDDEN: &Page = &Page {
    code: "build-forbidden",
    title: "The build asks for something that the operator does not allow",
    stages: &[Stage::Build, Stage::Test],
    means: "The Dockerfile names an image or a frontend that would reach beyond its own project. `where` is the place, `what` names the rule. Nothing was pushed, and what serves is as it was.",
    noticed: "Windlass read the Dockerfile's first lines, or BuildKit refused a source by the policy that Windlass sets for each build.",
    causes: &[
        Origin {
            cause: "A `FROM`, `COPY --from` or `--mount=from` names an image of another project",
            evidence: "`what` names the image and the project that it belongs to.",
            fix: "Build from an image of your own project or of another registry. Operator: share a path of base images with all projects.",
            lines: Lines::Daemon(&["[builder]", "shared-images = [\"registry.example.com/base\"]"]),
        },
        Origin {
            cause: "`# syntax=` names a frontend that is not on the operator's list",
            evidence: "`where` is the line with `syntax`, and `what` has the list.",
            fix: "Remove the line, or name a frontend of the list. Operator: add it; a frontend decides which caches a build may use, so allow only those that you trust.",
            lines: Lines::Daemon(&["[builder]", "frontends = [\"docker/dockerfile\"]"]),
        },
    ],
    related: &["registry-denied", "dockerfile-invalid", "spec-invalid"],
};

pub(crate) const ROOT_FORBIDDEN: &Page = &Page {
    code: "root-forbidden",
    title: "The image runs as root, which the operator forbids",
    stages: &[Stage::Build],
    means: "The image was built, and its configuration names no user other than root. The operator set `forbid-root`. Nothing was pushed.",
    noticed: "Windlass read `User` of the image's configuration, by its number.",
    causes: &[
        Origin {
            cause: "The Dockerfile has no `USER`",
            evidence: "No line of the deployed stage begins with `USER`.",
            fix: "Add a user with a number, and use it. Give it the files that it must write.",
            lines: Lines::Dockerfile(&["RUN useradd --uid 10001 app", "USER 10001"]),
        },
        Origin {
            cause: "A later line sets root again",
            evidence: "There is a `USER root` or `USER 0` after it.",
            fix: "Do what needs root before the last `USER`.",
            lines: Lines::Dockerfile(&["USER root", "RUN apt-get update", "USER 10001"]),
        },
        Origin {
            cause: "The user has a name of which nobody knows the number",
            evidence: "`USER` has a name, and the image has no `/etc/passwd` with it.",
            fix: "Give the number.",
            lines: Lines::Dockerfile(&["USER 10001"]),
        },
        Origin {
            cause: "The app needs root",
            evidence: "It binds a port below 1024, or writes to a folder of the system.",
            fix: "Let it listen on a higher port, and write below its own folder. Otherwise ask the operator.",
            lines: Lines::App(&["port = 8080"]),
        },
    ],
    related: &["user-refused", "pod-security"],
};

pub(crate) const BUILDER_UNREACHABLE: &Page = &Page {
    code: "builder-unreachable",
    title: "The builder does not answer",
    stages: &[Stage::Build, Stage::Test, Stage::Push],
    means: "The daemon got no connection to BuildKit, or lost it. A build that was under way is lost; its cache stays in the builder. What serves is as it was.",
    noticed: "The connection failed or broke. Before the build begins Windlass tries again for 20 seconds.",
    causes: &[
        Origin {
            cause: "`buildkitd` does not run",
            evidence: "Other jobs fail too, and the check reports the builder as `FAILED`.",
            fix: "Operator: start it, then submit again.",
            lines: Lines::Shell(&[
                "runuser -u windlass -- windlassd check",
                "systemctl status buildkit",
            ]),
        },
        Origin {
            cause: "It was restarted, or killed for its memory, during the build",
            evidence: "The check is `ok` now, and the builder's log has a restart at that time.",
            fix: "Submit again. If it comes back, give the builder more memory or the daemon fewer builds at once. A build that ends the builder four times is given up: it may need that memory itself.",
            lines: Lines::Daemon(&["[limits]", "builds = 2"]),
        },
        Origin {
            cause: "The address is wrong",
            evidence: "No job could ever build, and `what` has an address that nothing listens on.",
            fix: "Operator: correct it.",
            lines: Lines::Daemon(&[
                "[builder]",
                "address = \"unix:///run/buildkit/buildkitd.sock\"",
            ]),
        },
        Origin {
            cause: "The daemon's user may not open the socket",
            evidence: "`why` speaks of permissions.",
            fix: "Operator: let the daemon's group own the socket, by `--group` of `buildkitd`.",
            lines: Lines::Shell(&["ls -l /run/buildkit/buildkitd.sock", "id windlass"]),
        },
    ],
    related: &["build-failed", "builder-full"],
};

pub(crate) const BUILDER_FULL: &Page = &Page {
    code: "builder-full",
    title: "The builder's disk is full",
    stages: &[Stage::Build, Stage::Test, Stage::Push],
    means: "A step could not write, since the builder's disk has no space left. What serves is as it was.",
    noticed: "BuildKit's message has `no space left on device`.",
    causes: &[
        Origin {
            cause: "The cache has grown",
            evidence: "`buildctl du` shows most of the disk, and the disk is full between builds too.",
            fix: "Operator: prune it, and give `buildkitd` a limit in its `buildkitd.toml`.",
            lines: Lines::Shell(&["buildctl du", "buildctl prune --keep-duration 48h"]),
        },
        Origin {
            cause: "The build itself writes too much",
            evidence: "The disk has room between builds and is full during this one.",
            fix: "Write less: delete downloads in the step that makes them, and copy only what is needed.",
            lines: Lines::Dockerfile(&[
                "RUN --mount=type=cache,target=/root/.cache pip install -r requirements.txt",
            ]),
        },
        Origin {
            cause: "Something else fills the disk",
            evidence: "`buildctl du` shows little.",
            fix: "Operator: find it.",
            lines: Lines::Shell(&["df -h", "du -xhd2 /var/lib"]),
        },
    ],
    related: &["workspace-full", "build-step-failed"],
};

pub(crate) const BUILD_FAILED: &Page = &Page {
    code: "build-failed",
    title: "The build failed",
    stages: &[Stage::Build, Stage::Test, Stage::Push],
    means: "BuildKit refused the build or the push for a reason that no other code describes. `what` is its message. What serves is as it was.",
    noticed: "BuildKit answered with an error that is about no line of the Dockerfile and no login.",
    causes: &[
        Origin {
            cause: "The registry does not answer the builder, or refuses the image",
            evidence: "`what` begins with `failed to push`, or names the registry's host.",
            fix: "Operator: see that the builder reaches the registry, and read the registry's log.",
            lines: Lines::Shell(&[
                "curl -sS -o /dev/null -w '%{http_code}' https://registry.example.com/v2/",
            ]),
        },
        Origin {
            cause: "The registry has no TLS, or a certificate that the builder does not trust",
            evidence: "`what` speaks of a certificate, or of an HTTP answer to an HTTPS client.",
            fix: "Operator: name the registry in the builder's `buildkitd.toml`, under `[registry.\"HOST\"]`, with `ca` or `http = true`.",
            lines: Lines::None,
        },
        Origin {
            cause: "`.dockerignore` has more patterns than fit into a request",
            evidence: "`what` names `.dockerignore`.",
            fix: "Write fewer and wider patterns.",
            lines: Lines::Shell(&["printf '**/*.log\\n**/node_modules\\n' > .dockerignore"]),
        },
        Origin {
            cause: "A Docker engine without the containerd image store",
            evidence: "`what` names the containerd image store.",
            fix: "Operator: turn it on in `daemon.json` and restart the engine.",
            lines: Lines::Shell(&[
                "echo '{\"features\":{\"containerd-snapshotter\":true}}' > /etc/docker/daemon.json",
                "systemctl restart docker",
            ]),
        },
        Origin {
            cause: "The frontend of the first line cannot be loaded",
            evidence: "The Dockerfile begins with `# syntax=`, and `what` names that image.",
            fix: "Remove the line, or name a frontend that the builder can pull.",
            lines: Lines::Dockerfile(&["# syntax=docker/dockerfile:1"]),
        },
    ],
    related: &["builder-unreachable", "registry-denied", "build-step-failed"],
};
