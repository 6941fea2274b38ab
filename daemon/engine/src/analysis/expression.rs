//! Expressions of metrics: built-in ones, and those of users with the release's names put in.

use windlass_model::{
    job::Release,
    runtime::{Metric, Query, Source},
};

/// Seconds of the shortest window: a rate needs two samples, and a Prometheus mostly takes one in 15 s.
const SHORTEST_WINDOW: u32 = 30;

/// Returns the expression of a metric for a release, ready to be evaluated.
pub(crate) fn expression(release: &Release, metric: &Metric) -> String {
    let template = match &metric.query {
        Query::Promql(own) => own.clone(),
        Query::SuccessRate(source) => success_rate(*source, release),
        Query::Latency(source) => latency(*source, release),
    };
    let app = &release.app.name;
    let window = metric.interval_seconds.max(SHORTEST_WINDOW);
    template
        .replace("$APP", app)
        .replace("$NAMESPACE", &release.app.namespace())
        .replace("$SERVICE", &format!("{app}-preview"))
        .replace("$WORKLOAD", &format!("{app}{}", release.track().suffix()))
        .replace("$WINDOW", &format!("{window}s"))
}

/// Returns the share of answers without a 5xx, in percent. Without any 5xx there is no series of them, which stands for
/// 0; without any request there is no value.
fn success_rate(source: Source, release: &Release) -> String {
    let (counter, code) = match source {
        Source::Traefik => ("traefik_service_requests_total", "code"),
        Source::Istio => ("istio_requests_total", "response_code"),
        Source::Nginx => ("nginx_ingress_controller_requests", "status"),
    };
    let labels = labels(source, release);
    let failed = format!("sum(rate({counter}{{{labels},{code}=~\"5..\"}}[$WINDOW]))");
    let all = format!("sum(rate({counter}{{{labels}}}[$WINDOW]))");
    format!("100 * (1 - ({failed} or vector(0)) / {all})")
}

/// Returns the 99th percentile of the duration of requests, in seconds.
fn latency(source: Source, release: &Release) -> String {
    let (buckets, divided) = match source {
        Source::Traefik => ("traefik_service_request_duration_seconds_bucket", ""),
        Source::Istio => ("istio_request_duration_milliseconds_bucket", " / 1000"),
        Source::Nginx => ("nginx_ingress_controller_request_duration_seconds_bucket", ""),
    };
    let labels = labels(source, release);
    format!("histogram_quantile(0.99, sum by (le) (rate({buckets}{{{labels}}}[$WINDOW]))){divided}")
}

/// Returns the labels of requests to the new version. Those of nginx are of both versions.
fn labels(source: Source, release: &Release) -> String {
    match source {
        // `NAMESPACE-APP-preview-http-80@kubernetesgateway`, in which Traefik makes one `-` of several.
        Source::Traefik => {
            let service = format!("{}-{}", release.app.namespace(), release.app.name);
            let words: Vec<_> = service.split('-').filter(|word| !word.is_empty()).collect();
            format!("service=~\"{}-+preview-.*\"", words.join("-+"))
        }
        Source::Istio => [
            "reporter=\"destination\"",
            "destination_workload_namespace=\"$NAMESPACE\"",
            "destination_workload=\"$WORKLOAD\"",
        ]
        .join(","),
        // No Ingress of a canary is made: the one of the app leads to a Service that selects both versions.
        Source::Nginx => "namespace=\"$NAMESPACE\",service=\"$APP\"".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{runtime::Track, samples};

    fn metric(query: Query, interval_seconds: u32) -> Metric {
        Metric { query, min: None, max: None, interval_seconds, failures: 0, inconclusive: 4 }
    }

    fn green() -> Release {
        let mut release = samples::release();
        release.runtime.tracks.insert("default".into(), Track::Green);
        release.aside(Track::Blue, 25)
    }

    fn built_in(query: Query) -> String {
        expression(&green(), &metric(query, 15))
    }

    #[test]
    fn built_in_expressions_read_the_new_version_alone() {
        assert_eq!(
            built_in(Query::SuccessRate(Source::Traefik)),
            "100 * (1 - (sum(rate(traefik_service_requests_total{service=~\"shop-+production-+web-+preview-.*\",code=~\"5..\"}[30s])) or vector(0)) / sum(rate(traefik_service_requests_total{service=~\"shop-+production-+web-+preview-.*\"}[30s])))"
        );
        assert_eq!(
            built_in(Query::Latency(Source::Traefik)),
            "histogram_quantile(0.99, sum by (le) (rate(traefik_service_request_duration_seconds_bucket{service=~\"shop-+production-+web-+preview-.*\"}[30s])))"
        );
        let istio = "reporter=\"destination\",destination_workload_namespace=\"shop--production\",destination_workload=\"web-green\"";
        assert_eq!(
            built_in(Query::SuccessRate(Source::Istio)),
            format!(
                "100 * (1 - (sum(rate(istio_requests_total{{{istio},response_code=~\"5..\"}}[30s])) or vector(0)) / sum(rate(istio_requests_total{{{istio}}}[30s])))"
            )
        );
        assert_eq!(
            built_in(Query::Latency(Source::Istio)),
            format!(
                "histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{{{istio}}}[30s]))) / 1000"
            )
        );
    }

    #[test]
    fn an_ingress_of_nginx_leads_to_both_versions() {
        for query in [Query::SuccessRate(Source::Nginx), Query::Latency(Source::Nginx)] {
            let text = built_in(query);
            assert!(text.contains("{namespace=\"shop--production\",service=\"web\""), "{text}");
        }
    }

    #[test]
    fn names_of_the_release_are_put_into_an_expression_of_the_users_own() {
        let own = "a{app=\"$APP\",ns=\"$NAMESPACE\",s=\"$SERVICE\",w=~\"$WORKLOAD-.*$\"}[$WINDOW]";
        let text = |interval| expression(&green(), &metric(Query::Promql(own.into()), interval));
        let expected = |window: &str| {
            format!(
                "a{{app=\"web\",ns=\"shop--production\",s=\"web-preview\",w=~\"web-green-.*$\"}}[{window}]"
            )
        };
        assert_eq!(text(1), expected("30s"), "two samples at least");
        assert_eq!(text(300), expected("300s"));
    }
}
