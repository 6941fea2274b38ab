//! Compiles the protos without protoc: `protox` is a compiler in Rust.

use std::{env, error::Error, fs, path::PathBuf};

/// What a spec is made of.
const SPEC: [&str; 15] = [
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
];

fn main() -> Result<(), Box<dyn Error>> {
    let files = ["windlass/v1/windlass.proto"];
    println!("cargo:rerun-if-changed=windlass");
    let descriptors = protox::compile(files, ["."])?;
    #[expect(clippy::disallowed_methods, reason = "a build script is told by its environment")]
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
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
    build.compile_fds(descriptors)?;
    Ok(())
}
