//! `windlass outbox`: messages to forges and endpoints.

use crate::{
    args::{Args, Outbox, Output},
    client::Client,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Clock, Line, Look, age, labelled, millis, next, now_ms, short, table},
};
use std::{slice, time::Duration};
use windlass_proto::v1;

pub(crate) async fn run(client: &mut Client, args: &Args, command: &Outbox) -> Result<(), Failure> {
    match command {
        Outbox::List { project, state, job, receiver, limit } => {
            let request = v1::ListMessagesRequest {
                project: project.clone(),
                states: state.clone(),
                job: job.clone(),
                receiver: receiver.clone(),
                page_size: *limit,
                page_token: String::new(),
            };
            let page = client.outbox.list(request).await?.into_inner();
            let messages = page.messages;
            if messages.is_empty() && args.output == Output::Text {
                eprintln!(
                    "no message is chosen; who hears of jobs: windlass project show {project}"
                );
            }
            let mut values: Vec<_> = messages.iter().map(json::value).collect();
            let of = |one: &v1::UnwellEndpoint| serde_json::json!({ "unwell": json::value(one) });
            values.extend(page.unwell.iter().map(of));
            let mut lines = list(&messages, now_ms());
            lines.extend(page.unwell.iter().map(|one| unwell(one, now_ms())));
            out::either(args, &lines, &values)
        }
        Outbox::Show { id } => {
            let request = v1::GetMessageRequest { id: id.clone() };
            let message = client.outbox.get(request).await?.into_inner();
            let lines = shown(&message, now_ms(), &Clock::local());
            out::either(args, &lines, &[json::value(&message)])
        }
        Outbox::Replay { project, id, dead: _, receiver, since } => {
            let request = v1::ReplayMessagesRequest {
                project: project.clone(),
                id: id.clone().unwrap_or_default(),
                receiver: receiver.clone(),
                since: since.map(|since| before(now_ms(), since)),
            };
            let count = client.outbox.replay(request).await?.into_inner().count;
            out::text(args, &replayed(count), &serde_json::json!({ "count": count }))
        }
        Outbox::Drop { id } => {
            let request = v1::DropMessageRequest { id: id.clone() };
            let message = client.outbox.drop(request).await?.into_inner();
            let lines = list(slice::from_ref(&message), now_ms());
            out::either(args, &lines, &[json::value(&message)])
        }
    }
}

/// Returns the time that is so long ago, to the second.
fn before(now_ms: u64, since: Duration) -> prost_types::Timestamp {
    let seconds = (now_ms / 1000).saturating_sub(since.as_secs());
    prost_types::Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 }
}

fn replayed(count: u32) -> String {
    match count {
        0 => "no message is sent once more: none is dead among those that were chosen".to_owned(),
        1 => "1 message is sent once more".to_owned(),
        count => format!("{count} messages are sent once more"),
    }
}

fn list(messages: &[v1::Message], now_ms: u64) -> Vec<Line> {
    let row = |message: &v1::Message| {
        vec![
            plain(&message.id),
            Line::of(look(&message.state), &message.state),
            plain(&since(message.created.as_ref(), now_ms)),
            plain(&receiver(message)),
            plain(&about(message)),
            plain(&message.job),
            plain(&message.attempts.to_string()),
            plain(&answer(message, now_ms)),
        ]
    };
    let head = ["ID", "STATE", "AGE", "TO", "ABOUT", "JOB", "TRIES", "LAST ANSWER"];
    table(&head, messages.iter().map(row).collect())
}

/// Returns the warning about an endpoint that takes no messages.
fn unwell(endpoint: &v1::UnwellEndpoint, now_ms: u64) -> Line {
    let v1::UnwellEndpoint { name, health, why, since: at } = endpoint;
    let silence = match &*since(at.as_ref(), now_ms) {
        // An older daemon does not send it.
        "" => String::new(),
        age => format!(", and takes nothing for {age}"),
    };
    Line::of(Look::Odd, &format!("endpoint {name} is {health}{silence}: {why}"))
}

/// Returns what a message is about: a moment of its job, another endpoint, or a preview.
fn about(message: &v1::Message) -> String {
    match &*message.kind {
        "notice" | "preview" => format!("{} {}", message.context, message.moment),
        _ => message.moment.clone(),
    }
}

/// Returns a message, whole.
fn shown(message: &v1::Message, now_ms: u64, clock: &Clock) -> Vec<Line> {
    let v1::Message { id, project, .. } = message;
    let mut lines = vec![Line::of(Look::Strong, &format!("message {id} of {project}"))];
    let state = labelled("state:", [String::new()]);
    lines.extend(state.map(|line| line.add(look(&message.state), &message.state)));
    lines.extend(labelled("to:", [receiver(message)]));
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let noun = match &*message.kind {
        "notice" => Some("endpoint"),
        "preview" => Some("preview"),
        _ => None,
    };
    if let Some(noun) = noun {
        let about = format!("{noun} {} is {}", message.context, message.moment);
        lines.extend(labelled("about:", [about]));
    } else {
        lines.extend(labelled("context:", given(&message.context)));
        lines.extend(labelled("about:", [format!("job {} {}", message.job, message.moment)]));
    }
    let since = millis(message.created.as_ref())
        .map(|ms| format!("{} ({} ago)", clock.date(ms), age(now_ms.saturating_sub(ms))));
    lines.extend(labelled("since:", since));
    lines.extend(labelled("tries:", [message.attempts.to_string()]));
    lines.extend(labelled("answer:", given(&answer(message, now_ms))));
    let mut commands = vec![(format!("windlass show {}", message.job), "the job")];
    if matches!(&*message.state, "done" | "dead") {
        let replay = format!("windlass outbox replay {project} {id}");
        commands.push((replay, "sends it once more, with the same id"));
    }
    if matches!(&*message.state, "waiting" | "dead") {
        commands.push((format!("windlass outbox drop {id}"), "gives it up"));
    }
    lines.extend(next(&commands));
    lines
}

fn receiver(message: &v1::Message) -> String {
    let v1::Message { kind, receiver, commit, .. } = message;
    match &*message.commit {
        "" => format!("{kind} {receiver}"),
        _ => format!("{kind} of {} in {receiver}", short(commit)),
    }
}

/// Returns the last answer, and of a message that waits when it is sent next. Empty where nothing was answered.
fn answer(message: &v1::Message, now_ms: u64) -> String {
    let mut parts = Vec::new();
    match (message.code, &*message.error) {
        (0, "") => {}
        (0, error) => parts.push(error.to_owned()),
        (code, "") => parts.push(code.to_string()),
        (code, error) => parts.push(format!("{code}: {error}")),
    }
    if let Some(next) = millis(message.next.as_ref()) {
        parts.push(match next.saturating_sub(now_ms) {
            0 => "is sent now".to_owned(),
            left => format!("next in {}", age(left)),
        });
    }
    parts.join("; ")
}

fn look(state: &str) -> Look {
    match state {
        "done" => Look::Good,
        "dead" => Look::Bad,
        "waiting" => Look::Strong,
        "void" => Look::Faint,
        _ => Look::Plain,
    }
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

    fn messages() -> [v1::Message; 4] {
        let status = v1::Message {
            id: "0197-4".into(),
            project: "shop".into(),
            kind: "status".into(),
            receiver: "web".into(),
            commit: "067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
            context: "windlass/web/production".into(),
            moment: "running".into(),
            job: "0197c0de-7a11".into(),
            state: "waiting".into(),
            created: at(-400),
            attempts: 2,
            next: at(300),
            code: 502,
            error: "bad gateway".into(),
        };
        let endpoint = v1::Message {
            id: "0197-3".into(),
            kind: "endpoint".into(),
            receiver: "chat".into(),
            commit: String::new(),
            context: String::new(),
            moment: "failed".into(),
            state: "dead".into(),
            attempts: 10,
            next: None,
            code: 0,
            error: "the host `chat.example.com` has no address".into(),
            ..status.clone()
        };
        let done = v1::Message {
            id: "0197-2".into(),
            state: "done".into(),
            attempts: 1,
            code: 204,
            error: String::new(),
            ..endpoint.clone()
        };
        let void = v1::Message {
            id: "0197-1".into(),
            state: "void".into(),
            attempts: 0,
            next: None,
            code: 0,
            error: String::new(),
            ..status.clone()
        };
        [status, endpoint, done, void]
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn messages_say_to_whom_and_what_was_answered() {
        let messages = messages();
        let clock = Clock::utc();
        let whole = messages.iter().map(|message| text(&shown(message, NOW_MS, &clock)));
        let whole: Vec<_> = whole.collect();
        same("outbox", &format!("{}---\n{}", text(&list(&messages, NOW_MS)), whole.join("---\n")));
        assert!(list(&[], NOW_MS).is_empty());
    }

    #[test]
    fn a_notice_and_a_warning_name_the_endpoint_that_fails() {
        let [status, ..] = messages();
        let notice = v1::Message {
            kind: "notice".into(),
            receiver: "ops".into(),
            commit: String::new(),
            context: "chat".into(),
            moment: "failing".into(),
            ..status
        };
        let lines = text(&list(slice::from_ref(&notice), NOW_MS));
        assert!(lines.contains("notice ops") && lines.contains("chat failing"), "{lines}");
        let whole = text(&shown(&notice, NOW_MS, &Clock::utc()));
        assert!(whole.contains("endpoint chat is failing"), "{whole}");
        let (name, health) = ("chat".into(), "disabled".into());
        let why = "it is off".to_owned();
        let endpoint = v1::UnwellEndpoint { name, health, why, since: None };
        let shown = unwell(&endpoint, NOW_MS).show(false);
        assert_eq!(shown, "endpoint chat is disabled: it is off");
        let silent = v1::UnwellEndpoint { since: at(-60), ..endpoint };
        let shown = unwell(&silent, NOW_MS).show(false);
        assert!(shown.starts_with("endpoint chat is disabled, and takes nothing for "), "{shown}");
    }

    #[test]
    fn what_comes_of_a_preview_names_the_preview() {
        let [status, ..] = messages();
        let ready = v1::Message {
            kind: "preview".into(),
            receiver: "ops".into(),
            commit: String::new(),
            context: "pr-7".into(),
            moment: "ready".into(),
            ..status
        };
        let lines = text(&list(slice::from_ref(&ready), NOW_MS));
        assert!(lines.contains("preview ops") && lines.contains("pr-7 ready"), "{lines}");
        let whole = text(&shown(&ready, NOW_MS, &Clock::utc()));
        assert!(whole.contains("preview pr-7 is ready"), "{whole}");
    }

    #[test]
    fn a_message_whose_time_has_come_is_sent_now() {
        let [status, ..] = messages();
        let due = v1::Message { next: at(-5), code: 0, error: String::new(), ..status };
        assert_eq!(answer(&due, NOW_MS), "is sent now");
    }

    #[test]
    fn a_choice_of_time_never_begins_before_1970() {
        assert_eq!(before(NOW_MS, Duration::from_secs(182)).seconds, 1_764_093_000);
        assert_eq!(before(NOW_MS, Duration::MAX).seconds, 0);
        assert!(replayed(0).starts_with("no message") && replayed(2).starts_with("2 messages"));
    }
}
