//! Buildkitd, with the bed's registry as its mirror of docker.io.

use crate::{
    Layout, Result,
    process::{Running, await_ready, run, start},
};
use std::{fs, path::Path, process::Command, time::Duration};

/// Starts a buildkitd in the folder `name`, on `name.sock` and a TCP address. `None` means no TCP address.
pub fn up(layout: &Layout, name: &'static str, tcp: Option<&str>) -> Result<Running> {
    let root = layout.at(name);
    let socket = layout.at(&format!("{name}.sock"));
    fs::create_dir_all(&root)?;
    // A killed daemon leaves its lock and its socket.
    let _ = fs::remove_file(&socket);
    let registry = layout.registry();
    let private = layout.private_registry();
    let soak = layout.soak_registry();
    let addresses: Vec<_> = [Some(format!("unix://{}", socket.display())), tcp.map(Into::into)]
        .into_iter()
        .flatten()
        .map(|address: String| format!("\"{address}\""))
        .collect();
    let config = root.join("buildkitd.toml");
    fs::write(
        &config,
        format!(
            "root = \"{root}/state\"\n\
             [grpc]\naddress = [{addresses}]\n\
             [worker.oci]\nenabled = true\nsnapshotter = \"overlayfs\"\nnetworkMode = \"host\"\n\
             [worker.containerd]\nenabled = false\n\
             [registry.\"docker.io\"]\nmirrors = [\"{registry}\"]\n\
             [registry.\"{registry}\"]\nhttp = true\n\
             [registry.\"{private}\"]\nhttp = true\n\
             [registry.\"{soak}\"]\nhttp = true\n",
            root = root.display(),
            addresses = addresses.join(", "),
        ),
    )?;
    let log = layout.at(&format!("log/{name}.log"));
    let args = [Path::new("--config"), &config];
    let mut part = start(name, &log, &layout.program("buildkitd"), args)?;
    let address = format!("unix://{}", socket.display());
    await_ready(&mut part, &log, Duration::from_secs(30), || {
        socket.exists()
            && run(Command::new(layout.program("buildctl"))
                .args(["--addr", &address, "debug", "workers"]))
            .is_ok()
    })?;
    Ok(part)
}
