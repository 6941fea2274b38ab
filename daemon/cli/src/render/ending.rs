//! The end of a job: its outcome, and the commands to type next.

use super::{
    line::{Line, Look},
    section::{short, short_tag},
    time::{Clock, bytes, took},
};
use crate::show::{app, diagnosis, place};
use windlass_engine::explain::find;
use windlass_proto::v1;

/// Columns before the value of a label.
const LABEL: usize = 13;

/// Facts of a job's end beside its outcome.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Milliseconds from the beginning of the job. `None` means that it is unknown.
    pub(crate) took_ms: Option<u64>,
    /// Time of the end. `None` means that it is unknown.
    pub(crate) ended_ms: Option<u64>,
    /// `build 12 s`, for each stage.
    pub(crate) stages: Vec<String>,
    /// Addresses of the app, each with its cluster.
    pub(crate) endpoints: Vec<(String, v1::Endpoint)>,
    /// Stage in which the job ended.
    pub(crate) stage: v1::Stage,
    /// Lines of the releases that serve after a job that did not succeed. Empty means that they are unknown.
    pub(crate) serves: Vec<String>,
}

/// Returns the lines that show how a job ended.
pub(crate) fn ending(ended: &v1::Ended, job: &v1::Job, facts: &Ending, clock: &Clock) -> Vec<Line> {
    let name = app(job.app.as_ref());
    let after = facts.took_ms.map(|ms| format!(" in {}", took(ms))).unwrap_or_default();
    match ended.outcome() {
        v1::Outcome::Succeeded if !ended.removed_from.is_empty() => {
            let text = format!("{after}: {name} is removed{}", place(&ended.removed_from));
            let mut lines = vec![Line::of(Look::Good, "SUCCEEDED").add(Look::Strong, &text)];
            lines.extend(next(&[(format!("windlass show {} --events", job.id), "what stayed")]));
            lines
        }
        v1::Outcome::Succeeded if !ended.contracted_in.is_empty() => {
            let place = place(&ended.contracted_in);
            let text = format!(
                "{after}: the data of {name} is contracted{place}; no rollback leads to before {}",
                job.contract_of
            );
            let mut lines = vec![Line::of(Look::Good, "SUCCEEDED").add(Look::Strong, &text)];
            lines
                .extend(next(&[(format!("windlass show {} --events", job.id), "what it printed")]));
            lines
        }
        v1::Outcome::Succeeded => {
            let mut lines = vec![Line::of(Look::Good, "SUCCEEDED").add(
                Look::Strong,
                &match &ended.release {
                    Some(release) => {
                        let commit = short(&release.commit);
                        let place = place(&release.clusters);
                        format!("{after}: {name} at {commit} serves{place}")
                    }
                    None => after,
                },
            )];
            let reached = facts.endpoints.iter().map(|(cluster, one)| reached(one, cluster));
            lines.extend(labelled("where:", reached));
            let since = facts.ended_ms.map(|ms| clock.date(ms));
            lines.extend(labelled("since:", since));
            lines.extend(labelled("image:", ended.release.iter().map(image)));
            let stages = Some(facts.stages.join(", ")).filter(|stages| !stages.is_empty());
            lines.extend(labelled("took:", stages));
            lines.extend(next(&[
                (format!("windlass logs {name}"), "what it prints"),
                (format!("windlass status {name}"), "how it is"),
                (format!("windlass rollback {name}"), "the release before"),
            ]));
            lines
        }
        v1::Outcome::Stopped => {
            let unchanged =
                if is_before_release(facts.stage) { "; no cluster was changed" } else { "" };
            let text = format!("{after}: {}{unchanged}", ended.stop);
            let mut lines = vec![Line::of(Look::Odd, "STOPPED").add(Look::Plain, &text)];
            lines.extend(labelled("serves:", facts.serves.clone()));
            lines.extend(next(&[(format!("windlass status {name}"), "what serves")]));
            lines
        }
        v1::Outcome::Failed | v1::Outcome::Unspecified => {
            let mut lines = vec![Line::of(Look::Bad, "FAILED").add(Look::Plain, &after)];
            let failed = ended.diagnosis.clone().unwrap_or_default();
            lines.extend(diagnosis(&failed).lines().map(highlighted));
            lines.extend(labelled("serves:", facts.serves.clone()));
            let mut commands = vec![(format!("windlass show {} --events", job.id), "all of it")];
            let names = [&failed.reference, &failed.code];
            // A newer daemon may have codes that this client has no page for.
            if let Some(name) = names.into_iter().find(|name| find(name).is_some()) {
                commands.insert(0, (format!("windlass explain {name}"), "what this means"));
            }
            lines.extend(next(&commands));
            lines
        }
    }
}

fn is_before_release(stage: v1::Stage) -> bool {
    use v1::Stage;
    let before = [Stage::Clone, Stage::Detect, Stage::Build, Stage::Test, Stage::Push];
    before.contains(&stage)
}

/// Returns the line of an app's address. An empty `cluster` is left out.
pub(crate) fn reached(endpoint: &v1::Endpoint, cluster: &str) -> String {
    let internal = if endpoint.internal { "  (within the cluster)" } else { "" };
    format!("{}{}{internal}", endpoint.url, place(&[cluster.to_owned()]))
}

/// Returns the line of an image, with the size where that is known.
pub(crate) fn image(release: &v1::Release) -> String {
    let size = Some(release.bytes).filter(|size| *size > 0);
    let size = size.map(|size| format!("  ({})", bytes(size))).unwrap_or_default();
    format!("{}{size}", short_tag(&release.image))
}

/// Returns a line for each value. The first has the label.
pub(crate) fn labelled(
    label: &str,
    values: impl IntoIterator<Item = String>,
) -> impl Iterator<Item = Line> {
    let labels = std::iter::once(label.to_owned()).chain(std::iter::repeat(String::new()));
    let line = |(label, value): (String, String)| {
        let label = format!("  {label:width$}", width = LABEL - 2);
        Line::of(Look::Faint, &label).add(Look::Plain, &value)
    };
    labels.zip(values).map(line)
}

/// Returns the lines of commands to type next, each with its purpose.
pub(crate) fn next(commands: &[(String, &str)]) -> Vec<Line> {
    let width = commands.iter().map(|(command, _)| command.chars().count()).max();
    let width = width.unwrap_or_default();
    let texts = commands.iter().map(|(command, what)| format!("{command:width$}  # {what}"));
    labelled("next:", texts).collect()
}

fn highlighted(line: &str) -> Line {
    let look = match line.trim_start() {
        rest if rest.starts_with('|') => Look::Faint,
        rest if rest.starts_with("fix ") => Look::Good,
        _ => Look::Plain,
    };
    Line::of(look, line)
}
