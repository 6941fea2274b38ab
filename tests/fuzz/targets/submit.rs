//! A request to deploy, from the bytes of its message to what a use case takes: an app that may be named so, a spec that
//! can be merged and resolved, or an error of the client's.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use windlass_api::convert;
use windlass_model::{
    app::App,
    spec::{Detected, Spec},
};
use windlass_proto::v1::SubmitRequest;

/// `INVALID_ARGUMENT` of gRPC.
const INVALID: i32 = 3;

fuzz_target!(|data: &[u8]| {
    let Ok(message) = SubmitRequest::decode(data) else { return };
    match convert::app(message.app) {
        Ok(app) => {
            let named = App::new(&app.project, &app.name, &app.environment);
            assert_eq!(named.ok(), Some(app));
        }
        Err(status) => assert_eq!(i32::from(status.code()), INVALID, "{status:?}"),
    }
    if let Err(status) = convert::source(message.source) {
        assert_eq!(i32::from(status.code()), INVALID, "{status:?}");
    }
    let spec = match convert::spec(message.spec) {
        Ok(spec) => spec,
        Err(status) => {
            assert_eq!(i32::from(status.code()), INVALID, "{status:?}");
            return;
        }
    };
    // Conversion does not check a spec. What passes the check is a spec like that of a file.
    if spec.check().is_ok() {
        assert_eq!(spec.clone().merged_over(Spec::default()), spec);
        let runtime = spec.resolve(&Detected::default(), Vec::new());
        assert_eq!(runtime, spec.resolve(&Detected::default(), Vec::new()));
    }
});
