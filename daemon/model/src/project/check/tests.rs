use super::*;
use crate::forge::ForgeKind;
use crate::project::{
    AppSpec, EndpointEvent, ForgeApp, ForgeSpec, PushRule, Reporting, RepositorySpec, TagRule,
};

fn forge() -> ForgeSpec {
    let token = Some("forge-write".to_owned());
    ForgeSpec {
        kind: ForgeKind::Github,
        api: None,
        token,
        app: None,
        report: vec![Reporting::Status],
    }
}

fn repository(url: &str) -> RepositorySpec {
    let credential = Some("forge-read".to_owned());
    RepositorySpec { url: url.into(), credential, forge: Some(forge()), poll: None }
}

fn push(app: &str, environment: Option<&str>, branches: &[&str]) -> TriggerSpec {
    let branches = branches.iter().map(|glob| (*glob).to_owned()).collect();
    TriggerSpec {
        app: app.into(),
        environment: environment.map(str::to_owned),
        push: Some(PushRule { branches }),
        ..TriggerSpec::default()
    }
}

fn tag(app: &str, pattern: &str) -> TriggerSpec {
    let rule = TagRule { pattern: pattern.into(), only_newer: Some(true) };
    TriggerSpec { app: app.into(), tag: Some(rule), ..TriggerSpec::default() }
}

fn endpoint(url: &str) -> EndpointSpec {
    EndpointSpec { url: url.into(), secret: "chat-key".into(), events: Vec::new() }
}

/// A project in which nothing is wrong.
fn project() -> ProjectSpec {
    let triggers = [
        ("production", push("web", None, &["main", "release/*"])),
        ("staging", push("web", Some("staging"), &["main"])),
        ("tags", tag("web", "v*")),
    ];
    ProjectSpec {
        project: "shop".into(),
        repositories: [("shop".into(), repository("https://git.example/acme/shop"))].into(),
        apps: [("web".into(), AppSpec::default())].into(),
        triggers: triggers.map(|(name, trigger)| (name.to_owned(), trigger)).into(),
        endpoints: [("chat".into(), endpoint("https://chat.example/hooks?room=1"))].into(),
        ..ProjectSpec::default()
    }
}

/// Checks that a change of the project leads to exactly one fault.
fn refused(change: impl FnOnce(&mut ProjectSpec), field: &str, expected: &str) {
    let mut project = project();
    change(&mut project);
    let faults = project.check().unwrap_err();
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert_eq!(faults[0].field, field, "{texts:#?}");
    assert!(texts[0].contains(expected), "{texts:#?}");
}

fn shop(project: &mut ProjectSpec) -> &mut RepositorySpec {
    project.repositories.get_mut("shop").unwrap()
}

fn of_forge(project: &mut ProjectSpec) -> &mut ForgeSpec {
    shop(project).forge.as_mut().unwrap()
}

fn web(project: &mut ProjectSpec) -> &mut AppSpec {
    project.apps.get_mut("web").unwrap()
}

#[test]
fn a_plain_project_has_no_fault() {
    assert_eq!(project().check(), Ok(()));
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut project = project();
    project.project = "Shop".into();
    shop(&mut project).url = "git.example/shop".into();
    web(&mut project).folder = Some("/etc".into());
    project.triggers.insert("more".into(), push("wbe", None, &["refs/heads/x"]));
    let faults = project.check().unwrap_err();
    let fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
    let expected = [
        "project",
        "repositories.shop.url",
        "apps.web.folder",
        "triggers.more.app",
        "triggers.more.push.branches",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn names_are_labels() {
    refused(
        |p| {
            p.apps.insert("Api".into(), AppSpec::default());
        },
        "apps",
        "`Api` must start with a letter",
    );
    refused(
        |p| p.triggers.get_mut("staging").unwrap().environment = Some("x".repeat(21)),
        "triggers.staging.environment",
        "at most 20",
    );
    refused(
        |p| {
            p.environments.insert("stagign".into(), Default::default());
        },
        "environments",
        "did you mean `staging`?",
    );
}

#[test]
fn repositories_are_of_the_web_and_logins_are_not_repeated() {
    for (url, expected) in [
        ("git://git.example/shop", "must begin with https:// or http://"),
        ("https://me:t0ken@git.example/shop", "name that in `credential`"),
        ("git@git.example:shop.git", "is an ssh address"),
        ("", "is empty"),
    ] {
        refused(|p| shop(p).url = url.into(), "repositories.shop.url", expected);
        let mut project = project();
        shop(&mut project).url = url.into();
        let text = format!("{:?}", project.check().unwrap_err());
        assert!(!text.contains("t0ken"), "{text}");
    }
    let secret = "must be the name of a secret of the project";
    refused(
        |p| shop(p).credential = Some("me:t0ken".into()),
        "repositories.shop.credential",
        secret,
    );
    refused(|p| of_forge(p).token = Some("ghp_T0".into()), "repositories.shop.forge.token", secret);
    refused(
        |p| {
            web(p).repository = Some("shop".into());
            p.repositories.insert("again".into(), repository("https://GIT.example/acme/shop.git/"));
        },
        "repositories.shop.url",
        "is the address of `repositories.again`, too",
    );
}

#[test]
fn a_forge_has_what_its_kind_needs() {
    let at = |key: &str| format!("repositories.shop.forge.{key}");
    let app = || ForgeApp { id: "Iv1.ab".into(), installation: 7, key: "app-key".into() };
    refused(|p| of_forge(p).kind = ForgeKind::Gitea, &at("api"), "`gitea` has no public service");
    refused(|p| of_forge(p).api = Some("api.example".into()), &at("api"), "is no URL");
    refused(|p| of_forge(p).app = Some(app()), &at("app"), "stands beside `token`");
    refused(
        |p| {
            let forge = of_forge(p);
            (forge.kind, forge.token, forge.app) = (ForgeKind::Gitlab, None, Some(app()));
        },
        &at("app"),
        "this forge is `gitlab`: give `token`",
    );
    refused(
        |p| {
            let forge = of_forge(p);
            (forge.token, forge.app) = (None, Some(ForgeApp { installation: u64::MAX, ..app() }));
        },
        &at("app.installation"),
        "must be the number",
    );
    refused(
        |p| {
            let forge = of_forge(p);
            (forge.kind, forge.report) = (ForgeKind::Bitbucket, vec![Reporting::Deployment]);
        },
        &at("report"),
        "is for `github` and `gitlab`",
    );
    refused(
        |p| of_forge(p).report = vec![Reporting::Status, Reporting::Status],
        &at("report"),
        "twice",
    );
    let mut project = project();
    let forge = of_forge(&mut project);
    (forge.token, forge.app) = (None, Some(app()));
    forge.report = vec![Reporting::Status, Reporting::Deployment];
    assert_eq!(project.check(), Ok(()));
}

#[test]
fn an_app_has_one_repository_a_folder_and_globs() {
    refused(
        |p| web(p).repository = Some("shpo".into()),
        "apps.web.repository",
        "did you mean `shop`?",
    );
    refused(
        |p| {
            p.repositories.insert("docs".into(), repository("https://git.example/acme/docs"));
        },
        "apps.web.repository",
        "the project has several: name one, such as `docs`, `shop`",
    );
    refused(|p| p.repositories.clear(), "apps.web.repository", "the project has none");
    refused(|p| web(p).folder = Some("a/../..".into()), "apps.web.folder", "within the repository");
    refused(|p| web(p).paths = vec!["web/[a".into()], "apps.web.paths", "is no glob");
    refused(|p| web(p).paths = vec!["a".into(); 101], "apps.web.paths", "more than 100 globs");
}

#[test]
fn a_trigger_has_an_app_and_exactly_one_kind_of_ref() {
    let trigger = |p: &mut ProjectSpec, trigger: TriggerSpec| {
        p.triggers.insert("more".into(), trigger);
    };
    refused(|p| trigger(p, tag("wbe", "v*")), "triggers.more.app", "did you mean `web`?");
    refused(
        |p| trigger(p, TriggerSpec { push: None, ..push("web", Some("qa"), &[]) }),
        "triggers.more",
        "has none of",
    );
    refused(
        |p| trigger(p, TriggerSpec { tag: tag("", "v*").tag, ..push("web", Some("qa"), &["x"]) }),
        "triggers.more",
        "are given together",
    );
    refused(
        |p| trigger(p, push("web", Some("qa"), &[])),
        "triggers.more.push.branches",
        "is empty",
    );
    refused(
        |p| trigger(p, push("web", Some("qa"), &["{a,b}"])),
        "triggers.more.push.branches",
        "may hold only",
    );
    refused(
        |p| trigger(p, push("web", Some("qa"), &["x"; 21])),
        "triggers.more.push.branches",
        "more than 20",
    );
}

#[test]
fn two_triggers_that_one_push_sets_off_are_refused_by_name() {
    let field = "triggers.tomorrow.push.branches";
    for globs in [&["main"][..], &["m*"], &["**"], &["x", "*/1"]] {
        refused(
            |p| {
                p.triggers.insert("tomorrow".into(), push("web", Some("production"), globs));
            },
            field,
            "of the trigger `production`",
        );
    }
    refused(
        |p| {
            p.triggers.insert("tomorrow".into(), tag("web", "*-rc"));
        },
        "triggers.tomorrow.tag.pattern",
        "`*-rc` can match the same name as `v*` of the trigger `tags`",
    );
    let mut project = project();
    project.apps.insert("api".into(), AppSpec::default());
    project.triggers.insert("other-app".into(), push("api", None, &["main"]));
    project.triggers.insert("other-environment".into(), push("web", Some("qa"), &["**"]));
    project.triggers.insert("other-branches".into(), push("web", None, &["release/*/fix", "dev"]));
    project.triggers.insert("other-tags".into(), tag("web", "nightly-*"));
    assert_eq!(project.check(), Ok(()));
}

#[test]
fn globs_that_cannot_be_compared_are_refused() {
    let mut project = project();
    for n in 0..40 {
        let globs: Vec<_> = (0..20).map(|m| format!("{}{n}-{m}", "*a".repeat(60))).collect();
        let globs: Vec<_> = globs.iter().map(String::as_str).collect();
        project.triggers.insert(format!("t{n}"), push("web", Some("qa"), &globs));
    }
    let faults = project.check().unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].problem.contains("too many `*`"), "{faults:?}");
}

#[test]
fn endpoints_have_an_address_without_a_login_and_a_secret() {
    for (url, expected) in [
        ("chat.example", "must begin with https://"),
        ("ftp://chat.example", "must begin with https://"),
        ("https://me:t0ken@chat.example/a", "holds a login"),
        ("https:///a", "must name a host"),
        ("https://ch\u{e4}t.example", "must name a host"),
        ("https://chat.example/a#t0ken", "holds a fragment"),
        ("https://chat.example/a b", "a space"),
        ("https://chat.example/?t0ken=\u{e4}", "that URLs escape"),
    ] {
        refused(
            |p| p.endpoints = [("chat".into(), endpoint(url))].into(),
            "endpoints.chat.url",
            expected,
        );
        let mut project = project();
        project.endpoints = [("chat".into(), endpoint(url))].into();
        let text = format!("{:?}", project.check().unwrap_err());
        assert!(!text.contains("t0ken"), "{text}");
    }
    refused(
        |p| p.endpoints.get_mut("chat").unwrap().secret = "whsec_T0ken".into(),
        "endpoints.chat.secret",
        "`***` must be the name",
    );
    refused(
        |p| {
            let events = vec![EndpointEvent::JobFailed, EndpointEvent::JobFailed];
            p.endpoints.get_mut("chat").unwrap().events = events;
        },
        "endpoints.chat.events",
        "twice",
    );
}

#[test]
fn a_project_has_bounds() {
    let many = |count: usize| (0..count).map(|n| format!("n{n}"));
    refused(
        |p| p.apps = many(201).map(|name| (name, AppSpec::default())).collect(),
        "apps",
        "`201` are more than 200",
    );
    refused(
        |p| {
            p.triggers =
                many(501).map(|name| (name.clone(), push("web", None, &[&name]))).collect();
        },
        "triggers",
        "`501` are more than 500",
    );
    let mut project = project();
    project.triggers = many(500).map(|name| (name.clone(), push("web", None, &[&name]))).collect();
    assert_eq!(project.check(), Ok(()), "names of branches are compared quickly");
}
