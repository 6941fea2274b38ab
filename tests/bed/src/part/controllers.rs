//! Example controllers of `proto/examples`, with their dependencies installed.

use crate::{Layout, Result, build, install, process::run};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// A language that has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `controller.py`, with generated stubs.
    Python,
    /// `controller.js`, which reads the proto when it starts.
    Node,
    /// `main.go`, with generated stubs.
    Go,
}

/// Path of the proto's file in the folder `proto`.
const PROTO: &str = "windlass/v1/windlass.proto";
/// Module of the example in Go. The package of stubs follows.
const GO_MODULE: &str = "windlass.example/controller";
const GO_STUBS: &str = "windlass.example/controller/windlassv1";

/// Returns the command of an example, without arguments. The example is installed and built once for each state
/// of its files.
pub fn controller(layout: &Layout, language: Language) -> Result<Command> {
    match language {
        Language::Python => {
            let folder = python(layout)?;
            let paths = std::env::join_paths([folder.join("packages"), folder.join("stubs")])?;
            let mut command = Command::new("python3");
            command.arg(example("python").join("controller.py")).env("PYTHONPATH", paths);
            Ok(command)
        }
        Language::Node => {
            let mut command = Command::new("node");
            command.arg(node(layout)?.join("controller.js")).env("PROTOS", protos());
            Ok(command)
        }
        Language::Go => Ok(Command::new(go(layout)?.join("bin/controller"))),
    }
}

fn python(layout: &Layout) -> Result<PathBuf> {
    let requirements = example("python").join("requirements.txt");
    once(layout, "python", &[requirements.clone(), protos().join(PROTO)], |folder| {
        let packages = folder.join("packages");
        let stubs = folder.join("stubs");
        fs::create_dir_all(&stubs)?;
        let quiet = ["-m", "pip", "install", "-q", "--no-warn-script-location", "--target"];
        run(Command::new("python3").args(quiet).arg(&packages).arg("-r").arg(&requirements))?;
        let mut protoc = protoc(&packages);
        protoc.arg(format!("--python_out={}", stubs.display()));
        protoc.arg(format!("--grpc_python_out={}", stubs.display()));
        run(protoc.arg(PROTO))?;
        Ok(())
    })
}

fn node(layout: &Layout) -> Result<PathBuf> {
    let names = ["controller.js", "errors.proto", "package.json", "package-lock.json"];
    let files = names.map(|name| example("node").join(name));
    npm(layout, "node", &files)
}

/// Returns a folder with the tests of the page, and with the libraries that they need. Installs a browser.
pub fn page_tests(layout: &Layout) -> Result<PathBuf> {
    let tests = build::root().join("tests/e2e/page");
    let entries = fs::read_dir(&tests)?.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort_unstable();
    install::program("/usr/bin/chromium", "chromium")?;
    // Without a font, text has no width.
    install::program("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core")?;
    npm(layout, "page", &files)
}

/// Copies files into a folder of the cache, and installs what their `package-lock.json` names.
fn npm(layout: &Layout, name: &str, files: &[PathBuf]) -> Result<PathBuf> {
    once(layout, name, files, |folder| {
        if Command::new("npm").arg("--version").output().is_err() {
            let install = ["install", "-q", "-y", "--no-install-recommends", "nodejs", "npm"];
            for arguments in [&["update", "-q"][..], &install] {
                // Another process may be installing at the same moment.
                let wait = ["-o", "DPkg::Lock::Timeout=600"];
                let mut apt = Command::new("apt-get");
                run(apt.env("DEBIAN_FRONTEND", "noninteractive").args(wait).args(arguments))?;
            }
        }
        copy(files, folder)?;
        let quiet = ["ci", "--loglevel=error", "--no-audit", "--no-fund"];
        run(Command::new("npm").current_dir(folder).args(quiet))?;
        Ok(())
    })
}

fn go(layout: &Layout) -> Result<PathBuf> {
    // Python's packages bring protoc, so that nobody has to install it.
    let packages = python(layout)?.join("packages");
    let sources = ["main.go", "go.mod", "go.sum"].map(|name| example("go").join(name));
    let all = [&sources[..], &[protos().join(PROTO)]].concat();
    once(layout, "go", &all, |folder| {
        copy(&sources, folder)?;
        let bin = folder.join("bin");
        let build = |what: &[&str]| {
            let mut command = Command::new("go");
            command.current_dir(folder).env("CGO_ENABLED", "0").args(["build", "-o"]);
            run(command.arg(format!("{}/", bin.display())).args(what))
        };
        build(&[
            "google.golang.org/protobuf/cmd/protoc-gen-go",
            "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
        ])?;
        let mut protoc = protoc(&packages);
        for generator in ["go", "go-grpc"] {
            let plugin = bin.join(format!("protoc-gen-{generator}"));
            protoc.arg(format!("--plugin=protoc-gen-{generator}={}", plugin.display()));
            protoc.arg(format!("--{generator}_out={}", folder.display()));
            protoc.arg(format!("--{generator}_opt=module={GO_MODULE},M{PROTO}={GO_STUBS}"));
        }
        run(protoc.arg(PROTO))?;
        build(&["."])?;
        Ok(())
    })
}

/// Returns the command of the protoc that grpcio-tools brings.
fn protoc(packages: &Path) -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages).args(["-m", "grpc_tools.protoc", "-I"]).arg(protos());
    command
}

/// Fills a folder of the cache once for each state of `files`. Tests that run side by side wait for each other.
fn once(
    layout: &Layout,
    name: &str,
    files: &[PathBuf],
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let all = layout.cache.join("controllers");
    let folder = all.join(name);
    let stamp_file = all.join(format!("{name}.done"));
    fs::create_dir_all(&all)?;
    let lock = File::create(all.join(format!("{name}.lock")))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let mut stamp = String::new();
    for file in files {
        let text = fs::read_to_string(file);
        stamp.push_str(&text.map_err(|error| format!("{}: {error}", file.display()))?);
    }
    if fs::read_to_string(&stamp_file).is_ok_and(|done| done == stamp) {
        return Ok(folder);
    }
    let _ = fs::remove_file(&stamp_file);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fill(&folder)?;
    fs::write(stamp_file, stamp)?;
    Ok(folder)
}

fn copy(files: &[PathBuf], folder: &Path) -> Result<()> {
    for file in files {
        fs::copy(file, folder.join(file.file_name().ok_or("a file without a name")?))?;
    }
    Ok(())
}

fn example(language: &str) -> PathBuf {
    protos().join("examples").join(language)
}

fn protos() -> PathBuf {
    build::root().join("proto")
}
