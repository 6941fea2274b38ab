//! `windlass hook`: webhooks that forges call.

use crate::{
    args::{Args, Hook, Output},
    client::Client,
    exit::FAILED,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Line, Look, age, labelled, millis, next, now_ms, table},
    verdicts::verdicts,
};
use std::process::ExitCode;
use windlass_proto::v1;

pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Hook,
) -> Result<ExitCode, Failure> {
    match command {
        Hook::Create { project, repository } => {
            let (project, repository) = (project.clone(), repository.clone());
            let request = v1::CreateHookRequest { project, repository };
            let created = client.hooks.create(request).await?.into_inner();
            out::either(args, &self::created(&created), &[json::value(&created)])?;
        }
        Hook::Rotate { project, id, keep } => {
            let keep = prost_types::Duration {
                seconds: i64::try_from(keep.as_secs()).unwrap_or(i64::MAX),
                nanos: i32::try_from(keep.subsec_nanos()).unwrap_or_default(),
            };
            let (project, id) = (project.clone(), id.clone());
            let request = v1::RotateHookRequest { project, id, keep: Some(keep) };
            let rotated = client.hooks.rotate(request).await?.into_inner();
            out::either(args, &created(&rotated), &[json::value(&rotated)])?;
        }
        Hook::List { project } => {
            let request = v1::ListHooksRequest { project: project.clone() };
            let hooks = client.hooks.list(request).await?.into_inner().hooks;
            if hooks.is_empty() && args.output == Output::Text {
                eprintln!("{project} has no hook; make one: windlass hook create {project}");
            }
            let values: Vec<_> = hooks.iter().map(json::value).collect();
            out::either(args, &list(&hooks, now_ms()), &values)?;
        }
        Hook::Delete { project, id } => {
            let request = v1::DeleteHookRequest { project: project.clone(), id: id.clone() };
            client.hooks.delete(request).await?;
            let text = format!("the hook {id} is deleted: a forge that calls it gets 404");
            out::text(args, &text, &serde_json::json!({ "deleted": id }))?;
        }
        Hook::Test { project, name, repository } => {
            let request = v1::TestHookRequest {
                project: project.clone(),
                repository: repository.clone(),
                r#ref: name.clone(),
            };
            let found = client.hooks.test(request).await?.into_inner().verdicts;
            if found.is_empty() && args.output == Output::Text {
                eprintln!("no trigger is about this repository: windlass project show {project}");
            }
            let values: Vec<_> = found.iter().map(json::value).collect();
            out::either(args, &verdicts(&found), &values)?;
            if found.iter().any(|verdict| verdict.outcome == "failed") {
                return Ok(ExitCode::from(FAILED));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a hook with its new secret, which is shown this once.
fn created(created: &v1::CreatedHook) -> Vec<Line> {
    let hook = created.hook.clone().unwrap_or_default();
    let heading = format!("hook {} of {}, repository {}", hook.id, hook.project, hook.repository);
    let mut lines = vec![Line::of(Look::Strong, &heading)];
    lines.extend(labelled("address:", [address(&hook)]));
    let secret = format!("{}  (shown this once)", created.secret);
    lines.extend(labelled("secret:", [secret]));
    let left = millis(hook.previous_until.as_ref()).map(|until| until.saturating_sub(now_ms()));
    let before = left.filter(|left| *left > 0);
    let before = before.map(|left| format!("the secret before is valid for {} more", age(left)));
    lines.extend(labelled("before:", before));
    let steps = (1..).zip(&created.steps).map(|(number, step)| format!("{number}. {step}"));
    lines.extend(labelled("steps:", steps));
    lines.extend(next(&[
        (format!("windlass hook test {} main", hook.project), "what a push would deploy"),
        (format!("windlass deliveries {}", hook.project), "what came, and what came of it"),
    ]));
    lines
}

fn address(hook: &v1::Hook) -> String {
    match &*hook.url {
        "" => format!("{}  (at the address of `listen.hooks`: ask the operator)", hook.path),
        url => url.to_owned(),
    }
}

fn list(hooks: &[v1::Hook], now_ms: u64) -> Vec<Line> {
    let row = |hook: &v1::Hook| {
        let seen = match since(hook.seen.as_ref(), now_ms) {
            never if never.is_empty() => Line::of(Look::Odd, "never"),
            age => plain(&format!("{age} ago")),
        };
        let until = millis(hook.previous_until.as_ref()).filter(|until| *until > now_ms);
        let before = until.map(|until| format!("for {}", age(until - now_ms)));
        vec![
            plain(&hook.id),
            plain(&hook.repository),
            plain(&since(hook.created.as_ref(), now_ms)),
            seen,
            plain(&before.unwrap_or_default()),
            plain(if hook.url.is_empty() { &hook.path } else { &hook.url }),
        ]
    };
    let head = ["ID", "REPOSITORY", "AGE", "LAST CALL", "OLD SECRET", "ADDRESS"];
    table(&head, hooks.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: 1_764_093_182 + seconds, nanos: 0 })
    }

    fn hook(url: &str) -> v1::Hook {
        v1::Hook {
            id: "kq3vhzq5w2m7c4nd6xj1bt8ryp".into(),
            project: "shop".into(),
            repository: "web".into(),
            path: "/hooks/kq3vhzq5w2m7c4nd6xj1bt8ryp".into(),
            url: url.into(),
            created: at(-400_000),
            by: "uid:1000".into(),
            ..v1::Hook::default()
        }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn hooks_read_as_they_should() {
        let url = "https://hooks.example.com/hooks/kq3vhzq5w2m7c4nd6xj1bt8ryp";
        let steps = ["Settings, Webhooks, Add webhook", "Content type: application/json"];
        let with_address = v1::CreatedHook {
            hook: Some(hook(url)),
            secret: "whsec_c2VjcmV0".into(),
            steps: steps.map(str::to_owned).into(),
        };
        let without = v1::CreatedHook { hook: Some(hook("")), ..with_address.clone() };
        let used = v1::Hook { seen: at(-40), previous_until: at(80_000), ..hook(url) };
        let over = v1::Hook { seen: at(-40), previous_until: at(-1), ..hook("") };
        let scenes = [
            ("created", created(&with_address)),
            ("without an address", created(&without)),
            ("list", list(&[hook(url), used, over], NOW_MS)),
        ];
        let scenes: String =
            scenes.iter().map(|(name, lines)| format!("--- {name}\n{}", text(lines))).collect();
        same("hooks", &scenes);
        assert!(list(&[], NOW_MS).is_empty());
    }

    #[test]
    fn a_rotation_says_how_long_the_secret_before_is_valid() {
        let rotated = |until: i64| {
            let previous_until = Some(Timestamp { seconds: until, nanos: 0 });
            let hook = Some(v1::Hook { previous_until, ..hook("") });
            text(&created(&v1::CreatedHook { hook, ..v1::CreatedHook::default() }))
        };
        let now = i64::try_from(now_ms() / 1000).unwrap();
        let shown = rotated(now + 86_400);
        assert!(shown.contains("before:    the secret before is valid for 2"), "{shown}");
        assert!(!rotated(now - 1).contains("before:"));
    }
}
