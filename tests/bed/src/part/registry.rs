//! Registries, by Debian's docker-registry: one is open, one has htpasswd.

use crate::{
    Layout, Result,
    layout::{HOST, PASSWORD},
    part::python::ECR_PASSWORD,
    process::{Running, await_ready, listens, run, start},
};
use std::{fs, path::Path, process::Command, time::Duration};

/// Starts a registry on the bridge's address. A private one demands the user `bed` with the bed's password, or
/// the user `AWS` with [`ECR_PASSWORD`].
pub fn up(layout: &Layout, name: &'static str, port: u16, private: bool) -> Result<Running> {
    let folder = layout.at(name);
    fs::create_dir_all(folder.join("storage"))?;
    let auth = if private {
        // The registry takes bcrypt only.
        let users = [("bed", PASSWORD), ("AWS", ECR_PASSWORD)]
            .map(|(user, password)| run(Command::new("htpasswd").args(["-Bbn", user, password])));
        let users: Result<Vec<_>> = users.into_iter().collect();
        fs::write(folder.join("htpasswd"), users?.concat())?;
        format!("auth:\n  htpasswd:\n    realm: bed\n    path: {}/htpasswd\n", folder.display())
    } else {
        String::new()
    };
    let config = folder.join("config.yml");
    fs::write(
        &config,
        format!(
            "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {}/storage\n  \
             delete:\n    enabled: true\nhttp:\n  addr: {HOST}:{port}\n{auth}",
            folder.display()
        ),
    )?;
    let log = layout.at(&format!("log/{name}.log"));
    let args = [Path::new("serve"), &config];
    let mut part = start(name, &log, Path::new("/usr/bin/docker-registry"), args)?;
    await_ready(&mut part, &log, Duration::from_secs(20), || listens(HOST, port))?;
    Ok(part)
}
