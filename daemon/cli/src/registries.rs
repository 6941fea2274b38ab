//! `windlass registry`: registries of a project's own.

use crate::{
    args::{Args, Output, PutRegistry, Registry},
    client::Client,
    exit::FAILED,
    failure::Failure,
    json,
    lists::{plain, since},
    out,
    render::{Line, Look, labelled, next, now_ms, table},
};
use std::{collections::BTreeMap, io::Read, path::Path, process::ExitCode};
use windlass_proto::v1;

/// Bytes of a file or of standard input that are read. The daemon refuses secrets of more than 64 KiB.
const LONGEST: u64 = 1 << 20;

pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Registry,
) -> Result<ExitCode, Failure> {
    match command {
        Registry::Put(put) => {
            let request = request(put, &mut std::io::stdin().lock())?;
            let registry = client.registries.put(request).await?.into_inner();
            out::either(args, &stored(&registry), &[json::value(&registry)])?;
        }
        Registry::List { project } => {
            let request = v1::ListRegistriesRequest { project: project.clone() };
            let registries = client.registries.list(request).await?.into_inner().registries;
            if registries.is_empty() && args.output == Output::Text {
                eprintln!(
                    "{project} has no registry of its own; put one: windlass help registry put"
                );
            }
            let values: Vec<_> = registries.iter().map(json::value).collect();
            out::either(args, &list(&registries, now_ms()), &values)?;
        }
        Registry::History { project, host } => {
            let request =
                v1::RegistryHistoryRequest { project: project.clone(), host: host.clone() };
            let versions = client.registries.history(request).await?.into_inner().versions;
            let values: Vec<_> = versions.iter().map(json::value).collect();
            out::either(args, &history(&versions, now_ms()), &values)?;
        }
        Registry::Test { project, host } => {
            let request = v1::TestRegistryRequest { project: project.clone(), host: host.clone() };
            let findings = client.registries.test(request).await?.into_inner().findings;
            let values: Vec<_> = findings.iter().map(json::value).collect();
            out::either(args, &tested(host, &findings), &values)?;
            if !findings.is_empty() {
                return Ok(ExitCode::from(FAILED));
            }
        }
        Registry::Remove { project, host } => {
            let request =
                v1::DeleteRegistryRequest { project: project.clone(), host: host.clone() };
            client.registries.delete(request).await?;
            let text = format!("the registry {host} of {project} is removed with its logins");
            out::text(args, &text, &serde_json::json!({ "deleted": host }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the request, with secrets from files and from standard input.
fn request(put: &PutRegistry, stdin: &mut dyn Read) -> Result<v1::PutRegistryRequest, Failure> {
    let mut push = Login {
        option: "--push",
        user: &put.push_user,
        password_file: put.push_password_file.as_deref(),
        plugin: &put.push_plugin,
        settings: put.push_settings.as_deref(),
        secrets: &put.push_secret,
        password: Vec::new(),
    };
    let mut pull = Login {
        option: "--pull",
        user: &put.pull_user,
        password_file: put.pull_password_file.as_deref(),
        plugin: &put.pull_plugin,
        settings: put.pull_settings.as_deref(),
        secrets: &put.pull_secret,
        password: Vec::new(),
    };
    let mut without_file: Vec<_> =
        [&mut push, &mut pull].into_iter().filter(|login| login.has_no_password()).collect();
    match (put.password_stdin, &mut *without_file) {
        (false, []) => {}
        (false, [login, ..]) => {
            let option = login.option;
            return Err(Failure::usage(format!(
                "{option}-user: needs a password: {option}-password-file FILE, or --password-stdin"
            )));
        }
        (true, [login]) => login.password = limited(stdin, "standard input")?,
        (true, []) => {
            return Err(Failure::usage("--password-stdin: no user without a password is given"));
        }
        (true, _) => {
            return Err(Failure::usage(
                "--password-stdin: is of one user; give --push-password-file or --pull-password-file for the other",
            ));
        }
    }
    Ok(v1::PutRegistryRequest {
        project: put.project.clone(),
        host: put.host.clone(),
        images: put.images.clone(),
        push: push.message()?,
        pull: pull.message()?,
        no_check: put.no_check,
    })
}

/// Options of one login.
struct Login<'a> {
    option: &'static str,
    user: &'a Option<String>,
    password_file: Option<&'a Path>,
    plugin: &'a Option<String>,
    settings: Option<&'a Path>,
    secrets: &'a [(String, std::path::PathBuf)],
    /// Password from standard input. Empty means that it comes from a file.
    password: Vec<u8>,
}

impl Login<'_> {
    fn has_no_password(&self) -> bool {
        self.user.is_some() && self.password_file.is_none()
    }

    /// Returns the message. `None` means that no such login is given.
    fn message(self) -> Result<Option<v1::RegistryLogin>, Failure> {
        let Self { option, user, password_file, plugin, settings, secrets, mut password } = self;
        if user.is_none() && plugin.is_none() {
            return Ok(None);
        }
        if let Some(file) = password_file {
            password = self::file(&format!("{option}-password-file"), file)?;
        }
        let settings_json = match settings {
            Some(file) => {
                let option = format!("{option}-settings");
                let bytes = self::file(&option, file)?;
                String::from_utf8(bytes).map_err(|_| {
                    Failure::usage(format!("{option}: {}: is not UTF-8", file.display()))
                })?
            }
            None => String::new(),
        };
        let mut read = BTreeMap::new();
        for (name, file) in secrets {
            read.insert(name.clone(), self::file(&format!("{option}-secret"), file)?);
        }
        Ok(Some(v1::RegistryLogin {
            user: user.clone().unwrap_or_default(),
            password,
            plugin: plugin.clone().unwrap_or_default(),
            settings_json,
            secrets: read,
        }))
    }
}

/// Reads the file of an option, without the line end that editors add.
fn file(option: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let place = format!("{option}: {}", path.display());
    let mut file =
        std::fs::File::open(path).map_err(|error| Failure::usage(format!("{place}: {error}")))?;
    limited(&mut file, &place)
}

fn limited(from: &mut dyn Read, place: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("{place}: {error}")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(Failure::usage(format!("{place}: has more than {LONGEST} bytes")));
    }
    if bytes.ends_with(b"\n") {
        bytes.truncate(bytes.len() - 1);
    }
    if bytes.ends_with(b"\r") {
        bytes.truncate(bytes.len() - 1);
    }
    Ok(bytes)
}

/// Returns a registry that was put.
fn stored(registry: &v1::Registry) -> Vec<Line> {
    let v1::Registry { project, host, images, version, finding, .. } = registry;
    let heading = format!("registry {host} of {project}, version {version}");
    let mut lines = vec![Line::of(Look::Strong, &heading)];
    let place = match &**images {
        "" => "pushed to the operator's registry; this one is only pulled from".to_owned(),
        images => format!("pushed below {images}, from the next job on"),
    };
    lines.extend(labelled("images:", [place]));
    lines.extend(labelled("push:", registry.push.as_ref().map(account)));
    let pull = registry.pull.as_ref().map_or_else(|| "as for pushes".to_owned(), account);
    lines.extend(labelled("pull:", [pull]));
    let warning = Some(finding).filter(|finding| !finding.is_empty());
    lines.extend(labelled("warning:", warning.cloned()));
    lines.extend(next(&[
        (format!("windlass registry test {project} {host}"), "try the logins again"),
        (format!("windlass registry list {project}"), "all registries of the project"),
    ]));
    lines
}

fn account(account: &v1::RegistryAccount) -> String {
    match &*account.plugin {
        "" => format!("user {}", account.user),
        plugin => format!("plugin {plugin}"),
    }
}

fn tested(host: &str, findings: &[v1::RegistryFinding]) -> Vec<Line> {
    if findings.is_empty() {
        return vec![Line::of(Look::Good, &format!("{host} accepts the logins"))];
    }
    let mut lines = Vec::new();
    for finding in findings {
        let heading = format!("{}: {}", finding.login, finding.message);
        lines.push(Line::of(Look::Bad, &heading));
        lines.extend(labelled("fix:", [finding.fix.clone()]));
    }
    lines
}

/// Returns a login as a cell. Empty means that there is none.
fn login(login: Option<&v1::RegistryAccount>) -> Line {
    plain(&login.map(account).unwrap_or_default())
}

/// Returns the state of a version as a cell. Empty means that its logins worked when it was put.
fn state(registry: &v1::Registry) -> Line {
    match &*registry.finding {
        "" => plain(""),
        _ => Line::of(Look::Odd, "put without a check that passed"),
    }
}

fn history(versions: &[v1::Registry], now_ms: u64) -> Vec<Line> {
    let row = |version: &v1::Registry| {
        let images = if version.removed { "(removed)" } else { &*version.images };
        vec![
            plain(&version.version.to_string()),
            plain(&since(version.at.as_ref(), now_ms)),
            plain(&version.by),
            plain(images),
            login(version.push.as_ref()),
            login(version.pull.as_ref()),
            state(version),
        ]
    };
    let head = ["VERSION", "AGE", "BY", "IMAGES", "PUSH", "PULL", ""];
    table(&head, versions.iter().map(row).collect())
}

fn list(registries: &[v1::Registry], now_ms: u64) -> Vec<Line> {
    let row = |registry: &v1::Registry| {
        vec![
            plain(&registry.host),
            plain(&registry.images),
            login(registry.push.as_ref()),
            login(registry.pull.as_ref()),
            plain(&registry.version.to_string()),
            plain(&since(registry.at.as_ref(), now_ms)),
            plain(&registry.by),
            state(registry),
        ]
    };
    let head = ["HOST", "IMAGES", "PUSH", "PULL", "VERSION", "AGE", "BY", ""];
    table(&head, registries.iter().map(row).collect())
}

#[cfg(test)]
mod tests;
