//! Options of the frontend for one build.

use std::collections::HashMap;
use windlass_engine::ports::{BuildRequest, Dockerfile};

/// Returns the options: file and target, arguments, and what keeps projects apart in caches.
pub(crate) fn options(request: &BuildRequest) -> HashMap<String, String> {
    let mut options = HashMap::new();
    if let Dockerfile::Path(path) = &request.dockerfile {
        options.insert("filename".to_owned(), path.clone());
    }
    if let Some(target) = &request.target {
        options.insert("target".into(), target.clone());
    }
    for (name, value) in &request.arguments {
        options.insert(format!("build-arg:{name}"), value.clone());
    }
    // After those of the repository. Cache mounts have the name in their ids.
    options.insert("build-arg:BUILDKIT_CACHE_MOUNT_NS".into(), request.caches.clone());
    // A step's key in BuildKit's cache has neither the values of secrets nor proxies nor what its cache mounts hold
    // (`solver/llbsolver/ops/exec.go`): another project could fill it with what it likes. It has the host's name.
    options.insert("hostname".into(), request.caches.clone());
    // Frontends from before 2020, which `# syntax=` may name, know no host's name. All of them know this.
    let known = format!("{}.project.invalid=127.0.0.1", request.caches);
    options.insert("add-hosts".into(), known);
    options
}
