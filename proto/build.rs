//! Compiles the protos without protoc: `protox` is a compiler in Rust.

use std::{env, error::Error, fs, path::PathBuf};

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
    tonic_prost_build::configure().btree_map(".").compile_fds(descriptors)?;
    Ok(())
}
