//! `windlass plugin`: lists, inspects and reloads plugins.

use crate::{args::Plugin, client::Client, failure::Failure};
use serde_json::{Value, json};
use windlass_proto::v1;

pub(crate) async fn run(
    client: &mut Client,
    command: &Plugin,
    print: &impl Fn(String, Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match command {
        Plugin::List => {
            for plugin in all(client).await? {
                print(line(&plugin), whole(&plugin))?;
            }
        }
        Plugin::Inspect { name } => {
            let plugins = all(client).await?;
            let found = plugins.iter().find(|plugin| plugin.name == *name);
            let known: Vec<_> = plugins.iter().map(|plugin| &*plugin.name).collect();
            let plugin = found.ok_or_else(|| {
                Failure::usage(format!(
                    "there is no plugin `{name}`; there are: {}",
                    known.join(", ")
                ))
            })?;
            print(inspected(plugin), whole(plugin))?;
        }
        Plugin::Reload => {
            let response = client.plugins.reload(v1::ReloadPluginsRequest {}).await?.into_inner();
            if response.changes.is_empty() {
                print("nothing has changed".into(), json!({ "changes": [] }))?;
            } else {
                print(response.changes.join("\n"), json!({ "changes": response.changes }))?;
            }
        }
    }
    Ok(())
}

async fn all(client: &mut Client) -> Result<Vec<v1::Plugin>, Failure> {
    Ok(client.plugins.list(v1::ListPluginsRequest {}).await?.into_inner().plugins)
}

fn line(plugin: &v1::Plugin) -> String {
    let digest: String = plugin.digest.chars().skip(7).take(12).collect();
    let state = match &*plugin.disabled {
        "" => format!("{} calls, {} failed", plugin.calls, plugin.failures),
        _ => "DISABLED".into(),
    };
    format!("{:16} {:8} {:12} {digest}  {state}", plugin.name, plugin.version, plugin.world)
}

fn inspected(plugin: &v1::Plugin) -> String {
    let mut text = format!(
        "{} {} ({})\n  file:    {}\n  digest:  {}",
        plugin.name, plugin.version, plugin.world, plugin.path, plugin.digest,
    );
    if !plugin.markers.is_empty() {
        text.push_str(&format!("\n  asked:   where {} is there", plugin.markers.join(" or ")));
    }
    if !plugin.languages.is_empty() {
        text.push_str(&format!(", for {}", plugin.languages.join(", ")));
    }
    for sentence in &plugin.grants {
        text.push_str(&format!("\n  it {sentence}"));
    }
    for ask in &plugin.not_granted {
        text.push_str(&format!("\n  not granted, and it works without: {ask}"));
    }
    for used in &plugin.used {
        text.push_str(&format!("\n  used:    {used}"));
    }
    text.push_str(&format!("\n  calls:   {}, of which {} failed", plugin.calls, plugin.failures));
    if !plugin.disabled.is_empty() {
        text.push_str(&format!("\n  DISABLED: {}", plugin.disabled));
        text.push_str("\n  fix:     mend it, then `windlass plugin reload`");
    }
    text
}

fn whole(plugin: &v1::Plugin) -> Value {
    json!({
        "name": plugin.name,
        "version": plugin.version,
        "world": plugin.world,
        "digest": plugin.digest,
        "path": plugin.path,
        "markers": plugin.markers,
        "languages": plugin.languages,
        "grants": plugin.grants,
        "not_granted": plugin.not_granted,
        "used": plugin.used,
        "calls": plugin.calls,
        "failures": plugin.failures,
        "disabled": plugin.disabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;

    #[test]
    fn plugins_read_as_they_should() {
        let plugin = v1::Plugin {
            name: "test-go".into(),
            version: "0.1.0".into(),
            world: "test-runner".into(),
            digest: "sha256:0123456789abcdef".into(),
            path: "/usr/lib/windlass/plugins/test-go.wasm".into(),
            markers: vec!["**/*_test.go".into()],
            languages: vec!["go".into()],
            grants: vec!["cannot reach the network".into()],
            calls: 7,
            failures: 1,
            used: vec!["POST https://api.example.com/ 3 times".into()],
            ..v1::Plugin::default()
        };
        let disabled = v1::Plugin {
            disabled: "it failed five times in a row in shop".into(),
            not_granted: vec!["http: to tell a chat".into()],
            ..plugin.clone()
        };
        let texts = [line(&plugin), line(&disabled), inspected(&plugin), inspected(&disabled)];
        same("plugins", &(texts.join("\n") + "\n"));
    }
}
