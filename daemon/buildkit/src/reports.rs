//! Files that a test command left in its container, by the globs of its plan.

use crate::gateway::Gateway;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeMap;
use windlass_model::{error::BuildError, redact::Redactor};

/// Most bytes of one report, and of all together. A plugin with 64 MiB of memory reads them.
const LARGEST_FILE: u64 = 2 << 20;
const LARGEST: u64 = 8 << 20;
/// Most folders that are listed, and most files that are read. Each is a call.
const MOST_FOLDERS: usize = 200;
const MOST_FILES: usize = 100;
/// Go's `os.ModeDir`: the bit that marks a folder.
const FOLDER: u32 = 1 << 31;

/// Collects the masked text of the files that match, by path under `cwd`. Files that are too large are left
/// out. The error names a glob that cannot be read.
pub(crate) async fn collect(
    gateway: &Gateway,
    container: &str,
    cwd: &str,
    globs: &[String],
    redactor: &Redactor,
) -> Result<BTreeMap<String, String>, BuildError> {
    let mut found = BTreeMap::new();
    let set = compiled(globs)?;
    let mut folders = roots(globs);
    let mut looked = 0;
    let mut left = LARGEST;
    while let Some(folder) = folders.pop() {
        looked += 1;
        if looked > MOST_FOLDERS {
            break;
        }
        for entry in gateway.list(container, &join(cwd, &folder)).await {
            let name = entry.path.rsplit('/').next().unwrap_or_default();
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            if entry.mode & FOLDER != 0 {
                // No reports are in these folders, and walking them takes minutes.
                let installed = matches!(name, "node_modules" | ".git" | "vendor" | ".venv");
                if !installed && globs.iter().any(|glob| can_hold(&path, glob)) {
                    folders.push(path);
                }
                continue;
            }
            let size = u64::try_from(entry.size).unwrap_or(u64::MAX);
            if size > LARGEST_FILE.min(left) || !set.is_match(&path) || found.len() == MOST_FILES {
                continue;
            }
            if let Some(bytes) = gateway.read_in(container, &join(cwd, &path), LARGEST_FILE).await {
                left = left.saturating_sub(bytes.len() as u64);
                let redactor = redactor.clone();
                // A report may be made of escapes: megabytes of them take seconds.
                let masking = move || redactor.mask(&String::from_utf8_lossy(&bytes));
                let masked = tokio::task::spawn_blocking(masking).await;
                let masked = masked.map_err(|error| BuildError::Other {
                    message: format!("cannot mask {path}: {error}"),
                })?;
                found.insert(path, masked);
            }
        }
    }
    Ok(found)
}

fn compiled(globs: &[String]) -> Result<GlobSet, BuildError> {
    let refuse = |error: globset::Error| BuildError::Other {
        message: format!("a report's path is no glob: {error}"),
    };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(refuse)?);
    }
    set.build().map_err(refuse)
}

/// Returns whether something below a folder can match.
fn can_hold(folder: &str, glob: &str) -> bool {
    glob.contains("**") || glob.split('/').count() > folder.split('/').count()
}

/// Returns the folders above each first wildcard, where walking begins.
fn roots(globs: &[String]) -> Vec<String> {
    let mut roots: Vec<String> = globs
        .iter()
        .map(|glob| {
            let plain = glob.split('/').take_while(|part| !part.contains(['*', '?', '[', '{']));
            let plain: Vec<_> = plain.collect();
            // The last part of a glob without wildcards is the file itself.
            let folders = plain.len().min(glob.split('/').count().saturating_sub(1));
            plain.get(..folders).unwrap_or_default().join("/")
        })
        .collect();
    roots.sort();
    roots.dedup();
    // A folder below another one would be walked twice.
    let all = roots.clone();
    roots.retain(|root| {
        !all.iter().any(|other| {
            other != root && (other.is_empty() || root.starts_with(&format!("{other}/")))
        })
    });
    roots
}

fn join(cwd: &str, path: &str) -> String {
    format!("{}/{path}", cwd.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_can_hold_reports_are_walked() {
        let roots = |globs: &[&str]| roots(&globs.iter().map(|&g| g.into()).collect::<Vec<_>>());
        assert_eq!(roots(&["out/junit.xml"]), ["out"]);
        assert_eq!(roots(&["junit.xml"]), [""]);
        assert_eq!(roots(&["a/b/*.xml", "a/*.xml", "c/**/x.json"]), ["a", "c"]);
        assert_eq!(roots(&["**/*.xml", "a/*.xml"]), [""]);
        assert!(can_hold("src", "reports/*.xml") && !can_hold("src", "junit.xml"));
        assert!(!can_hold("reports/old", "reports/*.xml") && can_hold("a/b", "**/x.xml"));
    }
}
