//! The Builder port: one gateway job that builds, tests and pushes.

use crate::{
    connect::{Address, LARGEST_MESSAGE},
    container,
    context::Context,
    desk::CredentialProvider,
    errors::{Details, explain},
    frontend,
    gateway::{Gateway, reference},
    image::{Image as Config, is_predefined},
    session::{self, Served, Session},
    size,
    status::{Tails, follow},
};
use async_trait::async_trait;
use bollard_buildkit_proto::moby::buildkit::v1::{
    Exporter, ListWorkersRequest, SolveRequest, SolveResponse, control_client::ControlClient,
    frontend::Result as Built,
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

/// Stages that are asked for an argument which the deployed one does not take: each is a question.
const MOST_STAGES: usize = 64;

/// A buildkitd.
pub struct BuildKit {
    address: Address,
    logins: Arc<dyn Logins>,
    /// Where the times of what was sent are kept.
    memory: PathBuf,
}

impl BuildKit {
    /// `memory`: a folder of the daemon's own, lost without harm.
    #[must_use]
    pub fn new(address: Address, logins: Arc<dyn Logins>, memory: PathBuf) -> Self {
        Self { address, logins, memory }
    }

    /// Asks for the workers.
    ///
    /// # Errors
    /// [`BuildError::Unreachable`] when none answers.
    pub async fn check(&self) -> Result<(), BuildError> {
        let channel = self.connect().await?;
        let mut client = ControlClient::new(channel);
        let asked = client.list_workers(ListWorkersRequest::default());
        match tokio::time::timeout(Duration::from_secs(5), asked).await {
            Ok(Ok(response)) if !response.get_ref().record.is_empty() => Ok(()),
            Ok(Ok(_)) => Err(self.unreachable("it has no worker")),
            Ok(Err(status)) => Err(self.unreachable(status.message())),
            Err(_) => Err(self.unreachable("no answer within 5 s")),
        }
    }

    async fn connect(&self) -> Result<Channel, BuildError> {
        self.address.connect().await.map_err(|error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            self.unreachable(&why.unwrap_or_else(|| error.to_string()))
        })
    }

    fn unreachable(&self, message: &str) -> BuildError {
        BuildError::Unreachable { address: self.address.to_string(), message: message.into() }
    }

    /// Prepares what the session serves.
    async fn served(
        &self,
        order: &BuildRequest,
        key: &str,
        tree: &dyn Tree,
        desk: &Arc<CredentialProvider>,
    ) -> Result<Served, BuildError> {
        let root = tree.root().to_owned();
        let memory = self.memory.join(format!("{key}.json"));
        let walked = tokio::task::spawn_blocking(move || Context::tree(&root, memory)).await;
        let walked = walked.map_err(std::io::Error::other).and_then(|walked| walked);
        let context = walked.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => BuildError::Full { message: error.to_string() },
            _ => BuildError::Other { message: format!("cannot read the tree: {error}") },
        })?;
        let context = Arc::new(context);
        let dockerfile = match &order.dockerfile {
            Dockerfile::Text(text) => Arc::new(Context::text(text.clone())),
            Dockerfile::Path(path) => {
                let text = tree.read(path, 1 << 20);
                let text =
                    text.map_err(|error| BuildError::Other { message: error.to_string() })?;
                if text.is_none() {
                    return Err(BuildError::Dockerfile {
                        file: path.clone(),
                        line: 0,
                        source_line: String::new(),
                        message: "there is no such file in the repository".into(),
                    });
                }
                context.clone()
            }
        };
        let contexts = [("context", context), ("dockerfile", dockerfile)].into();
        let secrets = Arc::new(order.secrets.clone());
        Ok(Served { contexts, secrets, logins: desk.clone() })
    }
}

#[async_trait]
impl Builder for BuildKit {
    async fn open(
        &self,
        order: BuildRequest,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError> {
        // A login may have been taken back before its time: another one is tried, once.
        match self.once(&order, tree, recorder).await {
            Err(BuildError::Denied { host, .. }) if self.logins.refused(&host).await => {
                self.once(&order, tree, recorder).await
            }
            done => done,
        }
    }
}

impl BuildKit {
    async fn once(
        &self,
        order: &BuildRequest,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError> {
        let key = blake3::hash(order.context.as_bytes()).to_hex().to_string();
        let desk = Arc::new(CredentialProvider::new(self.logins.clone(), recorder.clone()));
        let served = self.served(order, &key, tree, &desk).await?;
        let channel = self.connect().await?;
        let session = session::open(channel.clone(), &key, served);
        let id = uuid::Uuid::now_v7().simple().to_string();
        let solve = tokio::spawn(solve(
            channel.clone(),
            id.clone(),
            session.id.clone(),
            order.reference.clone(),
        ));
        let tails = Tails::default();
        let status =
            tokio::spawn(follow(channel.clone(), id.clone(), tails.clone(), recorder.clone()));
        let gateway = Gateway::new(channel.clone(), &id);
        let gateway = gateway.ok_or_else(|| self.unreachable("the build id is no header"))?;
        let mut building = Building {
            address: self.address.to_string(),
            channel,
            gateway,
            solve,
            status,
            tails,
            options: options(order),
            reference: order.reference.clone(),
            target: order.target.clone(),
            desk,
            built: Built::default(),
            config: ImageConfig::default(),
            _session: session,
        };
        building.build(order, recorder).await?;
        Ok(Box::new(building))
    }
}

/// Gives the name of a stage that has one.
fn named(stage: frontend::Stage) -> Option<String> {
    Some(stage.name).filter(|name| !name.is_empty())
}

/// Whether an argument is given to every Dockerfile, for those that declare it.
fn is_offered(name: &str) -> bool {
    [version::COMMIT, version::VERSION].contains(&name)
}

fn options(order: &BuildRequest) -> HashMap<String, String> {
    let mut options = HashMap::new();
    if let Dockerfile::Path(path) = &order.dockerfile {
        options.insert("filename".to_owned(), path.clone());
    }
    if let Some(target) = &order.target {
        options.insert("target".into(), target.clone());
    }
    for (name, value) in &order.arguments {
        options.insert(format!("build-arg:{name}"), value.clone());
    }
    options
}

/// Tells whether both name one stage: case does not count, as for the builder.
fn is_same(stage: &str, target: Option<&str>) -> bool {
    target.is_some_and(|target| target.eq_ignore_ascii_case(stage))
}

/// Holds the build open: its first message registers the gateway, its answer is the pushed image.
async fn solve(
    channel: Channel,
    id: String,
    session: String,
    reference: String,
) -> Result<SolveResponse, Status> {
    let mut client = ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
    let attrs = [("name", &*reference), ("push", "true"), ("oci-mediatypes", "true")];
    let attrs = attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let request = SolveRequest {
        r#ref: id,
        session,
        exporters: vec![Exporter { r#type: "image".into(), attrs }],
        ..SolveRequest::default()
    };
    Ok(client.solve(request).await?.into_inner())
}

struct Building {
    address: String,
    channel: Channel,
    gateway: Gateway,
    solve: JoinHandle<Result<SolveResponse, Status>>,
    status: JoinHandle<()>,
    tails: Tails,
    options: HashMap<String, String>,
    reference: String,
    target: Option<String>,
    built: Built,
    config: ImageConfig,
    desk: Arc<CredentialProvider>,
    // Last: the solve must be gone before its session is.
    _session: Session,
}

impl Drop for Building {
    fn drop(&mut self) {
        // Dropping the call cancels the solve, and kills what it runs.
        self.solve.abort();
        self.status.abort();
    }
}

impl Building {
    async fn build(&mut self, order: &BuildRequest, recorder: &Recorder) -> Result<(), BuildError> {
        // A refused solve tells more than a gateway that does not know the build.
        if let Err(status) = self.gateway.ping().await {
            let refused = tokio::time::timeout(Duration::from_secs(1), &mut self.solve).await;
            return Err(match refused {
                Ok(Ok(Err(refused))) => self.explain(&refused),
                _ => self.explain(&status),
            });
        }
        self.warn_of_unused(order, recorder).await?;
        let solved = self.gateway.solve(self.options.clone()).await;
        self.built = match solved {
            Ok(built) => built,
            Err(status) => return Err(self.failed(&status).await),
        };
        let stages = match &order.dockerfile {
            Dockerfile::Path(_) => frontend::stages(&self.gateway, &self.options).await,
            // The recipe says where its tests are run.
            Dockerfile::Text(_) => Ok(None),
        };
        let stages = stages.map_err(|status| self.explain(&status))?;
        let image = Config::of(&self.built);
        let own_ports = match &stages {
            // Of one port there is nothing to choose.
            Some(stages) if image.ports().len() > 1 => self.own_ports(&image, stages).await,
            _ => Vec::new(),
        };
        let names = stages.map(|stages| stages.into_iter().filter_map(named).collect());
        let reference = reference(&self.built).unwrap_or_default();
        self.config = image.config(&self.gateway, &reference, names, own_ports).await;
        Ok(())
    }

    /// Finds the ports that the deployed stage exposes itself; none where nobody can tell.
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

    /// Warns of arguments that no stage takes. The builder itself says nothing: a misspelt one
    /// builds as if it had not been given.
    async fn warn_of_unused(
        &self,
        order: &BuildRequest,
        recorder: &Recorder,
    ) -> Result<(), BuildError> {
        for name in self.unused(order).await {
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

    /// Finds the arguments that no stage takes. A Dockerfile that cannot be read is the build's to
    /// tell.
    async fn unused<'a>(&self, order: &'a BuildRequest) -> BTreeSet<&'a str> {
        let given = order.arguments.keys().map(String::as_str);
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
        let others = others.into_iter().flatten().filter_map(named);
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
        let vertex = Details::of(status).vertex;
        let tail = vertex.map(|vertex| self.tails.of(&vertex)).unwrap_or_default();
        match explain(status, &self.address, tail) {
            // What the builder heard of it is less than what we know.
            error @ (BuildError::Denied { .. } | BuildError::Other { .. }) => {
                let failed = self.desk.failed();
                failed.map_or(error, |(host, error)| BuildError::Login { host, error })
            }
            error => error,
        }
    }

    /// The failing step's last lines may still be on their way.
    async fn failed(&mut self, status: &Status) -> BuildError {
        self.solve.abort();
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.status).await;
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
                // Tests may run as a step of their stage: given up there, they leave their last words.
                let listening = self.tails.listen(last);
                let built = self.gateway.solve(options).await;
                listening.over();
                Some(built.map_err(|status| self.explain(&status))?)
            }
            _ => None,
        };
        let built = other.as_ref().unwrap_or(&self.built);
        let ran = container::run(&self.gateway, built, test, last, recorder).await;
        let (mut output, container) = ran.map_err(|status| self.explain(&status))?;
        if let Some(container) = container {
            output.reports = container.reports(&test.reports, &recorder.redactor()).await?;
        }
        Ok(output)
    }

    async fn push(&mut self, _: &Recorder) -> Result<Image, BuildError> {
        let result = std::mem::take(&mut self.built);
        self.gateway.finish(result).await.map_err(|status| self.explain(&status))?;
        let solved = (&mut self.solve)
            .await
            .map_err(|error| BuildError::Other { message: error.to_string() })?;
        let response = match solved.map_err(|status| self.explain(&status)) {
            Err(BuildError::Denied { host, message }) => {
                // What was built goes with the solve: the next job has another login.
                self.desk.refused(&host).await;
                return Err(BuildError::Denied { host, message });
            }
            solved => solved?,
        };
        // The last steps of the log are the push's own.
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.status).await;
        let digest = response.exporter_response.get("containerimage.digest");
        let none = || BuildError::Other { message: "the builder named no digest".into() };
        let digest = digest.cloned().ok_or_else(none)?;
        let bytes = size::of(self.channel.clone(), &digest).await;
        Ok(Image { reference: self.reference.clone(), digest, bytes })
    }
}
