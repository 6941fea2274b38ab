//! `windlass remove`: lists what goes, asks, and watches the job that removes it.

use crate::{
    accepted::{new_id, submitted},
    args::{Args, Remove},
    client::Client,
    confirm::confirm,
    failure::Failure,
    json,
    lists::plain,
    out,
    render::{Line, Look, table},
    source,
};
use std::process::ExitCode;
use windlass_proto::v1;

pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Remove,
) -> Result<ExitCode, Failure> {
    let Remove { app: name, data, cluster, dry_run, yes, detach, shown } = command;
    let app = source::app(name)?;
    if *dry_run || !yes {
        let request = v1::PlanRemovalRequest {
            app: Some(app.clone()),
            data: *data,
            clusters: cluster.clone(),
        };
        let plan = client.releases.plan_removal(request).await?.into_inner();
        out::either(args, &listed(&plan.objects), &[json::value(&plan)])?;
        if *dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        confirm(&question(name, *data, &plan.objects), name, "removed")?;
    }
    let request = v1::RemoveRequest {
        request_id: new_id(),
        app: Some(app),
        data: *data,
        clusters: cluster.clone(),
    };
    let job = client.releases.remove(request).await?.into_inner();
    submitted(client, args, job, *detach, shown.detail()).await
}

/// Returns the question. It names the data where `data` asks for its end, and where claims go without that: those of a
/// preview.
fn question(name: &str, data: bool, objects: &[v1::RemovedObject]) -> String {
    let mut going = objects.iter().filter(|object| object.stays.is_empty());
    let has_data = data || going.any(|object| object.object.starts_with("PersistentVolumeClaim "));
    let data = if has_data { " with all data" } else { "" };
    format!("remove {name}{data}?")
}

/// Returns what a removal finds, those objects that stay last.
fn listed(objects: &[v1::RemovedObject]) -> Vec<Line> {
    let (going, staying): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| object.stays.is_empty());
    let row = |object: &&v1::RemovedObject| {
        let fate = if object.stays.is_empty() {
            Line::of(Look::Bad, "goes")
        } else {
            Line::of(Look::Good, &format!("stays: {}", object.stays))
        };
        vec![fate, plain(&object.object), plain(&object.cluster)]
    };
    let mut lines =
        table(&["", "OBJECT", "CLUSTER"], going.iter().chain(&staying).map(row).collect());
    lines.push(Line::of(Look::Faint, "images and their tags stay in the registry"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(object: &str, stays: &str) -> v1::RemovedObject {
        v1::RemovedObject { object: object.into(), cluster: "eu".into(), stays: stays.into() }
    }

    /// Data of a preview goes without `--data`.
    #[test]
    fn the_question_names_the_data_wherever_it_goes() {
        let (web, disk) = ("Deployment web", "PersistentVolumeClaim web-disk");
        let kept = [object(web, ""), object(disk, "it holds data")];
        assert_eq!(question("shop/web", false, &kept), "remove shop/web?");
        let gone = [object(web, ""), object(disk, "")];
        assert_eq!(question("shop/web/pr-7", false, &gone), "remove shop/web/pr-7 with all data?");
        assert_eq!(question("shop/web", true, &[]), "remove shop/web with all data?");
    }

    #[test]
    fn what_stays_comes_last_with_its_reason() {
        let all = [
            object("PersistentVolumeClaim web-disk", "it holds data"),
            object("Deployment web", ""),
        ];
        let text: Vec<_> = listed(&all).iter().map(|line| line.show(false)).collect();
        let at = |part: &str| text.iter().position(|line| line.contains(part)).unwrap();
        assert!(at("goes") < at("stays: it holds data"), "{text:?}");
        assert!(text[at("Deployment web")].contains("eu"), "{text:?}");
    }
}
