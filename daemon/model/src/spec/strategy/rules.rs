//! Checks of a strategy, and how it is resolved.

use super::{Builtin, MetricSpec, StrategySpec};
use crate::{
    runtime::{GATE_SECONDS, Metric, Query, Source, Strategy, StrategyKind, Traffic, WEB},
    spec::{
        Spec,
        error::{Checked, fail, within},
        names::{is_name, is_url_path},
    },
};
use serde_json::Number;

/// Seconds of the longest hold, and of the longest time for which an old version is kept: a day.
const DAY: u32 = 24 * 3600;
/// Seconds of the longest wait for an approval: 30 days.
const LONGEST_GATE: u32 = 30 * DAY;
/// The largest number of weights, and of metrics.
const MOST: usize = 20;
/// The largest number of bytes of an expression.
const LONGEST_QUERY: usize = 4 << 10;
/// The largest number of characters of a metric's name.
const LONGEST_NAME: usize = 30;
/// Weights of a canary that names none.
const WEIGHTS: [u32; 4] = [5, 25, 50, 100];

/// Checks the strategy of a spec.
pub(in crate::spec) fn check(spec: &Spec) -> Checked {
    let requested = &spec.strategy;
    let kind = requested.kind.unwrap_or_default();
    let tracks = matches!(kind, StrategyKind::BlueGreen | StrategyKind::Canary);
    let canary = kind == StrategyKind::Canary;
    for (field, is_set, fits, whom) in [
        ("weights", !requested.weights.is_empty(), canary, "`canary`"),
        ("traffic", requested.traffic.is_some(), canary, "`canary`"),
        ("hold-seconds", requested.hold_seconds.is_some(), tracks, "`canary` and `blue-green`"),
        ("gates", !requested.gates.is_empty(), tracks, "`canary` and `blue-green`"),
        ("gate-seconds", requested.gate_seconds.is_some(), tracks, "`canary` and `blue-green`"),
        ("keep-seconds", requested.keep_seconds.is_some(), tracks, "`canary` and `blue-green`"),
        ("check", requested.check.is_some(), tracks, "`canary` and `blue-green`"),
        ("metrics", !requested.metrics.is_empty(), tracks, "`canary` and `blue-green`"),
    ] {
        if is_set && !fits {
            let problem = format!("is for {whom}, and `strategy.kind` is `{kind}`");
            return fail(&format!("strategy.{field}"), "", &problem);
        }
    }
    if !tracks {
        return Ok(());
    }
    beside(spec, kind)?;
    weights(requested, kind)?;
    traffic(spec)?;
    for (field, value, least, most) in [
        ("hold-seconds", requested.hold_seconds, 0, DAY),
        ("keep-seconds", requested.keep_seconds, 0, DAY),
        ("gate-seconds", requested.gate_seconds, 60, LONGEST_GATE),
    ] {
        within(&format!("strategy.{field}"), value, least, most)?;
    }
    if let Some(path) = requested.check.as_deref().filter(|path| !is_url_path(path)) {
        return fail("strategy.check", path, "must be a path that starts with `/`");
    }
    metrics(spec, kind)
}

/// Checks that two versions of `web` can run side by side.
fn beside(spec: &Spec, kind: StrategyKind) -> Checked {
    let field = "strategy.kind";
    let value = kind.to_string();
    let Some((_, web)) = spec.running().find(|(name, _)| *name == WEB) else {
        let problem = "needs `web`, which is off: nothing gets requests; remove it";
        return fail(field, &value, problem);
    };
    if web.stateful == Some(true) {
        let problem = "runs two versions of `web` side by side, and `web` is `stateful`: both would need the same volumes; use `rolling`";
        return fail(field, &value, problem);
    }
    if web.schedule.is_some() {
        return fail(field, &value, "needs a `web` that always runs, and it has a `schedule`");
    }
    let alone = web.volumes.iter().find(|(_, volume)| {
        let is_claim = volume.size.is_some() && volume.scratch != Some(true);
        let access = volume.access.as_deref().unwrap_or("ReadWriteOnce");
        is_claim && access.starts_with("ReadWriteOnce")
    });
    if let Some((name, _)) = alone {
        let problem = format!(
            "runs two versions of `web` side by side, and one node at a time has its volume `{name}` (`ReadWriteOnce`); use `recreate`, or `access = \"ReadWriteMany\"`"
        );
        return fail(field, &value, &problem);
    }
    let taken = ["blue", "green", "preview"];
    if let Some(name) = spec.processes.keys().find(|name| taken.contains(&name.as_str())) {
        let problem = format!(
            "has objects of its own with this name while the strategy is `{kind}`; call the process otherwise"
        );
        return fail("processes", name, &problem);
    }
    Ok(())
}

fn weights(requested: &StrategySpec, kind: StrategyKind) -> Checked {
    let weights = &requested.weights;
    let shown = || weights.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if weights.len() > MOST {
        return fail("strategy.weights", &shown(), &format!("are too many: at most {MOST}"));
    }
    let rises = weights.iter().zip(weights.iter().skip(1)).all(|(one, next)| one < next);
    if !rises || weights.first() == Some(&0) || weights.iter().any(|weight| *weight > 100) {
        return fail("strategy.weights", &shown(), "must rise, from 1 to 100");
    }
    if weights.last().is_some_and(|last| *last != 100) {
        return fail("strategy.weights", &shown(), "must end with 100: all requests");
    }
    let steps = match kind {
        StrategyKind::Canary if weights.is_empty() => WEIGHTS.to_vec(),
        StrategyKind::Canary => weights.clone(),
        _ => vec![100],
    };
    if let Some(gate) = requested.gates.iter().find(|gate| !steps.contains(gate)) {
        let steps = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let problem = format!("is no weight of this release: {steps}");
        return fail("strategy.gates", &gate.to_string(), &problem);
    }
    Ok(())
}

fn traffic(spec: &Spec) -> Checked {
    let requested = &spec.strategy;
    let has_gateway = spec.expose.gateway.is_some();
    match requested.traffic {
        Some(Traffic::Gateway) if !has_gateway => fail(
            "strategy.traffic",
            "gateway",
            "needs `expose.gateway`, which the HTTPRoute is for",
        ),
        Some(Traffic::Istio) if has_gateway => {
            let problem = "stands beside `expose.gateway`, whose HTTPRoute leads past the VirtualService; say one";
            fail("strategy.traffic", "istio", problem)
        }
        None if has_gateway => Ok(()),
        Some(Traffic::Replicas) | None => {
            match requested.weights.iter().find(|one| (51..100).contains(*one)) {
                Some(weight) => {
                    let problem = "cannot be made by numbers of pods: the old version keeps all of its own until 100; use at most 50, or a gateway";
                    fail("strategy.weights", &weight.to_string(), problem)
                }
                None => Ok(()),
            }
        }
        Some(Traffic::Gateway | Traffic::Istio) => Ok(()),
    }
}

fn metrics(spec: &Spec, kind: StrategyKind) -> Checked {
    let requested = &spec.strategy;
    if requested.metrics.len() > MOST {
        let count = requested.metrics.len().to_string();
        return fail("strategy.metrics", &count, &format!("are too many: at most {MOST}"));
    }
    if !requested.metrics.is_empty() && hold_seconds(requested, kind) == 0 {
        let problem = "is 0, and metrics are measured while the release holds; say how long";
        return fail("strategy.hold-seconds", "0", problem);
    }
    if !requested.metrics.is_empty() && *requested.weights == [100] {
        let problem = "has no step at which metrics are measured: give a smaller weight, too, or use `blue-green`";
        return fail("strategy.weights", "100", problem);
    }
    for (name, metric) in &requested.metrics {
        let field = |key: &str| format!("strategy.metrics.{name}.{key}");
        if !is_name(name, LONGEST_NAME) {
            let problem = "must be 1 to 30 lower-case letters, digits and `-`, from a letter";
            return fail("strategy.metrics", name, problem);
        }
        match (&metric.query, metric.builtin) {
            (Some(_), Some(_)) => {
                return fail(&field("query"), "", "stands beside `builtin`; say one");
            }
            (None, None) => {
                return fail(&field("query"), "", "is missing: give an expression, or `builtin`");
            }
            (Some(query), None) if query.trim().is_empty() || query.len() > LONGEST_QUERY => {
                let problem = format!("must have 1 to {LONGEST_QUERY} bytes");
                return fail(&field("query"), query, &problem);
            }
            (Some(_), None) if metric.source.is_some() => {
                return fail(&field("source"), "", "is for `builtin`; an expression names its own");
            }
            _ => {}
        }
        let (min, max) = (number(metric.min.as_ref()), number(metric.max.as_ref()));
        match (min, max) {
            (None, None) => {
                let problem = "is missing: give `min`, `max` or both, else every value is well";
                return fail(&field("min"), "", problem);
            }
            (Some(min), Some(max)) if min > max => {
                let problem = format!("is more than `max`, {max}: no value is well");
                return fail(&field("min"), &min.to_string(), &problem);
            }
            _ => {}
        }
        builtin(spec, metric, kind, field)?;
        let interval = metric.interval_seconds;
        within(&field("interval-seconds"), interval, 1, 3600)?;
        if interval.unwrap_or(INTERVAL) > hold_seconds(requested, kind) {
            let problem = "is longer than the hold, so that nothing would be measured";
            let value = interval.unwrap_or(INTERVAL).to_string();
            return fail(&field("interval-seconds"), &value, problem);
        }
        within(&field("failures"), metric.failures, 0, 100)?;
        within(&field("inconclusive"), metric.inconclusive, 0, 100)?;
    }
    Ok(())
}

/// Checks a metric that needs no expression.
fn builtin(
    spec: &Spec,
    metric: &MetricSpec,
    kind: StrategyKind,
    field: impl Fn(&str) -> String,
) -> Checked {
    let Some(builtin) = metric.builtin else { return Ok(()) };
    let (name, rate) = match builtin {
        Builtin::SuccessRate => ("success-rate", true),
        Builtin::Latency => ("latency", false),
    };
    if kind == StrategyKind::BlueGreen {
        let problem = "is measured of requests, and none come to the new version before the switch; give a `query`, or use `canary`";
        return fail(&field("builtin"), name, problem);
    }
    if rate && metric.min.is_none() {
        return fail(
            &field("min"),
            "",
            "is missing: `success-rate` has a least value that is well",
        );
    }
    if !rate && metric.max.is_none() {
        return fail(&field("max"), "", "is missing: `latency` has a largest value that is well");
    }
    for (key, bound) in [("min", &metric.min), ("max", &metric.max)] {
        let Some(value) = number(bound.as_ref()).filter(|_| rate) else { continue };
        if !(0.0..=100.0).contains(&value) {
            return fail(&field(key), &value.to_string(), "must be 0 to 100: it is in percent");
        }
        if value > 0.0 && value <= 1.0 {
            let problem = format!("is in percent: did you mean `{}`?", value * 100.0);
            return fail(&field(key), &value.to_string(), &problem);
        }
    }
    // A metric that nothing exports would end each release.
    match metric.source.unwrap_or_else(|| source(spec)) {
        Source::Traefik if traffic_of(spec) != Traffic::Gateway => {
            let problem = "tells both versions apart only where a Gateway shares the requests; give a `query`, another `source`, or `expose.gateway`";
            fail(&field("source"), "traefik", problem)
        }
        Source::Nginx if spec.expose.ingress_class.is_none() => {
            let problem = "needs `expose.ingress-class`, whose controller counts the requests";
            fail(&field("source"), "nginx", problem)
        }
        Source::Traefik | Source::Nginx | Source::Istio => Ok(()),
    }
}

/// Seconds between measurements by default.
const INTERVAL: u32 = 15;

fn number(value: Option<&Number>) -> Option<f64> {
    value.and_then(Number::as_f64)
}

fn hold_seconds(requested: &StrategySpec, kind: StrategyKind) -> u32 {
    let default = if kind == StrategyKind::Canary { 60 } else { 0 };
    requested.hold_seconds.unwrap_or(default)
}

/// Returns the way in which requests are shared.
fn traffic_of(spec: &Spec) -> Traffic {
    let is_canary = spec.strategy.kind == Some(StrategyKind::Canary);
    let by_gateway = is_canary && spec.expose.gateway.is_some();
    let default = if by_gateway { Traffic::Gateway } else { Traffic::Replicas };
    spec.strategy.traffic.unwrap_or(default)
}

/// Returns the software whose metrics are read where a metric names none.
fn source(spec: &Spec) -> Source {
    match (traffic_of(spec), &spec.expose.ingress_class) {
        (Traffic::Istio, _) => Source::Istio,
        // The names of classes are free. Those of Traefik's charts have its name.
        (_, Some(class)) if !class.contains("traefik") => Source::Nginx,
        _ => Source::Traefik,
    }
}

/// Resolves the strategy of a spec that was checked.
pub(in crate::spec) fn resolve(spec: &Spec) -> Strategy {
    let requested = &spec.strategy;
    let kind = requested.kind.unwrap_or_default();
    let canary = kind == StrategyKind::Canary;
    if !canary && kind != StrategyKind::BlueGreen {
        return Strategy { kind, ..Strategy::default() };
    }
    let weights = match &*requested.weights {
        _ if !canary => Vec::new(),
        [] => WEIGHTS.to_vec(),
        weights => weights.to_vec(),
    };
    let mut gates = requested.gates.clone();
    gates.sort_unstable();
    gates.dedup();
    let source = source(spec);
    Strategy {
        kind,
        weights,
        hold_seconds: hold_seconds(requested, kind),
        gates,
        gate_seconds: requested.gate_seconds.unwrap_or(GATE_SECONDS),
        keep_seconds: requested.keep_seconds.unwrap_or(if canary { 0 } else { 600 }),
        traffic: traffic_of(spec),
        check: requested.check.clone(),
        metrics: requested
            .metrics
            .iter()
            .map(|(name, metric)| (name.clone(), resolved(metric, source)))
            .collect(),
        at_once: false,
    }
}

fn resolved(metric: &MetricSpec, source: Source) -> Metric {
    let source = metric.source.unwrap_or(source);
    let query = match (&metric.query, metric.builtin) {
        (_, Some(Builtin::SuccessRate)) => Query::SuccessRate(source),
        (_, Some(Builtin::Latency)) => Query::Latency(source),
        (query, None) => Query::Promql(query.clone().unwrap_or_default()),
    };
    Metric {
        query,
        min: metric.min.clone(),
        max: metric.max.clone(),
        interval_seconds: metric.interval_seconds.unwrap_or(INTERVAL),
        failures: metric.failures.unwrap_or(0),
        inconclusive: metric.inconclusive.unwrap_or(4),
    }
}

#[cfg(test)]
mod tests;
