//! Diagnoses of a new version that is not well while it runs beside the old one.

use super::code::Code;
use crate::{
    analysis::Fault,
    failure::{Cause, Failure},
};
use windlass_model::{diagnosis::Diagnosis, job::Release};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    Some(match &failure.cause {
        Cause::NotReadyAgain { release, evidence, .. } => Diagnosis {
            code: Code::NotReadyAgain.into(),
            subject: format!("Deployment {}", workload(release)),
            what: failure.cause.to_string(),
            why: "they were healthy before, and a release goes on with healthy pods alone".into(),
            fixes: vec![
                "look at what the pods printed since they came up; mend it, then submit again".into(),
                "let `health` depend on nothing that may be away for seconds, such as a database"
                    .into(),
            ],
            command: Some(format!(
                "kubectl --namespace {} get events --sort-by .lastTimestamp",
                release.app.namespace()
            )),
            evidence: evidence.clone(),
            ..Diagnosis::default()
        },
        Cause::Check { release, status, body, .. } => check(failure, release, *status, body),
        Cause::Metric { metric, fault, expression, release, measured } => {
            let diagnosis = of_metric(metric, fault, expression);
            let subject = format!("metric {metric} of {}", workload(release));
            Diagnosis { subject, evidence: measured.clone(), ..diagnosis }
        }
        Cause::NoPrometheus { cluster, metrics } => Diagnosis {
            code: Code::MetricsNotConfigured.into(),
            subject: format!("cluster {cluster}"),
            what: failure.cause.to_string(),
            why: format!("`strategy.metrics` has {}", metrics.join(", ")),
            fixes: vec![
                "operator: name the address of its Prometheus in windlassd.toml: `prometheus` of the cluster"
                    .into(),
                "or remove `strategy.metrics` from windlass.toml".into(),
            ],
            ..Diagnosis::default()
        },
        _ => return None,
    })
}

fn check(failure: &Failure, release: &Release, status: u16, body: &str) -> Diagnosis {
    let app = &release.app.name;
    let fix = if status < 500 {
        "name a path in `strategy.check` that the app answers with 2xx or 3xx"
    } else {
        "mend what the answer and the app's log say, then submit again"
    };
    Diagnosis {
        code: Code::CheckFailed.into(),
        subject: format!("Service {app}-preview"),
        what: failure.cause.to_string(),
        why: "`strategy.check` wants a 2xx or a 3xx before the version gets requests".into(),
        fixes: vec![fix.into()],
        command: Some(format!(
            "kubectl --namespace {} logs --selector app.kubernetes.io/name={}",
            release.app.namespace(),
            workload(release)
        )),
        evidence: body.lines().map(str::to_owned).collect(),
        ..Diagnosis::default()
    }
}

fn of_metric(metric: &str, fault: &Fault, expression: &str) -> Diagnosis {
    let key = format!("strategy.metrics.{metric}");
    let (code, fixes) = if fault.is_inconclusive() {
        let fixes = vec![
            "evaluate the expression in Prometheus: does it have one value while the new version gets requests?"
                .to_owned(),
            format!(
                "give requests and Prometheus more time: a longer `strategy.hold-seconds`, or more `{key}.inconclusive`"
            ),
        ];
        (Code::MetricInconclusive, fixes)
    } else {
        let fixes = vec![
            "mend the new version: the metric was measured on its requests; then submit again"
                .to_owned(),
            format!(
                "or, if the app is well with such values, change the bounds of `{key}`, or allow some `failures`"
            ),
        ];
        (Code::MetricFailed, fixes)
    };
    Diagnosis {
        code: code.into(),
        what: format!("metric `{metric}`: {fault}"),
        why: format!("measured by: {expression}"),
        fixes,
        ..Diagnosis::default()
    }
}

/// Returns the name of the new version's `Deployment`.
fn workload(release: &Release) -> String {
    format!("{}{}", release.app.name, release.track().suffix())
}
