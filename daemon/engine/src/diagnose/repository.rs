//! Diagnoses of a commit that cannot be fetched.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::error::GitError;

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Git(error) = &failure.cause else { return None };
    let none = String::new();
    let (code, subject, why, fixes): (_, _, _, &[&str]) = match error {
        GitError::Unreachable { repository, message } => (
            Code::RepositoryUnreachable,
            repository,
            message,
            &["check the host's name and port", "check that the daemon's machine reaches it"],
        ),
        GitError::Denied { repository, message, credential: None } => (
            Code::RepositoryDenied,
            repository,
            message,
            &[
                "put a secret that holds `user:token` and name it in `source.credential`",
                "a private repository that nobody may see answers as one that is not there",
            ],
        ),
        GitError::Denied { repository, message, credential: Some(_) } => (
            Code::RepositoryDenied,
            repository,
            message,
            &[
                "the credential is wrong, has expired, or may not read this repository: put it again",
            ],
        ),
        GitError::NoRepository { repository } => {
            (Code::RepositoryNotFound, repository, repository, &["check the repository's URL"])
        }
        GitError::NoCommit { repository, message, .. } => (
            Code::CommitNotFound,
            repository,
            message,
            &["push the commit", "give `source.branch`, where the server hides commits by id"],
        ),
        GitError::NoRevision { repository, message, .. } => (
            Code::RevisionNotFound,
            repository,
            message,
            &["give a branch or tag that is there, its full name (refs/…), or a commit's whole id"],
        ),
        GitError::AmbiguousRevision { repository, message, .. } => (
            Code::RevisionAmbiguous,
            repository,
            message,
            &["give the full name: refs/heads/NAME for the branch, refs/tags/NAME for the tag"],
        ),
        GitError::Address { url, message } => (
            Code::RepositoryAddressInvalid,
            url,
            message,
            &[
                "give `source.repository` as https://HOST/PATH, without login, query or fragment",
                "put a secret that holds `user:token` and name it in `source.credential`",
            ],
        ),
        GitError::Egress { url, message } => (
            Code::EgressRefused,
            url,
            message,
            &["ask the operator to name this host under `[egress]` in the daemon's configuration"],
        ),
        GitError::Tree { path, message } if message.contains("the limit `checkout.") => (
            Code::TreeRefused,
            path,
            message,
            &[
                "remove what the app does not need, or ask the operator to raise this limit under `[checkout]` in the daemon's configuration",
            ],
        ),
        GitError::Tree { path, message } if message.contains("the limit of a list of refs") => (
            Code::TreeRefused,
            path,
            message,
            &["name the commit by its id, or delete branches and tags that nobody needs"],
        ),
        GitError::Tree { path, message } => {
            (Code::TreeRefused, path, message, &["change it in the repository and commit again"])
        }
        GitError::Pointers { files, .. } => (
            Code::LfsPointers,
            files.first().unwrap_or(&none),
            &none,
            &[
                "commit the files themselves: `git lfs migrate export --include=PATTERN`, then push",
                "where the app does not need them: `lfs-pointers = true` under `[build]` in windlass.toml",
            ],
        ),
        GitError::Submodule { path, message, .. } => (
            Code::SubmoduleFailed,
            path,
            message,
            &[
                "correct its URL in .gitmodules: https, http or git, or relative to the repository's own",
                "`source.credential` is sent to submodules of the repository's own host: see that it may read them",
                "ask the operator to name a private host, or one without TLS, under `[egress]`",
            ],
        ),
        GitError::Full { message } => (
            Code::WorkspaceFull,
            message,
            message,
            &["free disk space under the daemon's `data` folder; then submit again"],
        ),
        GitError::Local { message } => (
            Code::CloneFailed,
            message,
            message,
            &[
                "raise the daemon's limit (`LimitNOFILE`, `TasksMax`, `MemoryMax` of its unit), or set fewer `limits.checkouts`; then submit again",
            ],
        ),
        GitError::Other { message } => (Code::CloneFailed, message, message, &[]),
    };
    Some(Diagnosis {
        code: code.into(),
        subject: subject.clone(),
        what: error.to_string(),
        why: if why == subject { String::new() } else { why.clone() },
        fixes: fixes.iter().map(|&fix| fix.into()).collect(),
        ..Diagnosis::default()
    })
}
