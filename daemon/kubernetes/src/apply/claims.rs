//! Volume claims that a release names and does not make.
//!
//! Only the cluster knows their access modes, and with them how many pods may have a claim at once.

use crate::{
    client::Client,
    json::{set, text},
    object::ObjectRef,
    render::{self, workload_name},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use windlass_model::{
    error::ClusterError,
    job::Release,
    runtime::{Process, VolumeSource},
};

/// Access modes of the claims that a release names and does not make, by name. A claim that is not there yet,
/// or that the account may not see, is left out.
#[derive(Default)]
pub(crate) struct Claims(BTreeMap<String, Vec<String>>);

impl Claims {
    /// Reads the access modes of the claims that a release names.
    pub(crate) async fn of(client: &Client, release: &Release) -> Result<Self, ClusterError> {
        let processes = release.runtime.processes.iter();
        let names: BTreeSet<_> = processes.flat_map(named).map(|(claim, _)| claim).collect();
        let mut claims = BTreeMap::new();
        for name in names {
            let claim = ObjectRef::new("v1", "PersistentVolumeClaim", name);
            let found = match client.find(&claim.head(&release.app.namespace())).await {
                Err(ClusterError::Forbidden { .. }) => None,
                found => found?,
            };
            let Some(found) = found else { continue };
            let modes = found.data.pointer("/spec/accessModes").and_then(Value::as_array);
            let modes = modes.into_iter().flatten().filter_map(Value::as_str);
            claims.insert(name.to_owned(), modes.map(str::to_owned).collect());
        }
        Ok(Self(claims))
    }

    /// Sets the `strategy` of Deployments with such claims: a rolling update where pods can share all of them.
    pub(crate) fn set_strategies(&self, release: &Release, objects: &mut [Value]) {
        let processes = release.runtime.processes.iter();
        for process in processes.filter(|process| named(process).next().is_some()) {
            let name = workload_name(release, process);
            let deployment = objects.iter_mut().find(|object| {
                text(object, "/kind") == "Deployment" && text(object, "/metadata/name") == name
            });
            if let Some(spec) = deployment.and_then(|object| object.get_mut("spec")) {
                let shares = |claim: &str, reads| self.shares(claim, reads);
                let strategy = render::strategy(release, process, &shares);
                set(spec, "strategy", strategy);
            }
        }
    }

    /// Checks that several pods, of one process or of more, do not want a claim that only one pod may have, and that two
    /// versions of `web` do not want one that they cannot share.
    pub(crate) fn check(&self, release: &Release) -> Result<(), ClusterError> {
        self.check_tracks(release)?;
        for (claim, modes) in &self.0 {
            if modes.is_empty() || modes.iter().any(|mode| mode != "ReadWriteOncePod") {
                continue;
            }
            let mut pods = 0_u32;
            let mut names = Vec::new();
            for process in &release.runtime.processes {
                if named(process).any(|(name, _)| name == claim) {
                    let most = process.autoscale.as_ref().map_or(process.replicas, |one| one.max);
                    pods = pods.saturating_add(most);
                    names.push(format!("process `{}`", process.name));
                }
            }
            if pods > 1 {
                let message = format!(
                    "its access mode is ReadWriteOncePod, for one pod at a time, and {} asks for up to {pods} pods with it; let there be one, or name a claim of ReadWriteMany",
                    names.join(" with ")
                );
                let object = format!("PersistentVolumeClaim {claim}");
                return Err(ClusterError::Rejected { object, message });
            }
        }
        Ok(())
    }

    /// Checks that two versions of `web` can have its claims side by side. What is not known of a claim is no reason to
    /// refuse it.
    fn check_tracks(&self, release: &Release) -> Result<(), ClusterError> {
        let strategy = &release.runtime.strategy;
        let Some(web) = release.runtime.web().filter(|_| strategy.has_tracks()) else {
            return Ok(());
        };
        for (claim, reads) in named(web) {
            let Some(modes) = self.0.get(claim).filter(|_| !self.shares(claim, reads)) else {
                continue;
            };
            let message = format!(
                "`strategy.kind` is `{}`, which runs two versions of `web` side by side, and pods of several nodes cannot share it: its access modes are {}; use `recreate`, or name a claim of ReadWriteMany",
                strategy.kind,
                modes.join(", ")
            );
            let object = format!("PersistentVolumeClaim {claim}");
            return Err(ClusterError::Rejected { object, message });
        }
        Ok(())
    }

    fn shares(&self, claim: &str, reads: bool) -> bool {
        self.0.get(claim).is_some_and(|modes| {
            let is = |mode: &str| modes.iter().any(|one| one == mode);
            is("ReadWriteMany") || reads && is("ReadOnlyMany")
        })
    }
}

/// Returns the claims that a process names, each with whether the process only reads.
fn named(process: &Process) -> impl Iterator<Item = (&str, bool)> {
    process.volumes.values().filter_map(|volume| match &volume.source {
        VolumeSource::Existing(claim) => Some((claim.as_str(), volume.read_only)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{
        app::App,
        runtime::{Runtime, StrategyKind},
        spec::{Detected, Spec},
    };

    fn runtime(toml: &str) -> Runtime {
        let spec = Spec::from_toml(toml).unwrap_or_else(|error| panic!("{error}"));
        spec.resolve(&Detected::default(), Vec::new())
    }

    #[test]
    fn two_versions_side_by_side_need_a_claim_that_both_can_have() {
        let app = App::new("shop", "web", "").unwrap();
        let mut release = Release::bare("1", &app, &["default".to_owned()]);
        release.runtime = runtime(
            "port = 80\nprocesses.web.volumes.data = { path = \"/data\", claim = \"shop-data\" }",
        );
        let claims = |mode: &str| Claims([("shop-data".to_owned(), vec![mode.to_owned()])].into());
        for (kind, mode, is_refused) in [
            (StrategyKind::Rolling, "ReadWriteOnce", false),
            (StrategyKind::Recreate, "ReadWriteOnce", false),
            (StrategyKind::BlueGreen, "ReadWriteOnce", true),
            (StrategyKind::Canary, "ReadWriteOnce", true),
            (StrategyKind::Canary, "ReadOnlyMany", true),
            (StrategyKind::BlueGreen, "ReadWriteMany", false),
        ] {
            release.runtime.strategy.kind = kind;
            let checked = claims(mode).check(&release);
            assert_eq!(checked.is_err(), is_refused, "{kind} {mode}: {checked:?}");
            if let Err(error) = checked {
                let text = error.to_string();
                assert!(text.contains("shop-data") && text.contains("`recreate`"), "{text}");
            }
        }
        release.runtime.strategy.kind = StrategyKind::BlueGreen;
        Claims::default().check(&release).unwrap();
    }

    #[test]
    fn what_several_pods_may_have_is_shared() {
        let claims = Claims(
            [("one", "ReadWriteOnce"), ("many", "ReadWriteMany"), ("read", "ReadOnlyMany")]
                .map(|(name, mode)| (name.to_owned(), vec![mode.to_owned()]))
                .into(),
        );
        for (claim, reads, shares) in [
            ("one", false, false),
            ("one", true, false),
            ("many", false, true),
            ("read", false, false),
            ("read", true, true),
            ("nobody-knows", true, false),
        ] {
            assert_eq!(claims.shares(claim, reads), shares, "{claim} {reads}");
        }
    }
}
