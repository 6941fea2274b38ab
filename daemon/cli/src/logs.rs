//! `windlass logs`: the lines that an app prints.

use crate::{
    args::{Args, Output},
    client::Client,
    failure::Failure,
    json, out,
    render::{Clock, Line, Look, millis},
    show::{app, place},
};
use std::process::ExitCode;
use windlass_proto::v1;

/// Prints lines until there are no more, or until Ctrl-C.
pub(crate) async fn logs(
    client: &mut Client,
    args: &Args,
    request: v1::AppLogsRequest,
    with_times: bool,
) -> Result<ExitCode, Failure> {
    let name = app(request.app.as_ref());
    let clock = with_times.then(Clock::local);
    let mut lines = client.apps.logs(request).await?.into_inner();
    let mut is_any = false;
    loop {
        let line = tokio::select! {
            line = lines.message() => line?,
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        };
        let Some(line) = line else { break };
        is_any = true;
        match args.output {
            Output::Json => out::line(json::value(&line))?,
            Output::Text => out::lines(&[shown(&line, clock.as_ref())], args)?,
        }
    }
    if !is_any {
        eprintln!("{name} has printed nothing; how it is: windlass status {name}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a line with the pod that printed it.
fn shown(line: &v1::AppLogLine, clock: Option<&Clock>) -> Line {
    let time = clock.zip(millis(line.at.as_ref())).map(|(clock, ms)| clock.time(ms) + " ");
    let before = Line::of(Look::Faint, &time.unwrap_or_default());
    let place = place(std::slice::from_ref(&line.cluster));
    if line.pod.is_empty() {
        return before.add(Look::Odd, &format!("! {}{place}", line.line));
    }
    // A pod is named after its container, where there is one of the app's own.
    let is_own = line.pod.starts_with(&line.container);
    let container = if is_own { String::new() } else { format!("/{}", line.container) };
    let source = format!("{}{container}{place} | ", line.pod);
    before.add(Look::Faint, &source).add_printed(&line.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    #[test]
    fn a_line_says_who_printed_it() {
        let line = |cluster: &str, pod: &str, container: &str, line: &str| v1::AppLogLine {
            cluster: cluster.into(),
            pod: pod.into(),
            container: container.into(),
            at: Some(Timestamp { seconds: 1_764_093_182, nanos: 0 }),
            line: line.into(),
            ..v1::AppLogLine::default()
        };
        let lines = [
            line("default", "web-66d9544495-ktww8", "web", "GET / 200"),
            line("eu", "web-66d9544495-ktww8", "web", "\u{1b}[32mGET / 200\u{1b}[0m"),
            line("default", "web-66d9544495-ktww8", "proxy", "listening"),
            line("us", "", "", "not read: the cluster does not answer: connection refused"),
        ];
        let text = |clock: Option<&Clock>| -> String {
            lines.iter().map(|line| shown(line, clock).show(false) + "\n").collect()
        };
        same("logs", &(text(None) + &text(Some(&Clock::utc()))));
    }
}
