//! Previews of a project.

use super::rules::{self, LONGEST_NAME};
use crate::{
    app::label,
    project::{
        PreviewsSpec, ProjectSpec,
        faults::{Faults, did_you_mean},
    },
    spec::{ExposeSpec, Spec},
};
use std::time::Duration;

/// Previews of one project at once.
const MOST: u32 = 100;

/// Secrets of one list.
const MOST_SECRETS: usize = 100;

/// Shortest and longest time without a push after which a preview ends.
const IDLE: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(90 * 24 * 3600));

/// Name of a preview that stands for all in the check of the host's pattern: no other is longer.
const ANY: &str = "12345678901234567";

pub(super) fn check(project: &ProjectSpec, faults: &mut Faults) {
    let Some(previews) = &project.previews else { return };
    check_host(project, previews, faults);
    if let Some(text) = &previews.idle {
        match humantime::parse_duration(text) {
            Ok(idle) if (IDLE.0..=IDLE.1).contains(&idle) => {}
            Ok(_) => faults.add("previews.idle", text, "must be 10 minutes to 90 days"),
            Err(_) => {
                let problem = "must be a time with its unit, such as `12h` or `7d`";
                faults.add("previews.idle", text, problem);
            }
        }
    }
    if let Some(limit) = previews.limit
        && !(1..=MOST).contains(&limit)
    {
        faults.add("previews.limit", &limit.to_string(), format!("must be 1 to {MOST}"));
    }
    if previews.secrets.len() > MOST_SECRETS {
        let count = previews.secrets.len().to_string();
        faults.add("previews.secrets", &count, format!("are more than {MOST_SECRETS}"));
    }
    for secret in previews.secrets.iter().take(MOST_SECRETS) {
        rules::secret("previews.secrets", Some(secret), faults);
    }
    for app in &previews.apps {
        faults.name(label("previews.apps", app, LONGEST_NAME));
        if !project.apps.contains_key(app) {
            let near = did_you_mean(app, project.apps.keys().map(String::as_str));
            faults.add("previews.apps", app, format!("is no app of this project{near}"));
        }
    }
}

/// Checks the pattern of hosts: no two previews have the same.
fn check_host(project: &ProjectSpec, previews: &PreviewsSpec, faults: &mut Faults) {
    let Some(host) = &previews.host else { return };
    if !host.contains("{n}") {
        let problem =
            "must hold `{n}`, which stands for the preview: two of them would have the same host";
        faults.add("previews.host", host, problem);
        return;
    }
    let apps = project.apps.keys().filter(|app| previews.is_for(app));
    let longest = apps.clone().max_by_key(|app| app.len());
    if !host.contains("{app}") && apps.count() > 1 {
        let problem =
            "must hold `{app}`, since several apps have previews: they would have the same host";
        faults.add("previews.host", host, problem);
        return;
    }
    let app = longest.map_or("web", |app| app.as_str());
    let hosts = previews.host_of(app, ANY).into_iter().collect();
    let gateway = Some("any".to_owned());
    let expose = ExposeSpec { hosts, gateway, ..ExposeSpec::default() };
    if let Err(error) = (Spec { expose, ..Spec::default() }).check() {
        faults.add("previews.host", host, error.problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(previews: &str) -> String {
        format!(
            "project = \"shop\"\n[repositories.web]\nurl = \"https://git.example/web.git\"\n\
             forge = {{ kind = \"gitea\", api = \"https://git.example/api/v1\" }}\n\
             [apps.web]\n[apps.worker]\n{previews}"
        )
    }

    #[test]
    fn previews_are_checked_key_by_key() {
        let pull = "[triggers.preview]\napp = \"web\"\npull = { into = [\"main\"] }\n";
        for (text, expected) in [
            ("[previews]\n".to_owned() + pull, ""),
            (pull.to_owned(), "triggers.preview.pull: `` needs the table `[previews]`"),
            (
                "[previews]\nhost = \"{app}.example.com\"\n".to_owned(),
                "previews.host: `{app}.example.com` must hold `{n}`",
            ),
            (
                "[previews]\nhost = \"pr-{n}.example.com\"\n".to_owned(),
                "previews.host: `pr-{n}.example.com` must hold `{app}`",
            ),
            ("[previews]\nhost = \"pr-{n}.example.com\"\napps = [\"web\"]\n".to_owned(), ""),
            (
                "[previews]\nhost = \"{app}_{n}.example.com\"\n".to_owned(),
                "previews.host: `{app}_{n}.example.com` must be a host name",
            ),
            ("[previews]\nidle = \"soon\"\n".to_owned(), "previews.idle: `soon` must be a time"),
            ("[previews]\nidle = \"1s\"\n".to_owned(), "previews.idle: `1s` must be 10 minutes"),
            ("[previews]\nlimit = 0\n".to_owned(), "previews.limit: `0` must be 1 to 100"),
            (
                "[previews]\nsecrets = [\"deploy:t0ken\"]\n".to_owned(),
                "previews.secrets: `***` must be the name",
            ),
            (
                "[previews]\napps = [\"wokrer\"]\n".to_owned(),
                "previews.apps: `wokrer` is no app of this project: did you mean `worker`?",
            ),
            (
                "[previews]\napps = [\"worker\"]\n".to_owned() + pull,
                "triggers.preview.app: `web` is none of `previews.apps`",
            ),
            (
                "[previews]\n".to_owned() + pull + "environment = \"staging\"\n",
                "triggers.preview.environment: `staging` stands beside `pull`",
            ),
            (
                "[previews]\n[triggers.live]\napp = \"web\"\nenvironment = \"pr-live\"\npush = { branches = [\"main\"] }\n".to_owned(),
                "triggers.live.environment: `pr-live` is a preview's name",
            ),
            (
                "[triggers.live]\napp = \"web\"\nenvironment = \"pr-live\"\npush = { branches = [\"main\"] }\n".to_owned(),
                "",
            ),
        ] {
            let faults = ProjectSpec::parse(&project(&text)).err().unwrap_or_default();
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            match expected {
                "" => assert!(faults.is_empty(), "{text}: {faults:?}"),
                expected => {
                    assert!(
                        faults.len() == 1 && faults[0].starts_with(expected),
                        "{text}: {faults:?}"
                    );
                }
            }
        }
    }
}
