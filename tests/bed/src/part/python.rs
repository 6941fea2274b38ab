//! Parts that run on Python: AWS by moto, and a receiver of webhooks.

use crate::{
    Layout, Result, install,
    process::{Running, await_ready, listens, run, start_command},
};
use serde_json::Value;
use std::{path::Path, process::Command, time::Duration};

/// Password that moto's ECR returns. Its account is always 123456789012.
pub const ECR_PASSWORD: &str = "123456789012-auth-token";

fn python(layout: &Layout) -> Result<Command> {
    let packages = install::python(layout)?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "python3"]).env("PYTHONPATH", packages);
    Ok(command)
}

fn script(name: &str) -> std::path::PathBuf {
    crate::build::root().join("tests/bed/python").join(name)
}

/// Starts AWS on loopback. AWS ends with the thread that started it. `verified` means that all calls but the
/// first three must be signed by a user with the right to them. Otherwise nothing is checked.
pub fn aws(layout: &Layout, port: u16, verified: bool) -> Result<Running> {
    let mut command = python(layout)?;
    command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    if verified {
        command.env("INITIAL_NO_AUTH_ACTION_COUNT", "3");
    }
    let log = layout.at(&format!("log/aws-{port}.log"));
    let mut part = start_command("aws", &log, command)?;
    await_ready(&mut part, &log, Duration::from_secs(60), || listens("127.0.0.1", port))?;
    Ok(part)
}

/// Makes users and a role in AWS, and returns the keys of `ci` and of `nobody`, in the form that the plugin
/// reads.
pub fn aws_users(layout: &Layout, port: u16) -> Result<Value> {
    let url = format!("http://127.0.0.1:{port}");
    let mut command = python(layout)?;
    Ok(serde_json::from_str(&run(command.arg(script("aws.py")).arg(url))?)?)
}

/// Starts a receiver of webhooks on loopback, which accepts what is signed with `secret`, and writes it to
/// `log`.
pub fn receiver(layout: &Layout, port: u16, secret: &str, log: &Path) -> Result<Running> {
    let mut command = python(layout)?;
    command.arg(script("receiver.py")).arg(port.to_string()).arg(secret).arg(log);
    let own = layout.at(&format!("log/receiver-{port}.log"));
    let mut part = start_command("receiver", &own, command)?;
    await_ready(&mut part, &own, Duration::from_secs(30), || listens("127.0.0.1", port))?;
    Ok(part)
}
