//! A field cannot be changed (WL-K8S-048).

use crate::problem::{Debounce, Explanation, Problem, has, rejected, unseen};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 48,
    code: "field-immutable",
    title: "A field cannot be changed",
    symptom: "the API server answers 422: `field is immutable`, or `updates to statefulset spec … are forbidden`",
    debounce: Debounce::Now,
    symptoms: unseen,
    matches_error: |error| {
        rejected(error, |text| {
            has(
                text,
                &[
                    "field is immutable",
                    "updates to statefulset spec",
                    "is immutable after creation",
                    "can not be less than",
                ],
            )
        })
    },
    explain: |case| {
        let object = case.finding.subject.to_lowercase().replacen(' ', "/", 1);
        let fixes: [String; 2] = match case.finding.subject.split(' ').next().unwrap_or_default() {
            "StatefulSet" => [
                format!("volumes and names of a StatefulSet stay as they were made: put them back, or create it again and keep pods and volumes: `kubectl --namespace {} delete {object} --cascade=orphan`; then submit again", case.namespace()),
                "a volume can grow: change the claim itself, if its class allows it".into(),
            ],
            "PersistentVolumeClaim" => [
                "a volume can grow and never shrink, and keeps its class: put `size` and `class` back".into(),
                "or give the volume another name: it begins empty, and the old one stays".into(),
            ],
            _ => [
                "put the field back, or give the object another name".into(),
                format!("or delete it, which ends what it runs: `kubectl --namespace {} delete {object}`; then submit again", case.namespace()),
            ],
        };
        let [one, other] = &fixes;
        Explanation::new(
            format!("a field of {} cannot be changed once it is made", case.finding.subject),
            [one, other],
        )
        .look(format!("kubectl --namespace {} get {object} -o yaml", case.namespace()))
    },
};
