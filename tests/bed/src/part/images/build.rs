//! Build and push of one base image, and the context that all of them share.

use crate::{
    Layout, Result,
    build::root,
    part::node,
    process::{run, sh},
};
use std::{fs, path::Path, process::Command};

/// Makes what the images are built from: a Debian root, this machine's CAs, and the pause program.
pub(super) fn context(layout: &Layout, report: &dyn Fn(&str)) -> Result<()> {
    let context = layout.cache.join("images");
    fs::create_dir_all(&context)?;
    rootfs(&context, report)?;
    fs::copy("/etc/ssl/certs/ca-certificates.crt", context.join("host-ca.crt"))?;
    node::pause(&context.join("pause"))
}

/// Returns the folder of this machine's Go.
pub(super) fn go_root() -> Result<String> {
    Ok(run(Command::new("go").args(["env", "GOROOT"]))?.trim().to_owned())
}

/// Returns the folder of this machine's Rust toolchain.
pub(super) fn rust_root() -> Result<String> {
    let mut command = Command::new("rustc");
    Ok(run(command.args(["--print", "sysroot"]).current_dir(root()))?.trim().to_owned())
}

/// Builds an image from the shared context, and pushes it as `name`. `folders` are further contexts, by the name
/// that `COPY --from` uses.
pub(super) fn image(
    layout: &Layout,
    buildkit: &str,
    name: &str,
    dockerfile: &str,
    folders: &[(&str, &str)],
) -> Result<()> {
    let context = layout.cache.join("images");
    let folder = context.join("dockerfile");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("Dockerfile"), dockerfile)?;
    let mut command = Command::new(layout.program("buildctl"));
    command
        .args(["--addr", buildkit, "build", "--progress", "plain", "--frontend", "dockerfile.v0"])
        .arg(format!("--local=context={}", context.display()))
        .arg(format!("--local=dockerfile={}", folder.display()));
    for (name, path) in folders {
        command.arg(format!("--local={name}={path}"));
        command.args(["--opt", &format!("context:{name}=local:{name}")]);
    }
    let output = "push=true,registry.insecure=true,compression=zstd";
    run(command.arg(format!("--output=type=image,name={name},{output}")))?;
    Ok(())
}

fn rootfs(context: &Path, report: &dyn Fn(&str)) -> Result<()> {
    let tar = context.join("rootfs.tar");
    if tar.exists() {
        return Ok(());
    }
    report("making a Debian root with debootstrap (half a minute)");
    let part = context.join("rootfs.part");
    let folder = context.join("rootfs");
    let _ = fs::remove_dir_all(&folder);
    run(Command::new("debootstrap").args(["--variant=minbase", "bookworm"]).arg(&folder))?;
    // How this machine's apt reaches Debian is how the images' apt does.
    for file in ["/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"] {
        if Path::new(file).exists() {
            let to = folder.join(file.trim_start_matches('/'));
            let _ = fs::remove_dir_all(&to).or_else(|_| fs::remove_file(&to));
            run(Command::new("cp").arg("-rL").arg(file).arg(&to))?;
        }
    }
    let _ = fs::remove_dir_all(folder.join("var/cache/apt"));
    fs::create_dir_all(folder.join("var/cache/apt/archives/partial"))?;
    run(Command::new("tar")
        .args(["--one-file-system", "--exclude=./dev/*", "--exclude=./proc/*", "-cf"])
        .arg(&part)
        .arg("-C")
        .arg(&folder)
        .arg("."))?;
    fs::rename(part, tar)?;
    let _ = sh(&format!("rm -rf {}", folder.display()));
    Ok(())
}
