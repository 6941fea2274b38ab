//! The `Builder` port: one gateway job that builds, tests and pushes.

use crate::{
    connect::{Address, LARGEST_MESSAGE},
    container,
    context::Context,
    credentials::{CredentialProvider, Owner, named, unread},
    errors::{Details, denied_source, explain},
    frontend,
    gateway::{Gateway, reference},
    image::{Image as Config, is_predefined},
    options::options,
    policy::BuildPolicy,
    session::{self, Served, Session},
    size,
    status::{Following, Tails},
    syntax::Syntax,
    upload::Uploads,
};
use async_trait::async_trait;
use bollard_buildkit_proto::moby::buildkit::v1::{
    Exporter, SolveRequest, SolveResponse, control_client::ControlClient,
    frontend::Result as Built, sourcepolicy::Policy,
};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;
use tonic::{Status, transport::Channel};
use windlass_engine::{
    ports::{Build, BuildRequest, Builder, Dockerfile, ImageConfig, Logins, Tree},
    recorder::Recorder,
};
use windlass_model::{
    error::BuildError,
    event::Event,
    job::{Image, Stage},
    testing::{LastWords, TestOutput, TestRun},
    version,
};

/// Most stages that are searched for an argument which the deployed stage does not take. Each is a request.
const MOST_STAGES: usize = 64;

/// Builder at one address.
pub struct BuildKit {
    address: Address,
    logins: Arc<dyn Logins>,
    /// Folder that keeps the times of sent files.
    memory: PathBuf,
    policy: Arc<BuildPolicy>,
    uploads: Uploads,
}

impl BuildKit {
    /// Creates a builder that is not connected yet.
    ///
    /// `memory` is a folder for the times of sent files. It may be deleted without harm.
    #[must_use]
    pub fn new(
        address: Address,
        logins: Arc<dyn Logins>,
        memory: PathBuf,
        policy: BuildPolicy,
    ) -> Self {
        let policy = Arc::new(policy);
        Self { address, logins, memory, policy, uploads: Uploads::default() }
    }

    /// Returns the address of the configuration.
    pub(crate) fn configured(&self) -> &Address {
        &self.address
    }

    /// Connects to the builder.
    pub(crate) async fn connect(&self) -> Result<Channel, BuildError> {
        self.address.connect().await.map_err(|error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            self.unreachable(&why.unwrap_or_else(|| error.to_string()))
        })
    }

    /// Returns the error of a builder that does not answer as one.
    pub(crate) fn unreachable(&self, message: &str) -> BuildError {
        BuildError::Unreachable { address: self.address.to_string(), message: message.into() }
    }

    /// Prepares the files, secrets and logins that the session serves, and the options of the build.
    async fn served(
        &self,
        request: &BuildRequest,
        key: &str,
        tree: &dyn Tree,
        credentials: &Arc<CredentialProvider>,
    ) -> Result<(Served, HashMap<String, String>), BuildError> {
        let root = request.folder.clone().unwrap_or_else(|| tree.root().to_owned());
        let memory = self.memory.join(format!("{key}.json"));
        let walked = tokio::task::spawn_blocking(move || Context::tree(&root, memory)).await;
        let walked = walked.map_err(std::io::Error::other).and_then(|walked| walked);
        let context = walked.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => BuildError::Full { message: error.to_string() },
            _ => BuildError::Other { message: format!("cannot read the tree: {error}") },
        })?;
        let context = Arc::new(context);
        let (dockerfile, syntax) = match &request.dockerfile {
            Dockerfile::Text(text) => {
                let syntax = self.policy.frontend("Dockerfile", text)?;
                (Arc::new(Context::text(text.clone(), &context)), syntax)
            }
            Dockerfile::Path(path) => {
                let text = tree.read(path, 1 << 20);
                let text =
                    text.map_err(|error| BuildError::Other { message: error.to_string() })?;
                let Some(text) = text else {
                    return Err(BuildError::Dockerfile {
                        file: path.clone(),
                        line: 0,
                        source_line: String::new(),
                        message: "there is no such file in the repository".into(),
                    });
                };
                (context.clone(), self.policy.frontend(path, &text)?)
            }
        };
        let mut options = options(request);
        Syntax::options(syntax.as_ref(), &mut options);
        let contexts = [("context", context), ("dockerfile", dockerfile)].into();
        let secrets = Arc::new(request.secrets.clone());
        let uploads = self.uploads.clone();
        Ok((Served { contexts, secrets, logins: credentials.clone(), uploads }, options))
    }
}

#[async_trait]
impl Builder for BuildKit {
    async fn open(
        &self,
        request: BuildRequest,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError> {
        // A login may have been revoked before its end: another one is tried, once.
        let project = &*request.project;
        let opened = match self.once(&request, tree, recorder).await {
            Err(BuildError::Denied { host, .. })
                if !request.is_fork && self.logins.refused(project, named(&host)).await =>
            {
                self.once(&request, tree, recorder).await
            }
            done => done,
        };
        match opened {
            Err(error) => Err(unread(&*self.logins, project, request.is_fork, error).await),
            opened => opened,
        }
    }
}

impl BuildKit {
    async fn once(
        &self,
        request: &BuildRequest,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError> {
        let key = blake3::hash(request.context.as_bytes()).to_hex().to_string();
        let owner = Owner {
            policy: self.policy.clone(),
            project: request.project.clone(),
            host: request.reference.split('/').next().unwrap_or_default().to_owned(),
            repository: repository(&request.reference).to_owned(),
            is_fork: request.is_fork,
        };
        let credentials = CredentialProvider::new(self.logins.clone(), recorder.clone(), owner);
        let credentials = Arc::new(credentials);
        let (served, options) = self.served(request, &key, tree, &credentials).await?;
        let channel = self.connect().await?;
        let session = session::open(channel.clone(), &key, served);
        let id = uuid::Uuid::now_v7().simple().to_string();
        let solve = tokio::spawn(solve(
            channel.clone(),
            id.clone(),
            session.id.clone(),
            request.reference.clone(),
            self.policy.sources(&request.project),
        ));
        let tails = Tails::default();
        let status = Following::start(channel.clone(), id.clone(), tails.clone(), recorder.clone());
        let gateway = Gateway::new(channel.clone(), &id);
        let gateway = gateway.ok_or_else(|| self.unreachable("the build id is no header"))?;
        let mut building = Building {
            address: self.address.to_string(),
            channel,
            gateway,
            solve,
            status,
            tails,
            options,
            policy: self.policy.clone(),
            project: request.project.clone(),
            caches: request.caches.clone(),
            reference: request.reference.clone(),
            target: request.target.clone(),
            credentials,
            built: Built::default(),
            config: ImageConfig::default(),
            _session: session,
        };
        building.build(request, recorder).await?;
        Ok(Box::new(building))
    }
}

/// Returns the name of a stage. `None` means that the stage has no name.
fn name_of(stage: frontend::Stage) -> Option<String> {
    Some(stage.name).filter(|name| !name.is_empty())
}

/// Returns whether an argument is passed to every build. A Dockerfile need not declare such an argument.
fn is_offered(name: &str) -> bool {
    [version::COMMIT, version::VERSION].contains(&name)
}

/// Returns the path of a reference's repository, without host and tag.
fn repository(reference: &str) -> &str {
    let path = reference.split_once('/').map_or(reference, |(_, path)| path);
    path.split_once(':').map_or(path, |(path, _)| path)
}

/// Returns whether both name one stage. Case does not count, as in BuildKit.
fn is_same(stage: &str, target: Option<&str>) -> bool {
    target.is_some_and(|target| target.eq_ignore_ascii_case(stage))
}

/// Holds the build open: the request registers the gateway, and the answer names the pushed image.
async fn solve(
    channel: Channel,
    id: String,
    session: String,
    reference: String,
    source_policy: Policy,
) -> Result<SolveResponse, Status> {
    let mut client = ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
    let attrs = [("name", &*reference), ("push", "true"), ("oci-mediatypes", "true")];
    let attrs = attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let request = SolveRequest {
        r#ref: id,
        session,
        exporters: vec![Exporter { r#type: "image".into(), attrs }],
        source_policy: Some(source_policy),
        ..SolveRequest::default()
    };
    Ok(client.solve(request).await?.into_inner())
}

struct Building {
    address: String,
    channel: Channel,
    gateway: Gateway,
    solve: JoinHandle<Result<SolveResponse, Status>>,
    status: Following,
    tails: Tails,
    options: HashMap<String, String>,
    policy: Arc<BuildPolicy>,
    project: String,
    caches: String,
    reference: String,
    target: Option<String>,
    built: Built,
    config: ImageConfig,
    credentials: Arc<CredentialProvider>,
    // Last: the solve must end before its session does.
    _session: Session,
}

impl Drop for Building {
    fn drop(&mut self) {
        // Dropping the call cancels the solve, and kills what it runs.
        self.solve.abort();
    }
}

impl Building {
    async fn build(
        &mut self,
        request: &BuildRequest,
        recorder: &Recorder,
    ) -> Result<(), BuildError> {
        // A refused solve explains more than a gateway that does not know the build.
        if let Err(status) = self.gateway.ping().await {
            let refused = tokio::time::timeout(Duration::from_secs(1), &mut self.solve).await;
            return Err(match refused {
                Ok(Ok(Err(refused))) => self.explain(&refused),
                _ => self.explain(&status),
            });
        }
        self.warn_of_unused(request, recorder).await?;
        let solved = self.gateway.solve(self.options.clone()).await;
        self.built = match solved {
            Ok(built) => built,
            Err(status) => return Err(self.failed(&status).await),
        };
        let stages = match &request.dockerfile {
            Dockerfile::Path(_) => frontend::stages(&self.gateway, &self.options).await,
            // The recipe names the place of its tests.
            Dockerfile::Text(_) => Ok(None),
        };
        let stages = stages.map_err(|status| self.explain(&status))?;
        let image = Config::of(&self.built);
        let own_ports = match &stages {
            // With one port there is nothing to choose.
            Some(stages) if image.ports().len() > 1 => self.own_ports(&image, stages).await,
            _ => Vec::new(),
        };
        let names = stages.map(|stages| stages.into_iter().filter_map(name_of).collect());
        let reference = reference(&self.built).unwrap_or_default();
        self.config = image.config(&self.gateway, &reference, names, own_ports).await;
        Ok(())
    }

    /// Finds the ports that the deployed stage exposes itself. Empty also means that they cannot be known.
    async fn own_ports(&self, image: &Config, stages: &[frontend::Stage]) -> Vec<u16> {
        let deployed = |stage: &&frontend::Stage| match &self.target {
            Some(target) => is_same(&stage.name, Some(target)),
            None => stage.is_last,
        };
        let Some(deployed) = stages.iter().find(deployed) else { return Vec::new() };
        let base = match &*deployed.base {
            "scratch" => Some(Config::default()),
            base if stages.iter().any(|stage| is_same(&stage.name, Some(base))) => {
                let mut options = self.options.clone();
                options.insert("target".into(), base.to_owned());
                let converted = self.gateway.convert(options).await.ok();
                converted.as_ref().map(Config::of)
            }
            _ => Config::base_of(&self.built),
        };
        base.map(|base| image.ports_since(&base)).unwrap_or_default()
    }

    /// Warns of arguments that no stage takes. BuildKit does not warn: it ignores a misspelt argument.
    async fn warn_of_unused(
        &self,
        request: &BuildRequest,
        recorder: &Recorder,
    ) -> Result<(), BuildError> {
        for name in self.unused(request).await {
            let message = format!(
                "no `ARG {name}` is in the Dockerfile's stages: the argument's value goes nowhere"
            );
            let fix =
                "declare it in the stage that needs it, or drop it from `build.arguments`".into();
            let warning = Event::Warning { stage: Stage::Build, message, fix };
            recorder.record(warning).await;
        }
        Ok(())
    }

    /// Finds the arguments that no stage takes. Empty also means that the Dockerfile cannot be read: the
    /// build itself reports that.
    async fn unused<'a>(&self, request: &'a BuildRequest) -> BTreeSet<&'a str> {
        let given = request.arguments.keys().map(String::as_str);
        let mut left: BTreeSet<&str> =
            given.filter(|name| !is_predefined(name) && !is_offered(name)).collect();
        if left.is_empty() {
            return left;
        }
        let taken = frontend::arguments(&self.gateway, &self.options).await;
        let Ok(Some(taken)) = taken else { return BTreeSet::new() };
        left.retain(|name| !taken.contains(*name));
        if left.is_empty() {
            return left;
        }
        // The stage that tests run in may take one that the deployed stage does not.
        let others = frontend::stages(&self.gateway, &self.options).await.ok().flatten();
        let others = others.into_iter().flatten().filter_map(name_of);
        for name in others.take(MOST_STAGES) {
            let mut options = self.options.clone();
            options.insert("target".into(), name);
            if let Ok(Some(taken)) = frontend::arguments(&self.gateway, &options).await {
                left.retain(|name| !taken.contains(*name));
            }
        }
        left
    }

    fn explain(&self, status: &Status) -> BuildError {
        let details = Details::of(status);
        if let Some(image) = denied_source(status, &details).or_else(|| self.credentials.foreign())
        {
            return self.policy.refusal(details.place(), &image, &self.project);
        }
        let vertex = details.vertex;
        let tail = vertex.map(|vertex| self.tails.of(&vertex)).unwrap_or_default();
        match explain(status, &self.address, tail) {
            // The error of the login explains more than the builder's answer to it.
            error @ (BuildError::Denied { .. }
            | BuildError::Registry { .. }
            | BuildError::Other { .. }) => {
                let failed = self.credentials.failed();
                failed.map_or(error, |(host, error)| BuildError::Login { host, error })
            }
            error => error,
        }
    }

    /// Explains a failed solve, after a wait for the last lines of the failing step.
    async fn failed(&self, status: &Status) -> BuildError {
        self.solve.abort();
        self.status.settle().await;
        self.explain(status)
    }
}

#[async_trait]
impl Build for Building {
    fn config(&self) -> &ImageConfig {
        &self.config
    }

    async fn test(
        &self,
        test: &TestRun,
        last: &LastWords,
        recorder: &Recorder,
    ) -> Result<TestOutput, BuildError> {
        let other = match &test.stage {
            Some(stage) if !is_same(stage, self.target.as_deref()) => {
                let mut options = self.options.clone();
                options.insert("target".into(), stage.clone());
                // Tests may run as a step of their stage. If they are given up there, their last lines are kept.
                let listening = self.tails.listen(last);
                let built = self.gateway.solve(options).await;
                listening.finish();
                match built {
                    Ok(built) => Some(built),
                    Err(status) => {
                        let error = self.failed(&status).await;
                        return Err(self.credentials.failed_read(error).await);
                    }
                }
            }
            _ => None,
        };
        let built = other.as_ref().unwrap_or(&self.built);
        let ran = container::run(&self.gateway, built, (test, &self.caches), last, recorder).await;
        let (mut output, container) = match ran {
            Ok(ran) => ran,
            // Layers of a base image may be read only now.
            Err(status) => {
                let error = self.explain(&status);
                return Err(self.credentials.failed_read(error).await);
            }
        };
        if let Some(container) = container {
            output.reports = container.reports(&test.reports, &recorder.redactor()).await?;
        }
        Ok(output)
    }

    async fn push(&mut self, _: &Recorder) -> Result<Image, BuildError> {
        let result = std::mem::take(&mut self.built);
        self.credentials.begin_push();
        self.gateway.finish(result).await.map_err(|status| self.explain(&status))?;
        let solved = (&mut self.solve)
            .await
            .map_err(|error| BuildError::Other { message: error.to_string() })?;
        let response = match solved.map_err(|status| self.explain(&status)) {
            Err(error) => return Err(self.credentials.failed_push(error).await),
            Ok(response) => response,
        };
        // The last steps of the log are the push's own.
        self.status.settle().await;
        let digest = response.exporter_response.get("containerimage.digest");
        let none = || BuildError::Other { message: "the builder named no digest".into() };
        let digest = digest.cloned().ok_or_else(none)?;
        let bytes = size::of(self.channel.clone(), &digest).await;
        Ok(Image { reference: self.reference.clone(), digest, bytes })
    }
}
