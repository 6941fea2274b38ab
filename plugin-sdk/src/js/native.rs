//! System packages that an install needs: compilers of native addons, and git.

use super::{Manager, Package, join, manager::read_lock};
use crate::App;

/// Packages whose addon is compiled where no binary fits the release of Node.
const NATIVE: [&str; 18] = [
    "argon2",
    "bcrypt",
    "better-sqlite3",
    "bufferutil",
    "canvas",
    "deasync",
    "isolated-vm",
    "kerberos",
    "leveldown",
    "libxmljs",
    "libxmljs2",
    "node-sass",
    "re2",
    "serialport",
    "sqlite3",
    "usb",
    "utf-8-validate",
    "zeromq",
];

/// Specs of dependencies that are cloned.
const CLONED: [&str; 5] = ["git+", "git:", "git@", "github:", "ssh:"];

/// Returns the packages that the stage of the install needs on Node's slim image, and who says so. `lock_folder` holds
/// the lock.
#[must_use]
pub fn build_packages(
    app: &App<'_>,
    package: &Package,
    manager: &Manager,
    lock_folder: &str,
) -> (Vec<&'static str>, Vec<String>) {
    let (mut packages, mut evidence) = (Vec::new(), Vec::new());
    let lock = manager.lock.as_ref().map(|lock| join(lock_folder, lock));
    let text = lock.as_ref().map(|lock| read_lock(app, lock)).unwrap_or_default();
    let named = NATIVE.iter().find_map(|name| package.dependency_source(name));
    let locked = ["node-gyp\"", "node-gyp@", "node-gyp:", "prebuild-install"];
    let locked = locked.iter().any(|word| text.contains(word)).then(|| lock.clone()).flatten();
    if let Some(source) = named.or(locked) {
        packages.extend(["g++", "make", "python3"]);
        evidence.push(format!("{source}: an addon may be compiled, by python3, make and g++"));
    }
    let cloned = package.dependencies().find(|(_, _, value)| {
        let is_cloned = |spec: &str| {
            CLONED.iter().any(|start| spec.starts_with(start))
                || spec.contains("github.com/")
                || is_shorthand(spec)
        };
        value.text().is_some_and(is_cloned)
    });
    if let Some((section, name, value)) = cloned {
        packages.extend(["ca-certificates", "git"]);
        evidence.push(format!("{}:{} {section}: {name} is cloned", package.file.path, value.line));
    } else if let (Some(lock), true) =
        (&lock, text.contains("git+ssh://") || text.contains("git+https://"))
    {
        packages.extend(["ca-certificates", "git"]);
        evidence.push(format!("{lock}: a package is cloned"));
    }
    (packages, evidence)
}

/// Returns whether a spec is `user/repository` of GitHub.
fn is_shorthand(spec: &str) -> bool {
    let is_name = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric());
    !spec.contains([':', ' ']) && spec.split('/').count() == 2 && spec.split('/').all(is_name)
}
