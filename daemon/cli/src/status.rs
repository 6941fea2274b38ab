//! `windlass status`: what serves an app.

use crate::{
    lists,
    render::{Clock, Line, Look, age, image, labelled, millis, next, reached, short},
    show::{app, diagnosis, place},
};
use windlass_proto::v1;

/// Returns the text of a status: each cluster, the last jobs, the commands to type next.
pub(crate) fn status(status: &v1::AppStatus, now_ms: u64, clock: &Clock) -> Vec<Line> {
    let name = app(status.app.as_ref());
    let mut lines = Vec::new();
    for cluster in &status.clusters {
        let heading = Line::of(Look::Strong, &name);
        lines.push(heading.add(Look::Strong, &place(std::slice::from_ref(&cluster.cluster))));
        lines.extend(serving(cluster, now_ms, clock));
        lines.push(Line::default());
    }
    let jobs = lists::jobs(&status.jobs, now_ms);
    if !jobs.is_empty() {
        lines.push(Line::of(Look::Strong, "last jobs"));
        let indent = Line::of(Look::Plain, "  ");
        lines.extend(jobs.into_iter().map(|line| line.after(indent.clone())));
        lines.push(Line::default());
    }
    let serves = status.clusters.iter().any(|cluster| cluster.release.is_some());
    lines.extend(if serves {
        next(&[
            (format!("windlass logs {name}"), "what it prints"),
            (format!("windlass releases {name}"), "what a rollback can lead to"),
        ])
    } else {
        let submit = format!("windlass submit {name} --repository URL");
        next(&[(submit, "deploys a commit")])
    });
    lines
}

fn serving(cluster: &v1::ClusterStatus, now_ms: u64, clock: &Clock) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(release) = &cluster.release else {
        let away = Some(&cluster.unreachable).filter(|away| !away.is_empty());
        let nothing = || "nothing, as far as the journal knows".to_owned();
        lines.extend(labelled("serves:", [away.cloned().unwrap_or_else(nothing)]));
        return lines;
    };
    lines.extend(labelled("serves:", [short(&release.commit)]));
    let since = millis(release.created.as_ref()).map(|ms| {
        let ago = age(now_ms.saturating_sub(ms));
        let by = match &*cluster.principal {
            "" => String::new(),
            principal => format!(", by {principal}"),
        };
        format!("{} ({ago} ago){by}", clock.date(ms))
    });
    lines.extend(labelled("since:", since));
    lines.extend(labelled("image:", [image(release)]));
    lines.extend(labelled("where:", cluster.endpoints.iter().map(|one| reached(one, ""))));
    let pods = cluster
        .workloads
        .iter()
        .map(|one| format!("{} {}: {} of {} ready", one.kind, one.name, one.ready, one.desired));
    lines.extend(labelled("pods:", pods));
    lines.extend(health(cluster));
    lines
}

fn health(cluster: &v1::ClusterStatus) -> Vec<Line> {
    let (look, text) = match cluster.health() {
        _ if !cluster.unreachable.is_empty() => {
            (Look::Odd, format!("unknown: {}", cluster.unreachable))
        }
        v1::Health::Healthy => (Look::Good, "healthy".to_owned()),
        v1::Health::Progressing if cluster.diagnosis.is_some() => {
            (Look::Odd, "some pods are not ready yet; if that lasts:".to_owned())
        }
        v1::Health::Progressing => (Look::Odd, "some pods are not ready yet".to_owned()),
        v1::Health::OutOfSync => {
            let text =
                "the cluster shows another release: a job is at work, or it was changed by hand";
            (Look::Odd, text.to_owned())
        }
        v1::Health::Degraded => (Look::Bad, "degraded".to_owned()),
        v1::Health::Unspecified => (Look::Plain, "unknown".to_owned()),
    };
    let label = labelled("health:", [String::new()]);
    let mut lines: Vec<_> = label.map(|line| line.add(look, &text)).collect();
    if let Some(found) = &cluster.diagnosis {
        // The first line names the stage in which a job failed: here is no job.
        lines.extend(diagnosis(found).lines().skip(1).map(|line| Line::of(Look::Plain, line)));
        if !found.reference.is_empty() {
            let explain = format!("windlass explain {}", found.reference);
            lines.extend(labelled("explain:", [explain]));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn ago(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: 1_764_093_182 - seconds, nanos: 0 })
    }

    fn shop() -> Option<v1::App> {
        Some(v1::App {
            project: "shop".into(),
            name: "web".into(),
            environment: "production".into(),
        })
    }

    fn cluster(name: &str, health: v1::Health) -> v1::ClusterStatus {
        v1::ClusterStatus {
            cluster: name.into(),
            release: Some(v1::Release {
                id: "0197".into(),
                commit: "067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
                image: "r.example/shop/web:067f1fe93c2d4a5b6c7d8e9f00112233445566ff".into(),
                bytes: 62_345_678,
                created: ago(10_000),
                ..v1::Release::default()
            }),
            principal: "uid:0".into(),
            health: health.into(),
            workloads: vec![v1::WorkloadStatus {
                kind: "Deployment".into(),
                name: "web".into(),
                process: "web".into(),
                ready: 1,
                desired: 2,
            }],
            endpoints: vec![
                v1::Endpoint { url: "https://shop.example.com/".into(), internal: false },
                v1::Endpoint { url: "http://10.96.41.36/".into(), internal: true },
            ],
            ..v1::ClusterStatus::default()
        }
    }

    fn text(clusters: Vec<v1::ClusterStatus>, jobs: Vec<v1::Job>) -> String {
        let status = v1::AppStatus { app: shop(), clusters, jobs };
        let lines = super::status(&status, NOW_MS, &Clock::utc());
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn a_status_says_what_serves_and_how_it_is() {
        let job = v1::Job {
            id: "0197".into(),
            app: shop(),
            state: v1::JobState::Succeeded.into(),
            stage: v1::Stage::Release.into(),
            created: ago(10_030),
            started: ago(10_029),
            finished: ago(10_000),
            ..v1::Job::default()
        };
        same("status.healthy", &text(vec![cluster("default", v1::Health::Healthy)], vec![job]));
        let ill = v1::ClusterStatus {
            diagnosis: Some(v1::Diagnosis {
                code: "app-crashes".into(),
                reference: "WL-K8S-020".into(),
                subject: "pod web-1".into(),
                what: "the app starts and exits with code 3".into(),
                why: "no database".into(),
                fixes: vec!["the last log lines say why".into()],
                command: "kubectl logs web-1".into(),
                ..v1::Diagnosis::default()
            }),
            ..cluster("eu", v1::Health::Degraded)
        };
        let away = v1::ClusterStatus {
            unreachable: "the cluster does not answer: connection refused".into(),
            workloads: vec![],
            endpoints: vec![],
            ..cluster("us", v1::Health::Unspecified)
        };
        let other = cluster("ap", v1::Health::OutOfSync);
        let coming = cluster("sa", v1::Health::Progressing);
        same("status.clusters", &text(vec![ill, away, other, coming], vec![]));
        let none = v1::ClusterStatus { cluster: "default".into(), ..Default::default() };
        same("status.nothing", &text(vec![none], vec![]));
    }
}
