//! Guests that misbehave, each with its expected outcome.

use crate::component::{NOTHING, REALLOC, detector, guest};

/// Expected outcome of a guest.
pub(crate) enum Outcome {
    /// The guest cannot be loaded. The error has this text.
    Refused(&'static str),
    /// The call fails. The error has this text.
    Fails(&'static str),
    /// The guest does no harm, and its call succeeds.
    Harmless,
}

use Outcome::{Fails, Harmless, Refused};

/// Returns the guests: name, core module, outcome. Numbers are those of `daemon/design/hostile-plugins.md`.
pub(crate) fn guests() -> Vec<(&'static str, String, Outcome)> {
    let spin = "(loop $again (br $again)) (i32.const 0)";
    let text = "(data (i32.const 1024) \"\\1b[2J\\rlanguage: go (score 100)\")";
    let log = "(call $log (i32.const 1) (i32.const 1024) (i32.const 30))";
    vec![
        ("spin-1", detector("", spin), Fails("limit `cpu-ms`")),
        (
            "spin-at-start-2",
            detector("(func $start (loop $again (br $again))) (start $start)", NOTHING),
            Fails("limit `cpu-ms`"),
        ),
        (
            "flood-of-calls-3",
            detector("", "(loop $again (drop (call $now)) (br $again)) (i32.const 0)"),
            Fails("limit `host-calls`"),
        ),
        (
            "recursion-4",
            detector("(func $deeper (result i32) (i32.add (i32.const 1) (call $deeper)))", "(call $deeper)"),
            Fails("stack"),
        ),
        (
            "memory-grow-5",
            detector("", "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (i32.const 0)"),
            Fails("limit `memory`"),
        ),
        (
            "table-grow-6",
            detector(
                "(table $t 1 funcref)",
                "(loop $again (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $again)) (i32.const 0)",
            ),
            Fails("limit `table`"),
        ),
        (
            "huge-memory-at-once-7",
            guest("", "(memory (export \"memory\") 16384)", REALLOC, NOTHING),
            Refused("memory"),
        ),
        (
            "memory-over-its-limit-7",
            guest("", "(memory (export \"memory\") 2048)", REALLOC, NOTHING),
            Fails("limit `memory`"),
        ),
        (
            "huge-string-10",
            guest(
                "",
                "(memory (export \"memory\") 64)",
                REALLOC,
                "(call $log (i32.const 1) (i32.const 0) (i32.const 4000000)) (i32.const 0)",
            ),
            Fails("more than 1024 KiB in one call"),
        ),
        (
            "string-beyond-memory-11",
            detector("", "(call $log (i32.const 1) (i32.const 0) (i32.const -1)) (i32.const 0)"),
            Fails("out of bounds"),
        ),
        (
            "answer-beyond-memory-11",
            detector("", "(call $drop (local.get $tree)) (i32.const -8)"),
            Fails("out of bounds"),
        ),
        (
            "no-utf-8-12",
            detector(
                "(data (i32.const 1024) \"\\ff\\fe\\fd\")",
                "(call $log (i32.const 1) (i32.const 1024) (i32.const 3)) (i32.const 0)",
            ),
            Fails("utf-8"),
        ),
        (
            "a-level-that-is-none-12",
            detector("", "(call $log (i32.const 77) (i32.const 0) (i32.const 0)) (i32.const 0)"),
            Fails("discriminant"),
        ),
        ("tree-kept-13", detector("", "(i32.const 0)"), Fails("borrow")),
        (
            "dropped-handle-14",
            detector(
                "",
                "(call $drop (local.get $tree))
                 (call $glob (local.get $tree) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2048))
                 (i32.const 0)",
            ),
            Fails("handle"),
        ),
        (
            "foreign-handle-14",
            detector(
                "",
                "(call $glob (i32.const 4711) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2048))
                 (i32.const 0)",
            ),
            Fails("handle"),
        ),
        (
            "realloc-that-traps-15",
            guest(
                "",
                "(memory (export \"memory\") 4)",
                "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)",
                NOTHING,
            ),
            Fails("gave up"),
        ),
        (
            "realloc-that-lies-15",
            guest(
                "",
                "(memory (export \"memory\") 4)",
                "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const -16))",
                NOTHING,
            ),
            Fails("beyond end of memory"),
        ),
        (
            "realloc-that-calls-the-host-15",
            guest(
                "",
                "(memory (export \"memory\") 4)",
                "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
                   (drop (call $now)) (i32.const 131072))",
                NOTHING,
            ),
            Fails("cannot leave component instance"),
        ),
        (
            "endless-answer-16",
            // ok(some(…)) whose language has 2^31 bytes.
            detector(
                "(data (i32.const 4) \"\\01\") (data (i32.const 8) \"\\00\\00\\00\\00\\ff\\ff\\ff\\7f\")",
                NOTHING,
            ),
            Fails("out of bounds"),
        ),
        (
            "log-flood-17",
            detector(
                &format!("(global $n (mut i32) (i32.const 0)) {text}"),
                &format!(
                    "(loop $again {log}
                       (global.set $n (i32.add (global.get $n) (i32.const 1)))
                       (br_if $again (i32.lt_u (global.get $n) (i32.const 5000))))
                     {NOTHING}"
                ),
            ),
            Harmless,
        ),
        (
            "path-18",
            detector(
                "(data (i32.const 1024) \"../../../../etc/passwd\")",
                // The answer to the read begins with 1: an error. Anything else would be the file.
                &format!(
                    "(call $read (local.get $tree) (i32.const 1024) (i32.const 22) (i32.const 65536) (i32.const 2048))
                     (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable))
                     {NOTHING}"
                ),
            ),
            Harmless,
        ),
        (
            "glob-explosion-19",
            detector(
                "(data (i32.const 1024) \"**/**/**/**/**/**/**/**/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}*x*y*z*\")",
                &format!(
                    "(call $glob (local.get $tree) (i32.const 1024) (i32.const 64) (i32.const -1) (i32.const 2048))
                     {NOTHING}"
                ),
            ),
            Harmless,
        ),
    ]
}

/// Returns a core module that keeps an optimising compiler busy: loops within loops, each with values that
/// live through all of them (number 9).
pub(crate) fn bomb() -> String {
    let depth = 400;
    let locals = 2_000;
    let step = |n: usize| {
        let to = n % locals;
        let a = (n * 7 + 1) % locals;
        let b = (n * 13 + 5) % locals;
        format!("(local.set {to} (i32.add (local.get {a}) (local.get {b})))")
    };
    let begins: String =
        (0..depth).map(|n| format!("(loop {} {} ", step(n), step(n + 911))).collect();
    let body: String = (0..20_000).map(step).collect();
    let ends: String = (0..depth).map(|n| format!("(br_if 0 (local.get {n})))")).collect();
    let types = "(local i32)".repeat(locals);
    detector(&format!("(func $bomb {types} {begins} {body} {ends})"), NOTHING)
}
