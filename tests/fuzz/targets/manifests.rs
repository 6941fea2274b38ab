//! Kubernetes objects of a repository's own, YAML or JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use windlass_model::manifest::read;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(objects) = read("own.yaml", text) else { return };
    for object in objects {
        let object: Value = serde_json::from_str(&object.json).expect("what we write is JSON");
        for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
            let value = object.pointer(pointer).and_then(Value::as_str);
            assert!(value.is_some_and(|value| !value.is_empty()), "{pointer} of {object}");
        }
        assert!(object.pointer("/metadata/namespace").is_none_or(|name| !name.is_string()));
    }
});
