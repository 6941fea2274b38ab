//! A request to deploy, from the bytes of its message to what a use case takes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use windlass_api::convert;
use windlass_proto::v1::SubmitRequest;

fuzz_target!(|data: &[u8]| {
    let Ok(message) = SubmitRequest::decode(data) else { return };
    let _ = convert::app(message.app);
    let _ = convert::source(message.source);
    if let Ok(spec) = convert::spec(message.spec) {
        // Conversion does not check a spec. The check ends with an error at most.
        let _ = spec.check();
    }
});
