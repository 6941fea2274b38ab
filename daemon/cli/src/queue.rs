//! `windlass queue`: messages of the queue that could become no job.

use crate::{
    args::{Args, Dead, Output, Queue},
    client::Client,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Clock, Line, Look, age, bytes, labelled, millis, next, now_ms, table},
};
use windlass_proto::v1;

pub(crate) async fn run(client: &mut Client, args: &Args, command: &Queue) -> Result<(), Failure> {
    let Queue::Dead(command) = command;
    match command {
        Dead::List { limit } => {
            let request = v1::ListDeadRequest { page_size: *limit };
            let page = client.queue.list_dead(request).await?.into_inner();
            if args.output == Output::Text {
                if page.messages.is_empty() {
                    eprintln!("no message of the queue is dead");
                }
                if page.more > 0 {
                    eprintln!("{} more are behind these", page.more);
                }
            }
            let values: Vec<_> = page.messages.iter().map(json::value).collect();
            out::either(args, &list(&page.messages, now_ms()), &values)
        }
        Dead::Show { id } => {
            let request = v1::GetDeadRequest { id: id.clone() };
            let message = client.queue.get_dead(request).await?.into_inner();
            let lines = shown(&message, now_ms(), &Clock::local());
            out::either(args, &lines, &[json::value(&message)])
        }
        Dead::Replay { id, all: _ } => {
            let request = v1::ReplayDeadRequest { id: id.clone().unwrap_or_default() };
            let count = client.queue.replay_dead(request).await?.into_inner().count;
            out::text(args, &replayed(count), &serde_json::json!({ "count": count }))
        }
        Dead::Drop { id } => {
            let request = v1::DropDeadRequest { id: id.clone() };
            let message = client.queue.drop_dead(request).await?.into_inner();
            let text = format!("dead message {} is deleted", message.id);
            out::text(args, &text, &json::value(&message))
        }
    }
}

fn replayed(count: u32) -> String {
    match count {
        0 => "no message is in the queue again: none is dead".to_owned(),
        1 => "1 message is in the queue again".to_owned(),
        count => format!("{count} messages are in the queue again"),
    }
}

fn list(messages: &[v1::DeadMessage], now_ms: u64) -> Vec<Line> {
    let row = |message: &v1::DeadMessage| {
        vec![
            plain(&message.id),
            plain(&since(message.at.as_ref(), now_ms)),
            Line::of(Look::Bad, &message.reason),
            plain(&message.field),
            plain(&message.message_id),
            plain(&message.detail),
        ]
    };
    table(
        &["ID", "AGE", "REASON", "FIELD", "MESSAGE", "DETAIL"],
        messages.iter().map(row).collect(),
    )
}

/// Returns a message, whole.
fn shown(message: &v1::DeadMessage, now_ms: u64, clock: &Clock) -> Vec<Line> {
    let v1::DeadMessage { id, reason, .. } = message;
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut lines = vec![Line::of(Look::Strong, &format!("dead message {id}"))];
    let first = labelled("reason:", [String::new()]);
    lines.extend(first.map(|line| line.add(Look::Bad, reason)));
    lines.extend(labelled("field:", given(&message.field)));
    lines.extend(labelled("detail:", given(&message.detail)));
    let when = millis(message.at.as_ref())
        .map(|ms| format!("{} ({} ago)", clock.date(ms), age(now_ms.saturating_sub(ms))));
    lines.extend(labelled("refused:", when));
    lines.extend(labelled("id:", given(&message.message_id)));
    lines.extend(labelled("results:", given(&message.correlation_id)));
    lines.extend(labelled("type:", given(&message.r#type)));
    lines.extend(labelled("content:", given(&message.content_type)));
    lines.extend(labelled("body:", [bytes(message.body_bytes)]));
    lines.push(Line::default());
    lines.extend(out::plain(&message.body));
    lines.push(Line::default());
    lines.extend(next(&[
        (format!("windlass queue dead replay {id}"), "puts it into the queue once more"),
        (format!("windlass queue dead drop {id}"), "deletes it"),
    ]));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn messages() -> [v1::DeadMessage; 2] {
        let refused = v1::DeadMessage {
            id: "9f86d081884c7d65".into(),
            reason: "unreadable".into(),
            field: "spec.prot".into(),
            detail: "unknown field `prot`, expected one of `port`, `env`".into(),
            at: Some(Timestamp { seconds: 1_764_093_182 - 400, nanos: 0 }),
            message_id: "r1".into(),
            correlation_id: "c1".into(),
            r#type: "submit".into(),
            content_type: "application/vnd.windlass.submit+json;v=1".into(),
            body: "{\"spec\":{\"prot\":8080}}\u{1b}[2J".into(),
            body_bytes: 22,
        };
        let by_broker = v1::DeadMessage {
            id: "2c26b46b68ffc68f".into(),
            reason: "delivery-limit".into(),
            detail: "the broker gave the message up".into(),
            ..v1::DeadMessage::default()
        };
        [refused, by_broker]
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn a_dead_message_says_what_is_wrong_and_moves_no_cursor() {
        let clock = Clock::utc();
        let messages = messages();
        let whole = messages.iter().map(|message| text(&shown(message, NOW_MS, &clock)));
        let whole: Vec<_> = whole.collect();
        let all = format!("{}---\n{}", text(&list(&messages, NOW_MS)), whole.join("---\n"));
        assert!(!all.contains('\u{1b}'), "{all}");
        same("queue", &all);
        assert!(list(&[], NOW_MS).is_empty());
    }

    #[test]
    fn a_replay_says_how_many() {
        assert!(replayed(0).starts_with("no message"));
        assert!(replayed(1).starts_with("1 message is"));
        assert!(replayed(2).starts_with("2 messages are"));
    }
}
