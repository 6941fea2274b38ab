//! Builds every plugin of `plugins/` into a component, `target/plugins/<name>.wasm`. With `--fixtures` it also
//! builds the plugins of `tests/fixtures/plugins`, into the same folder: nobody installs those. With `--releases` it
//! builds nothing, and writes the SDK's table of releases.
//!
//! The compiler is rustup's with its wasm target where that is installed. Otherwise it is Debian's rustc-web, which
//! brings the standard library's sources and is installed by root. For other users, rustup adds the target.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]
#![expect(clippy::disallowed_methods, reason = "cargo names its target folder in the environment")]

use std::{
    borrow::Cow,
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};
use wasm_encoder::{CustomSection, Encode, Section};

mod releases;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Target without imports of a system: a plugin's imports are those of the WIT.
const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugins: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    // By the variable that cargo sets at run time: with one target folder for several checkouts, a program that was
    // compiled for one is run for another.
    let own = env::var_os("CARGO_MANIFEST_DIR").ok_or("run it with cargo")?;
    let root = Path::new(&own).join("../..").canonicalize()?;
    if env::args().skip(1).eq(["--releases"]) {
        return releases::write(&root);
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let build = target.join("plugins-build");
    let out = target.join("plugins");
    fs::create_dir_all(&out)?;
    for workspace in workspaces(env::args().skip(1))? {
        let plugins = root.join(workspace);
        compile(&plugins, &build)?;
        components(&plugins, &build, &out)?;
    }
    Ok(())
}

/// Returns the folders whose plugins are built, from the program's arguments.
fn workspaces(arguments: impl Iterator<Item = String>) -> Result<Vec<&'static str>> {
    let mut folders = vec!["plugins"];
    for argument in arguments {
        if argument != "--fixtures" {
            return Err(format!(
                "`{argument}` is no option; there are --fixtures and, alone, --releases"
            )
            .into());
        }
        folders.push("tests/fixtures/plugins");
    }
    Ok(folders)
}

/// Makes a component of each module that was compiled from a folder's plugins.
fn components(plugins: &Path, build: &Path, out: &Path) -> Result<()> {
    for entry in fs::read_dir(plugins)? {
        let folder = entry?.path();
        let manifest = folder.join("plugin.toml");
        if !manifest.exists() {
            continue;
        }
        let name =
            folder.file_name().and_then(|name| name.to_str()).ok_or("a plugin without a name")?;
        let module =
            build.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
        let component = component(&fs::read(module)?, &fs::read(manifest)?)?;
        let file = out.join(format!("{name}.wasm"));
        fs::write(&file, &component)?;
        println!("{} ({} KiB)", file.display(), component.len() >> 10);
    }
    Ok(())
}

fn compile(plugins: &Path, build: &Path) -> Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(plugins))?;
    let sysroot = Path::new(sysroot.trim());
    let mut command;
    let has_target = || sysroot.join("lib/rustlib").join(TARGET).exists();
    if !has_target() && !has_debian() && !may_install() {
        add_target(plugins);
    }
    if has_target() {
        println!("building with the toolchain's own {TARGET}");
        command = Command::new("cargo");
        command.args(["build", "--release", "--locked", "--target", TARGET]);
    } else {
        println!("building with Debian's rustc-web: the toolchain has no {TARGET}");
        debian().map_err(|error| {
            format!(
                "the toolchain has no {TARGET}: `rustup target add {TARGET}`; Debian's rustc-web in its place \
                 cannot be installed: {error}"
            )
        })?;
        // The linker is the same program in both. Debian's would need another package.
        let linker = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
        command = Command::new("/usr/bin/cargo");
        command
            .args([
                "build",
                "--release",
                "--locked",
                "-Zbuild-std=std,panic_abort",
                "--target",
                TARGET,
            ])
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("CARGO");
    }
    command.env("CARGO_TARGET_DIR", build).current_dir(plugins);
    if command.status()?.success() { Ok(()) } else { Err("the plugins do not compile".into()) }
}

/// Has rustup add the target, which needs no root. Not every machine reaches rustup's server.
fn add_target(plugins: &Path) {
    println!("rustup target add {TARGET}");
    let mut rustup = Command::new("rustup");
    if let Err(error) = output(rustup.args(["target", "add", TARGET]).current_dir(plugins)) {
        println!("it cannot: {error}");
    }
}

/// Returns whether Debian's compiler can be installed, which also works where rustup's server is out of reach.
fn may_install() -> bool {
    Path::new("/usr/bin/apt-get").exists()
        && output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn has_debian() -> bool {
    output(Command::new("dpkg").args(["-s", "rust-web-src", "cargo-web", "rustc-web"])).is_ok()
}

fn debian() -> Result<()> {
    if has_debian() {
        return Ok(());
    }
    println!("installing rustc-web, cargo-web, rust-web-src");
    for arguments in [
        &["update", "-q"][..],
        &[
            "install",
            "-q",
            "-y",
            "--no-install-recommends",
            "rustc-web",
            "cargo-web",
            "rust-web-src",
        ],
    ] {
        // The bed may be installing its own packages at the same moment.
        let wait = ["-o", "DPkg::Lock::Timeout=600"];
        let mut apt = Command::new("apt-get");
        output(apt.env("DEBIAN_FRONTEND", "noninteractive").args(wait).args(arguments))?;
    }
    Ok(())
}

/// Makes a component with the manifest inside, so that one digest covers code and manifest.
fn component(module: &[u8], manifest: &[u8]) -> Result<Vec<u8>> {
    let mut component =
        wit_component::ComponentEncoder::default().module(module)?.validate(true).encode()?;
    let section = CustomSection { name: "windlass:manifest".into(), data: Cow::Borrowed(manifest) };
    component.push(section.id());
    section.encode(&mut component);
    Ok(component)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
