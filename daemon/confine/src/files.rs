//! Rules which files may be opened (Landlock).

use crate::error::ConfineError;
use landlock::{
    ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Rights that are taken away, as far as the kernel knows them: those of Linux 6.10.
const RIGHTS: ABI = ABI::V5;

/// Extent to which the kernel enforces rules of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileRules {
    /// All rights are enforced.
    Full,
    /// The kernel is older than some of the rights, such as the one to truncate a file.
    Partial,
    /// The kernel has no Landlock, or does not enable it.
    Absent,
}

/// Restricts the calling thread to these paths and what is beneath them. Threads that it starts inherit the rules.
pub(crate) fn restrict(
    readable: &[PathBuf],
    writable: &[PathBuf],
) -> Result<FileRules, ConfineError> {
    let failed = |error: RulesetError| ConfineError::Landlock(error.to_string());
    let rules = Ruleset::default().handle_access(AccessFs::from_all(RIGHTS)).map_err(failed)?;
    let mut rules = rules.create().map_err(failed)?;
    for path in readable {
        // Nothing can be read there. It may differ from machine to machine which of the paths exist.
        let Ok(file) = PathFd::new(path) else { continue };
        let rule = if path.is_dir() {
            PathBeneath::new(file, AccessFs::ReadFile | AccessFs::ReadDir)
        } else {
            PathBeneath::new(file, AccessFs::ReadFile)
        };
        rules = rules.add_rule(rule).map_err(failed)?;
    }
    for path in writable {
        let file = PathFd::new(path).map_err(|error| ConfineError::Path {
            path: path.clone(),
            message: error.to_string(),
        })?;
        // Not to execute, and no devices, sockets and pipes.
        let rule = if path.is_dir() {
            let read = AccessFs::ReadFile | AccessFs::ReadDir;
            let write = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::Refer;
            let make = AccessFs::MakeDir | AccessFs::MakeReg | AccessFs::MakeSym;
            let remove = AccessFs::RemoveDir | AccessFs::RemoveFile;
            PathBeneath::new(file, read | write | make | remove)
        } else {
            PathBeneath::new(file, AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate)
        };
        rules = rules.add_rule(rule).map_err(failed)?;
    }
    let status = rules.restrict_self().map_err(failed)?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => FileRules::Full,
        RulesetStatus::NotEnforced => FileRules::Absent,
        _ => FileRules::Partial,
    })
}
