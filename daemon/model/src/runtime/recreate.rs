//! The decision whether old pods of a `Deployment` end before new ones start.

use super::{Process, StrategyKind, VolumeSource};

/// The reason for which all old pods of a process end before new ones start (`Recreate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recreate<'a> {
    /// The strategy of the release.
    Strategy,
    /// A volume that one node or one pod has at a time: it cannot be attached to a new pod before the old pod has ended.
    Volume {
        /// Name of the volume.
        name: &'a str,
        /// `accessModes` of the volume, of which there is one.
        access: &'a str,
    },
    /// An existing `PersistentVolumeClaim` that several pods cannot use at once.
    Claim(&'a str),
}

impl Process {
    /// Returns the reason for which all old pods of a `Deployment` end before new ones start. `None` means that old pods
    /// end as new ones are ready. `shares` returns whether several pods at once can use a volume claim that somebody else
    /// made, by its name and by whether they only read.
    #[must_use]
    pub fn recreate(
        &self,
        kind: StrategyKind,
        shares: &dyn Fn(&str, bool) -> bool,
    ) -> Option<Recreate<'_>> {
        if kind == StrategyKind::Recreate {
            return Some(Recreate::Strategy);
        }
        // What is known without asking the cluster comes first.
        let own = self.volumes.iter().find_map(|(name, volume)| match &volume.source {
            VolumeSource::Claim { access, .. } if access.starts_with("ReadWriteOnce") => {
                Some(Recreate::Volume { name, access })
            }
            _ => None,
        });
        let existing = || {
            self.volumes.values().find_map(|volume| match &volume.source {
                VolumeSource::Existing(claim) if !shares(claim, volume.read_only) => {
                    Some(Recreate::Claim(claim))
                }
                _ => None,
            })
        };
        own.or_else(existing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{runtime::Volume, spec::web};

    fn process(volumes: &[(&str, VolumeSource)]) -> Process {
        let volume = |source: &VolumeSource| Volume {
            path: "/data".into(),
            read_only: false,
            source: source.clone(),
        };
        let volumes = volumes.iter().map(|(name, source)| ((*name).to_owned(), volume(source)));
        Process { volumes: volumes.collect(), ..web(8080, None) }
    }

    fn claim(access: &str) -> VolumeSource {
        VolumeSource::Claim { size: "1Gi".into(), class: None, access: access.into() }
    }

    #[test]
    fn old_pods_end_first_where_a_volume_has_to_be_let_go() {
        let existing = || VolumeSource::Existing("shop-data".into());
        let rolling = |process: &Process, shares: bool| {
            process.recreate(StrategyKind::Rolling, &|_, _| shares).map(|it| format!("{it:?}"))
        };
        let alone =
            |access: &str| Some(format!("Volume {{ name: \"data\", access: \"{access}\" }}"));
        let shared = Some("Claim(\"shop-data\")".to_owned());
        for (volumes, shares, expected) in [
            (vec![], false, None),
            (vec![("data", claim("ReadWriteOnce"))], true, alone("ReadWriteOnce")),
            (vec![("data", claim("ReadWriteOncePod"))], true, alone("ReadWriteOncePod")),
            (vec![("data", claim("ReadWriteMany"))], false, None),
            (vec![("data", VolumeSource::Scratch { size: None })], false, None),
            (vec![("data", existing())], true, None),
            (vec![("data", existing())], false, shared),
            // What is certain says more.
            (
                vec![("a", existing()), ("data", claim("ReadWriteOnce"))],
                false,
                alone("ReadWriteOnce"),
            ),
        ] {
            assert_eq!(rolling(&process(&volumes), shares), expected, "{volumes:?}");
        }
    }

    #[test]
    fn the_strategy_needs_no_volume() {
        let plain = process(&[]);
        let because = |kind| plain.recreate(kind, &|_, _| false);
        assert_eq!(because(StrategyKind::Recreate), Some(Recreate::Strategy));
        for kind in [StrategyKind::Rolling, StrategyKind::BlueGreen, StrategyKind::Canary] {
            assert_eq!(because(kind), None, "{kind}");
        }
    }
}
