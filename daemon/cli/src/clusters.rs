//! `windlass cluster`: clusters of a project's own.

use crate::{
    args::{Args, Cluster, Output},
    client::Client,
    exit::FAILED,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Line, Look, labelled, next, now_ms, table},
    show,
};
use std::{io::Read, path::Path, process::ExitCode};
use windlass_proto::v1;

/// Bytes of the longest kubeconfig, and one more: the daemon refuses what has them all.
const MOST_READ: u64 = (64 << 10) + 1;

pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Cluster,
) -> Result<ExitCode, Failure> {
    match command {
        Cluster::Put { project, name, kubeconfig, environment, pod_security, no_check } => {
            let request = v1::PutClusterRequest {
                project: project.clone(),
                name: name.clone(),
                environments: environment.clone(),
                pod_security: pod_security.word().into(),
                kubeconfig: read(kubeconfig)?,
                unchecked: *no_check,
            };
            let put = client.clusters.put(request).await?.into_inner();
            out::either(args, &checked(&put, "is stored"), &[json::value(&put)])?;
        }
        Cluster::List { project } => {
            let request = v1::ListClustersRequest { project: project.clone() };
            let clusters = client.clusters.list(request).await?.into_inner().clusters;
            if clusters.is_empty() && args.output == Output::Text {
                eprintln!(
                    "{project} has no cluster of its own: its jobs go to the operator's; bring one: windlass cluster put {project} NAME --kubeconfig FILE"
                );
            }
            let values: Vec<_> = clusters.iter().map(json::value).collect();
            out::either(args, &list(&clusters, now_ms()), &values)?;
        }
        Cluster::History { project, name } => {
            let request =
                v1::ClusterHistoryRequest { project: project.clone(), name: name.clone() };
            let versions = client.clusters.history(request).await?.into_inner().versions;
            let values: Vec<_> = versions.iter().map(json::value).collect();
            out::either(args, &history(&versions, now_ms()), &values)?;
        }
        Cluster::Test { project, name } => {
            let request = v1::TestClusterRequest { project: project.clone(), name: name.clone() };
            let tested = client.clusters.test(request).await?.into_inner();
            out::either(args, &checked(&tested, "answers"), &[json::value(&tested)])?;
            if !tested.missing_roles.is_empty() {
                return Ok(ExitCode::from(FAILED));
            }
        }
        Cluster::Remove { project, name } => {
            let request = v1::DeleteClusterRequest { project: project.clone(), name: name.clone() };
            let answer = client.clusters.delete(request).await?.into_inner();
            let apps: Vec<_> = answer.apps.iter().map(|app| show::app(Some(app))).collect();
            let jobs = answer.jobs.iter().map(|job| (job.id.clone(), show::app(job.app.as_ref())));
            let jobs: Vec<_> = jobs.collect();
            let listed: Vec<_> =
                jobs.iter().map(|(id, app)| serde_json::json!({ "id": id, "app": app })).collect();
            let value = serde_json::json!({ "removed": name, "apps": apps, "jobs": listed });
            out::either(args, &removed(project, name, &apps, &jobs), &[value])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a kubeconfig. `-` means standard input.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MOST_READ).read_to_end(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST_READ).read_to_end(&mut text))
    };
    read.map_err(|error| Failure::usage(format!("--kubeconfig: {}: {error}", path.display())))?;
    Ok(text)
}

/// Returns the findings about a cluster.
fn checked(checked: &v1::CheckedCluster, done: &str) -> Vec<Line> {
    let cluster = checked.cluster.clone().unwrap_or_default();
    let v1::OwnCluster { project, name, version, .. } = &cluster;
    let heading = format!("cluster {name} of {project}, version {version}, {done}");
    let mut lines = vec![Line::of(Look::Strong, &heading)];
    lines.extend(labelled("address:", [cluster.server.clone()]));
    let kubernetes = Some(&checked.kubernetes).filter(|kubernetes| !kubernetes.is_empty());
    lines.extend(labelled("version:", kubernetes.cloned()));
    lines.extend(labelled("for:", [environments(&cluster)]));
    lines.extend(labelled("warning:", checked.warnings.iter().cloned()));
    for role in &checked.missing_roles {
        let text = "the account lacks rights: apply this as an admin of the cluster, and bind it to the account";
        lines.push(Line::of(Look::Odd, text));
        lines.extend(role.lines().map(plain));
    }
    lines.extend(next(&[(
        format!("windlass cluster test {project} {name}"),
        "whether it answers, and lets a deploy do all it needs",
    )]));
    lines
}

fn environments(cluster: &v1::OwnCluster) -> String {
    if cluster.environments.is_empty() {
        "all environments".into()
    } else {
        cluster.environments.join(", ")
    }
}

fn list(clusters: &[v1::OwnCluster], now_ms: u64) -> Vec<Line> {
    let row = |cluster: &v1::OwnCluster| {
        vec![
            plain(&cluster.name),
            plain(&cluster.server),
            plain(&environments(cluster)),
            plain(&cluster.pod_security),
            plain(&cluster.version.to_string()),
            plain(&since(cluster.at.as_ref(), now_ms)),
            plain(&cluster.by),
        ]
    };
    let head = ["NAME", "ADDRESS", "FOR", "POD SECURITY", "VERSION", "AGE", "BY"];
    table(&head, clusters.iter().map(row).collect())
}

fn history(versions: &[v1::OwnCluster], now_ms: u64) -> Vec<Line> {
    let row = |version: &v1::OwnCluster| {
        let shown = if version.removed {
            [plain("(removed)"), plain(""), plain("")]
        } else {
            [&version.server, &environments(version), &version.pod_security].map(|text| plain(text))
        };
        let mut row = vec![
            plain(&version.version.to_string()),
            plain(&since(version.at.as_ref(), now_ms)),
            plain(&version.by),
        ];
        row.extend(shown);
        row
    };
    let head = ["VERSION", "AGE", "BY", "ADDRESS", "FOR", "POD SECURITY"];
    table(&head, versions.iter().map(row).collect())
}

/// Returns what a removal leaves: apps that serve there, and jobs, by their ids, each with its app.
fn removed(project: &str, name: &str, apps: &[String], jobs: &[(String, String)]) -> Vec<Line> {
    let mut lines = vec![plain(&format!("the cluster {name} of {project} is removed"))];
    lines.extend(labelled("left:", apps.iter().cloned()));
    lines.extend(labelled("jobs:", jobs.iter().map(|(id, app)| format!("{id} of {app}"))));
    let mut commands = Vec::new();
    if !apps.is_empty() || !jobs.is_empty() {
        commands.push((
            format!("windlass cluster put {project} {name} --kubeconfig FILE"),
            "puts it back: only so can they be changed or removed there",
        ));
    }
    if let Some((id, _)) = jobs.first() {
        commands.push((format!("windlass cancel {id}"), "ends a job that cannot go on there"));
    }
    if !commands.is_empty() {
        lines.extend(next(&commands));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use prost_types::Timestamp;

    const NOW_MS: u64 = 1_764_093_182_000;

    fn cluster(name: &str, environments: &[&str]) -> v1::OwnCluster {
        v1::OwnCluster {
            project: "shop".into(),
            name: name.into(),
            version: 2,
            environments: environments.iter().map(ToString::to_string).collect(),
            pod_security: "baseline".into(),
            server: "https://k8s.example.com:6443".into(),
            by: "uid:1000".into(),
            at: Some(Timestamp { seconds: 1_764_090_000, nanos: 0 }),
            removed: false,
        }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    #[test]
    fn clusters_read_as_they_should() {
        let good = v1::CheckedCluster {
            cluster: Some(cluster("us", &["production", "staging"])),
            kubernetes: "v1.35.0".into(),
            missing_roles: Vec::new(),
            warnings: Vec::new(),
        };
        let lacking = v1::CheckedCluster {
            cluster: Some(cluster("us", &[])),
            kubernetes: String::new(),
            missing_roles: vec!["kind: Role\nrules:\n- verbs: [\"create\"]".into()],
            warnings: vec!["the cluster does not answer: connection refused".into()],
        };
        let apps = ["shop/web/production".to_owned()];
        let jobs = [("0197c0de-0001".to_owned(), "shop/web/production".to_owned())];
        let gone = v1::OwnCluster {
            version: 3,
            server: String::new(),
            pod_security: String::new(),
            removed: true,
            ..cluster("us", &[])
        };
        let history = |versions: &[v1::OwnCluster]| history(versions, NOW_MS);
        let scenes = [
            ("stored", checked(&good, "is stored")),
            ("lacking", checked(&lacking, "answers")),
            ("list", list(&[cluster("eu", &[]), cluster("us", &["production"])], NOW_MS)),
            ("history", history(&[gone, cluster("us", &["production"])])),
            ("removed", removed("shop", "us", &[], &[])),
            ("removed, and in use", removed("shop", "us", &apps, &[])),
            ("removed, and waited for", removed("shop", "us", &apps, &jobs)),
        ];
        let scenes: String =
            scenes.iter().map(|(name, lines)| format!("--- {name}\n{}", text(lines))).collect();
        same("own-clusters", &scenes);
        assert!(list(&[], NOW_MS).is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = read(Path::new("/nowhere/x")).unwrap_err().to_string();
        assert!(error.starts_with("windlass: --kubeconfig: /nowhere/x: "), "{error}");
    }
}
