//! Releases of runtimes. Generated from `plugin-sdk/releases.toml`, which says where the days stand.

use super::Runtime;

/// Day on which the table was made.
pub const MADE: &str = "2026-11-26";

/// A release of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Tag of its images: `22`, `3.12`.
    pub cycle: &'static str,
    /// Day of the release. Empty means that no day is known.
    pub first: &'static str,
    /// Day from which it gets no fixes. Empty means that no day is known.
    pub until: &'static str,
    /// A long-term release.
    pub lts: bool,
    /// Name in `lts/NAME`. Empty means that it has none.
    pub codename: &'static str,
}

const fn release(
    cycle: &'static str,
    first: &'static str,
    until: &'static str,
    lts: bool,
    codename: &'static str,
) -> Release {
    Release { cycle, first, until, lts, codename }
}

/// Returns the releases of a runtime, the newest first.
#[must_use]
pub fn of(runtime: Runtime) -> &'static [Release] {
    match runtime {
        Runtime::Node => NODE,
        Runtime::Bun => BUN,
        Runtime::Deno => DENO,
        Runtime::Python => PYTHON,
        Runtime::Go => GO,
        Runtime::Ruby => RUBY,
        Runtime::Java => JAVA,
        Runtime::Php => PHP,
        Runtime::Rust => RUST,
        Runtime::Dotnet => DOTNET,
        Runtime::Elixir => ELIXIR,
        Runtime::Erlang => ERLANG,
    }
}

const NODE: &[Release] = &[
    release("26", "2026-04-21", "2029-04-30", true, ""),
    release("25", "2025-10-15", "2026-06-01", false, ""),
    release("24", "2025-05-06", "2028-04-30", true, "Krypton"),
    release("23", "2024-10-15", "2025-06-01", false, ""),
    release("22", "2024-04-24", "2027-04-30", true, "Jod"),
    release("21", "2023-10-17", "2024-06-01", false, ""),
    release("20", "2023-04-18", "2026-04-30", true, "Iron"),
    release("19", "2022-10-18", "2023-06-01", false, ""),
    release("18", "2022-04-19", "2025-04-30", true, "Hydrogen"),
    release("17", "2021-10-19", "2022-06-01", false, ""),
    release("16", "2021-04-20", "2023-09-11", true, "Gallium"),
    release("15", "2020-10-20", "2021-06-01", false, ""),
    release("14", "2020-04-21", "2023-04-30", true, "Fermium"),
    release("13", "2019-10-22", "2020-06-01", false, ""),
    release("12", "2019-04-23", "2022-04-30", true, "Erbium"),
    release("11", "2018-10-23", "2019-06-01", false, ""),
    release("10", "2018-04-24", "2021-04-30", true, "Dubnium"),
    release("9", "2017-10-01", "2018-06-30", false, ""),
    release("8", "2017-05-30", "2019-12-31", true, "Carbon"),
    release("7", "2016-10-25", "2017-06-30", false, ""),
    release("6", "2016-04-26", "2019-04-30", true, "Boron"),
    release("5", "2015-10-29", "2016-06-30", false, ""),
    release("4", "2015-09-08", "2018-04-30", true, "Argon"),
];

const BUN: &[Release] = &[release("1", "", "", false, "")];

const DENO: &[Release] = &[release("2", "", "", false, ""), release("1", "", "", false, "")];

const PYTHON: &[Release] = &[
    release("3.14", "2025-10-07", "2030-10-31", false, ""),
    release("3.13", "2024-10-07", "2029-10-31", false, ""),
    release("3.12", "2023-10-02", "2028-10-31", false, ""),
    release("3.11", "2022-10-24", "2027-10-31", false, ""),
    release("3.10", "2021-10-04", "2026-10-31", false, ""),
    release("3.9", "2020-10-05", "2025-10-31", false, ""),
    release("3.8", "2019-10-14", "2024-10-07", false, ""),
    release("3.7", "2018-06-27", "2023-06-27", false, ""),
    release("3.6", "2016-12-23", "2021-12-23", false, ""),
    release("3.5", "2015-09-13", "2020-09-30", false, ""),
    release("3.4", "2014-03-16", "2019-03-18", false, ""),
    release("2.7", "2010-07-03", "2020-01-01", false, ""),
];

const GO: &[Release] = &[
    release("1.27", "2026-08-11", "2027-08-31", false, ""),
    release("1.26", "2026-02-10", "2027-02-28", false, ""),
    release("1.25", "2025-08-12", "2026-08-31", false, ""),
    release("1.24", "2025-02-11", "2026-02-28", false, ""),
    release("1.23", "2024-08-13", "2025-08-12", false, ""),
    release("1.22", "2024-02-06", "2025-02-11", false, ""),
    release("1.21", "2023-08-08", "2024-08-13", false, ""),
    release("1.20", "2023-02-01", "2024-02-06", false, ""),
];

const RUBY: &[Release] = &[
    release("4.0", "2025-12-25", "2029-03-31", false, ""),
    release("3.4", "2024-12-25", "2028-03-31", false, ""),
    release("3.3", "2023-12-25", "2027-03-31", false, ""),
    release("3.2", "2022-12-25", "2026-03-31", false, ""),
    release("3.1", "2021-12-25", "2025-03-26", false, ""),
    release("3.0", "2020-12-25", "2024-04-23", false, ""),
    release("2.7", "2019-12-25", "2023-03-31", false, ""),
    release("2.6", "2018-12-25", "2022-04-12", false, ""),
    release("2.5", "2017-12-25", "2021-04-05", false, ""),
    release("2.4", "2016-12-25", "2020-03-31", false, ""),
    release("2.3", "2015-12-25", "2019-03-31", false, ""),
];

const JAVA: &[Release] = &[
    release("25", "2025-09-16", "2031-09-30", true, ""),
    release("21", "2023-09-19", "2029-12-31", true, ""),
    release("17", "2021-09-14", "2027-10-31", true, ""),
    release("11", "2018-09-25", "2027-10-31", true, ""),
    release("8", "2014-03-18", "2030-12-31", true, ""),
];

const PHP: &[Release] = &[
    release("8.5", "2025-11-20", "2029-12-31", false, ""),
    release("8.4", "2024-11-21", "2028-12-31", false, ""),
    release("8.3", "2023-11-23", "2027-12-31", false, ""),
    release("8.2", "2022-12-08", "2026-12-31", false, ""),
    release("8.1", "2021-11-25", "2025-12-31", false, ""),
    release("8.0", "2020-11-26", "2023-11-26", false, ""),
    release("7.4", "2019-11-28", "2022-11-28", false, ""),
    release("7.3", "2018-12-06", "2021-12-06", false, ""),
    release("7.2", "2017-11-30", "2020-11-30", false, ""),
    release("7.1", "2016-12-01", "2019-12-01", false, ""),
    release("7.0", "2015-12-03", "2019-01-10", false, ""),
    release("5.6", "2014-08-28", "2018-12-31", false, ""),
];

const RUST: &[Release] = &[];

const DOTNET: &[Release] = &[
    release("10", "2025-11-11", "2028-11-14", true, ""),
    release("9", "2024-11-12", "2026-11-10", false, ""),
    release("8", "2023-11-14", "2026-11-10", true, ""),
    release("7", "2022-11-08", "2024-05-14", false, ""),
    release("6", "2021-11-08", "2024-11-12", true, ""),
];

const ELIXIR: &[Release] = &[
    release("1.19", "2025-10-16", "", false, ""),
    release("1.18", "2024-12-19", "", false, ""),
    release("1.17", "2024-06-12", "", false, ""),
    release("1.16", "", "", false, ""),
    release("1.15", "", "", false, ""),
    release("1.14", "", "", false, ""),
];

const ERLANG: &[Release] = &[
    release("28", "", "", false, ""),
    release("27", "", "", false, ""),
    release("26", "", "", false, ""),
    release("25", "", "", false, ""),
];
