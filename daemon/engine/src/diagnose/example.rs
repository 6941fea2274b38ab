//! Failure of each code, as the example of its page. The diagnosis is made of it as it is for a job.

use super::{code::Code, diagnose, stopped};
use crate::{
    analysis::Fault,
    dockerfile::RecipeError,
    failure::{Cause, Failure},
    journal::JournalLost,
};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::{
    app::NameError,
    cluster::{DEFAULT, NoCluster},
    contraction::Contraction,
    error::{BuildError, ClusterError, GitError, LoginError, PluginError, SecretError},
    hook::HookPhase,
    job::Stage,
    outcome::Stop,
    recipe::Refusal,
    runtime::{MigrationPhase, Track},
    samples,
    spec::SpecError,
    testing::{TestCase, TestSummary},
};

const REPOSITORY: &str = "https://git.example/shop/web.git";

/// Returns a diagnosis with this code.
pub(crate) fn example(code: Code) -> Diagnosis {
    let (at, cause): (Stage, Cause) = match code {
        Code::Stopped => return stopped(Stage::Build, &Stop::Cancelled { by: "ci".into() }),
        Code::RepositoryUnreachable
        | Code::RepositoryDenied
        | Code::RepositoryNotFound
        | Code::RepositoryAddressInvalid
        | Code::EgressRefused
        | Code::RevisionNotFound
        | Code::RevisionAmbiguous
        | Code::CommitNotFound
        | Code::TreeRefused
        | Code::SubmoduleFailed
        | Code::WorkspaceFull
        | Code::CloneFailed => (Stage::Clone, repository(code).into()),
        Code::LfsPointers => (Stage::Detect, repository(code).into()),
        Code::SpecInvalid => (
            Stage::Detect,
            Cause::Spec(SpecError {
                field: "replicas".into(),
                value: "500".into(),
                problem: "must be 0 to 100".into(),
            }),
        ),
        Code::NothingDetected => {
            (Stage::Detect, Cause::Undetected(strings(&["go", "node", "python"])))
        }
        Code::RecipeNotFound => (
            Stage::Detect,
            Cause::NoSuchRecipe { wanted: "nodejs".into(), found: strings(&["node"]) },
        ),
        Code::PluginFailed => (
            Stage::Detect,
            Cause::Refused(vec![Refusal {
                detector: "node".into(),
                language: "node".into(),
                score: 80,
                reason: "package.json:4:14: expected a comma".into(),
                hint: "correct the file and commit again".into(),
                ..Refusal::default()
            }]),
        ),
        Code::RecipeRefused => (
            Stage::Detect,
            Cause::Recipe {
                plugin: "node".into(),
                error: RecipeError {
                    field: "copy".into(),
                    value: "../shared".into(),
                    expected: "a path without `..`",
                },
            },
        ),
        Code::SecretMissing => (
            Stage::Detect,
            Cause::Secret(SecretError::Missing {
                project: "shop".into(),
                name: "api-token".into(),
                version: None,
            }),
        ),
        Code::SecretSealed => (
            Stage::Detect,
            Cause::Secret(SecretError::Sealed {
                project: "shop".into(),
                name: "api-token".into(),
                message: "the key is another one".into(),
            }),
        ),
        Code::SecretsTooLarge => (
            Stage::Detect,
            Cause::Secret(SecretError::TooLarge {
                app: "shop/web/production".into(),
                count: 6,
                bytes: 1_572_864,
            }),
        ),
        Code::RootForbidden => (Stage::Build, Cause::RootForbidden),
        Code::BuildStepFailed
        | Code::DockerfileInvalid
        | Code::BaseImageNotFound
        | Code::BuildForbidden
        | Code::BuilderUnreachable
        | Code::BuilderFull
        | Code::BuildFailed => (Stage::Build, builder(code).into()),
        Code::RegistryDenied
        | Code::RegistryUnavailable
        | Code::RegistryLoginFailed
        | Code::OwnRegistryFailed => (Stage::Push, builder(code).into()),
        Code::TestsFailed | Code::TestsDied | Code::NoTestsRan | Code::TestsHang => {
            (Stage::Test, tests(code))
        }
        Code::NoCluster => (
            Stage::Release,
            Cause::NoCluster(NoCluster::Name(NameError {
                field: "clusters[0]".into(),
                value: "us".into(),
                problem: "is no cluster for shop/web/production; there are: eu".into(),
            })),
        ),
        Code::ClusterUnknown
        | Code::ClusterUnreachable
        | Code::ClusterNotTrusted
        | Code::ObjectRejected => (Stage::Release, cluster(code).into()),
        Code::CheckFailed
        | Code::NotReadyAgain
        | Code::MetricFailed
        | Code::MetricInconclusive
        | Code::MetricsNotConfigured => (Stage::Release, strategy(code)),
        Code::MigrationFailed => (
            Stage::Release,
            Cause::Migration {
                release: Box::new(samples::release()),
                phase: MigrationPhase::Expand,
                contracts: false,
                message: "exited with 1".into(),
                output: strings(&[
                    "ALTER TABLE orders ADD COLUMN paid boolean NOT NULL",
                    "ERROR:  column \"paid\" of relation \"orders\" contains null values",
                ]),
                backup_ms: Some(1_764_093_182_000),
                never_ran: false,
                judged: None,
            },
        ),
        Code::DataContracted => (
            Stage::Release,
            Cause::Contracted {
                release: Box::new(samples::release()),
                contraction: Contraction {
                    release: "0197c0de-0002".into(),
                    digest: "sha256:2".into(),
                    at_ms: 1_764_093_182_000,
                },
            },
        ),
        Code::RollbackFailed => (
            Stage::Release,
            Cause::Stuck {
                first: Box::new(example(Code::ObjectRejected)),
                rollback: Box::new(cluster(Code::ClusterUnreachable).into()),
            },
        ),
        Code::HookFailed => (
            Stage::Hooks,
            Cause::Hook {
                hook: "migrate".into(),
                plugin: "hook-job".into(),
                phase: HookPhase::BeforeTraffic,
                message: "exited with 1\nrelation \"orders\" does not exist".into(),
                roll_back: true,
                place: String::new(),
                judged: None,
            },
        ),
        Code::InternalError => {
            (Stage::Build, Cause::Panicked("attempt to subtract with overflow".into()))
        }
        Code::Unrecognised => (
            Stage::Build,
            Cause::JournalLost(JournalLost::Fenced("another daemon runs this job".into())),
        ),
    };
    diagnose(&Failure { at, cause })
}

fn strategy(code: Code) -> Cause {
    let mut release = samples::release();
    release.runtime.tracks.insert(DEFAULT.into(), Track::Green);
    let release = Box::new(release);
    let metric = || "success".to_owned();
    let expression = "100 * sum(rate(requests_total{service=\"web-preview\",code!~\"5..\"}[30s])) / sum(rate(requests_total{service=\"web-preview\"}[30s]))".to_owned();
    match code {
        Code::CheckFailed => Cause::Check {
            release,
            path: "/healthz".into(),
            status: 503,
            body: "no connection to the database".into(),
        },
        Code::NotReadyAgain => Cause::NotReadyAgain {
            release,
            ready: 0,
            wanted: 3,
            seconds: 10,
            evidence: strings(&["web-green-5d9: no connection to the database"]),
        },
        Code::MetricFailed => Cause::Metric {
            metric: metric(),
            fault: Fault::OutOfBounds {
                value: 92.5,
                bounds: "at least 99".into(),
                times: 2,
                allowed: 1,
            },
            expression,
            release,
            measured: strings(&[
                "success: 98.5, out of bounds (at least 99)",
                "success: 92.5, out of bounds (at least 99)",
            ]),
        },
        Code::MetricInconclusive => Cause::Metric {
            metric: metric(),
            fault: Fault::NoValue {
                times: 5,
                reason: "the expression has no value: no series, or not a number".into(),
            },
            expression,
            release,
            measured: strings(&[
                "success: no value, inconclusive (the expression has no value: no series, or not a number)",
            ]),
        },
        _ => Cause::NoPrometheus { cluster: "eu".into(), metrics: vec![metric()] },
    }
}

fn strings(strings: &[&str]) -> Vec<String> {
    strings.iter().map(ToString::to_string).collect()
}

fn repository(code: Code) -> GitError {
    let repository = REPOSITORY.to_owned();
    match code {
        Code::RepositoryUnreachable => GitError::Unreachable {
            repository,
            message: "failed to connect to git.example: Connection refused".into(),
        },
        Code::RepositoryDenied => GitError::Denied {
            repository,
            message: "unexpected http status code: 401".into(),
            credential: None,
        },
        Code::RepositoryNotFound => GitError::NoRepository { repository },
        Code::RepositoryAddressInvalid => GitError::Address {
            url: "git@git.example:shop/web.git".into(),
            message: "is an ssh address, which is not in this version: give the repository's https URL, and name a secret that holds `user:token` in `source.credential`".into(),
        },
        Code::EgressRefused => GitError::Egress {
            url: "https://git.corp.example/shop/web.git".into(),
            message: "git.corp.example is the private address 10.1.2.3".into(),
        },
        Code::RevisionNotFound => GitError::NoRevision {
            repository,
            revision: "mian".into(),
            message: "it has: main, next".into(),
        },
        Code::RevisionAmbiguous => GitError::AmbiguousRevision {
            repository,
            revision: "v1".into(),
            message: "refs/heads/v1 is 067f1fe93c, refs/tags/v1 is 8d218769f7".into(),
        },
        Code::CommitNotFound => GitError::NoCommit {
            repository,
            commit: "067f1fe93c0a1b2c3d4e5f60718293a4b5c6d7e8".into(),
            message: "not in the history of main".into(),
        },
        Code::TreeRefused => GitError::Tree {
            path: "apps/web".into(),
            message: "there is no such folder in the repository".into(),
        },
        Code::LfsPointers => {
            GitError::Pointers { files: strings(&["assets/logo.png", "assets/map.png"]), count: 2 }
        }
        Code::SubmoduleFailed => GitError::Submodule {
            path: "vendor/lib".into(),
            url: "https://other.example/lib.git".into(),
            message: "it wants a login (unexpected http status code: 401), and `source.credential` is sent to the repository's own host alone".into(),
        },
        Code::WorkspaceFull => GitError::Full { message: "No space left on device".into() },
        _ => GitError::Other {
            message: "the checkout ended without an answer: signal: 9 (SIGKILL)".into(),
        },
    }
}

fn builder(code: Code) -> BuildError {
    let file = "Dockerfile".to_owned();
    match code {
        Code::BuildStepFailed => BuildError::Step {
            file,
            line: 5,
            source_line: "RUN npm ci".into(),
            exit: 1,
            tail: strings(&[
                "npm error code EUSAGE",
                "npm error `npm ci` can only install with an existing package-lock.json",
            ]),
        },
        Code::DockerfileInvalid => BuildError::Dockerfile {
            file,
            line: 3,
            source_line: "COPPY . .".into(),
            message: "unknown instruction: COPPY".into(),
        },
        Code::BaseImageNotFound => BuildError::NoBaseImage {
            image: "docker.io/library/node:99".into(),
            message: "docker.io/library/node:99: not found".into(),
        },
        Code::BuildForbidden => BuildError::Forbidden {
            at: "Dockerfile:1".into(),
            message: "`registry.example.com/bank/web:1` is an image of the project `bank`; a build of `shop` may use those below `registry.example.com/shop/`, and those that the operator shares in `builder.shared-images`".into(),
        },
        Code::BuilderUnreachable => BuildError::Unreachable {
            address: "unix:///run/buildkit/buildkitd.sock".into(),
            message: "Connection refused".into(),
        },
        Code::BuilderFull => BuildError::Full {
            message: "write /app/node_modules/x: no space left on device".into(),
        },
        Code::RegistryDenied => BuildError::Denied {
            host: "registry.example.com".into(),
            message: "failed to push registry.example.com/shop/web:067f1fe93c: 401 Unauthorized".into(),
        },
        Code::RegistryUnavailable => BuildError::Registry {
            host: "registry.example.com".into(),
            message: "failed to push registry.example.com/shop/web:067f1fe93c: failed to do request: dial tcp 203.0.113.7:443: connect: connection refused".into(),
            is_own: false,
        },
        Code::RegistryLoginFailed => BuildError::Login {
            host: "123456789012.dkr.ecr.eu-central-1.amazonaws.com".into(),
            error: LoginError::from(PluginError {
                plugin: "registry-ecr".into(),
                call: "login".into(),
                message: "ExpiredTokenException: the security token has expired".into(),
                hint: Some("renew the keys in the file of the secret `aws`".into()),
            }),
        },
        Code::OwnRegistryFailed => BuildError::Login {
            host: "ghcr.io".into(),
            error: LoginError::Own(Box::new(PluginError {
                plugin: String::new(),
                call: "login".into(),
                message: "failed to push ghcr.io/acme/web:067f1fe93c: 401 Unauthorized".into(),
                hint: Some("put a login of the project's that is valid: windlass registry put shop ghcr.io --images ghcr.io/acme --push-user ci --push-password-file FILE".into()),
            })),
        },
        _ => BuildError::Other {
            message: "failed to push registry.example.com/shop/web:067f1fe93c: server gave HTTP response to HTTPS client".into(),
        },
    }
}

fn tests(code: Code) -> Cause {
    match code {
        Code::TestsFailed => Cause::Tests {
            command: strings(&["npm", "test"]),
            exit: 1,
            tail: strings(&["# fail 1"]),
            summary: Some(Box::new(TestSummary {
                runner: "node".into(),
                passed: 11,
                failed: 1,
                skipped: 0,
                none_yet: None,
                failures: vec![TestCase {
                    suite: String::new(),
                    name: "the page says hello".into(),
                    message: "expected 'Hello', got 'Hullo'".into(),
                    file: Some("app.test.js".into()),
                    line: Some(5),
                }],
            })),
        },
        Code::TestsDied => Cause::TestsDied {
            runner: "pytest".into(),
            command: strings(&["python", "-m", "pytest"]),
            exit: 1,
            tail: strings(&["/usr/local/bin/python: No module named pytest"]),
        },
        Code::NoTestsRan => Cause::NoTestsRan {
            command: strings(&["python", "-m", "pytest"]),
            tail: strings(&["collected 0 items"]),
            evidence: strings(&["pyproject.toml: [tool.pytest.ini_options]"]),
        },
        _ => Cause::TestsHang {
            command: strings(&["npm", "test"]),
            seconds: 600,
            tail: strings(&["ok 1 - the page says hello", "# Subtest: waits for the queue"]),
        },
    }
}

fn cluster(code: Code) -> ClusterError {
    match code {
        Code::ClusterUnknown => {
            ClusterError::Unknown { name: "us".into(), known: strings(&["eu", "ap"]) }
        }
        Code::ClusterUnreachable => ClusterError::Unreachable {
            message: "https://10.0.0.1:6443: Connection refused".into(),
        },
        Code::ClusterNotTrusted => {
            ClusterError::NotTrusted { message: "401 Unauthorized: the token has expired".into() }
        }
        _ => ClusterError::Rejected {
            object: "ConfigMap web".into(),
            message: "metadata.annotations: Too long: may not be more than 262144 bytes".into(),
        },
    }
}
