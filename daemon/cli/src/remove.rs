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
        let claims = if *data { " with all data" } else { "" };
        confirm(&format!("remove {name}{claims}?"), name, "removed")?;
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

    #[test]
    fn what_stays_comes_last_with_its_reason() {
        let object = |object: &str, stays: &str| v1::RemovedObject {
            object: object.into(),
            cluster: "eu".into(),
            stays: stays.into(),
        };
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
