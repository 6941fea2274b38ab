//! Pages: the commit cannot be fetched.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const REPOSITORY_UNREACHABLE: &Page = &Page {
    code: "repository-unreachable",
    title: "The repository's server does not answer",
    stages: &[Stage::Clone],
    means: "The daemon got no usable answer from the server of `source.repository`, or of one of its submodules. Nothing was built, and what serves is as it was.",
    noticed: "The connection failed, broke, or stayed silent for 120 seconds. Windlass tries again for a few seconds first, since such errors often pass. Branches and tags must be listed within 30 seconds.",
    causes: &[
        Origin {
            cause: "Host or port of the URL is wrong",
            evidence: "`why` speaks of a name that does not resolve, or of a refused connection, and other repositories of the same server fail too.",
            fix: "Correct `--repository`. Try the URL from the daemon's machine:",
            lines: Lines::Shell(&["git ls-remote https://git.example/shop/web.git"]),
        },
        Origin {
            cause: "The server is down or overloaded for a moment",
            evidence: "The same URL worked before, and `git ls-remote` fails from everywhere.",
            fix: "Wait until the server answers, then submit again.",
            lines: Lines::None,
        },
        Origin {
            cause: "A firewall stands between the daemon and the server",
            evidence: "`git ls-remote` works on your machine and not on the daemon's. `why` often names a timeout.",
            fix: "Open the way from the daemon's machine to the server's port. The daemon uses no proxy.",
            lines: Lines::None,
        },
        Origin {
            cause: "The daemon does not trust the server's certificate",
            evidence: "`why` speaks of a certificate or of SSL.",
            fix: "Add the authority to the certificates of the daemon's machine, or to the file of `egress.ca`. The next job reads them.",
            lines: Lines::Shell(&[
                "cp corp-ca.pem /usr/local/share/ca-certificates/corp-ca.crt",
                "update-ca-certificates",
            ]),
        },
    ],
    related: &["repository-not-found", "repository-denied", "egress-refused", "submodule-failed"],
};

pub(crate) const REPOSITORY_DENIED: &Page = &Page {
    code: "repository-denied",
    title: "The repository's server refuses the login",
    stages: &[Stage::Clone],
    means: "The server wants a login, or another one than it got. Nothing was built, and what serves is as it was.",
    noticed: "The server answered 401 or 403, or asked for a login where the job names none.",
    causes: &[
        Origin {
            cause: "The repository is private, and the job names no credential",
            evidence: "The request has no `source.credential`; `git clone` on your machine works with your own login.",
            fix: "Put a token that may read the repository as a secret of the project, and name it.",
            lines: Lines::Shell(&[
                "printf %s \"$USER:$TOKEN\" | windlass secret put shop git-login",
                "windlass submit shop/web --repository https://git.example/shop/web.git --credential git-login",
            ]),
        },
        Origin {
            cause: "The token has expired or was revoked",
            evidence: "Earlier jobs with the same credential could clone.",
            fix: "Put a new token under the same name. Jobs read the newest version.",
            lines: Lines::Shell(&[
                "printf %s \"$USER:$TOKEN\" | windlass secret put shop git-login",
                "windlass secret list shop",
            ]),
        },
        Origin {
            cause: "The token may not read this repository",
            evidence: "The token works for another repository of the same server.",
            fix: "Grant the token's account read access to the repository, in the server's settings.",
            lines: Lines::None,
        },
        Origin {
            cause: "The repository does not exist",
            evidence: "Many servers ask for a login where there is no such repository, so that nobody learns which exist.",
            fix: "Compare the URL with the one that the server's page shows.",
            lines: Lines::None,
        },
    ],
    related: &["repository-not-found", "repository-address-invalid", "secret-missing"],
};

pub(crate) const REPOSITORY_NOT_FOUND: &Page = &Page {
    code: "repository-not-found",
    title: "There is no repository at this URL",
    stages: &[Stage::Clone],
    means: "The server answers and knows no such repository. Nothing was built, and what serves is as it was.",
    noticed: "The server answered 404, or ended the connection the way git servers do for an unknown repository.",
    causes: &[
        Origin {
            cause: "The URL has a typing error, or the repository was moved or renamed",
            evidence: "The server's page shows another URL. A redirect is followed, but a login is not sent to another server.",
            fix: "Give the URL that the server shows now.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git",
            ]),
        },
        Origin {
            cause: "The credential's account does not see the repository",
            evidence: "You see the repository in a browser, with another account.",
            fix: "Grant the account read access, or put the token of another account.",
            lines: Lines::Shell(&[
                "printf %s \"$USER:$TOKEN\" | windlass secret put shop git-login",
            ]),
        },
        Origin {
            cause: "A git daemon does not export the repository",
            evidence: "The URL begins with `git://`, and the folder is there on the server.",
            fix: "Create the file `git-daemon-export-ok` in the repository on the server.",
            lines: Lines::None,
        },
    ],
    related: &["repository-denied", "repository-unreachable"],
};

pub(crate) const REPOSITORY_ADDRESS_INVALID: &Page = &Page {
    code: "repository-address-invalid",
    title: "The repository's address has a form that is refused",
    stages: &[Stage::Clone],
    means: "Windlass takes `https://HOST/PATH`, and `http` or `git` where the operator allows it. The form is narrow, since two programs can read an odd URL as two hosts. No connection was made.",
    noticed: "The address was checked before anything else. The message never repeats a login.",
    causes: &[
        Origin {
            cause: "The address holds a login",
            evidence: "There is an `@` in it, as in `https://user:token@git.example/web.git`.",
            fix: "Leave the login out and put it as a secret.",
            lines: Lines::Shell(&[
                "printf %s \"$USER:$TOKEN\" | windlass secret put shop git-login",
                "windlass submit shop/web --repository https://git.example/shop/web.git --credential git-login",
            ]),
        },
        Origin {
            cause: "It is an ssh address",
            evidence: "It begins with `ssh://`, or is of the form `git@host:path`.",
            fix: "Give the https URL that the server shows beside it. ssh is not in this version.",
            lines: Lines::None,
        },
        Origin {
            cause: "It is a folder of your machine",
            evidence: "It begins with `/`, `./` or `file:`.",
            fix: "Push the repository to a server that the daemon reaches.",
            lines: Lines::None,
        },
        Origin {
            cause: "It has a query, a fragment or odd characters",
            evidence: "It has a `?`, a `#`, a space or a `%` in the host.",
            fix: "Give the URL up to that character. A token belongs into a secret.",
            lines: Lines::None,
        },
    ],
    related: &["egress-refused", "repository-denied"],
};

pub(crate) const EGRESS_REFUSED: &Page = &Page {
    code: "egress-refused",
    title: "The operator does not allow this host",
    stages: &[Stage::Clone],
    means: "The daemon fetches from public addresses by https alone, unless the operator names a host. This keeps jobs away from services of the daemon's own network. No connection was made.",
    noticed: "The URL was compared with `[egress]` in the daemon's configuration, and its name was resolved.",
    causes: &[
        Origin {
            cause: "The server has a private address",
            evidence: "`why` reads `is the private address …`.",
            fix: "Ask the operator to name host and port. The daemon reads it at its next start.",
            lines: Lines::Daemon(&["[egress]", "allow = [\"git.corp.example:8443\"]"]),
        },
        Origin {
            cause: "The URL is not https",
            evidence: "`why` reads `only https is allowed …`.",
            fix: "Give the https URL. For a server without TLS, ask the operator to name it under `[egress]`.",
            lines: Lines::None,
        },
        Origin {
            cause: "The name is listed with another port",
            evidence: "The configuration has `host:port`, and the URL has another port or none.",
            fix: "Name the port of the URL. 443 counts for https without a port, 9418 for `git://`.",
            lines: Lines::None,
        },
    ],
    related: &["repository-address-invalid", "submodule-failed"],
};

pub(crate) const REVISION_NOT_FOUND: &Page = &Page {
    code: "revision-not-found",
    title: "The repository has no branch or tag of this name",
    stages: &[Stage::Clone],
    means: "`source.revision` leads to no commit. No job was made.",
    noticed: "The daemon listed the server's branches and tags and found none of this name. The message has the names that are near.",
    causes: &[
        Origin {
            cause: "The name has a typing error",
            evidence: "`why` suggests a name that you meant.",
            fix: "Give the exact name. Case matters.",
            lines: Lines::Shell(&["git ls-remote --heads --tags https://git.example/shop/web.git"]),
        },
        Origin {
            cause: "The branch or tag was not pushed",
            evidence: "`git branch` or `git tag` on your machine lists it, and `git ls-remote` does not.",
            fix: "Push it.",
            lines: Lines::Shell(&["git push origin main", "git push origin v1.2.3"]),
        },
        Origin {
            cause: "The revision is a short commit id",
            evidence: "It has fewer than 40 hex digits.",
            fix: "Give the whole id.",
            lines: Lines::Shell(&["git rev-parse HEAD"]),
        },
        Origin {
            cause: "The branch was deleted after a merge",
            evidence: "The server's page lists it as merged.",
            fix: "Deploy the branch that it was merged into.",
            lines: Lines::None,
        },
    ],
    related: &["revision-ambiguous", "commit-not-found"],
};

pub(crate) const REVISION_AMBIGUOUS: &Page = &Page {
    code: "revision-ambiguous",
    title: "A branch and a tag have this name",
    stages: &[Stage::Clone],
    means: "`source.revision` names a branch and a tag that lead to different commits. Windlass does not choose. No job was made.",
    noticed: "The server lists both `refs/heads/NAME` and `refs/tags/NAME`, with different commits.",
    causes: &[
        Origin {
            cause: "A tag was given a branch's name, or the reverse",
            evidence: "`why` shows both full names and where they lead.",
            fix: "Give the full name.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --revision refs/tags/v1",
            ]),
        },
        Origin {
            cause: "A branch of that name is a leftover",
            evidence: "`git ls-remote` shows it at a commit that nobody works on.",
            fix: "Delete it, and the short name is clear again.",
            lines: Lines::Shell(&["git push origin --delete refs/heads/v1"]),
        },
    ],
    related: &["revision-not-found"],
};

pub(crate) const COMMIT_NOT_FOUND: &Page = &Page {
    code: "commit-not-found",
    title: "The repository does not have this commit",
    stages: &[Stage::Clone],
    means: "The server answers, and does not hand out the commit. Nothing was built, and what serves is as it was.",
    noticed: "Windlass asks for the commit by its id, then at the tips of branches, then in the history of `source.branch`, ever deeper.",
    causes: &[
        Origin {
            cause: "The commit was not pushed",
            evidence: "`git log` on your machine has it, and the server's page does not.",
            fix: "Push it, then submit again.",
            lines: Lines::Shell(&["git push origin HEAD"]),
        },
        Origin {
            cause: "A forced push or a rebase removed it",
            evidence: "An earlier job cloned it, and the branch was rewritten since.",
            fix: "Submit the commit that the branch has now.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --revision main",
            ]),
        },
        Origin {
            cause: "The server hides commits by id",
            evidence: "The commit is on a branch of the server and no branch's tip. `why` says that the server refused the id.",
            fix: "Submit the branch by its name. Controllers give `source.branch` beside `source.commit`.",
            lines: Lines::None,
        },
        Origin {
            cause: "The repository uses SHA-256",
            evidence: "Its ids have 64 hex digits.",
            fix: "Such repositories are not in this version. Convert it to SHA-1, or mirror it.",
            lines: Lines::None,
        },
    ],
    related: &["revision-not-found", "repository-not-found"],
};

pub(crate) const TREE_REFUSED: &Page = &Page {
    code: "tree-refused",
    title: "A file or folder of the repository cannot be used",
    stages: &[Stage::Clone, Stage::Detect],
    means: "The commit was fetched, and a path that Windlass must read is missing, or is something that it does not read. `where` names the path. Nothing was built.",
    noticed: "The path was opened within the checkout, without leaving it.",
    causes: &[
        Origin {
            cause: "The app's folder is not in the commit",
            evidence: "`what` reads `there is no such folder in the repository`.",
            fix: "Correct `source.directory`; case matters. It is relative to the repository's root.",
            lines: Lines::Shell(&[
                "git ls-tree -d -r --name-only HEAD",
                "windlass submit shop/web --repository https://git.example/shop/web.git --directory apps/web",
            ]),
        },
        Origin {
            cause: "A symlink leads out of the repository or to nothing",
            evidence: "`what` speaks of a symlink.",
            fix: "Commit the file itself, or let the link lead to a file of the repository.",
            lines: Lines::Shell(&["git ls-files -s | grep ^120000"]),
        },
        Origin {
            cause: "A file is too large or no UTF-8",
            evidence: "`what` names a limit or UTF-8. `windlass.toml`, Dockerfile and manifests have at most 256 KiB.",
            fix: "Shorten the file, or save it as UTF-8.",
            lines: Lines::Shell(&["iconv -f latin1 -t utf-8 windlass.toml -o windlass.toml.utf8"]),
        },
        Origin {
            cause: "The commit is empty",
            evidence: "`what` reads `there are no files here`.",
            fix: "Add files and commit them.",
            lines: Lines::None,
        },
        Origin {
            cause: "The tree or the transfer exceeds a limit of the operator",
            evidence: "`what` names a limit: `checkout.max-bytes`, `max-files`, `max-depth`, `max-transfer` or `max-seconds`. A file counts as often as the tree names it.",
            fix: "Remove what the app does not need, or ask the operator to raise the limit.",
            lines: Lines::Daemon(&["[checkout]", "max-files = 400000"]),
        },
    ],
    related: &["spec-invalid", "lfs-pointers", "nothing-detected"],
};

pub(crate) const SUBMODULE_FAILED: &Page = &Page {
    code: "submodule-failed",
    title: "A submodule cannot be fetched",
    stages: &[Stage::Clone],
    means: "The repository was fetched, and a submodule that concerns the app's folder was not. `where` names its folder. Nothing was built.",
    noticed: "Windlass reads `.gitmodules` of the commit and fetches each submodule at the commit that is recorded: 64 at most, 8 levels deep, 4 GiB in all.",
    causes: &[
        Origin {
            cause: "Its URL is an ssh address",
            evidence: "`why` speaks of ssh; `.gitmodules` has `git@host:path`.",
            fix: "Use an https URL, or one relative to the repository's own, which works for both.",
            lines: Lines::Shell(&[
                "git submodule set-url vendor/lib ../lib.git",
                "git commit -am 'Fetch lib by a relative URL'",
            ]),
        },
        Origin {
            cause: "It is private, and on another host",
            evidence: "`why` says that `source.credential` is sent to the repository's own host alone.",
            fix: "Mirror the submodule to the repository's host. Its login then counts for both.",
            lines: Lines::None,
        },
        Origin {
            cause: "The credential may not read it",
            evidence: "`why` says that it refused the login, and the host is the repository's own.",
            fix: "Grant the credential's account read access to the submodule's repository too.",
            lines: Lines::None,
        },
        Origin {
            cause: "Its commit was not pushed",
            evidence: "`why` says that there is no such commit.",
            fix: "Push the submodule, then the repository.",
            lines: Lines::Shell(&["git push --recurse-submodules=on-demand"]),
        },
        Origin {
            cause: "The operator does not allow its host",
            evidence: "`why` says that its URL is not allowed.",
            fix: "Ask the operator to name the host.",
            lines: Lines::Daemon(&["[egress]", "allow = [\"git.corp.example\"]"]),
        },
        Origin {
            cause: "It is recorded without an entry in `.gitmodules`",
            evidence: "`why` says that `.gitmodules` does not say where it is.",
            fix: "Add the entry, or remove the folder from the index.",
            lines: Lines::Shell(&["git rm --cached vendor/lib"]),
        },
    ],
    related: &["repository-denied", "egress-refused", "commit-not-found"],
};

pub(crate) const WORKSPACE_FULL: &Page = &Page {
    code: "workspace-full",
    title: "The daemon's disk takes no more of the repository",
    stages: &[Stage::Clone],
    means: "The checkout could not be written. What serves is as it was.",
    noticed: "The system answered that the disk or a quota is full, or that a file is larger than 2 GiB. Larger trees and transfers are `tree-refused`, by the limits of `[checkout]`.",
    causes: &[
        Origin {
            cause: "The disk of the daemon's `data` folder is full",
            evidence: "`df` on the daemon's machine shows it, and other jobs fail too.",
            fix: "Free space, then submit again. Workspaces of jobs that ended are removed by themselves.",
            lines: Lines::Shell(&["df -h /var/lib/windlass", "du -xhd1 /var/lib/windlass"]),
        },
        Origin {
            cause: "The repository holds a very large file",
            evidence: "The disk has room, and `why` reads `File too large`.",
            fix: "Keep such a file outside of git, and fetch it in the Dockerfile.",
            lines: Lines::None,
        },
        Origin {
            cause: "A quota of the daemon's user is used up",
            evidence: "`why` speaks of a quota.",
            fix: "Raise the quota.",
            lines: Lines::Shell(&["quota -u windlass"]),
        },
    ],
    related: &["builder-full", "clone-failed"],
};

pub(crate) const CLONE_FAILED: &Page = &Page {
    code: "clone-failed",
    title: "The commit could not be fetched",
    stages: &[Stage::Clone],
    means: "Fetching failed in a way that no other code describes. `what` has the words of git or of the system. What serves is as it was.",
    noticed: "The process that fetches reported an error, or ended without an answer.",
    causes: &[
        Origin {
            cause: "The server sent something that git cannot read",
            evidence: "`git clone` of the same URL on your machine fails too.",
            fix: "Let the server check the repository, or push it to the server again.",
            lines: Lines::Shell(&["git clone https://git.example/shop/web.git", "git fsck --full"]),
        },
        Origin {
            cause: "The repository is too large for the memory that a checkout may use",
            evidence: "`what` reads `the checkout ended without an answer`, each time. A checkout has 4 GiB.",
            fix: "Remove large files from the history, or deploy from a smaller repository.",
            lines: Lines::None,
        },
        Origin {
            cause: "Many revisions are resolved at once",
            evidence: "`what` names the number of revisions that wait.",
            fix: "Send the request again, or name the commit by its whole id, which needs no resolving.",
            lines: Lines::None,
        },
        Origin {
            cause: "The daemon's installation is damaged",
            evidence: "`what` reads `cannot start the checkout` or `cannot make a workspace`.",
            fix: "Look at the daemon's log and at the rights of its `data` folder.",
            lines: Lines::Shell(&[
                "runuser -u windlass -- windlassd check",
                "journalctl --unit windlassd --since -10min",
            ]),
        },
    ],
    related: &["repository-unreachable", "workspace-full", "internal-error"],
};

pub(crate) const LFS_POINTERS: &Page = &Page {
    code: "lfs-pointers",
    title: "Files of the app are Git LFS pointers",
    stages: &[Stage::Detect],
    means: "Files in the app's folder are kept by Git LFS, which is not in this version. A build would copy pointers of a few lines in place of the files. Nothing was built.",
    noticed: "A file of the checkout begins with the line of a Git LFS pointer.",
    causes: &[
        Origin {
            cause: "The app needs the files",
            evidence: "The Dockerfile or the code reads the paths that `what` names.",
            fix: "Commit the files themselves.",
            lines: Lines::Shell(&[
                "git lfs migrate export --include='assets/*.png' --everything",
                "git push --force-with-lease",
            ]),
        },
        Origin {
            cause: "The app does not need them",
            evidence: "They are test data or documents.",
            fix: "Accept the pointers; a warning stays.",
            lines: Lines::App(&["[build]", "lfs-pointers = true"]),
        },
        Origin {
            cause: "The app's folder is larger than it must be",
            evidence: "All the paths are outside of what is deployed.",
            fix: "Name the app's own folder. Pointers outside of it do not count.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --directory apps/web",
            ]),
        },
    ],
    related: &["tree-refused", "submodule-failed"],
};
