//! Pages: the cluster does not do it, and no problem of Kubernetes describes that.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const NO_CLUSTER: &Page = &Page {
    code: "no-cluster",
    title: "No cluster of the daemon is for this app",
    stages: &[Stage::Release],
    means: "Either the request was refused, since no cluster is for this project and environment. Or the job was accepted, and then the operator changed which apps go to which clusters, before it began. Nothing was built, and what serves is as it was.",
    noticed: "App and clusters are compared with `projects` and `environments` of `[[clusters]]` when a request comes, and once more when its job begins.",
    causes: &[
        Origin {
            cause: "The cluster was taken out of the configuration, or renamed",
            evidence: "`what` names a cluster, and lists those that there are.",
            fix: "Submit again, for clusters that there are.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --cluster eu",
            ]),
        },
        Origin {
            cause: "No cluster was ever for this environment",
            evidence: "The request was refused with `no cluster is for`.",
            fix: "Deploy to an environment that has one, or ask the operator for a cluster.",
            lines: Lines::Shell(&[
                "windlass submit shop/web/production --repository https://git.example/shop/web.git",
            ]),
        },
        Origin {
            cause: "The project or the environment was taken from the cluster's list",
            evidence: "The cluster is still configured, and other projects deploy there.",
            fix: "Operator: add it again, or leave the lists out, which means all.",
            lines: Lines::Daemon(&[
                "[[clusters]]",
                "name = \"eu\"",
                "kubeconfig = \"/etc/windlass/eu\"",
                "projects = [\"shop\"]",
                "environments = [\"production\"]",
            ]),
        },
        Origin {
            cause: "The operator and the project have a cluster of the same name",
            evidence: "`what` names both.",
            fix: "Give the project's another name, then remove the one of the old name.",
            lines: Lines::Shell(&[
                "windlass cluster put shop own-eu --kubeconfig ./eu.kubeconfig",
                "windlass cluster remove shop eu",
            ]),
        },
    ],
    related: &["cluster-unknown", "cluster-unreachable"],
};

pub(crate) const CLUSTER_UNKNOWN: &Page = &Page {
    code: "cluster-unknown",
    title: "The daemon's configuration has no cluster of this name",
    stages: &[Stage::Release],
    means: "A release, often that of a rollback, is of a cluster that the daemon no longer has. Nothing was changed there.",
    noticed: "The name is in the journal, and not among `[[clusters]]`.",
    causes: &[
        Origin {
            cause: "The cluster was renamed in the configuration",
            evidence: "Another name has the same kubeconfig.",
            fix: "Operator: give it its former name. What one `[cluster]` released belongs to the name `default`.",
            lines: Lines::Daemon(&[
                "[[clusters]]",
                "name = \"default\"",
                "kubeconfig = \"/etc/windlass/kubeconfig\"",
            ]),
        },
        Origin {
            cause: "The cluster was removed",
            evidence: "It does not exist any more.",
            fix: "Deploy to the clusters that there are.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --cluster eu",
            ]),
        },
        Origin {
            cause: "It was a cluster of the project's own, and somebody removed it",
            evidence: "`what` says so; `windlass cluster list` no longer has it.",
            fix: "Put it back, also in order to remove what still runs there.",
            lines: Lines::Shell(&["windlass cluster put shop us --kubeconfig ./us.kubeconfig"]),
        },
        Origin {
            cause: "The daemon was started with another configuration",
            evidence: "All jobs of that cluster fail since a restart.",
            fix: "Operator: look at the file that the service reads.",
            lines: Lines::Shell(&[
                "systemctl cat windlassd",
                "runuser -u windlass -- windlassd check",
            ]),
        },
    ],
    related: &["no-cluster", "cluster-unreachable"],
};

pub(crate) const CLUSTER_UNREACHABLE: &Page = &Page {
    code: "cluster-unreachable",
    title: "The cluster's API server does not answer",
    stages: &[Stage::Release],
    means: "Windlass waited for the API server and gave up. The app itself may serve all the while: pods run without the API server. If the release had begun, Windlass tries to put the previous one back.",
    noticed: "Connections failed or broke, or the server answered that it is overloaded, for 10 minutes. The rollout's own time does not run meanwhile.",
    causes: &[
        Origin {
            cause: "The control plane is down or is being upgraded",
            evidence: "`kubectl` fails from everywhere.",
            fix: "Wait until it answers, then submit again.",
            lines: Lines::Shell(&["kubectl get --raw /readyz"]),
        },
        Origin {
            cause: "The way from the daemon to the API server is closed",
            evidence: "`kubectl` works on your machine, and the check fails on the daemon's.",
            fix: "Operator: open it, and look at the address in the kubeconfig.",
            lines: Lines::Shell(&["runuser -u windlass -- windlassd check"]),
        },
        Origin {
            cause: "The server is overloaded",
            evidence: "`why` speaks of `429`, of a timeout or of `etcd`.",
            fix: "Ask the cluster's owner; submit again when it is quiet.",
            lines: Lines::Shell(&["kubectl get --raw /metrics | grep apiserver_current_inflight"]),
        },
    ],
    related: &["cluster-not-trusted", "way-back-failed", "webhook-down", "namespace-terminating"],
};

pub(crate) const CLUSTER_NOT_TRUSTED: &Page = &Page {
    code: "cluster-not-trusted",
    title: "The cluster and the daemon do not trust each other",
    stages: &[Stage::Release],
    means: "The API server refuses the daemon's credentials, or the daemon does not believe the server's certificate, or the address is of something else. A job that begins so fails before it builds.",
    noticed: "The server answered 401, the TLS handshake failed, or the answer is not one of Kubernetes. A running release waits 10 minutes for somebody to replace the credentials.",
    causes: &[
        Origin {
            cause: "The token or certificate in the kubeconfig has expired",
            evidence: "`why` begins with `401`.",
            fix: "Operator: write a new kubeconfig in its place. It is read again by itself.",
            lines: Lines::Shell(&[
                "kubectl --namespace windlass create token windlass --duration 8760h",
            ]),
        },
        Origin {
            cause: "The credentials of a cluster of the project's own have expired",
            evidence: "`why` begins with `401`, and `windlass cluster list` has the cluster.",
            fix: "Put it again with a new token. The next job uses it.",
            lines: Lines::Shell(&["windlass cluster put shop us --kubeconfig ./us.kubeconfig"]),
        },
        Origin {
            cause: "The operator does not allow the address of a cluster of the project's own",
            evidence: "`why` names `own-clusters`.",
            fix: "Operator: allow its host, and its network where that is private.",
            lines: Lines::Daemon(&[
                "[own-clusters]",
                "allow = [\"k8s.example.com\"]",
                "private-addresses = [\"10.0.0.0/8\"]",
            ]),
        },
        Origin {
            cause: "The server's certificate was renewed by another authority",
            evidence: "`why` speaks of an unknown issuer.",
            fix: "Operator: put the new authority into `certificate-authority-data` of the kubeconfig.",
            lines: Lines::Shell(&[
                "kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}'",
            ]),
        },
        Origin {
            cause: "The clocks differ",
            evidence: "`why` says that a certificate is not valid yet, or no longer.",
            fix: "Set the clocks of both machines.",
            lines: Lines::Shell(&["timedatectl status"]),
        },
        Origin {
            cause: "The address is no API server",
            evidence: "`why` speaks of an answer that is not JSON, or of another product.",
            fix: "Operator: correct the address in the kubeconfig.",
            lines: Lines::Shell(&["kubectl --kubeconfig /etc/windlass/kubeconfig version"]),
        },
    ],
    related: &["cluster-unreachable", "cluster-forbids"],
};

pub(crate) const OBJECT_REJECTED: &Page = &Page {
    code: "object-rejected",
    title: "The cluster refuses an object",
    stages: &[Stage::Release],
    means: "The API server, or a webhook in it, does not take one of the app's objects, in words that no problem of Kubernetes in this list has. `where` is the object. Nothing is left half done: what served serves again.",
    noticed: "The API server answered the change, or a dry run before the build, with an error.",
    causes: &[
        Origin {
            cause: "A value of windlass.toml is nothing that the cluster takes",
            evidence: "`why` names a field that `windlass plan` shows with your value.",
            fix: "Correct it. A plan asks the cluster and changes nothing.",
            lines: Lines::Shell(&[
                "windlass plan shop/web --repository https://git.example/shop/web.git",
            ]),
        },
        Origin {
            cause: "An object of your own is wrong",
            evidence: "`where` is of a file in `manifests`.",
            fix: "Try it with the API server's own check.",
            lines: Lines::Shell(&[
                "kubectl --namespace shop--production apply --dry-run=server -f deploy/extra.yaml",
            ]),
        },
        Origin {
            cause: "A policy of the cluster forbids it",
            evidence: "`why` names a policy, a webhook or a validation.",
            fix: "Do as it says, or ask the cluster's owner for an exception.",
            lines: Lines::Shell(&[
                "kubectl get validatingwebhookconfigurations,validatingadmissionpolicies",
            ]),
        },
        Origin {
            cause: "The cluster is too old for a field",
            evidence: "`why` speaks of an unknown field.",
            fix: "Leave the field out, or ask for an upgrade.",
            lines: Lines::Shell(&["kubectl version"]),
        },
    ],
    related: &[
        "webhook-denies",
        "pod-security",
        "field-immutable",
        "kind-missing",
        "object-of-another",
    ],
};
