//! Plan of a folder: answers how the files that a client sends would be built. No repository and no cluster is asked.

use crate::{
    caller::Caller, error::ServiceError, ports::SentFiles, services::Services, verb::Verb,
};
use windlass_engine::{
    pipeline::{DryRun, refused_upload},
    ports::{Tree, UploadedFile},
};
use windlass_model::{app::App, error::GitError, spec::Spec};

/// The largest number of files of a folder.
const MOST_FILES: usize = 100_000;
/// The largest number of bytes of all files.
const MOST_BYTES: usize = 64 << 20;
/// The largest number of bytes of one file: detectors read lock files of this length. A client sends a longer one
/// without its content.
pub const LONGEST_FILE: usize = 16 << 20;
/// The largest number of bytes of a path.
const LONGEST_PATH: usize = 4096;
/// The largest number of folders that enclose one another, and of all folders.
const DEEPEST: usize = 100;
const MOST_FOLDERS: usize = 100_000;
/// The largest number of bytes of all paths: each is kept in memory while detectors are asked.
const MOST_PATH_BYTES: usize = 32 << 20;

/// Request for the plan of a folder.
#[derive(Clone, Debug, Default)]
pub struct FolderRequest {
    /// Project whose plugins are asked.
    pub project: String,
    /// Folder of the app within the folder.
    pub directory: String,
    /// Spec of the request, which goes before `windlass.toml`.
    pub spec: Spec,
}

impl Services {
    /// Returns how a folder would be built.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a field, a path or a limit, [`ServiceError::Failed`] where a job would fail
    /// before its build, [`ServiceError::Exhausted`] and [`ServiceError::Late`] without a place, or after its time.
    pub async fn plan_folder(
        &self,
        caller: &Caller,
        request: FolderRequest,
        files: &mut dyn SentFiles,
    ) -> Result<DryRun, ServiceError> {
        let FolderRequest { project, directory, spec } = request;
        let app = App::new(&project, "folder", "")?;
        caller.may(Verb::Deploy, &app.project)?;
        spec.check()?;
        if !directory.is_empty() {
            check_path("directory", &directory)?;
        }
        let planned = async {
            let tree = self.received(files, &directory).await?;
            Ok(self.planner.plan_folder(&app, &spec, &*tree).await?)
        };
        self.plan_slots.run(&app.project, planned).await.map_err(|error| match error {
            ServiceError::Late { .. } => ServiceError::Late {
                message: "the folder was not sent and planned in its time".into(),
                fix: "send less: name a smaller folder, or add what is built or installed to .gitignore; the operator sets the limit by `plan-seconds`".into(),
            },
            other => other,
        })
    }

    /// Writes the files as they come, and opens the folder.
    async fn received(
        &self,
        files: &mut dyn SentFiles,
        directory: &str,
    ) -> Result<Box<dyn Tree>, ServiceError> {
        let refused = |error: GitError| ServiceError::Failed(refused_upload(error));
        let mut upload = self.uploads.begin().map_err(refused)?;
        let mut received = Received::default();
        while let Some(file) = files.next().await? {
            received.check(&file)?;
            upload.write(file).await.map_err(refused)?;
        }
        upload.finish(directory).map_err(refused)
    }
}

/// Files, folders and bytes so far.
#[derive(Default)]
struct Received {
    files: usize,
    bytes: usize,
    folders: usize,
    path_bytes: usize,
    /// Path of the file before.
    last: String,
}

impl Received {
    fn check(&mut self, file: &UploadedFile) -> Result<(), ServiceError> {
        check_path("file.path", &file.path)?;
        self.files += 1;
        if self.files > MOST_FILES {
            let expected = format!(
                "is one file too many: at most {MOST_FILES} are planned; add what is built or installed to .gitignore, or name a smaller folder"
            );
            return Err(ServiceError::invalid("file.path", &*file.path, expected));
        }
        self.count_folders(&file.path)?;
        let bytes = file.data.len();
        let longest = if file.link { LONGEST_PATH } else { LONGEST_FILE };
        if bytes > longest {
            let expected = format!("has {bytes} bytes, at most {longest} are taken: send it empty");
            return Err(ServiceError::invalid("file.data", &*file.path, expected));
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            let expected = format!(
                "is over {MOST_BYTES} bytes with all files before it: name a smaller folder, or send large files empty"
            );
            return Err(ServiceError::invalid("file.data", &*file.path, expected));
        }
        Ok(())
    }

    /// Counts the folders that a path does not share with the path before. Where files do not come in order, a folder
    /// counts more than once.
    fn count_folders(&mut self, path: &str) -> Result<(), ServiceError> {
        let depth = path.split('/').count() - 1;
        let pairs = path.split('/').zip(self.last.split('/'));
        let shared = pairs.take_while(|(one, other)| one == other).count();
        self.folders += depth.saturating_sub(shared);
        self.path_bytes += path.len();
        path.clone_into(&mut self.last);
        let expected = if depth > DEEPEST {
            format!("is within {depth} folders, at most {DEEPEST} are taken")
        } else if self.folders > MOST_FOLDERS {
            format!("is in one folder too many: at most {MOST_FOLDERS} are planned, sent in order")
        } else if self.path_bytes > MOST_PATH_BYTES {
            format!("is over {MOST_PATH_BYTES} bytes with all paths before it")
        } else {
            return Ok(());
        };
        let shown: String = path.chars().take(80).collect();
        Err(ServiceError::invalid("file.path", shown, expected))
    }
}

/// Checks that a path stays within the folder.
fn check_path(field: &str, path: &str) -> Result<(), ServiceError> {
    let is_bad = path.is_empty()
        || path.len() > LONGEST_PATH
        || path.starts_with('/')
        || path.contains('\\')
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part == "..");
    if is_bad {
        let shown: String = path.chars().take(80).collect();
        let shown = shown.escape_debug().to_string();
        let expected = "must be a path within the folder: relative, with `/`, without `..` and control characters";
        return Err(ServiceError::invalid(field, shown, expected));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller};
    use async_trait::async_trait;

    struct Sent(Box<dyn Iterator<Item = UploadedFile> + Send>);

    #[async_trait]
    impl SentFiles for Sent {
        async fn next(&mut self) -> Result<Option<UploadedFile>, ServiceError> {
            Ok(self.0.next())
        }
    }

    fn file(path: &str, bytes: usize) -> UploadedFile {
        UploadedFile { path: path.into(), data: vec![b'x'; bytes], link: false }
    }

    async fn planned(
        verbs: &[Verb],
        files: impl Iterator<Item = UploadedFile> + Send + 'static,
    ) -> Result<(), ServiceError> {
        let world = World::new();
        let request = FolderRequest { project: "local".into(), ..FolderRequest::default() };
        let ci = caller("ci", &["local"], verbs);
        let mut sent = Sent(Box::new(files));
        let planned = world.services.plan_folder(&ci, request, &mut sent).await;
        planned.map(|_| assert_eq!(world.planner.planned(), ["folder of local"]))
    }

    #[tokio::test]
    async fn a_folder_is_planned_with_the_right_to_deploy() {
        planned(&[Verb::Deploy], [file("a/b.js", 1)].into_iter()).await.unwrap();
        let error = planned(&[Verb::Read], [file("a", 1)].into_iter()).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
    }

    #[tokio::test]
    async fn each_limit_is_named_with_the_path_that_reaches_it() {
        let many = (0..=MOST_FILES).map(|number| file(&format!("f{number}"), 0));
        let error = planned(&[Verb::Deploy], many).await.unwrap_err().to_string();
        assert!(error.contains("f100000") && error.contains("at most 100000"), "{error}");
        let long = [file("long.bin", LONGEST_FILE + 1)].into_iter();
        let error = planned(&[Verb::Deploy], long).await.unwrap_err().to_string();
        assert!(error.contains("long.bin") && error.contains("at most 16777216"), "{error}");
        let large = (0..65).map(|number| file(&format!("l{number}"), 1 << 20));
        let error = planned(&[Verb::Deploy], large).await.unwrap_err().to_string();
        assert!(error.contains("l64") && error.contains("67108864"), "{error}");
    }

    #[tokio::test]
    async fn folders_are_counted_as_files_are() {
        let deep = [file(&format!("{}a", "d/".repeat(DEEPEST + 1)), 0)].into_iter();
        let error = planned(&[Verb::Deploy], deep).await.unwrap_err().to_string();
        assert!(error.contains("101 folders"), "{error}");
        let below = "d/".repeat(50);
        let many = (0..4000).map(move |number| file(&format!("{number:04}/{below}a"), 0));
        let error = planned(&[Verb::Deploy], many).await.unwrap_err().to_string();
        assert!(error.contains("one folder too many"), "{error}");
        let beside = (0..5000).map(|number| file(&format!("a/b/c/{number:04}"), 0));
        planned(&[Verb::Deploy], beside).await.unwrap();
        let long = (0..9000).map(|number| file(&format!("{number}{}", "x".repeat(4000)), 0));
        let error = planned(&[Verb::Deploy], long).await.unwrap_err().to_string();
        assert!(error.contains("all paths"), "{error}");
    }

    #[tokio::test]
    async fn a_path_that_leads_out_is_refused_by_name() {
        for path in ["../a", "/a", "a/../../b", "a\\b", "a\nb", ""] {
            let error = planned(&[Verb::Deploy], [file(path, 1)].into_iter()).await.unwrap_err();
            assert_eq!(error.reason(), "field-invalid", "{path}");
            assert!(error.to_string().contains("file.path"), "{error}");
        }
    }
}
