//! A line for each request: what is read from it.

use super::report;
use crate::fixtures::all;
use windlass_model::delivery::{Change, Report};

const GITHUB: &[(&str, &str)] = &[
    (
        "create",
        "create 186853002 acme/shop octocat: ignored: `create` deploys nothing: `push` reports the same change.",
    ),
    (
        "installation",
        "installation   octocat: ignored: The event `installation` deploys nothing. This hook needs `push` and `pull_request` alone.",
    ),
    (
        "issues",
        "issues 186853002 acme/shop octocat: ignored: The event `issues` deploys nothing. This hook needs `push` and `pull_request` alone.",
    ),
    ("ping", "ping 186853002 acme/shop octocat: ping"),
    (
        "pull-closed",
        "pull_request 186853002 acme/shop octocat: 7 Closed 0d1a26e into main: Update the README",
    ),
    (
        "pull-fork",
        "pull_request 186853002 acme/shop octocat: 7 Opened 0d1a26e into main fork: Update the README",
    ),
    (
        "pull-fork-gone",
        "pull_request 186853002 acme/shop octocat: 7 Reopened 0d1a26e into main fork: Update the README",
    ),
    (
        "pull-opened",
        "pull_request 186853002 acme/shop octocat: 7 Opened 0d1a26e into main: Update the README",
    ),
    (
        "pull-ready",
        "pull_request 186853002 acme/shop octocat: 7 Updated 0d1a26e into main: Update the README",
    ),
    (
        "pull-synchronize",
        "pull_request 186853002 acme/shop octocat: 7 Updated 0d1a26e into main draft: Update the README",
    ),
    ("push", "push 186853002 acme/shop octocat: refs/heads/main 6113728..0d1a26e Fix the cart 🛒"),
    (
        "push-annotated-tag",
        "push 186853002 acme/shop octocat: refs/tags/v1.2.0 none..76aaa4f Release 1.2.0",
    ),
    ("push-delete", "push 186853002 acme/shop octocat: refs/heads/old 6113728..none "),
    (
        "push-odd",
        "push 186853002 acme/shop octocat: refs/heads/main 6113728..0d1a26e Fix the cart 🛒",
    ),
    ("push-sha256", "push 186853002 acme/shop octocat: refs/heads/main none..5f2c5f2 "),
];

const GITLAB: &[(&str, &str)] = &[
    (
        "merge-approved",
        "Merge Request Hook 15 acme/web/shop jsmith: ignored: `approved` of a merge request brings no new commit.",
    ),
    (
        "merge-fork",
        "Merge Request Hook 15 acme/web/shop jsmith: 7 Opened 0d1a26e into main fork: Update the README",
    ),
    (
        "merge-fork-gone",
        "Merge Request Hook 15 acme/web/shop jsmith: 7 Closed 0d1a26e into main fork: Update the README",
    ),
    (
        "merge-merge",
        "Merge Request Hook 15 acme/web/shop jsmith: 7 Closed 0d1a26e into main: Update the README",
    ),
    (
        "merge-open",
        "Merge Request Hook 15 acme/web/shop jsmith: 7 Opened 0d1a26e into main: Update the README",
    ),
    (
        "merge-test",
        "Merge Request Hook 15 acme/web/shop jsmith: ignored: A merge request without an action brings no new commit.",
    ),
    (
        "merge-title",
        "Merge Request Hook 15 acme/web/shop jsmith: ignored: `update` of a merge request without `oldrev` brings no new commit.",
    ),
    (
        "merge-update",
        "Merge Request Hook 15 acme/web/shop jsmith: 7 Updated 0d1a26e into main draft: Update the README",
    ),
    (
        "note",
        "Note Hook 15 acme/web/shop jsmith: ignored: The event `Note Hook` deploys nothing. This hook needs push events, tag push events and merge request events alone.",
    ),
    ("push", "Push Hook 15 acme/web/shop jsmith: refs/heads/main 6113728..0d1a26e Fix the cart"),
    ("push-delete", "Push Hook 15 acme/web/shop jsmith: refs/heads/old 6113728..none "),
    (
        "push-token",
        "Push Hook 15 acme/web/shop jsmith: refs/heads/main 6113728..0d1a26e Fix the cart",
    ),
    (
        "system-push",
        "System Hook 15 acme/web/shop jsmith: refs/heads/main 6113728..0d1a26e Fix the cart",
    ),
    (
        "system-repository",
        "System Hook 15 acme/web/shop : ignored: The event `System Hook, repository_update` deploys nothing. This hook needs push events, tag push events and merge request events alone.",
    ),
    // The commit, and not the object of the tag.
    ("tag", "Tag Push Hook 15 acme/web/shop jsmith: refs/tags/v1.2.0 none..0d1a26e "),
];

const BITBUCKET: &[(&str, &str)] = &[
    (
        "pull-approved",
        "pullrequest:approved {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: ignored: The event `pullrequest:approved` deploys nothing. This hook needs `repo:push` and `pullrequest:created|updated|fulfilled|rejected` alone.",
    ),
    (
        "pull-created",
        "pullrequest:created {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: 7 Opened 507a576 into main: Update the README",
    ),
    (
        "pull-fork",
        "pullrequest:created {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: 7 Opened 507a576 into main fork: Update the README",
    ),
    (
        "pull-fulfilled",
        "pullrequest:fulfilled {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: 7 Closed 507a576 into main: Update the README",
    ),
    (
        "pull-rejected-fork-gone",
        "pullrequest:rejected {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: 7 Closed 507a576 into main fork: Update the README",
    ),
    (
        "pull-updated",
        "pullrequest:updated {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: 7 Updated 507a576 into main draft: Update the README",
    ),
    (
        "push",
        "repo:push {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: refs/heads/main 6113728..0d1a26e Fix the cart",
    ),
    (
        "push-nothing",
        "repo:push {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: ignored: The push moved no refs.",
    ),
    (
        "push-three",
        "repo:push {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: refs/heads/main 6113728..0d1a26e Fix the cart; refs/heads/old/one 6113728..none ; refs/tags/v1.2.0 none..9049f12 Release 1.2.0",
    ),
    (
        "status",
        "repo:commit_status_updated {e7ed4d2c-5c9b-4a43-9b1a-8a7a6f6f3b7d} acme/shop emma: ignored: The event `repo:commit_status_updated` deploys nothing. This hook needs `repo:push` and `pullrequest:created|updated|fulfilled|rejected` alone.",
    ),
];

const BITBUCKET_SERVER: &[(&str, &str)] = &[
    ("ping", "diagnostics:ping   : ping"),
    (
        "pull-declined",
        "pr:declined 84 PRJ/shop admin: 7 Closed 0d1a26e into main: Update the README",
    ),
    (
        "pull-fork",
        "pr:opened 84 PRJ/shop admin: 7 Opened 0d1a26e into main fork: Update the README",
    ),
    ("pull-merged", "pr:merged 84 PRJ/shop admin: 7 Closed 0d1a26e into main: Update the README"),
    (
        "pull-modified",
        "pr:modified   admin: ignored: The event `pr:modified` deploys nothing. This hook needs `repo:refs_changed` and `pr:opened|from_ref_updated|merged|declined|deleted` alone.",
    ),
    ("pull-opened", "pr:opened 84 PRJ/shop admin: 7 Opened 0d1a26e into main: Update the README"),
    (
        "pull-updated",
        "pr:from_ref_updated 84 PRJ/shop admin: 7 Updated 0d1a26e into main draft: Update the README",
    ),
    ("push", "repo:refs_changed 84 PRJ/shop admin: refs/heads/main 6113728..0d1a26e Fix the cart"),
    ("push-nothing", "repo:refs_changed 84 PRJ/shop admin: ignored: The push moved no refs."),
    (
        "push-three",
        "repo:refs_changed 84 PRJ/shop admin: refs/heads/main 6113728..0d1a26e ; refs/heads/old 6113728..none ; refs/tags/v1.2.0 none..76aaa4f ",
    ),
];

const GITEA: &[(&str, &str)] = &[
    (
        "create-tag",
        "create 140 acme/shop gitea: ignored: `create` deploys nothing: `push` reports the same change.",
    ),
    ("delete-branch", "delete 140 acme/shop gitea: refs/heads/old/one none..none "),
    ("delete-tag", "delete 140 acme/shop gitea: refs/tags/v1.2.0 none..none "),
    (
        "issues",
        "issues 140 acme/shop gitea: ignored: The event `issues` deploys nothing. This hook needs `push`, `delete` and `pull_request` alone.",
    ),
    (
        "pull-closed",
        "pull_request 140 acme/shop gitea: 7 Closed 0d1a26e into main: Update the README",
    ),
    (
        "pull-fork-gone",
        "pull_request 140 acme/shop gitea: 7 Reopened 0d1a26e into main fork: Update the README",
    ),
    (
        "pull-label",
        "pull_request 140 acme/shop gitea: ignored: `label_updated` of a pull request brings no new commit.",
    ),
    (
        "pull-opened",
        "pull_request 140 acme/shop gitea: 7 Opened 0d1a26e into main: Update the README",
    ),
    (
        "pull-synchronized",
        "pull_request 140 acme/shop gitea: 7 Updated 0d1a26e into main: Update the README",
    ),
    ("push", "push 140 acme/shop gitea: refs/heads/main 6113728..0d1a26e Fix the cart"),
    ("push-tag", "push 140 acme/shop gitea: refs/tags/v1.2.0 none..76aaa4f Release 1.2.0"),
];

const FORGEJO: &[(&str, &str)] = &[
    (
        "create-tag",
        "create 140 acme/shop gitea: ignored: `create` deploys nothing: `push` reports the same change.",
    ),
    ("delete-branch", "delete 140 acme/shop gitea: refs/heads/old/one none..none "),
    (
        "pull-synchronized",
        "pull_request 140 acme/shop gitea: 7 Updated 0d1a26e into main: Update the README",
    ),
    ("push", "push 140 acme/shop gitea: refs/heads/main 6113728..0d1a26e Fix the cart"),
    ("push-tag", "push 140 acme/shop gitea: refs/tags/v1.2.0 none..76aaa4f Release 1.2.0"),
];

fn line(report: &Report) -> String {
    let Report { event, repository_id, repository_name, sender, change, .. } = report;
    let change = match change {
        Change::Ping => "ping".to_owned(),
        Change::Ignored(reason) => format!("ignored: {reason}"),
        Change::Refs(refs) => {
            let lines = refs.iter().map(|one| {
                let before = short(one.before.as_deref());
                format!("{} {before}..{} {}", one.name, short(one.after.as_deref()), one.summary)
            });
            lines.collect::<Vec<_>>().join("; ")
        }
        Change::Pull(pull) => {
            let draft = if pull.draft { " draft" } else { "" };
            let fork = if pull.fork { " fork" } else { "" };
            let head = short(Some(&pull.head));
            let (number, action, into) = (pull.number, pull.action, &pull.into);
            format!("{number} {action:?} {head} into {into}{draft}{fork}: {}", pull.title)
        }
    };
    format!("{event} {repository_id} {repository_name} {sender}: {change}")
}

fn short(id: Option<&str>) -> &str {
    id.map_or("none", |id| &id[..7])
}

#[test]
fn each_request_reads_as_it_should() {
    let forges = [
        ("github", GITHUB),
        ("gitlab", GITLAB),
        ("bitbucket", BITBUCKET),
        ("bitbucket-server", BITBUCKET_SERVER),
        ("gitea", GITEA),
        ("forgejo", FORGEJO),
    ];
    let expected = forges.iter().flat_map(|(forge, lines)| {
        lines.iter().map(move |(event, line)| (format!("{forge}/{event}"), (*line).to_owned()))
    });
    let expected: Vec<_> = expected.collect();
    let read: Vec<_> = all()
        .into_iter()
        .map(|request| {
            let line = match report(&request) {
                Ok(report) => line(&report),
                Err(error) => error.to_string(),
            };
            (request.name, line)
        })
        .collect();
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(read, expected);
    }
    assert_eq!(read.len(), expected.len());
}
