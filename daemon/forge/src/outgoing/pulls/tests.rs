//! Answers as each forge documents them.

use super::*;
use crate::outgoing::call::tests::answer;
use serde_json::{Value, json};

fn place(kind: ForgeKind) -> Place {
    let (api, url) = match kind {
        ForgeKind::Github => ("https://api.github.com", "https://github.com/acme/shop"),
        ForgeKind::Gitlab => ("https://gitlab.com/api/v4", "https://gitlab.com/acme/web/shop"),
        ForgeKind::Bitbucket => {
            ("https://api.bitbucket.org/2.0", "https://bitbucket.org/acme/shop")
        }
        ForgeKind::BitbucketServer => {
            ("https://corp/rest/api/latest", "https://corp/scm/acme/shop")
        }
        ForgeKind::Gitea | ForgeKind::Forgejo => {
            ("https://git.corp/api/v1", "https://git.corp/acme/shop")
        }
    };
    Place::new(kind, api, url).unwrap()
}

fn asked(kind: ForgeKind, numbers: &[u64]) -> PullQuestion {
    let login = Login::new(kind, "t0ken").unwrap();
    PullQuestion::new(place(kind), login, &numbers.iter().copied().collect())
}

/// A pull request of a forge, beside other numbers that it has.
fn pull(kind: ForgeKind, number: u64, state: &str) -> Value {
    match kind {
        ForgeKind::Gitlab => json!({ "id": 9001, "iid": number, "project_id": 3, "state": state }),
        ForgeKind::Bitbucket => {
            json!({ "type": "pullrequest", "id": number, "title": "a feature", "state": state })
        }
        ForgeKind::BitbucketServer => {
            json!({ "id": number, "version": 1, "state": state, "open": state == "OPEN" })
        }
        _ => json!({ "id": 9001, "number": number, "state": state, "merged": false, "title": "x" }),
    }
}

fn list(kind: ForgeKind, pulls: &[Value]) -> Value {
    match kind {
        ForgeKind::Bitbucket => json!({ "pagelen": 30, "page": 1, "values": pulls }),
        ForgeKind::BitbucketServer => {
            json!({ "size": pulls.len(), "limit": 30, "isLastPage": true, "values": pulls })
        }
        _ => json!(pulls),
    }
}

fn open_word(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::Gitlab => "opened",
        ForgeKind::Bitbucket | ForgeKind::BitbucketServer => "OPEN",
        _ => "open",
    }
}

fn read(question: &mut PullQuestion, status: u16, body: &Value) -> Result<(), Meaning> {
    question.read(&answer(status, &[], &body.to_string()), 0)
}

fn numbers(numbers: &[u64]) -> BTreeSet<u64> {
    numbers.iter().copied().collect()
}

#[test]
fn one_is_asked_about_by_one_request_and_its_end_is_read() {
    for (kind, path, ends) in [
        (ForgeKind::Github, "/repos/acme/shop/pulls/7", &["closed"][..]),
        (
            ForgeKind::Gitlab,
            "/api/v4/projects/acme%2Fweb%2Fshop/merge_requests/7",
            &["closed", "merged"][..],
        ),
        (
            ForgeKind::Bitbucket,
            "/2.0/repositories/acme/shop/pullrequests/7",
            &["MERGED", "DECLINED", "SUPERSEDED"][..],
        ),
        (
            ForgeKind::BitbucketServer,
            "/rest/api/latest/projects/acme/repos/shop/pull-requests/7",
            &["MERGED", "DECLINED"][..],
        ),
        (ForgeKind::Gitea, "/api/v1/repos/acme/shop/pulls/7", &["closed"][..]),
        (ForgeKind::Forgejo, "/api/v1/repos/acme/shop/pulls/7", &["closed"][..]),
    ] {
        let ended = ends.iter().map(|word| (*word, numbers(&[7]), numbers(&[])));
        let others =
            [(open_word(kind), numbers(&[]), numbers(&[])), ("odd", numbers(&[]), numbers(&[7]))];
        for (word, ended, unknown) in ended.chain(others) {
            let mut question = asked(kind, &[7]);
            let call = question.call().unwrap();
            assert_eq!((call.method.as_str(), call.url.path()), ("GET", path), "{kind}");
            assert!(call.headers["authorization"].to_str().unwrap().ends_with(" t0ken"), "{kind}");
            read(&mut question, 200, &pull(kind, 7, word)).unwrap();
            assert!(question.call().is_none(), "{kind} {word}");
            assert_eq!(question.answer(), PullAnswer { ended, unknown }, "{kind} {word}");
        }
    }
}

/// GitLab shows one that is being merged as `locked`.
#[test]
fn one_that_is_being_merged_has_not_ended() {
    let mut question = asked(ForgeKind::Gitlab, &[7]);
    read(&mut question, 200, &pull(ForgeKind::Gitlab, 7, "locked")).unwrap();
    assert_eq!(question.answer(), PullAnswer::default());
}

#[test]
fn those_of_a_list_are_open_and_the_others_are_asked_about_alone() {
    for (kind, query) in [
        (ForgeKind::Github, "state=open&per_page=30&page=1"),
        (ForgeKind::Gitlab, "state=opened&per_page=30&page=1"),
        (ForgeKind::Bitbucket, "state=OPEN&pagelen=30&page=1"),
        (ForgeKind::BitbucketServer, "state=OPEN&limit=30&start=0"),
        (ForgeKind::Gitea, "state=open&limit=30&page=1"),
        (ForgeKind::Forgejo, "state=open&limit=30&page=1"),
    ] {
        let mut question = asked(kind, &[7, 8, 9]);
        assert_eq!(question.call().unwrap().url.query(), Some(query), "{kind}");
        let open = |number| pull(kind, number, open_word(kind));
        read(&mut question, 200, &list(kind, &[open(9), open(7), open(3)])).unwrap();
        let call = question.call().unwrap();
        assert!(
            call.url.path().ends_with("/8") && call.url.query().is_none(),
            "{kind} {}",
            call.url
        );
        // It is not in the list, and open all the same.
        read(&mut question, 200, &open(8)).unwrap();
        assert_eq!(question.answer(), PullAnswer::default(), "{kind}");
    }
}

#[test]
fn a_full_page_is_followed_by_the_next_where_that_spares_questions() {
    let kind = ForgeKind::Gitea;
    let full: Vec<_> = (101..131).map(|number| pull(kind, number, "open")).collect();
    let mut question = asked(kind, &[1, 2, 3, 4]);
    read(&mut question, 200, &list(kind, &full)).unwrap();
    let call = question.call().unwrap();
    assert!(call.url.query().unwrap().ends_with("page=2"), "{}", call.url);
    read(&mut question, 200, &list(kind, &[pull(kind, 2, "open"), pull(kind, 3, "open")])).unwrap();
    for number in [1, 4] {
        let call = question.call().unwrap();
        assert!(call.url.path().ends_with(&format!("/{number}")), "{}", call.url);
        read(&mut question, 200, &pull(kind, number, "closed")).unwrap();
    }
    assert!(question.call().is_none());
    assert_eq!(question.answer().ended, numbers(&[1, 4]));
    // Of two that are left, a page more would cost as much as their questions.
    let mut question = asked(kind, &[1, 2]);
    read(&mut question, 200, &list(kind, &full)).unwrap();
    assert!(question.call().unwrap().url.path().ends_with("/1"));
    // Bitbucket Data Center says itself where its next page begins, and is not led in a circle.
    let kind = ForgeKind::BitbucketServer;
    for (next, expected) in [(25, "start=25"), (0, "")] {
        let mut question = asked(kind, &[1, 2, 3, 4]);
        let page = json!({ "isLastPage": false, "nextPageStart": next, "values": [] });
        read(&mut question, 200, &page).unwrap();
        let url = question.call().unwrap().url;
        assert!(url.query().unwrap_or_default().ends_with(expected), "{url}");
        assert_eq!(url.query().is_some(), next > 0, "{url}");
    }
}

/// A right that was lost, a proxy, and a body that was cut.
#[test]
fn nothing_that_is_not_understood_ends_a_pull_request() {
    let kind = ForgeKind::Gitea;
    for (status, body) in [
        (404, r#"{"message":"Not Found"}"#),
        (200, "<html>log in</html>"),
        (200, r#"{"number":7,"state":"clos"#),
        (200, r#"{"number":8,"state":"closed"}"#),
        (200, r#"{"state":"closed"}"#),
        (200, r#"[{"number":7,"state":"closed"}]"#),
        (200, "null"),
    ] {
        let mut question = asked(kind, &[7]);
        question.read(&answer(status, &[], body), 0).unwrap();
        assert!(question.call().is_none(), "{body}");
        let (ended, unknown) = (numbers(&[]), numbers(&[7]));
        assert_eq!(question.answer(), PullAnswer { ended, unknown }, "{status} {body}");
    }
    // An empty list, and one that holds what is no open one, prove nothing.
    for body in ["[]", "{}", "<html>", r#"[{"number":7,"state":"closed"}]"#] {
        let mut question = asked(kind, &[7, 8]);
        question.read(&answer(200, &[], body), 0).unwrap();
        assert!(question.call().unwrap().url.path().ends_with("/7"), "{body}");
        assert_eq!(question.answer().ended, numbers(&[]), "{body}");
    }
}

#[test]
fn a_forge_that_refuses_or_limits_is_not_asked_on() {
    let limited = r#"{"message":"API rate limit exceeded"}"#;
    for (kind, status, headers, body) in [
        (ForgeKind::Github, 403, &[("x-ratelimit-remaining", "0")][..], limited),
        (ForgeKind::Gitlab, 429, &[("retry-after", "60")][..], ""),
        (ForgeKind::Gitea, 401, &[][..], ""),
        (ForgeKind::Gitea, 403, &[][..], ""),
        (ForgeKind::Bitbucket, 503, &[][..], ""),
        (ForgeKind::Github, 301, &[("location", "https://api.github.com/repositories/1")][..], ""),
    ] {
        for all in [&[7][..], &[7, 8][..]] {
            let mut question = asked(kind, all);
            let meaning = question.read(&answer(status, headers, body), 0).unwrap_err();
            let is_limited = matches!(meaning, Meaning::RateLimited { .. });
            assert_eq!(is_limited, status == 429 || !body.is_empty(), "{kind} {meaning:?}");
            let (ended, unknown) = (numbers(&[]), numbers(all));
            assert_eq!(question.answer(), PullAnswer { ended, unknown }, "{kind} {status}");
        }
    }
    // The repository itself is not shown: of none of them anything is known.
    let mut question = asked(ForgeKind::Gitea, &[7, 8]);
    question.read(&answer(404, &[], ""), 0).unwrap_err();
}

#[test]
fn a_question_has_an_end() {
    let kind = ForgeKind::Gitea;
    let all: Vec<u64> = (1..=500).collect();
    let mut question = asked(kind, &all);
    let mut requests = 0;
    while let Some(call) = question.call() {
        requests += 1;
        // A list that never ends, and has none of them.
        let full: Vec<_> = (1001..1031).map(|number| pull(kind, number, "open")).collect();
        let body =
            if call.url.query().is_some() { list(kind, &full) } else { json!({ "no": "pull" }) };
        read(&mut question, 200, &body).unwrap();
    }
    assert_eq!(requests, MOST_REQUESTS);
    assert_eq!(question.answer().unknown.len(), 500);
}
