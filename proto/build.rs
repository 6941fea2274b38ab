//! Compiles the protos without protoc: `protox` is a compiler in Rust.

use std::{env, error::Error, fs, path::PathBuf};

/// What a spec is made of.
const SPEC: [&str; 18] = [
    "Spec",
    "Process",
    "Resources",
    "Probes",
    "Probe",
    "Autoscale",
    "Volume",
    "Placement",
    "Toleration",
    "Termination",
    "Expose",
    "ServiceAccount",
    "Network",
    "Build",
    "Test",
    "Strategy",
    "Migrate",
    "Metric",
];

/// Messages that are shown as JSON, with the names of their fields.
const SHOWN: [&str; 74] = [
    "App",
    "Source",
    "Job",
    "Removal",
    "Pause",
    "Waiting",
    "UnreadableJob",
    "Release",
    "Secret",
    "PlanResponse",
    "DetectorAnswer",
    "Choice",
    "Candidate",
    "FoundProcess",
    "Advice",
    "ObjectChange",
    "PlanRemovalResponse",
    "RemovedObject",
    "AppStatus",
    "ClusterStatus",
    "WorkloadStatus",
    "AppLogLine",
    "Endpoint",
    "Plugin",
    "Diagnosis",
    "Ended",
    // And its `oneof`.
    "Event",
    "Claimed",
    "Started",
    "Finished",
    "Cloned",
    "Skipped",
    "Log",
    "BuildStep",
    "Decided",
    "Warning",
    "Retrying",
    "PluginCall",
    "PluginEffect",
    "HookRequested",
    "HookActionStarted",
    "HookActionFinished",
    "Held",
    "Approved",
    "TrafficShifted",
    "Holding",
    "Measured",
    "Paused",
    "Resumed",
    "Kept",
    "Migrated",
    "PullSecret",
    "Tested",
    "TestCase",
    "Pushed",
    "Planned",
    "Step",
    "Rollout",
    "Serving",
    "Project",
    "Preview",
    "Hook",
    "CreatedHook",
    "Delivery",
    "DeliveryVerdict",
    "Message",
    "LoginLink",
    "DeadMessage",
    "UnwellEndpoint",
    "Registry",
    "RegistryAccount",
    "RegistryFinding",
    "OwnCluster",
    "CheckedCluster",
];

/// Fields of these messages that JSON has in another form than prost: words for the numbers of an enum,
/// numbers for times.
const FORMS: [(&str, &str); 44] = [
    ("Job.state", "serialize_with = \"crate::json::job_state\""),
    ("Job.stage", "serialize_with = \"crate::json::stage\""),
    ("Job.created", "serialize_with = \"crate::json::seconds\""),
    ("Job.started", "serialize_with = \"crate::json::seconds\""),
    ("Job.finished", "serialize_with = \"crate::json::seconds\""),
    // The name of a secret, for the daemon alone.
    ("Source.credential", "skip"),
    ("Release.created", "serialize_with = \"crate::json::seconds\""),
    ("Secret.created", "serialize_with = \"crate::json::seconds\""),
    ("PlanResponse.spec_json", "rename = \"spec\", serialize_with = \"crate::json::document\""),
    ("PlanResponse.manifests", "serialize_with = \"crate::json::documents\""),
    ("ObjectChange.verb", "serialize_with = \"crate::json::change_verb\""),
    ("ClusterStatus.health", "serialize_with = \"crate::json::health\""),
    ("AppLogLine.at", "serialize_with = \"crate::json::seconds\""),
    ("Diagnosis.stage", "serialize_with = \"crate::json::stage\""),
    ("Ended.outcome", "serialize_with = \"crate::json::outcome\""),
    ("Event.at", "serialize_with = \"crate::json::seconds\""),
    ("Event.stage", "serialize_with = \"crate::json::stage\""),
    ("Cloned.authored", "serialize_with = \"crate::json::seconds\""),
    ("BuildStep.duration", "rename = \"ms\", serialize_with = \"crate::json::millis\""),
    ("Retrying.after", "rename = \"after_ms\", serialize_with = \"crate::json::millis\""),
    ("PluginCall.cpu_time", "rename = \"cpu_ms\", serialize_with = \"crate::json::millis\""),
    ("PluginCall.duration", "rename = \"ms\", serialize_with = \"crate::json::millis\""),
    ("PluginEffect.duration", "rename = \"ms\", serialize_with = \"crate::json::millis\""),
    ("Project.at", "serialize_with = \"crate::json::seconds\""),
    ("Hook.created", "serialize_with = \"crate::json::seconds\""),
    ("Hook.seen", "serialize_with = \"crate::json::seconds\""),
    ("Hook.previous_until", "serialize_with = \"crate::json::seconds\""),
    ("Delivery.at", "serialize_with = \"crate::json::seconds\""),
    ("Message.created", "serialize_with = \"crate::json::seconds\""),
    ("Message.next", "serialize_with = \"crate::json::seconds\""),
    ("UnwellEndpoint.since", "serialize_with = \"crate::json::seconds\""),
    ("LoginLink.expires", "serialize_with = \"crate::json::seconds\""),
    ("DeadMessage.at", "serialize_with = \"crate::json::seconds\""),
    ("Registry.at", "serialize_with = \"crate::json::seconds\""),
    (
        "RegistryAccount.settings_json",
        "rename = \"settings\", serialize_with = \"crate::json::document\"",
    ),
    ("Held.until", "serialize_with = \"crate::json::seconds\""),
    ("Holding.until", "serialize_with = \"crate::json::seconds\""),
    ("Kept.until", "serialize_with = \"crate::json::seconds\""),
    ("Migrated.at", "serialize_with = \"crate::json::seconds\""),
    ("Pause.at", "serialize_with = \"crate::json::seconds\""),
    ("Preview.pushed", "serialize_with = \"crate::json::seconds\""),
    ("Preview.until", "serialize_with = \"crate::json::seconds\""),
    ("PullSecret.renew", "serialize_with = \"crate::json::seconds\""),
    ("OwnCluster.at", "serialize_with = \"crate::json::seconds\""),
];

fn main() -> Result<(), Box<dyn Error>> {
    let files = ["windlass/v1/windlass.proto"];
    println!("cargo:rerun-if-changed=windlass");
    let descriptors = protox::compile(files, ["."])?;
    #[expect(clippy::disallowed_methods, reason = "its input is its environment")]
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    for (field, _) in FORMS {
        let (message, name) = field.split_once('.').ok_or("no field")?;
        let messages = descriptors.file.iter().flat_map(|file| &file.message_type);
        let has_it = |one: &str| one == name;
        let mut known = messages.filter(|one| one.name() == message);
        if !known.any(|one| one.field.iter().any(|field| has_it(field.name()))) {
            return Err(format!("FORMS names {field}, which is no field").into());
        }
    }
    let bytes = {
        use prost::Message;
        descriptors.encode_to_vec()
    };
    // For reflection.
    fs::write(out.join("descriptors.bin"), bytes)?;
    // Ordered maps: the bytes of a request tell a repeat from another request.
    let mut build = tonic_prost_build::configure().btree_map(".");
    // A spec has the same words here and in `windlass.toml`: it is read and written as that.
    for message in SPEC.map(|name| format!(".windlass.v1.{name}")) {
        build = build
            .type_attribute(&message, "#[derive(serde::Serialize, serde::Deserialize)]")
            .type_attribute(
                &message,
                "#[serde(default, deny_unknown_fields, rename_all = \"kebab-case\")]",
            );
    }
    for message in SHOWN {
        let path = format!(".windlass.v1.{message}");
        build = build.type_attribute(path, "#[derive(serde::Serialize)]");
    }
    for (field, form) in FORMS {
        let path = format!(".windlass.v1.{field}");
        build = build.field_attribute(path, format!("#[serde({form})]"));
    }
    build = build
        // The head is one message of a stream.
        .enum_attribute(
            ".windlass.v1.PlanFolderRequest.part",
            "#[allow(clippy::large_enum_variant)]",
        )
        .enum_attribute(".windlass.v1.Event.what", "#[serde(rename_all = \"snake_case\")]")
        // Without the first dot, which would mean the fields within the `oneof`, too.
        .field_attribute("windlass.v1.Event.what", "#[serde(flatten)]");
    build.compile_fds(descriptors)?;
    Ok(())
}
