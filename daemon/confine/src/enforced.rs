//! Enforcement of a confinement by the kernel.

use crate::files::FileRules;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Confinement as far as the kernel enforces it. Limits on resources are enforced by every kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// Extent of the rules of files (Landlock).
    pub files: FileRules,
    /// The process has an empty network (a network namespace).
    pub network: bool,
    /// System calls are filtered (seccomp).
    pub system_calls: bool,
    /// Capabilities are dropped.
    pub capabilities: bool,
}

impl Enforced {
    /// Returns what this kernel does not enforce, each with what it takes. Empty means that it enforces all.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let all = [
            (
                !self.system_calls,
                "system calls are not filtered (a kernel with CONFIG_SECCOMP_FILTER)",
            ),
            (
                self.files == FileRules::Absent,
                "files outside of its folder can be opened (Linux 5.13 or newer, with `landlock` in `lsm=`)",
            ),
            (
                self.files == FileRules::Partial,
                "some rights on files are not taken away (Linux 6.10 or newer)",
            ),
            (
                !self.network,
                "no empty network (CAP_SYS_ADMIN, or user namespaces for unprivileged users)",
            ),
            (!self.capabilities, "capabilities are kept (the system call capset)"),
        ];
        all.into_iter().filter_map(|(is_missing, what)| is_missing.then_some(what)).collect()
    }
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing();
        if missing.is_empty() {
            return f.write_str("children have their own files, no network, and few system calls");
        }
        write!(f, "children are confined, but for: {}", missing.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_that_is_missing_is_named() {
        let all = Enforced {
            files: FileRules::Full,
            network: true,
            system_calls: true,
            capabilities: true,
        };
        assert_eq!(all.missing(), [""; 0]);
        let old = Enforced { files: FileRules::Partial, ..all };
        assert!(old.to_string().contains("Linux 6.10"), "{old}");
        let none = Enforced {
            files: FileRules::Absent,
            network: false,
            system_calls: false,
            capabilities: false,
        };
        let text = none.to_string();
        for feature in ["landlock", "SECCOMP", "network", "capset"] {
            assert!(text.contains(feature), "{feature}: {text}");
        }
    }
}
