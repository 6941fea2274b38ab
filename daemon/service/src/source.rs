//! Source of a request: a commit, or the revision that leads to one.

use crate::{error::ServiceError, secrets::is_secret_name};
use windlass_model::{
    job::Commit,
    repository,
    revision::{Revision, is_commit_id, is_ref_name},
};

/// Source of an app, as a request gives it. This type has no `Debug`: a login may be pasted into a field.
#[derive(Clone, Default)]
pub struct SourceRequest {
    /// `https`, `http` or `git` URL without user-info.
    pub repository: String,
    /// Id of a commit, 40 or 64 hex digits. Empty means that `revision` is given.
    pub commit: String,
    /// A branch, a tag, a full name, `HEAD` or a commit's id. Empty means that `commit` is given.
    pub revision: String,
    /// Branch to fetch where the server does not hand out commits by id. Empty means the server's `HEAD`.
    pub branch: String,
    /// Folder of the app within the repository. Empty means the repository's root.
    pub directory: String,
    /// Name of the project's secret that holds `user:token`. Empty means that the server gets no credential.
    pub credential: String,
}

impl SourceRequest {
    /// Returns the commit, and the revision that leads to it where the request names no commit: then the
    /// commit's id is empty.
    pub(crate) fn checked(self) -> Result<(Commit, Option<Revision>), ServiceError> {
        let Self { repository, commit, revision, branch, directory, credential } = self;
        // A login in the URL would be stored with the job, and shown to all who may see the job.
        repository::check(&repository).map_err(|error| {
            ServiceError::invalid("source.repository", error.shown, error.problem)
        })?;
        let (id, revision) = commit_or_revision(&commit, &revision)?;
        if !branch.is_empty() && !is_ref_name(&branch) {
            return Err(ServiceError::invalid("source.branch", branch, "must be a branch's name"));
        }
        let directory = if directory.is_empty() { ".".to_owned() } else { directory };
        if directory.starts_with('/')
            || directory.split('/').any(|part| part == "..")
            || directory.len() > 1024
        {
            let expected = "must be a folder within the repository";
            return Err(ServiceError::invalid("source.directory", directory, expected));
        }
        let credential = Some(credential).filter(|name| !name.is_empty());
        // Many a token is pasted here, and the name is stored with the job and shown: a token is not repeated.
        if credential.as_deref().is_some_and(|name| !is_secret_name(name)) {
            return Err(ServiceError::invalid(
                "source.credential",
                "***",
                "must be the name of a secret of the project (a-z, 0-9, `-`, `_` and `.`), not its value: `windlass secret put` takes `user:token`",
            ));
        }
        // The revision is kept with the job once it led to a commit.
        let kept = String::new();
        let commit = Commit { repository, id, branch, directory, credential, revision: kept };
        Ok((commit, revision))
    }
}

/// Reads a commit's id, or a revision if the id is empty.
fn commit_or_revision(
    id: &str,
    revision: &str,
) -> Result<(String, Option<Revision>), ServiceError> {
    match (id, revision) {
        ("", "") => Err(ServiceError::invalid(
            "source.commit",
            "",
            "is empty, and so is `source.revision`: give one of them; HEAD is the default branch",
        )),
        (id, "") if is_commit_id(id) => Ok((id.to_ascii_lowercase(), None)),
        (id, "") => Err(ServiceError::invalid(
            "source.commit",
            id,
            "must be 40 or 64 hex digits; a branch or a tag belongs into `source.revision`",
        )),
        ("", text) => match Revision::parse(text) {
            Ok(Revision::Id(id)) => Ok((id, None)),
            Ok(revision) => Ok((String::new(), Some(revision))),
            Err(expected) => Err(ServiceError::invalid("source.revision", text, expected)),
        },
        (_, text) => Err(ServiceError::invalid(
            "source.revision",
            text,
            "stands beside `source.commit`: give one of them",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn source() -> SourceRequest {
        SourceRequest {
            repository: "https://git.example/web.git".into(),
            commit: ID.into(),
            ..SourceRequest::default()
        }
    }

    #[test]
    fn a_commit_or_a_revision_is_named_and_not_both() {
        let named = |id: &str, revision: &str| {
            let request =
                SourceRequest { commit: id.into(), revision: revision.into(), ..source() };
            let (commit, revision) = request.checked()?;
            Ok::<_, ServiceError>((commit.id, revision.map(|revision| revision.to_string())))
        };
        let upper = "ABCDEF7890".repeat(4);
        assert_eq!(named(ID, "").unwrap(), (ID.to_owned(), None));
        assert_eq!(named(&upper, "").unwrap(), (upper.to_lowercase(), None));
        assert_eq!(named("", &upper).unwrap(), (upper.to_lowercase(), None));
        assert_eq!(named("", "main").unwrap(), (String::new(), Some("main".into())));
        assert_eq!(named("", "HEAD").unwrap(), (String::new(), Some("HEAD".into())));
        for (id, revision, message) in [
            ("", "", "source.commit: `` is empty"),
            ("main", "", "source.commit: `main` must be"),
            ("0123456", "", "source.commit: `0123456` must be"),
            (ID, "main", "source.revision: `main` stands beside"),
            ("", "main~1", "source.revision: `main~1` must be"),
        ] {
            let error = named(id, revision).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_folder_is_within_the_repository() {
        let folder = |directory: &str| {
            let request = SourceRequest { directory: directory.into(), ..source() };
            request.checked().map(|(commit, _)| commit.directory)
        };
        assert_eq!(folder("").unwrap(), ".");
        assert_eq!(folder("apps/web").unwrap(), "apps/web");
        for bad in ["/etc", "..", "apps/../../etc", &"a".repeat(1025)] {
            let error = folder(bad).unwrap_err().to_string();
            assert!(error.ends_with("must be a folder within the repository"), "{error}");
        }
        let request = SourceRequest { branch: "main~1".into(), ..source() };
        let error = request.checked().unwrap_err().to_string();
        assert_eq!(error, "source.branch: `main~1` must be a branch's name");
    }

    #[test]
    fn a_login_in_an_address_is_refused_and_not_repeated() {
        let of = |repository: &str| SourceRequest { repository: repository.into(), ..source() };
        of("https://git.example/web.git").checked().unwrap();
        let error = of("https://deploy:t0ken@git.example/web.git").checked().unwrap_err();
        let all = format!("{error:?}");
        assert!(!all.contains("t0ken") && !all.contains("deploy"), "{all}");
        for word in ["source.repository", "source.credential", "https://***@git.example/web.git"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn a_token_in_place_of_a_secrets_name_is_refused_and_not_repeated() {
        let of = |credential: &str| SourceRequest { credential: credential.into(), ..source() };
        for good in ["", "git", "git-login_2.a"] {
            of(good).checked().unwrap();
        }
        for bad in ["deploy:t0ken", "glpat-T0ken", "ghp_T0ken"] {
            let error = of(bad).checked().unwrap_err();
            let all = format!("{error:?}").to_lowercase();
            assert!(all.contains("source.credential") && !all.contains("t0ken"), "{all}");
        }
    }
}
