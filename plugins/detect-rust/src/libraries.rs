//! System packages that crates of the lock are built with, and run with.

use std::collections::BTreeSet;

/// System packages of a crate. `without`: a crate or a dependency that brings the library along.
struct Rule {
    name: &'static str,
    without: &'static [&'static str],
    build: &'static [&'static str],
    run: &'static [&'static str],
}

const fn rule(
    name: &'static str,
    without: &'static [&'static str],
    build: &'static [&'static str],
    run: &'static [&'static str],
) -> Rule {
    Rule { name, without, build, run }
}

const RULES: [Rule; 21] = [
    rule("openssl-sys", &["openssl-src"], &["libssl-dev"], &["libssl3"]),
    rule("openssl-src", &[], &["make", "perl"], &[]),
    rule("libsqlite3-sys", &["cc"], &["libsqlite3-dev"], &["libsqlite3-0"]),
    rule("pq-sys", &["pq-src"], &["libpq-dev"], &["libpq5"]),
    rule(
        "mysqlclient-sys",
        &["mysqlclient-src"],
        &["default-libmysqlclient-dev"],
        &["libmariadb3"],
    ),
    rule("prost-build", &["protobuf-src", "protoc-bin-vendored"], &["protobuf-compiler"], &[]),
    rule("tonic-build", &["protobuf-src", "protoc-bin-vendored"], &["protobuf-compiler"], &[]),
    rule("cmake", &[], &["cmake", "g++", "make"], &[]),
    rule("aws-lc-sys", &[], &["cmake", "g++", "make"], &[]),
    rule("rdkafka-sys", &[], &["cmake", "g++", "make"], &[]),
    rule("link-cplusplus", &[], &["g++"], &["libstdc++6"]),
    rule("librocksdb-sys", &[], &["clang", "g++", "libclang-dev", "make"], &["libstdc++6"]),
    rule("bindgen", &[], &["clang", "libclang-dev"], &[]),
    rule("tikv-jemalloc-sys", &[], &["make"], &[]),
    rule("libsodium-sys", &[], &["make"], &[]),
    rule("alsa-sys", &[], &["libasound2-dev"], &["libasound2"]),
    rule("libudev-sys", &[], &["libudev-dev"], &["libudev1"]),
    rule("odbc-sys", &[], &["unixodbc-dev"], &["unixodbc"]),
    rule("libdbus-sys", &["cc"], &["libdbus-1-dev"], &["libdbus-1-3"]),
    rule("yeslogic-fontconfig-sys", &[], &["libfontconfig-dev"], &["libfontconfig1"]),
    rule("freetype-sys", &[], &["g++", "make"], &[]),
];

/// System packages of both stages, and the crates that ask for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Libraries {
    pub(crate) build: BTreeSet<&'static str>,
    pub(crate) run: BTreeSet<&'static str>,
    pub(crate) evidence: Vec<String>,
}

/// Returns what the crates of a lock need. `is_bullseye`: Debian 11, whose OpenSSL is 1.1.
pub(crate) fn of_lock(lock: &str, path: &str, is_bullseye: bool) -> Libraries {
    let mut libraries = Libraries::default();
    libraries.build.insert("pkg-config");
    let packages = packages(lock);
    for rule in &RULES {
        let Some((line, _, needs)) = packages.iter().find(|(_, name, _)| *name == rule.name) else {
            continue;
        };
        let is_brought = rule.without.iter().any(|other| {
            // `cc` is everywhere: it counts as a dependency of the crate itself.
            needs.contains(other)
                || (*other != "cc" && packages.iter().any(|(_, name, _)| name == other))
        });
        if is_brought {
            continue;
        }
        libraries.build.extend(rule.build);
        libraries.run.extend(rule.run.iter().map(|&package| match package {
            "libssl3" if is_bullseye => "libssl1.1",
            package => package,
        }));
        let all = [rule.build, rule.run].concat().join(", ");
        libraries.evidence.push(format!("{path}:{line} {}: {all}", rule.name));
    }
    libraries
}

/// Returns the packages of a build without a lock: nothing says whether OpenSSL is among the crates.
pub(crate) fn unknown(is_bullseye: bool) -> Libraries {
    let ssl = if is_bullseye { "libssl1.1" } else { "libssl3" };
    Libraries {
        build: BTreeSet::from(["libssl-dev", "pkg-config"]),
        run: BTreeSet::from([ssl]),
        evidence: vec!["no Cargo.lock: OpenSSL is there in case a crate links it".into()],
    }
}

/// Returns line, name and direct dependencies of each package of a lock. The file is machine-written, with one value
/// or one dependency a line.
fn packages(lock: &str) -> Vec<(usize, &str, Vec<&str>)> {
    let mut packages: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (index, line) in lock.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("name = \"") {
            packages.push((index + 1, name.trim_end_matches('"'), Vec::new()));
        } else if let Some(quoted) = line.strip_prefix('"')
            && let Some((_, _, needs)) = packages.last_mut()
        {
            // A version or a source may follow the name.
            let name = quoted.split(['"', ' ']).next().unwrap_or_default();
            needs.push(name);
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &[&str])]) -> String {
        let one = |(name, needs): &(&str, &[&str])| {
            let needs: String = needs.iter().map(|need| format!(" \"{need}\",\n")).collect();
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\ndependencies = [\n{needs}]\n"
            )
        };
        packages.iter().map(one).collect()
    }

    #[test]
    fn openssl_is_linked_but_where_it_is_vendored() {
        let linked = lock(&[("openssl-sys", &["cc", "pkg-config"])]);
        let libraries = of_lock(&linked, "Cargo.lock", false);
        assert!(libraries.build.contains("libssl-dev") && libraries.run.contains("libssl3"));
        assert_eq!(libraries.evidence, ["Cargo.lock:2 openssl-sys: libssl-dev, libssl3"]);
        assert!(of_lock(&linked, "Cargo.lock", true).run.contains("libssl1.1"));
        let vendored = lock(&[("openssl-src", &[]), ("openssl-sys", &["openssl-src 300.1.0+3"])]);
        let libraries = of_lock(&vendored, "Cargo.lock", false);
        assert!(!libraries.build.contains("libssl-dev") && libraries.build.contains("perl"));
    }

    #[test]
    fn sqlite_is_bundled_where_it_needs_a_compiler() {
        let bundled = lock(&[("libsqlite3-sys", &["cc", "pkg-config", "vcpkg"])]);
        assert!(of_lock(&bundled, "Cargo.lock", false).run.is_empty());
        let linked = lock(&[("cc", &[]), ("libsqlite3-sys", &["pkg-config", "vcpkg"])]);
        assert!(of_lock(&linked, "Cargo.lock", false).run.contains("libsqlite3-0"));
    }

    #[test]
    fn a_lock_that_is_cut_is_no_error() {
        let whole = lock(&[("pq-sys", &["libc"]), ("prost-build", &["bytes 1.2.3"])]);
        for end in 0..whole.len() {
            of_lock(whole.get(..end).unwrap_or_default(), "Cargo.lock", false);
        }
    }
}
