//! `windlass previews`: preview environments of a project.

use crate::{
    args::{Args, Output},
    client::Client,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Line, Look, age, millis, now_ms, short, table},
    show,
};
use windlass_proto::v1;

pub(crate) async fn run(client: &mut Client, args: &Args, project: &str) -> Result<(), Failure> {
    let request = v1::ListPreviewsRequest { project: project.to_owned() };
    let previews = client.projects.list_previews(request).await?.into_inner().previews;
    if previews.is_empty() && args.output == Output::Text {
        eprintln!(
            "{project} has no preview; make one: windlass submit {project}/APP --preview NAME"
        );
    }
    let values: Vec<_> = previews.iter().map(json::value).collect();
    out::either(args, &list(&previews, now_ms()), &values)
}

fn list(previews: &[v1::Preview], now_ms: u64) -> Vec<Line> {
    let rows = previews.iter().map(|preview| {
        let look = if preview.state == "open" { Look::Good } else { Look::Faint };
        let origin = match preview.number {
            0 => String::new(),
            number => format!("{} #{number}", preview.repository),
        };
        let until = millis(preview.until.as_ref()).filter(|_| preview.state == "open");
        let ends = until.map(|until| format!("in {}", age(until.saturating_sub(now_ms))));
        vec![
            plain(&show::app(preview.app.as_ref())),
            Line::of(look, &preview.state),
            plain(&origin),
            plain(&short(&preview.commit)),
            plain(&since(preview.pushed.as_ref(), now_ms)),
            plain(&ends.unwrap_or_default()),
        ]
    });
    table(&["APP", "STATE", "PULL REQUEST", "COMMIT", "PUSHED", "ENDS"], rows.collect())
}
