//! `windlass.toml`: what is read can be merged and resolved.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_model::spec::{Detected, Spec};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let spec = match Spec::from_toml(text) {
        Ok(spec) => spec,
        Err(error) => {
            assert!(!error.field.is_empty() && !error.problem.is_empty(), "{error:?}");
            return;
        }
    };
    assert_eq!(spec.check(), Ok(()));
    assert_eq!(spec.clone().merged_over(Spec::default()), spec);
    assert_eq!(spec.clone().merged_over(spec.clone()), spec);
    let runtime = spec.resolve(&Detected::default(), Vec::new());
    assert_eq!(runtime, spec.resolve(&Detected::default(), Vec::new()));
});
