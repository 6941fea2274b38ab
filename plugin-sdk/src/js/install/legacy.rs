//! Builds by webpack 4 and its like, which fail on OpenSSL 3: `ERR_OSSL_EVP_UNSUPPORTED`.

use crate::js::Package;

/// Packages that bring webpack, each with the first major version whose webpack hashes by itself.
const FIXED: [(&str, u32); 9] = [
    ("webpack", 5),
    ("react-scripts", 5),
    ("@vue/cli-service", 5),
    ("@angular/cli", 12),
    ("next", 12),
    ("nuxt", 3),
    ("gatsby", 3),
    ("laravel-mix", 6),
    ("preact-cli", 4),
];

/// Returns the dependency that builds by an old webpack.
pub(super) fn webpack(package: &Package) -> Option<String> {
    FIXED.into_iter().find_map(|(name, fixed)| {
        let major = number(package.any_dependency(name)?)?;
        (major < fixed).then(|| package.dependency_source(name))?
    })
}

/// Returns whether a release of Node has OpenSSL 3.
pub(super) fn has_openssl_3(version: &str) -> bool {
    number(version).is_some_and(|major| major >= 17)
}

/// Returns the first number of a version or of a simple range.
fn number(range: &str) -> Option<u32> {
    let digits = range.trim_start_matches(['^', '~', '=', 'v', ' ']);
    digits.split(['.', '-', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Package, has_openssl_3, webpack};
    use crate::tree;

    #[test]
    fn old_bundlers_are_known_by_their_major_version() {
        let found = |name: &str, range: &str| {
            let text = format!("{{\"dependencies\":{{\"{name}\":\"{range}\"}}}}");
            let files = tree! { "package.json" => &*text };
            files.run(&[], |app| webpack(&Package::read(app).unwrap().unwrap()).is_some())
        };
        for (name, range) in [("react-scripts", "4.0.3"), ("nuxt", "^2.15.8"), ("webpack", "4.x")] {
            assert!(found(name, range), "{name}");
        }
        for (name, range) in [("react-scripts", "5.0.1"), ("next", "latest"), ("webpack", ">=4")] {
            assert!(!found(name, range), "{name}");
        }
        assert!(has_openssl_3("20.11.1") && has_openssl_3("17") && !has_openssl_3("16"));
    }
}
