//! Pages: a new version is not well while it runs beside the old one.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const CHECK_FAILED: &Page = &Page {
    code: "check-failed",
    title: "The new version does not answer its check",
    stages: &[Stage::Release],
    means: "The new version's pods are ready, and its answer to the path of `strategy.check` is neither a 2xx nor a 3xx. It got no request of users, and the version before serves as it did.",
    noticed: "The Service of the new version alone, `APP-preview`, was asked with GET. After a 5xx, or where the connection was refused, it was asked again for 30 s; any other answer counts at once.",
    causes: &[
        Origin {
            cause: "The new version is broken",
            evidence: "`what` names a status of 5xx, and the lines below `why` are the begin of the answer.",
            fix: "Look at the app's log of that time, mend it, then submit again.",
            lines: Lines::Shell(&["windlass show JOB --events"]),
        },
        Origin {
            cause: "The app has no such path",
            evidence: "`what` names 404.",
            fix: "Name a path that it has.",
            lines: Lines::App(&["[strategy]", "kind = \"blue-green\"", "check = \"/healthz\""]),
        },
        Origin {
            cause: "The path wants a login",
            evidence: "`what` names 401 or 403.",
            fix: "Name a path that answers without one: the check sends none.",
            lines: Lines::App(&["[strategy]", "kind = \"canary\"", "check = \"/login\""]),
        },
    ],
    related: &["not-ready-again", "health-unwell", "metric-failed"],
};

pub(crate) const NOT_READY_AGAIN: &Page = &Page {
    code: "not-ready-again",
    title: "New pods were healthy, and are not ready any more",
    stages: &[Stage::Release],
    means: "While the release held, waited for an approval or was paused, pods of the new version stopped being ready. All requests go to the version before again.",
    noticed: "The pods are watched all the while. None was ready for 10 s, or fewer than are wanted for 120 s, and no problem of Kubernetes in this list explains it.",
    causes: &[
        Origin {
            cause: "The readiness probe fails under real requests",
            evidence: "Events of the pods read `Readiness probe failed`.",
            fix: "See what the probe asks, and how long it takes while requests come.",
            lines: Lines::Shell(&[
                "kubectl --namespace shop--production get events --sort-by .lastTimestamp",
            ]),
        },
        Origin {
            cause: "A node of the pods is gone, or was emptied",
            evidence: "Pods of other apps ended at the same time.",
            fix: "Submit again once the nodes are there.",
            lines: Lines::Shell(&["kubectl get nodes"]),
        },
        Origin {
            cause: "Something that the app needs went away",
            evidence: "The app's log names a database, a queue or another service.",
            fix: "Bring it back. Let readiness depend on the app alone.",
            lines: Lines::None,
        },
    ],
    related: &["not-ready-in-time", "app-crashes", "health-unwell", "metric-failed"],
};

pub(crate) const METRIC_FAILED: &Page = &Page {
    code: "metric-failed",
    title: "A metric of the new version is out of its bounds",
    stages: &[Stage::Release],
    means: "A metric of `strategy.metrics` was below its `min` or above its `max` more often than its `failures` allow. All requests go to the version before again.",
    noticed: "While the release holds, each metric is measured by its interval. The lines below `why` are the last measurements, and `why` is the expression that Prometheus evaluated.",
    causes: &[
        Origin {
            cause: "The new version is worse than the one before",
            evidence: "The metric is well again since the release was rolled back.",
            fix: "Mend the new version, then submit again.",
            lines: Lines::Shell(&["windlass show JOB --events"]),
        },
        Origin {
            cause: "One slow or failed request of a few decided",
            evidence: "The new version got few requests: a small weight, a short hold.",
            fix: "Allow a failure, or hold longer.",
            lines: Lines::App(&[
                "expose.gateway = \"infra/public\"",
                "[strategy]",
                "kind = \"canary\"",
                "hold-seconds = 300",
                "[strategy.metrics.success]",
                "builtin = \"success-rate\"",
                "min = 99",
                "failures = 1",
            ]),
        },
        Origin {
            cause: "The bounds are too narrow",
            evidence: "The version before has such values too.",
            fix: "Change `min` or `max`.",
            lines: Lines::App(&[
                "expose.gateway = \"infra/public\"",
                "[strategy]",
                "kind = \"canary\"",
                "[strategy.metrics.latency]",
                "builtin = \"latency\"",
                "max = 0.5",
            ]),
        },
        Origin {
            cause: "The expression measures something else",
            evidence: "It names neither the new version's Service nor its workload.",
            fix: "Let it read the new version alone: `$SERVICE` and `$WORKLOAD` stand for its names.",
            lines: Lines::App(&[
                "[strategy]",
                "kind = \"canary\"",
                "[strategy.metrics.errors]",
                "query = \"sum(rate(app_errors_total{namespace='$NAMESPACE',pod=~'$WORKLOAD-.*'}[$WINDOW]))\"",
                "max = 0.1",
            ]),
        },
    ],
    related: &["metric-inconclusive", "check-failed", "not-ready-again"],
};

pub(crate) const METRIC_INCONCLUSIVE: &Page = &Page {
    code: "metric-inconclusive",
    title: "A metric of the new version has no value",
    stages: &[Stage::Release],
    means: "Nobody knows whether the new version is well, so it gets no further request. All requests go to the version before again.",
    noticed: "More measurements in a row than `inconclusive` had no value, more than half of those of a hold since the first value had none, or none of a whole hold was within bounds. A Prometheus that does not answer, or refuses the expression, gives no value either: `what` says which.",
    causes: &[
        Origin {
            cause: "The new version got no request",
            evidence: "`what` reads that the expression has no value. A blue-green release gets none before the switch.",
            fix: "Hold longer, or begin with a larger weight.",
            lines: Lines::App(&[
                "[strategy]",
                "kind = \"canary\"",
                "weights = [20, 50, 100]",
                "hold-seconds = 300",
            ]),
        },
        Origin {
            cause: "The expression names series that there are not",
            evidence: "Prometheus has no value for it at any time.",
            fix: "Try it in Prometheus with a release that gets requests. A built-in metric reads what `source` names.",
            lines: Lines::App(&[
                "[strategy]",
                "traffic = \"istio\"",
                "kind = \"canary\"",
                "[strategy.metrics.success]",
                "builtin = \"success-rate\"",
                "source = \"istio\"",
                "min = 99",
            ]),
        },
        Origin {
            cause: "Prometheus does not answer",
            evidence: "`what` names an address, or that it did not answer in time.",
            fix: "Operator: see that it runs and that the daemon reaches it.",
            lines: Lines::Shell(&["curl http://prometheus.example:9090/-/ready"]),
        },
        Origin {
            cause: "Prometheus does not scrape what the metric is of",
            evidence: "Its page of targets lacks the gateway or the app.",
            fix: "Operator: let it scrape them, every 15 s at least: the shortest window is 30 s.",
            lines: Lines::None,
        },
    ],
    related: &["metric-failed", "metrics-not-configured"],
};

pub(crate) const METRICS_NOT_CONFIGURED: &Page = &Page {
    code: "metrics-not-configured",
    title: "Metrics are to be measured, and the cluster has no Prometheus",
    stages: &[Stage::Release],
    means: "`strategy.metrics` of windlass.toml names metrics, and the operator named no Prometheus for a cluster of the job. Nothing was built, and what serves is as it was.",
    noticed: "The configuration of each cluster is looked at before the build, and once more when the release is planned.",
    causes: &[
        Origin {
            cause: "The operator has not named it yet",
            evidence: "Prometheus runs, and releases to this cluster never had metrics.",
            fix: "Operator: give the cluster its address.",
            lines: Lines::Daemon(&[
                "[[clusters]]",
                "name = \"eu\"",
                "kubeconfig = \"/etc/windlass/eu\"",
                "prometheus = { address = \"http://prometheus.example:9090\" }",
            ]),
        },
        Origin {
            cause: "It is a cluster of the project's own",
            evidence: "`windlass cluster list` has it.",
            fix: "Release there without metrics.",
            lines: Lines::App(&["[strategy]", "kind = \"canary\"", "hold-seconds = 60"]),
        },
    ],
    related: &["metric-inconclusive", "no-cluster"],
};
