//! `windlass deliveries` and `windlass delivery`: what forges reported, and what came of it.

use crate::{
    args::{Args, Deliveries, Delivery, Output},
    client::Client,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Clock, Line, Look, age, labelled, millis, next, now_ms, table},
    verdicts::{self, rows, subject, verdicts},
};
use windlass_proto::v1;

/// Prints a table of deliveries: one row a verdict.
pub(crate) async fn list(
    client: &mut Client,
    args: &Args,
    choice: &Deliveries,
) -> Result<(), Failure> {
    let Deliveries { project, repository, limit } = choice;
    let request = v1::ListDeliveriesRequest {
        project: project.clone(),
        repository: repository.clone(),
        page_size: *limit,
        page_token: String::new(),
    };
    let found = client.deliveries.list(request).await?.into_inner().deliveries;
    if found.is_empty() && args.output == Output::Text {
        eprintln!("nothing has come; is the forge set up? windlass hook list {project}");
    }
    let values: Vec<_> = found.iter().map(json::value).collect();
    out::either(args, &listed(&found, now_ms()), &values)
}

/// Shows or replays one delivery.
pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Delivery,
) -> Result<(), Failure> {
    let found = match command {
        Delivery::Show { id } => {
            client.deliveries.get(v1::GetDeliveryRequest { id: id.clone() }).await?
        }
        Delivery::Replay { id } => {
            client.deliveries.replay(v1::ReplayDeliveryRequest { id: id.clone() }).await?
        }
    };
    let found = found.into_inner();
    out::either(args, &shown(&found, now_ms(), &Clock::local()), &[json::value(&found)])
}

/// Returns deliveries as a table, each with a row for each verdict.
fn listed(deliveries: &[v1::Delivery], now_ms: u64) -> Vec<Line> {
    let mut names: Vec<_> = deliveries.iter().map(|one| &one.repository).collect();
    names.sort();
    names.dedup();
    let several = names.len() > 1;
    let mut table_rows = Vec::new();
    for delivery in deliveries {
        let mut first = vec![
            plain(&delivery.id),
            plain(&since(delivery.at.as_ref(), now_ms)),
            plain(&event(delivery)),
        ];
        first.extend(several.then(|| plain(&delivery.repository)));
        let mut cells: Vec<_> = delivery.verdicts.iter().flat_map(rows).collect();
        if cells.is_empty() {
            cells.push(undecided(delivery));
        }
        for verdict in cells {
            // Only the first row of a delivery names it.
            let blank = vec![plain(""); first.len()];
            let mut row = std::mem::replace(&mut first, blank);
            row.extend(verdict);
            table_rows.push(row);
        }
    }
    let mut head = vec!["ID", "AGE", "EVENT"];
    head.extend(several.then_some("REPOSITORY"));
    head.extend(verdicts::HEADS);
    table(&head, table_rows)
}

/// Returns the cells of a delivery that nothing is decided about yet.
fn undecided(delivery: &v1::Delivery) -> [Line; 4] {
    let about = match &*delivery.subjects {
        [] => String::new(),
        [one] => subject(one),
        [one, others @ ..] => format!("{} and {} more", subject(one), others.len()),
    };
    let outcome = Line::of(Look::Strong, "pending");
    [plain(&about), plain(""), outcome, plain("the repository is being asked")]
}

/// Returns the name of what a forge reported. A change that a poll found may have none.
fn event(delivery: &v1::Delivery) -> String {
    if delivery.event.is_empty() { "poll".to_owned() } else { delivery.event.clone() }
}

/// Returns a delivery, whole.
fn shown(delivery: &v1::Delivery, now_ms: u64, clock: &Clock) -> Vec<Line> {
    let v1::Delivery { id, project, repository, .. } = delivery;
    let heading = format!("delivery {id} of {project}, repository {repository}");
    let mut lines = vec![Line::of(Look::Strong, &heading)];
    let by = match &*delivery.sender {
        "" => String::new(),
        sender => format!(", by {sender}"),
    };
    lines.extend(labelled("event:", [event(delivery) + &by]));
    let when = millis(delivery.at.as_ref())
        .map(|ms| format!("{} ({} ago)", clock.date(ms), age(now_ms.saturating_sub(ms))));
    lines.extend(labelled("came:", when));
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    lines.extend(labelled("hook:", given(&delivery.hook)));
    lines.extend(labelled("forge id:", given(&delivery.forge_id)));
    lines.extend(labelled("about:", delivery.subjects.iter().cloned()));
    if delivery.verdicts.is_empty() {
        lines.extend(labelled("verdict:", ["pending: the repository is being asked".to_owned()]));
    }
    lines.push(Line::default());
    let found = verdicts(&delivery.verdicts);
    if !found.is_empty() {
        lines.extend(found);
        lines.push(Line::default());
    }
    let made = delivery.verdicts.iter().find(|one| one.outcome == "job" && !one.job.is_empty());
    let mut commands = Vec::new();
    commands.extend(made.map(|one| (format!("windlass watch {}", one.job), "the job")));
    commands.push((format!("windlass delivery replay {id}"), "deploys what its refs lead to now"));
    lines.extend(next(&commands));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{snapshots::same, verdicts::samples};
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn delivery(id: &str, ago: i64, verdicts: Vec<v1::DeliveryVerdict>) -> v1::Delivery {
        v1::Delivery {
            id: id.into(),
            hook: "kq3vhzq5w2m7c4nd6xj1bt8ryp".into(),
            project: "shop".into(),
            repository: "web".into(),
            event: "push".into(),
            forge_id: "72d3162e-cc78-11e3-81ab-4c9367dc0958".into(),
            sender: "ada".into(),
            subjects: vec!["refs/heads/main".into()],
            at: Some(Timestamp { seconds: 1_764_093_182 - ago, nanos: 0 }),
            verdicts,
        }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn a_list_says_why_nothing_was_deployed() {
        let pending = v1::Delivery {
            subjects: vec!["refs/heads/a".into(), "refs/heads/b".into(), "refs/tags/v1".into()],
            ..delivery("0197-4", 2, vec![])
        };
        let polled = v1::Delivery {
            hook: String::new(),
            event: String::new(),
            ..delivery("0197-3", 700, vec![samples::verdict("production", "nothing", "skipped")])
        };
        let one = [pending, polled, delivery("0197-2", 90_000, samples::all())];
        let other = v1::Delivery {
            repository: "docs".into(),
            ..delivery("0197-1", 99_000, samples::all().split_off(2))
        };
        let all = [one[2].clone(), other];
        let scenes = format!("{}---\n{}", text(&listed(&one, NOW_MS)), text(&listed(&all, NOW_MS)));
        same("deliveries", &scenes);
        assert!(listed(&[], NOW_MS).is_empty());
    }

    #[test]
    fn a_delivery_shows_who_and_what_came_of_it() {
        let clock = Clock::utc();
        let decided = text(&shown(&delivery("0197-2", 90_000, samples::all()), NOW_MS, &clock));
        let pending = v1::Delivery {
            hook: String::new(),
            event: String::new(),
            forge_id: String::new(),
            sender: String::new(),
            ..delivery("0197-4", 2, vec![])
        };
        let pending = text(&shown(&pending, NOW_MS, &clock));
        same("delivery", &format!("{decided}---\n{pending}"));
    }
}
