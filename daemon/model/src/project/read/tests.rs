use super::*;
use crate::{
    forge::ForgeKind,
    project::{
        AppSpec, ApprovalRule, EndpointEvent, EndpointSpec, EnvironmentSpec, ForgeApp, ForgeSpec,
        Forks, PreviewsSpec, PullRule, PushRule, Reporting, RepositorySpec, TagRule, TriggerSpec,
    },
};
use proptest::{collection::vec, option, prelude::*, sample::select, test_runner::Config};

const EXAMPLE: &str = include_str!("../../../../../deploy/project.toml");

fn faults(text: &str) -> Vec<String> {
    ProjectSpec::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_text_that_cannot_be_read_is_named_with_its_path_and_line() {
    for (text, expected) in [
        (
            "project = \"shop\"\n[triggers.production]\napp = \"web\"\npusch = { branches = [\"main\"] }\n",
            "triggers.production.pusch: `pusch` is no known key (line 4): did you mean `push`?",
        ),
        (
            "project = \"shop\"\n[repositories.shop]\ncredential = \"git\"\n",
            "repositories.shop.url: `` is missing in the table at line 2",
        ),
        ("[apps.web]\n", "project: `` is missing in the table at line 1"),
        (
            "project = \"shop\"\n[repositories.shop]\nurl = \"https://h/x\"\nforge = { kind = \"githb\" }\n",
            "repositories.shop.forge.kind: `githb` is no known word (line 4): did you mean `github`?",
        ),
        (
            "project = \"shop\"\n[apps.web]\npaths = \"web\"\n",
            "apps.web.paths: `paths` cannot be read at line 3: ",
        ),
        ("project = \"shop\"\napps = = 1\n", "project.toml: `apps` cannot be read at line 2: "),
    ] {
        let faults = faults(text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(expected), "{}\n{expected}", faults[0]);
    }
}

/// A token without quotes is no TOML.
#[test]
fn no_value_of_a_line_that_cannot_be_read_is_repeated() {
    let text = "project = \"shop\"\n[endpoints.chat]\nurl = \"https://h\"\nsecret = whsec_t0ken\n";
    let faults = faults(text).join("\n");
    assert!(faults.contains("line 4") && faults.contains("`secret`"), "{faults}");
    assert!(!faults.contains("t0ken"), "{faults}");
}

#[test]
fn a_file_has_a_bound() {
    let long = format!("# {}\nproject = \"shop\"\n", "x".repeat(LONGEST_FILE));
    let found = faults(&long);
    assert!(found[0].contains("at most 262144 are allowed"), "{found:?}");
    let deep = format!("project = {}", "[".repeat(100_000));
    assert_eq!(faults(&deep).len(), 1);
}

#[test]
fn the_published_example_can_be_read_and_written() {
    let project = ProjectSpec::parse(EXAMPLE).unwrap();
    assert_eq!(ProjectSpec::parse(&project.to_toml()).unwrap(), project);
}

/// A project as people read it: `windlass project export` prints it.
#[test]
fn a_project_is_written_in_the_order_of_the_reference() {
    let text = "project = \"shop\"

[repositories.shop]
url = \"https://git.example/acme/shop\"
credential = \"forge-read\"
poll = false

[repositories.shop.forge]
kind = \"gitea\"
api = \"https://git.example/api/v1\"
token = \"forge-write\"

[apps.web]
folder = \"web\"
paths = [\"web/**\", \"!**/*.md\"]

[environments.staging]
auto-deploy = false

[triggers.staging]
app = \"web\"
environment = \"staging\"

[triggers.staging.push]
branches = [\"main\"]

[endpoints.chat]
url = \"https://chat.example/hooks\"
secret = \"chat-key\"
events = [\"job.failed\"]
";
    assert_eq!(ProjectSpec::parse(text).unwrap().to_toml(), text);
}

/// Editors read the schema; `WINDLASS_BLESS=1` writes it.
#[test]
fn the_published_schema_is_of_this_code() {
    let file = windlass_blessed::reference("project.schema.json");
    let schema = format!("{:#}\n", ProjectSpec::schema());
    assert!(windlass_blessed::holds(&file, &schema), "{} is not of this code", file.display());
}

#[test]
fn the_published_reference_is_of_this_code() {
    let head = "# project.toml

<!-- Made from the types in daemon/model/src/project.rs. After a change there:
     WINDLASS_BLESS=1 cargo test -p windlass-model project -->

`windlass project apply -f project.toml` gives the file to the daemon, which keeps each version of it. An unknown key is
refused with the nearest known one. Names are yours where a table has one: `[apps.NAME]`. Secrets are named here, and
`windlass secret put` takes their values.

[project.toml](../project.toml) is an example. [project.schema.json](project.schema.json) is the same as a JSON schema,
for editors.
";
    let file = windlass_blessed::reference("project.md");
    let made = windlass_blessed::markdown(head, &ProjectSpec::schema());
    assert!(windlass_blessed::holds(&file, &made), "{} is not of this code", file.display());
    let bare: Vec<_> = made.lines().filter(|line| line.ends_with("): ")).collect();
    assert!(bare.is_empty(), "no comment at: {bare:#?}");
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,8}"
}

/// Any text of a value, with what TOML escapes.
fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n\t'#=\\[\\]é ]{0,12}"
}

fn forge() -> impl Strategy<Value = ForgeSpec> {
    let app = (text(), 0..i64::MAX.unsigned_abs(), name());
    let app = app.prop_map(|(id, installation, key)| ForgeApp { id, installation, key });
    let kinds = select(ForgeKind::ALL.to_vec());
    let reports = vec(select(vec![Reporting::Status, Reporting::Deployment]), 0..3);
    (kinds, option::of(text()), option::of(name()), option::of(app), reports)
        .prop_map(|(kind, api, token, app, report)| ForgeSpec { kind, api, token, app, report })
}

fn repository() -> impl Strategy<Value = RepositorySpec> {
    (text(), option::of(name()), option::of(forge()), option::of(any::<bool>()))
        .prop_map(|(url, credential, forge, poll)| RepositorySpec { url, credential, forge, poll })
}

fn trigger() -> impl Strategy<Value = TriggerSpec> {
    let push = option::of(vec(text(), 0..3).prop_map(|branches| PushRule { branches }));
    let tag = (text(), option::of(any::<bool>()));
    let tag = option::of(tag.prop_map(|(pattern, only_newer)| TagRule { pattern, only_newer }));
    let pull = (
        vec(text(), 0..3),
        option::of(select(vec![Forks::Never, Forks::Approval])),
        option::of(any::<bool>()),
    );
    let pull = pull.prop_map(|(into, forks, drafts)| PullRule { into, forks, drafts });
    let kinds = (push, tag, option::of(pull));
    (name(), option::of(name()), kinds, option::of(any::<bool>())).prop_map(
        |(app, environment, (push, tag, pull), skip_marks)| TriggerSpec {
            app,
            environment,
            push,
            tag,
            pull,
            skip_marks,
        },
    )
}

fn previews() -> impl Strategy<Value = PreviewsSpec> {
    (
        option::of(text()),
        option::of(text()),
        option::of(0..u32::MAX),
        vec(name(), 0..3),
        vec(name(), 0..3),
    )
        .prop_map(|(host, idle, limit, secrets, apps)| PreviewsSpec {
            host,
            idle,
            limit,
            secrets,
            apps,
        })
}

fn project() -> impl Strategy<Value = ProjectSpec> {
    use proptest::collection::btree_map;
    let app = (option::of(name()), option::of(text()), vec(text(), 0..3));
    let app = app.prop_map(|(repository, folder, paths)| AppSpec { repository, folder, paths });
    let environment = (option::of(any::<bool>()), option::of(Just(ApprovalRule::Release)));
    let environment =
        environment.prop_map(|(auto_deploy, approval)| EnvironmentSpec { auto_deploy, approval });
    let events = vec![EndpointEvent::JobQueued, EndpointEvent::JobHeld, EndpointEvent::JobFailed];
    let events = vec(select(events), 0..3);
    let endpoint = (text(), name(), events).prop_map(|(url, secret, events)| EndpointSpec {
        url,
        secret,
        events,
    });
    (
        name(),
        btree_map(text(), repository(), 0..3),
        btree_map(name(), app, 0..3),
        btree_map(name(), environment, 0..3),
        btree_map(name(), trigger(), 0..3),
        option::of(previews()),
        btree_map(name(), endpoint, 0..3),
    )
        .prop_map(
            |(project, repositories, apps, environments, triggers, previews, endpoints)| {
                ProjectSpec {
                    project,
                    repositories,
                    apps,
                    environments,
                    triggers,
                    previews,
                    endpoints,
                }
            },
        )
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_written_is_read_as_the_same_project(project in project()) {
        let text = project.to_toml();
        let read: ProjectSpec = toml::from_str(&text).unwrap();
        prop_assert_eq!(&read, &project, "{}", text);
        prop_assert_eq!(read.to_toml(), text);
        let json = serde_json::to_string(&project).unwrap();
        prop_assert_eq!(serde_json::from_str::<ProjectSpec>(&json).unwrap(), project);
    }

    /// No text makes the reader or the checks panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z\\[\\]=\"{}.,\n ]{0,60}") {
        let _ = ProjectSpec::parse(&text);
    }

    #[test]
    fn any_project_is_checked(project in project()) {
        let _ = project.check();
    }
}
