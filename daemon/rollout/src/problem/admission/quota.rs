//! The namespace's quota is used up (WL-K8S-038).

use crate::problem::{Debounce, Explanation, Problem, refused, rejected};
use std::collections::BTreeMap;
use windlass_model::spec::amount;

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 38,
    code: "quota-exceeded",
    title: "The namespace's quota is used up",
    symptom: "the API server refuses a pod or an object: `exceeded quota`",
    // A full quota mostly throttles: pods that end count until they are deleted.
    debounce: Debounce::Settled(60),
    symptoms: |snapshot| {
        let mut symptoms = refused(snapshot, |text| text.contains("exceeded quota"));
        for symptom in symptoms.iter_mut().filter(|symptom| never_fits(&symptom.message)) {
            symptom.debounce = Some(Debounce::Now);
        }
        symptoms
    },
    matches_error: |error| rejected(error, |text| text.contains("exceeded quota")),
    explain: |case| {
        let lower = format!(
            "raise the ResourceQuota that is named above, or lower `{}` or `{}`",
            case.field("replicas"),
            case.field("resources")
        );
        let what = if never_fits(&case.finding.message) {
            format!("a pod asks for more than the quota of namespace {} has", case.namespace())
        } else {
            format!("the quota of namespace {} refuses new pods", case.namespace())
        };
        Explanation::new(
            what,
            [&lower, "a rolling update needs room for one pod more than `replicas`"],
        )
        .look(format!("kubectl --namespace {} describe quota", case.namespace()))
    },
};

/// Returns whether a pod alone asks for more than the quota has in all: no pod that ends makes room for that.
/// The message is that of `checkRequest` (`apiserver/pkg/admission/plugin/resourcequota/controller.go`).
fn never_fits(message: &str) -> bool {
    let after = |label: &str| message.split_once(label).map(|(_, rest)| amounts(rest));
    let Some((requested, limited)) = after("requested: ").zip(after("limited: ")) else {
        return false;
    };
    requested.iter().any(|(name, asked)| limited.get(name).is_some_and(|most| asked > most))
}

/// Reads `limits.cpu=2,pods=1, used: …` up to the space.
fn amounts(text: &str) -> BTreeMap<&str, u128> {
    let list = text.split(' ').next().unwrap_or_default();
    let named = list.split(',').filter_map(|one| one.split_once('='));
    named.filter_map(|(name, value)| Some((name, amount(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_fits_is_told_from_what_waits_for_room() {
        let exceeds = |requested: &str, limited: &str| {
            never_fits(&format!(
                "exceeded quota: small, requested: {requested}, used: pods=2, limited: {limited}"
            ))
        };
        assert!(!exceeds("pods=1", "pods=2"));
        assert!(exceeds("limits.memory=3Gi", "limits.memory=1Gi"));
        assert!(exceeds("limits.cpu=100m,pods=1", "limits.cpu=50m,pods=9"));
        assert!(!exceeds("limits.cpu=lots", "limits.cpu=1"), "what cannot be read may pass");
        assert!(!never_fits("exceeded quota: small"));
    }
}
