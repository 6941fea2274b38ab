//! Objects of one namespace, read and changed by `kubectl` as the cluster's admin.

use crate::bed;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Result, daemon, part::control_plane::Plane};

/// One namespace of a cluster of the bed. Objects are named as arguments of `kubectl`: `service/app`, `pods --all`,
/// `nodes --selector pool=a`. Kinds that have no namespace can be named, too.
///
/// All methods but those that return a [`Result`] panic with what `kubectl` printed.
#[derive(Clone, Debug)]
pub struct Namespace {
    plane: Plane,
    name: String,
}

impl Namespace {
    /// Returns a namespace of the bed's first cluster. It need not exist.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self::in_plane(Plane(1), name)
    }

    /// Returns a namespace of this cluster. It need not exist.
    #[must_use]
    pub fn in_plane(plane: Plane, name: &str) -> Self {
        Self { plane, name: name.to_owned() }
    }

    /// Returns `metadata.name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Runs `kubectl` in this namespace, and returns what it prints.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.ask(args).unwrap()
    }

    /// Returns a part of an object, or of a list's items.
    #[must_use]
    #[track_caller]
    pub fn get(&self, what: &str, jsonpath: &str) -> String {
        self.act("get", what, &["-o", &format!("jsonpath={jsonpath}")])
    }

    /// Returns a whole object or list.
    #[must_use]
    #[track_caller]
    pub fn json(&self, what: &str) -> Value {
        serde_json::from_str(&self.act("get", what, &["-o", "json"])).unwrap()
    }

    /// Returns a line `kind/name` for each object. Empty means that there is none.
    #[must_use]
    #[track_caller]
    pub fn names(&self, what: &str) -> String {
        self.act("get", what, &["-o", "name"])
    }

    /// Creates an object by a command: `quota small --hard=pods=1`. Returns what `kubectl` prints.
    #[track_caller]
    pub fn create(&self, what: &str) -> String {
        self.act("create", what, &[])
    }

    /// Applies objects. Objects that name no namespace are created in this one.
    #[track_caller]
    pub fn apply(&self, yaml: &str) {
        self.apply_file(&self.written(yaml));
    }

    /// Applies a file, or all files of a folder.
    #[track_caller]
    pub fn apply_file(&self, path: &Path) {
        self.kubectl(&["apply", "--filename", &path.display().to_string()]);
    }

    /// Patches an object by a merge patch. A flag can name a subresource or a field manager.
    #[track_caller]
    pub fn patch(&self, what: &str, flags: &[&str], patch: &str) {
        self.act("patch", what, &[flags, &["--type=merge", "--patch", patch]].concat());
    }

    /// Sets a label (`pool=a`) or removes it (`pool-`).
    #[track_caller]
    pub fn label(&self, what: &str, label: &str) {
        self.act("label", what, &["--overwrite", label]);
    }

    /// Deletes objects, and waits until they do not exist. An object that does not exist is no error.
    #[track_caller]
    pub fn delete(&self, what: &str) {
        self.act("delete", what, &["--ignore-not-found"]);
    }

    /// Deletes objects without waiting. An object that does not exist is no error.
    #[track_caller]
    pub fn delete_later(&self, what: &str) {
        self.act("delete", what, &["--ignore-not-found", "--wait=false"]);
    }

    /// Deletes the objects of a YAML text, and waits until they do not exist.
    #[track_caller]
    pub fn delete_applied(&self, yaml: &str) {
        let file = self.written(yaml).display().to_string();
        self.kubectl(&["delete", "--ignore-not-found", "--filename", &file]);
    }

    /// Runs a command in a pod, and returns what it prints.
    #[must_use]
    #[track_caller]
    pub fn exec(&self, pod: &str, command: &[&str]) -> String {
        self.act("exec", pod, &[&["--"], command].concat())
    }

    /// Returns what a pod has printed.
    #[must_use]
    #[track_caller]
    pub fn logs(&self, pod: &str) -> String {
        self.act("logs", pod, &[])
    }

    /// Makes the namespace, after deleting that of an earlier run.
    #[track_caller]
    pub fn fresh(&self) {
        self.delete(&format!("namespace/{}", self.name));
        self.create(&format!("namespace {}", self.name));
    }

    /// Deletes the namespace without waiting. Errors are ignored, so that a `Drop` can use it.
    pub fn discard(&self) {
        let namespace = format!("namespace/{}", self.name);
        let _ = self.ask(&["delete", &namespace, "--ignore-not-found", "--wait=false"]);
    }

    /// Deletes the objects of a YAML text without waiting. Errors are ignored, as in [`Self::discard`].
    pub fn discard_applied(&self, yaml: &str) {
        let file = self.written(yaml).display().to_string();
        let _ = self.ask(&["delete", "--ignore-not-found", "--wait=false", "--filename", &file]);
    }

    /// Fetches an app's page, by the address of its `Service`.
    ///
    /// # Errors
    /// There is no `Service`, or nobody answers.
    pub fn page(&self, app: &str) -> Result<String> {
        let address = self.ask(&["get", "service", app, "-o", "jsonpath={.spec.clusterIP}"])?;
        // An app that routes has its page at `/` alone.
        daemon::get(&address, 80, "/index.html").or_else(|_| daemon::get(&address, 80, "/"))
    }

    /// Waits ten seconds until the app's page is this text.
    ///
    /// # Errors
    /// The page that the app serves in its place.
    pub fn await_page(&self, app: &str, text: &str) -> std::result::Result<(), String> {
        // A pod that was asked to end answers a moment longer, until the Service no longer leads to it.
        let (began, limit) = (Instant::now(), Duration::from_secs(10));
        loop {
            let page = self.page(app).unwrap_or_else(|error| format!("nothing: {error}"));
            if page.trim() == text {
                return Ok(());
            }
            if began.elapsed() > limit {
                return Err(page);
            }
            sleep(Duration::from_millis(200));
        }
    }

    fn ask(&self, args: &[&str]) -> Result<String> {
        self.plane.kubectl(&bed().layout, &[&["-n", &self.name], args].concat())
    }

    #[track_caller]
    fn act(&self, verb: &str, what: &str, flags: &[&str]) -> String {
        let arguments: Vec<_> = [verb].into_iter().chain(what.split_whitespace()).collect();
        self.kubectl(&[&arguments[..], flags].concat())
    }

    /// Writes a file for `kubectl`. Each namespace has its own file, so that tests do not share one.
    fn written(&self, yaml: &str) -> PathBuf {
        let folder = bed().layout.at("applied");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}.yaml", self.name));
        fs::write(&file, yaml).unwrap();
        file
    }
}
