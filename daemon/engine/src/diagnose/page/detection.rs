//! Pages of a source that no detector recognises, or that is refused.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const SPEC_INVALID: &Page = &Page {
    code: "spec-invalid",
    title: "A value in windlass.toml is wrong",
    stages: &[Stage::Detect],
    means: "`windlass.toml` of the commit, or it together with the values of the job, has a key or a value that Windlass does not take. `where` names the field. Nothing was built.",
    noticed: "The file was read, the job's values were laid upon it, and each field was compared with its rule. An unknown key is an error, so that a typing error is never ignored.",
    causes: &[
        Origin {
            cause: "A key has a typing error, or stands in the wrong table",
            evidence: "`why` reads `unknown field …` and lists the known ones.",
            fix: "Use the spelling of the schema. Editors complete it.",
            lines: Lines::Shell(&["windlass schema > windlass.schema.json"]),
        },
        Origin {
            cause: "A value is out of its range or of another form",
            evidence: "`why` says what is expected, such as `must be 1 to 65535`.",
            fix: "Give a value of that form.",
            lines: Lines::App(&[
                "port = 8080",
                "replicas = 2",
                "[resources]",
                "memory = \"128Mi\"",
            ]),
        },
        Origin {
            cause: "Two values contradict each other",
            evidence: "`why` names a second field. One may come from the job: options of `windlass submit` go before the file.",
            fix: "Drop one of them. A plan shows who decides each value.",
            lines: Lines::Shell(&[
                "windlass plan shop/web --repository https://git.example/shop/web.git",
            ]),
        },
        Origin {
            cause: "A file in `manifests` is not there or is no Kubernetes object",
            evidence: "`where` is `manifests`, or names one of those files.",
            fix: "Correct the path, relative to the app's folder, or the object.",
            lines: Lines::App(&["manifests = [\"deploy/extra.yaml\"]"]),
        },
        Origin {
            cause: "The file is no TOML",
            evidence: "`where` has a line number, and `why` names what the parser expected.",
            fix: "Correct that line. Keys of no table must stand before the first `[table]`.",
            lines: Lines::None,
        },
    ],
    related: &["tree-refused", "recipe-not-found", "secret-missing"],
};

pub(crate) const NOTHING_DETECTED: &Page = &Page {
    code: "nothing-detected",
    title: "Nothing says how to build this source",
    stages: &[Stage::Detect],
    means: "The app's folder has no Dockerfile, and no detector plugin recognises it. Nothing was built.",
    noticed: "Windlass looked for `Dockerfile` and `dockerfile`, and asked the detectors that `why` lists.",
    causes: &[
        Origin {
            cause: "The app is in a folder of the repository",
            evidence: "`package.json`, `go.mod` or `requirements.txt` is further down.",
            fix: "Name that folder.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --directory apps/web",
            ]),
        },
        Origin {
            cause: "No loaded detector knows the language",
            evidence: "`why` lists no detector of your language.",
            fix: "Commit a Dockerfile, or ask the operator for a detector.",
            lines: Lines::Dockerfile(&[
                "FROM docker.io/library/ruby:3.4-slim",
                "WORKDIR /app",
                "COPY . .",
                "RUN bundle install",
                "RUN useradd --uid 10001 app",
                "USER 10001",
                "CMD [\"bundle\", \"exec\", \"puma\", \"-p\", \"8080\"]",
            ]),
        },
        Origin {
            cause: "The Dockerfile has another name",
            evidence: "There is a `Containerfile`, or `docker/web.Dockerfile`.",
            fix: "Name it, relative to the app's folder.",
            lines: Lines::App(&["[build]", "dockerfile = \"docker/web.Dockerfile\""]),
        },
        Origin {
            cause: "The files were not committed",
            evidence: "`git status` lists them, or `.gitignore` names them.",
            fix: "Commit and push them.",
            lines: Lines::Shell(&["git status --ignored --short"]),
        },
    ],
    related: &["recipe-not-found", "plugin-failed", "tree-refused"],
};

pub(crate) const RECIPE_NOT_FOUND: &Page = &Page {
    code: "recipe-not-found",
    title: "The detector that build.recipe names has no recipe for this source",
    stages: &[Stage::Detect],
    means: "`build.recipe` names a detector, and this one does not recognise the source. `what` lists those that do. Nothing was built.",
    noticed: "The detector of this name was asked, and then all others, to name those that know the source.",
    causes: &[
        Origin {
            cause: "The name has a typing error",
            evidence: "`what` lists a detector of nearly the same name.",
            fix: "Use that name, or leave the key out: the best recipe is then taken.",
            lines: Lines::App(&["[build]", "recipe = \"node\""]),
        },
        Origin {
            cause: "The source lacks the file that the detector looks for",
            evidence: "The detector is loaded, and its own file, such as `go.mod`, is not in the app's folder.",
            fix: "Commit that file, or name the app's folder in `source.directory`.",
            lines: Lines::None,
        },
        Origin {
            cause: "The operator has no such detector",
            evidence: "The list of plugins does not have it.",
            fix: "Ask the operator to load it, or commit a Dockerfile.",
            lines: Lines::Shell(&["windlass plugin list"]),
        },
    ],
    related: &["nothing-detected", "plugin-failed"],
};

pub(crate) const PLUGIN_FAILED: &Page = &Page {
    code: "plugin-failed",
    title: "A plugin refuses the source or fails",
    stages: &[Stage::Detect, Stage::Test],
    means: "A detector knows the language and cannot plan a build of this source, or a plugin broke. `where` names it. Nothing was released.",
    noticed: "A detector answered that it knows the source and why it plans no build, or the plugin reached a limit, or trapped. A refusal fails the job only if neither a Dockerfile nor another detector says how to build. `why` has a line for each detector that refuses, the nearest to a plan first.",
    causes: &[
        Origin {
            cause: "The source uses something that the recipe does not support",
            evidence: "`why` names a file, such as a manifest that cannot be read. `fix 1` is the plugin's own advice. Lines with `--directory` name folders that are apps of their own.",
            fix: "Follow `fix 1`, or commit a Dockerfile, which goes before all recipes.",
            lines: Lines::Dockerfile(&[
                "FROM docker.io/library/node:22-slim",
                "WORKDIR /app",
                "COPY package.json pnpm-lock.yaml ./",
                "RUN corepack enable && pnpm install --frozen-lockfile",
                "COPY . .",
                "USER node",
                "CMD [\"node\", \"server.js\"]",
            ]),
        },
        Origin {
            cause: "The plugin reached a limit",
            evidence: "`why` names the limit and its value, such as `cpu-ms`, `wall-ms` or `output`.",
            fix: "Make what it reads smaller, or ask the operator for a higher limit of this plugin.",
            lines: Lines::Daemon(&[
                "[[plugins]]",
                "path = \"/usr/lib/windlass/plugins/detect-node.wasm\"",
                "[plugins.limits]",
                "cpu-ms = 8000",
            ]),
        },
        Origin {
            cause: "The plugin failed five times in a row in this project",
            evidence: "`why` reads `is not asked any more`.",
            fix: "Find the first failure, mend its cause, then load the plugins again.",
            lines: Lines::Shell(&["windlass plugin inspect node", "windlass plugin reload"]),
        },
        Origin {
            cause: "The daemon is busy",
            evidence: "`why` reads `other calls took all places`.",
            fix: "Submit again when fewer jobs run, or ask the operator to lower `limits.builds` and `limits.checkouts`.",
            lines: Lines::Daemon(&["[limits]", "builds = 2"]),
        },
        Origin {
            cause: "The plugin has a defect",
            evidence: "`why` reads `trapped: …`, each time for the same commit.",
            fix: "Send the plugin's author the message and the commit. A Dockerfile goes around a detector; `test.command` goes around a test runner.",
            lines: Lines::Shell(&["windlass show JOB --plugins"]),
        },
    ],
    related: &["recipe-refused", "nothing-detected", "tests-died"],
};

pub(crate) const RECIPE_REFUSED: &Page = &Page {
    code: "recipe-refused",
    title: "A detector's recipe cannot become a Dockerfile",
    stages: &[Stage::Detect],
    means: "A detector answered with a recipe that Windlass does not write into a Dockerfile. Recipes come from plugins that nobody reviewed, so each name, path and argument is checked. Nothing was built.",
    noticed: "`what` names the field of the recipe, its value and what is allowed.",
    causes: &[
        Origin {
            cause: "A value of the repository has odd characters",
            evidence: "The value in `what` is a name, path or script of the repository, with quotes, line ends or `..`.",
            fix: "Rename it in the repository, or commit a Dockerfile.",
            lines: Lines::None,
        },
        Origin {
            cause: "The plugin has a defect",
            evidence: "The value in `what` is nothing that the repository has.",
            fix: "Send the plugin's author `what` and the commit. Until it is mended, commit a Dockerfile, or choose another detector.",
            lines: Lines::App(&["[build]", "recipe = \"python\""]),
        },
        Origin {
            cause: "The plugin was changed by somebody",
            evidence: "Its digest is not the one that its author publishes.",
            fix: "Operator: install the component again and grant it by its digest.",
            lines: Lines::Shell(&["sha256sum /usr/lib/windlass/plugins/detect-node.wasm"]),
        },
    ],
    related: &["plugin-failed", "nothing-detected"],
};
