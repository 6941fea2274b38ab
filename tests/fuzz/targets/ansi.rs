//! Lines of build output, as they are shown: none of them moves a terminal's cursor.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_buildkit::plain;

fuzz_target!(|data: &[u8]| {
    let shown = plain(data);
    let moves = shown.contains(|c: char| c.is_control() && c != '\t');
    assert!(!moves, "{shown:?}");
    assert_eq!(plain(shown.as_bytes()), shown, "shown a second time");
});
