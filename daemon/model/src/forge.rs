//! Forges: servers of repositories that report pushes, and to which the state of a commit is reported.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Kind of a forge. It decides the form of webhooks and of commit statuses. Nothing guesses it from a request: one
/// forge's webhooks carry the headers of others.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ForgeKind {
    /// GitHub and GitHub Enterprise Server.
    Github,
    /// GitLab, as a service or self-managed.
    Gitlab,
    /// Bitbucket Cloud.
    Bitbucket,
    /// Bitbucket Data Center.
    BitbucketServer,
    Gitea,
    Forgejo,
}

impl ForgeKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Github,
        Self::Gitlab,
        Self::Bitbucket,
        Self::BitbucketServer,
        Self::Gitea,
        Self::Forgejo,
    ];

    /// Returns the word of project files and of the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Bitbucket => "bitbucket",
            Self::BitbucketServer => "bitbucket-server",
            Self::Gitea => "gitea",
            Self::Forgejo => "forgejo",
        }
    }

    /// Returns the kind of a word. `None` means that no kind has this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Returns the base address of the API where the project names none. `None` means that only the project knows
    /// it.
    #[must_use]
    pub fn default_api(self) -> Option<&'static str> {
        match self {
            Self::Github => Some("https://api.github.com"),
            Self::Gitlab => Some("https://gitlab.com/api/v4"),
            Self::Bitbucket => Some("https://api.bitbucket.org/2.0"),
            Self::BitbucketServer | Self::Gitea | Self::Forgejo => None,
        }
    }

    /// Returns the ref that leads to the head of a pull request, in the repository that it is to be merged into.
    /// `None` means that the forge has none.
    #[must_use]
    pub fn pull_ref(self, number: u64) -> Option<String> {
        match self {
            Self::Github | Self::Gitea | Self::Forgejo => Some(format!("refs/pull/{number}/head")),
            Self::Gitlab => Some(format!("refs/merge-requests/{number}/head")),
            Self::BitbucketServer => Some(format!("refs/pull-requests/{number}/from")),
            Self::Bitbucket => None,
        }
    }

    /// Returns the page of a pull request, for people. `repository` is the URL that is fetched. `None` means that it is no
    /// address of a page.
    #[must_use]
    pub fn pull_page(self, repository: &str, number: u64) -> Option<String> {
        let (scheme, rest) = repository.split_once("://")?;
        if !matches!(scheme, "http" | "https") {
            return None;
        }
        let path = rest.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let page = match self {
            Self::Github => format!("{path}/pull/{number}"),
            Self::Gitlab => format!("{path}/-/merge_requests/{number}"),
            Self::Bitbucket => format!("{path}/pull-requests/{number}"),
            Self::Gitea | Self::Forgejo => format!("{path}/pulls/{number}"),
            Self::BitbucketServer => {
                // `HOST/scm/PROJECT/NAME`, where HOST may have a path of its own.
                let (host, name) = path.rsplit_once("/scm/")?;
                let (project, name) = name.split_once('/')?;
                format!("{host}/projects/{project}/repos/{name}/pull-requests/{number}")
            }
        };
        Some(format!("{scheme}://{page}"))
    }
}

impl fmt::Display for ForgeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_has_its_page_beside_its_repository() {
        let url = "https://git.example/shop/web.git";
        for (kind, repository, page) in [
            (ForgeKind::Github, url, Some("https://git.example/shop/web/pull/7")),
            (ForgeKind::Gitlab, url, Some("https://git.example/shop/web/-/merge_requests/7")),
            (ForgeKind::Bitbucket, url, Some("https://git.example/shop/web/pull-requests/7")),
            (
                ForgeKind::Gitea,
                "http://git.example/shop/web/",
                Some("http://git.example/shop/web/pulls/7"),
            ),
            (
                ForgeKind::Forgejo,
                "https://git.example/web",
                Some("https://git.example/web/pulls/7"),
            ),
            (
                ForgeKind::BitbucketServer,
                "https://git.example/bitbucket/scm/SHOP/web.git",
                Some("https://git.example/bitbucket/projects/SHOP/repos/web/pull-requests/7"),
            ),
            (ForgeKind::BitbucketServer, url, None),
            (ForgeKind::Gitea, "git://git.example/shop/web", None),
            (ForgeKind::Gitea, "javascript:alert(1)", None),
        ] {
            assert_eq!(kind.pull_page(repository, 7).as_deref(), page, "{kind} {repository}");
        }
    }
}
