//! Message of a project's version.

use super::time::timestamp;
use windlass_engine::ports::store::ProjectRecord;
use windlass_proto::v1;

/// Returns the message for a version of a project. One that is not stored yet has no time.
pub(crate) fn project(record: ProjectRecord) -> v1::Project {
    v1::Project {
        toml: record.spec.to_toml(),
        name: record.spec.project,
        version: record.version,
        by: record.by,
        at: Some(record.at_ms).filter(|ms| *ms > 0).map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::project::ProjectSpec;

    #[test]
    fn a_version_has_its_file_and_one_of_a_dry_run_has_no_time() {
        let spec = ProjectSpec { project: "shop".into(), ..ProjectSpec::default() };
        let record = ProjectRecord { spec, version: 3, by: "ci".into(), at_ms: 1_500 };
        let stored = project(record.clone());
        assert_eq!((&*stored.name, stored.version, &*stored.by), ("shop", 3, "ci"));
        assert!(stored.toml.contains("project = \"shop\""), "{}", stored.toml);
        let at = stored.at.unwrap();
        assert_eq!((at.seconds, at.nanos), (1, 500_000_000));
        assert_eq!(project(ProjectRecord { version: 0, at_ms: 0, ..record }).at, None);
    }
}
