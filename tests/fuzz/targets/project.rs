//! `project.toml`: what is read is written as the same project, and a refusal names the field.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_model::project::ProjectSpec;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match ProjectSpec::parse(text) {
        Ok(project) => assert_eq!(ProjectSpec::parse(&project.to_toml()), Ok(project)),
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(!fault.field.is_empty() && !fault.problem.is_empty(), "{fault:?}");
            }
        }
    }
});
