//! The time of a release, split into our share and the cluster's.

use bench_history::Figures;
use serde_json::Value;
use std::fmt;

/// Begins of the descriptions of steps that wait for the cluster.
const CLUSTER: &str = "wait until";

/// Seconds of a release.
pub(crate) struct Spans {
    /// From the plan to the end.
    all: f64,
    /// Seconds of steps that wait until pods are ready.
    cluster: f64,
    /// From the plan to the last shift of requests. `None` means that requests are not shifted.
    switch: Option<f64>,
}

impl Spans {
    /// Reads the events of a job that succeeded.
    pub(crate) fn of(events: &[Value]) -> Self {
        let time = |event: &Value| event["at"].as_f64().unwrap();
        let at = |key: &str| events.iter().rfind(|event| event[key].is_object()).map(time);
        let planned = at("planned").expect("a plan");
        let mut cluster = 0.0;
        let mut began = None;
        for event in events.iter().filter(|event| event["step"].is_object()) {
            let step = &event["step"];
            if step["done"] == true {
                cluster += began.take().map_or(0.0, |began| time(event) - began);
            } else {
                let waits = step["description"].as_str().is_some_and(|it| it.starts_with(CLUSTER));
                began = waits.then(|| time(event));
            }
        }
        Self {
            all: at("ended").expect("an end") - planned,
            cluster,
            switch: at("traffic_shifted").map(|at| at - planned),
        }
    }

    /// Adds the seconds to the figures, under the name of the release.
    pub(crate) fn keep(&self, release: &str, figures: &mut Figures) {
        figures.add(format!("{release}, whole"), self.all, "s");
        figures.add(format!("{release}, ours"), self.all - self.cluster, "s");
        figures.add(format!("{release}, cluster"), self.cluster, "s");
        if let Some(switch) = self.switch {
            figures.add(format!("{release}, to the last shift"), switch, "s");
        }
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = self.switch.map_or_else(|| "-".to_owned(), |switch| format!("{switch:.2}"));
        let (all, cluster) = (self.all, self.cluster);
        write!(f, "{all:8.2}{:8.2}{cluster:8.2}{switch:>10}", all - cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn waits_are_the_clusters_and_the_rest_is_ours() {
        let events = [
            json!({ "at": 1.0, "planned": {} }),
            json!({ "at": 1.0, "step": { "description": "apply app" } }),
            json!({ "at": 1.5, "step": { "done": true } }),
            json!({ "at": 1.5, "step": { "description": "wait until app is healthy" } }),
            json!({ "at": 5.5, "step": { "done": true } }),
            json!({ "at": 5.75, "traffic_shifted": { "weight": 100 } }),
            json!({ "at": 6.0, "ended": {} }),
        ];
        let spans = Spans::of(&events);
        assert_eq!((spans.all, spans.cluster, spans.switch), (5.0, 4.0, Some(4.75)));
    }
}
