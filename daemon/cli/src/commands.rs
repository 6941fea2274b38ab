//! Runs each command that asks the daemon.

use crate::{
    accepted::{new_id, submitted},
    approvals,
    args::{Args, ClusterOrder, Command, Contract, Output, Secret},
    client::Client,
    clusters, dashboard, deliveries, eject,
    exit::FAILED,
    failure::Failure,
    folder, hooks, init, interventions, json, lists, logs, out, outbox, plugins, previews,
    projects, queue, registries, remove,
    render::{Clock, now_ms, past_ending},
    show, source, status,
    watch::watch,
};
use std::{io::Read, path::Path, process::ExitCode, slice};
use windlass_proto::v1;

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    source::check(&args.command)?;
    let mut client = Client::connect(&args).await?;
    let client = &mut client;
    let json = args.output == Output::Json;
    let print = |text: String, value: serde_json::Value| out::text(&args, &text, &value);
    match &args.command {
        Command::Submit {
            source: what,
            detach,
            shown,
            request_id,
            timeout,
            label,
            preview,
            cluster_order,
        } => {
            let request = v1::SubmitRequest {
                request_id: request_id.clone().unwrap_or_else(new_id),
                app: Some(source::app(&what.app)?),
                source: Some(source::source(what)),
                spec: Some(source::spec(what)?),
                labels: label.iter().cloned().collect(),
                timeout: timeout
                    .map(|seconds| prost_types::Duration { seconds: seconds.into(), nanos: 0 }),
                clusters: what.cluster.clone(),
                cluster_order: order(*cluster_order).into(),
                preview: preview.clone(),
            };
            let job = client.jobs.submit(request).await?.into_inner();
            return submitted(client, &args, job, *detach, shown.detail()).await;
        }
        Command::Rollback { app, to, cluster, cluster_order, detach, shown } => {
            let request = v1::RollbackRequest {
                request_id: new_id(),
                app: Some(source::app(app)?),
                to: to.clone(),
                clusters: cluster.clone(),
                cluster_order: order(*cluster_order).into(),
            };
            let job = client.releases.rollback(request).await?.into_inner();
            return submitted(client, &args, job, *detach, shown.detail()).await;
        }
        Command::Contract(Contract { app, cluster, detach, shown }) => {
            let request = v1::ContractRequest {
                request_id: new_id(),
                app: Some(source::app(app)?),
                clusters: cluster.clone(),
            };
            let job = client.releases.contract(request).await?.into_inner();
            return submitted(client, &args, job, *detach, shown.detail()).await;
        }
        Command::Remove(command) => return remove::run(client, &args, command).await,
        Command::Watch { id, after, shown } => {
            return watch(client, &args, id, *after, shown.detail()).await;
        }
        Command::Plan { source: what, project } if folder::of(what).is_some() => {
            let listing = folder::list(Path::new(&what.app))?;
            let head = v1::PlanFolderHead {
                project: project.clone(),
                directory: what.directory.clone(),
                spec: Some(source::spec(what)?),
            };
            let notes = listing.notes.clone();
            let messages = tokio_stream::iter(listing.messages(head));
            let plan = client.jobs.plan_folder(messages).await?.into_inner();
            let text = format!("{}{}", show::plan(&plan), show::notes(&notes));
            print(text, json::value(&plan))?;
        }
        Command::Plan { source: what, .. } => {
            let request = v1::PlanRequest {
                app: Some(source::app(&what.app)?),
                source: Some(source::source(what)),
                spec: Some(source::spec(what)?),
                clusters: what.cluster.clone(),
            };
            let plan = client.jobs.plan(request).await?.into_inner();
            print(show::plan(&plan), json::value(&plan))?;
        }
        Command::Eject { source: what, to, image } => {
            let request = v1::PlanRequest {
                app: Some(source::app(&what.app)?),
                source: Some(source::source(what)),
                spec: Some(source::spec(what)?),
                clusters: what.cluster.clone(),
            };
            let plan = client.jobs.plan(request).await?.into_inner();
            let files = eject::write(&plan, to, image)?;
            let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            let text = format!("{}\n\n{}", names.join("\n"), eject::next(&plan, to));
            print(text, serde_json::json!({ "files": names }))?;
        }
        Command::Init { app, repository, revision, directory, credential, to } => {
            let of = repository.as_ref();
            let at = revision.as_ref();
            let place = init::place(of, at, directory.as_ref())?;
            let init::Place { repository, revision, directory } = &place;
            let request = v1::PlanRequest {
                app: Some(source::app(app)?),
                source: Some(source::named(repository, revision, directory, credential)),
                spec: None,
                clusters: Vec::new(),
            };
            let plan = client.jobs.plan(request).await?.into_inner();
            init::write(&plan, app, to)?;
            let file = to.display().to_string();
            print(init::next(app, &place, to), serde_json::json!({ "file": file }))?;
        }
        Command::Jobs { project, app, state, limit } => {
            let states = state.iter().map(|state| job_state(state)).collect::<Result<_, _>>()?;
            let request = v1::ListJobsRequest {
                project: project.clone().unwrap_or_default(),
                app: app.clone().unwrap_or_default(),
                states,
                page_size: *limit,
                page_token: String::new(),
            };
            let page = client.jobs.list(request).await?.into_inner();
            let mut values: Vec<_> = page.jobs.iter().map(json::value).collect();
            let unreadable =
                |job: &v1::UnreadableJob| serde_json::json!({ "unreadable": json::value(job) });
            values.extend(page.unreadable.iter().map(unreadable));
            let mut lines = lists::jobs(&page.jobs, now_ms());
            lines.extend(page.unreadable.iter().map(lists::unreadable));
            out::either(&args, &lines, &values)?;
        }
        Command::Show { id, events, plugins } => {
            let job = client.jobs.get(v1::GetJobRequest { id: id.clone() }).await?.into_inner();
            out::either(
                &args,
                &lists::jobs(slice::from_ref(&job), now_ms()),
                &[json::value(&job)],
            )?;
            if *events || *plugins {
                let of_plugins = |event: &v1::Event| {
                    use v1::event::What;
                    matches!(event.what, Some(What::PluginCalled(_) | What::PluginEffect(_)))
                };
                let wanted = |event: &v1::Event| *events || of_plugins(event);
                all_events(client, &args, &job, wanted).await?;
            } else if let Some(ended) = job.ended.as_ref().filter(|_| !json) {
                out::lines(&past_ending(&job, ended, &Clock::local()), &args)?;
            } else if !json {
                let clock = Clock::local();
                if let Some(held) = &job.held {
                    out::lines(&approvals::waiting(&job, held, &clock), &args)?;
                }
                if let Some(pause) = &job.paused {
                    out::lines(&interventions::paused(&job, pause, &clock), &args)?;
                }
            }
            let ended = job.ended.map(|ended| ended.outcome());
            if ended.is_some_and(|outcome| outcome != v1::Outcome::Succeeded) {
                return Ok(ExitCode::from(FAILED));
            }
        }
        Command::Cancel { id } => {
            let job = client.jobs.cancel(v1::CancelRequest { id: id.clone() }).await?.into_inner();
            out::either(
                &args,
                &lists::jobs(slice::from_ref(&job), now_ms()),
                &[json::value(&job)],
            )?;
        }
        Command::Approve(command) => approvals::approve(client, &args, command).await?,
        Command::Reject(command) => approvals::reject(client, &args, command).await?,
        Command::Pause(command) => interventions::pause(client, &args, command).await?,
        Command::Resume(command) => interventions::resume(client, &args, command).await?,
        Command::Abort(command) => interventions::abort(client, &args, command).await?,
        Command::Status { app } => {
            let request = v1::AppStatusRequest { app: Some(source::app(app)?) };
            let status = client.apps.status(request).await?.into_inner();
            let lines = status::status(&status, now_ms(), &Clock::local());
            out::either(&args, &lines, &[json::value(&status)])?;
        }
        Command::Logs { app, no_follow, process, cluster, previous, tail, since, timestamps } => {
            let request = v1::AppLogsRequest {
                app: Some(source::app(app)?),
                cluster: cluster.clone(),
                process: process.clone(),
                follow: !no_follow && !previous,
                previous: *previous,
                tail: Some(*tail),
                since_seconds: since
                    .map(|since| u32::try_from(since.as_secs()).unwrap_or(u32::MAX).max(1)),
            };
            return logs::logs(client, &args, request, *timestamps).await;
        }
        Command::Releases { app } => {
            let app = Some(source::app(app)?);
            let request =
                v1::ListReleasesRequest { app, page_size: 100, page_token: String::new() };
            let releases = client.releases.list(request).await?.into_inner().releases;
            let values: Vec<_> = releases.iter().map(json::value).collect();
            out::either(&args, &lists::releases(&releases, now_ms()), &values)?;
        }
        Command::Plugin(command) => plugins::run(client, command, &print).await?,
        Command::Secret(command) => secret(client, command, &print).await?,
        Command::Previews { project } => previews::run(client, &args, project).await?,
        Command::Cluster(command) => return clusters::run(client, &args, command).await,
        Command::Project(command) => projects::run(client, &args, command).await?,
        Command::Hook(command) => return hooks::run(client, &args, command).await,
        Command::Registry(command) => return registries::run(client, &args, command).await,
        Command::Deliveries(choice) => deliveries::list(client, &args, choice).await?,
        Command::Delivery(command) => deliveries::run(client, &args, command).await?,
        Command::Outbox(command) => outbox::run(client, &args, command).await?,
        Command::Dashboard(command) => dashboard::run(client, &args, command).await?,
        Command::Queue(command) => queue::run(client, &args, command).await?,
        // They ask no daemon.
        Command::Completion { .. } | Command::Explain { .. } | Command::Schema => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn order(requested: Option<ClusterOrder>) -> v1::ClusterOrder {
    match requested {
        None => v1::ClusterOrder::Unspecified,
        Some(ClusterOrder::Sequential) => v1::ClusterOrder::Sequential,
        Some(ClusterOrder::Parallel) => v1::ClusterOrder::Parallel,
    }
}

/// Prints the events that there are now. A running job is not waited for.
async fn all_events(
    client: &mut Client,
    args: &Args,
    job: &v1::Job,
    wanted: impl Fn(&v1::Event) -> bool,
) -> Result<(), Failure> {
    let request = v1::WatchRequest { id: job.id.clone(), after_seq: 0 };
    let mut events = client.jobs.watch(request).await?.into_inner();
    if job.last_seq == 0 {
        return Ok(());
    }
    while let Some(event) = events.message().await? {
        match args.output {
            _ if !wanted(&event) => {}
            Output::Json => out::line(json::value(&event))?,
            Output::Text => out::lines(&out::plain(&show::event(&event)), args)?,
        }
        if event.seq >= job.last_seq {
            break;
        }
    }
    Ok(())
}

async fn secret(
    client: &mut Client,
    command: &Secret,
    print: &impl Fn(String, serde_json::Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let line = |secret: &v1::Secret| format!("{}  version {}", secret.name, secret.version);
    match command {
        Secret::Put { project, name, file } => {
            let value = match file {
                Some(path) => std::fs::read(path).map_err(|error| {
                    Failure::usage(format!("--file: {}: {error}", path.display()))
                })?,
                None => {
                    let mut value = Vec::new();
                    let read = std::io::stdin().read_to_end(&mut value);
                    read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
                    value
                }
            };
            let project = project.clone();
            let name = name.clone();
            // An editor's or echo's last line end is no part of a password.
            let value = value.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(value);
            let request = v1::PutSecretRequest { project, name, value };
            let secret = client.secrets.put(request).await?.into_inner();
            print(line(&secret), json::value(&secret))?;
        }
        Secret::List { project } => {
            let request = v1::ListSecretsRequest { project: project.clone() };
            for secret in client.secrets.list(request).await?.into_inner().secrets {
                print(line(&secret), json::value(&secret))?;
            }
        }
        Secret::Delete { project, name, force } => {
            let (project, name, force) = (project.clone(), name.clone(), *force);
            client.secrets.delete(v1::DeleteSecretRequest { project, name, force }).await?;
        }
    }
    Ok(())
}

fn job_state(word: &str) -> Result<i32, Failure> {
    if word == "turning-back" {
        return Err(Failure::usage("--state: `turning-back`: its name is `rolling-back` now"));
    }
    let name = format!("JOB_STATE_{}", word.to_ascii_uppercase().replace('-', "_"));
    v1::JobState::from_str_name(&name).map(Into::into).ok_or_else(|| {
        Failure::usage(format!(
            "--state: `{word}`: expected waiting, running, held, rolling-back, succeeded, failed or stopped"
        ))
    })
}
