//! The removal of an app as a plan.

use super::{Change, Plan, Step, parallel};
use crate::job::Release;

/// Plans a removal: all that was made for the app of a bare release goes, in all clusters at once, and nothing leads
/// back. `data` says whether volume claims go too.
#[must_use]
pub fn removing(bare: &Release, data: bool) -> Plan {
    let remove = |placed: Release| Step::Change(Change::Remove { release: Box::new(placed), data });
    let forward = parallel(bare.each().map(remove)).into_iter().collect();
    Plan { forward, rollback: Vec::new(), release: bare.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;

    #[test]
    fn a_removal_is_one_step_in_all_clusters_and_says_what_becomes_of_data() {
        let app = App::new("shop", "web", "").unwrap();
        let places = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (clusters, data, text) in [
            (&["default"][..], false, "remove all of web: volume claims stay"),
            (
                &["eu", "us"],
                true,
                "remove all of web in eu: with all data; remove all of web in us: with all data",
            ),
        ] {
            let plan = removing(&Release::bare("1", &app, &places(clusters)), data);
            let steps: Vec<_> = plan.forward.iter().map(ToString::to_string).collect();
            assert_eq!(steps, [text]);
            assert!(plan.rollback.is_empty() && plan.rollback_from(1).is_empty());
            let json = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        }
    }
}
