//! Calls of exported functions and their returns, in a form that can be sent to another process. A resource
//! is sent as its number in the call's table.

use super::{
    track::{Track, track},
    upgrade,
};
use crate::{
    bindings::{
        deploy_hook::{DeployHookPluginPre, exports::windlass::plugin::deploy_hook},
        detector, detector_next,
        detector_next::exports::windlass::plugin::detector as detect,
        registry_auth::{RegistryAuthPluginPre, exports::windlass::plugin::registry_auth},
        test_runner, test_runner_next,
        test_runner_next::exports::windlass::plugin::test_runner as tests,
        types,
    },
    manifest::Kind,
};
use serde::{Deserialize, Serialize};
use wasmtime::{
    Store,
    component::{InstancePre, Resource},
};

/// One exported function and its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Detect {
        /// Tree of the whole repository.
        repo: u32,
        /// Tree of the app's folder, for components of 0.1.0.
        app_tree: u32,
        request: DetectRequest,
    },
    MakePlan {
        /// Tree of the whole repository.
        repo: u32,
        /// Tree of the app's folder, for components of 0.1.0.
        app_tree: u32,
        request: PlanRequest,
    },
    Parse {
        ran: tests::Ran,
        reports: u32,
    },
    Authenticate {
        registry: String,
    },
    Start {
        context: deploy_hook::Context,
    },
    Resume {
        context: deploy_hook::Context,
        state: Vec<u8>,
        results: Vec<deploy_hook::ActionResult>,
    },
}

/// Question to a detector.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DetectRequest {
    /// Folder of the app within the repository. Empty means the root.
    pub(crate) app: String,
    /// Files below that folder that match the markers, relative to it, the nearest first.
    pub(crate) matched: Vec<String>,
    /// The user's versions, by runtime.
    pub(crate) versions: Vec<(String, String)>,
    /// The user chose this detector.
    pub(crate) named: bool,
}

/// Question to a test runner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PlanRequest {
    pub(crate) language: String,
    /// Folder of the app within the repository. Empty means the root.
    pub(crate) app: String,
    /// Files below that folder that match the markers, relative to it, the nearest first.
    pub(crate) matched: Vec<String>,
    /// Toolchains of the recipe.
    pub(crate) tools: Vec<String>,
    /// Working directory of the stage that has the tools.
    pub(crate) stage_workdir: String,
}

/// Return of an exported function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Return {
    Answer(Box<detect::Answer>),
    Plan(Option<tests::TestPlan>),
    Summary(Option<tests::Summary>),
    Login(LoginReturn),
    Step(deploy_hook::Step),
}

/// A login whose secret is still in the call's table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoginReturn {
    pub(crate) kind: LoginKind,
    pub(crate) secret: u32,
    pub(crate) until: Option<u64>,
    pub(crate) renew: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum LoginKind {
    Basic(String),
    IdentityToken,
    Bearer,
}

/// The guest's own error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GuestError {
    /// Index in the WIT's enum.
    kind: u8,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Kinds by their index in the WIT's enum.
const KINDS: [types::ErrorKind; 8] = [
    types::ErrorKind::InvalidInput,
    types::ErrorKind::NotFound,
    types::ErrorKind::Denied,
    types::ErrorKind::Unavailable,
    types::ErrorKind::Timeout,
    types::ErrorKind::BudgetExceeded,
    types::ErrorKind::Unsupported,
    types::ErrorKind::Failed,
];

impl From<types::Error> for GuestError {
    fn from(error: types::Error) -> Self {
        let kind = KINDS.iter().position(|kind| *kind == error.kind).unwrap_or(KINDS.len() - 1);
        let kind = u8::try_from(kind).unwrap_or_default();
        Self { kind, message: error.message, hint: error.hint }
    }
}

impl From<GuestError> for types::Error {
    fn from(error: GuestError) -> Self {
        let kind = KINDS.get(usize::from(error.kind)).copied();
        let kind = kind.unwrap_or(types::ErrorKind::Failed);
        Self { kind, message: error.message, hint: error.hint }
    }
}

/// Instantiates the guest and makes the call. `T` is the store's data, which answers the guest's own
/// calls.
pub(crate) async fn invoke<T: Send + 'static>(
    call: Call,
    pre: InstancePre<T>,
    mut store: &mut Store<T>,
) -> wasmtime::Result<Result<Return, GuestError>> {
    let store = &mut store;
    Ok(match call {
        Call::Detect { repo, app_tree, request } => match track_of(Kind::Detector, &pre)? {
            Track::V2 => {
                let pre = detector_next::DetectorPluginPre::new(pre)?;
                let guest = pre.instantiate_async(&mut **store).await?;
                let DetectRequest { app, matched, versions, named } = request;
                let request = detect::Request { app, matched, versions, named, attrs: Vec::new() };
                let detector = guest.windlass_plugin_detector();
                let answer = detector.call_detect(&mut **store, lent(repo), &request).await?;
                let answer = answer.map(|answer| Return::Answer(Box::new(answer)));
                answer.map_err(types::Error::from)
            }
            Track::V1 => {
                let pre = detector::DetectorPluginPre::new(pre)?;
                let guest = pre.instantiate_async(&mut **store).await?;
                let detector = guest.windlass_plugin_detector();
                let matched = &request.matched;
                let found = detector.call_detect(&mut **store, lent(app_tree), matched).await?;
                let answer = upgrade::answer(&request.app, found);
                answer.map(|answer| Return::Answer(Box::new(answer)))
            }
        },
        Call::MakePlan { repo, app_tree, request } => match track_of(Kind::TestRunner, &pre)? {
            Track::V2 => {
                let pre = test_runner_next::TestRunnerPluginPre::new(pre)?;
                let guest = pre.instantiate_async(&mut **store).await?;
                let PlanRequest { language, app, matched, tools, stage_workdir } = request;
                let attrs = Vec::new();
                let request =
                    tests::Request { language, app, matched, tools, stage_workdir, attrs };
                let runner = guest.windlass_plugin_test_runner();
                let plan = runner.call_make_plan(&mut **store, lent(repo), &request).await?;
                plan.map(Return::Plan).map_err(types::Error::from)
            }
            Track::V1 => {
                let pre = test_runner::TestRunnerPluginPre::new(pre)?;
                let guest = pre.instantiate_async(&mut **store).await?;
                let runner = guest.windlass_plugin_test_runner();
                let PlanRequest { language, matched, .. } = &request;
                let plan = runner.call_make_plan(&mut **store, lent(app_tree), language, matched);
                plan.await?.map(|plan| Return::Plan(plan.map(upgrade::plan)))
            }
        },
        Call::Parse { ran, reports } => match track_of(Kind::TestRunner, &pre)? {
            Track::V2 => {
                let pre = test_runner_next::TestRunnerPluginPre::new(pre)?;
                let guest = pre.instantiate_async(&mut **store).await?;
                let runner = guest.windlass_plugin_test_runner();
                let summary = runner.call_parse(&mut **store, &ran, lent(reports)).await?;
                summary.map(Return::Summary).map_err(types::Error::from)
            }
            Track::V1 => {
                let pre = test_runner::TestRunnerPluginPre::new(pre)?;
                let guest = pre.instantiate_async(&mut **store).await?;
                let runner = guest.windlass_plugin_test_runner();
                let ran = upgrade::downgraded(ran);
                let summary = runner.call_parse(&mut **store, &ran, lent(reports)).await?;
                summary.map(|summary| Return::Summary(summary.map(upgrade::summary)))
            }
        },
        Call::Authenticate { registry } => {
            let guest = RegistryAuthPluginPre::new(pre)?.instantiate_async(&mut **store).await?;
            let request = registry_auth::Request { registry, attrs: Vec::new() };
            let auth = guest.windlass_plugin_registry_auth();
            auth.call_authenticate(&mut **store, &request)
                .await?
                .map(|login| Return::Login(taken(login)))
        }
        Call::Start { context } => {
            let guest = DeployHookPluginPre::new(pre)?.instantiate_async(&mut **store).await?;
            let hook = guest.windlass_plugin_deploy_hook();
            hook.call_start(&mut **store, &context).await?.map(Return::Step)
        }
        Call::Resume { context, state, results } => {
            let guest = DeployHookPluginPre::new(pre)?.instantiate_async(&mut **store).await?;
            let hook = guest.windlass_plugin_deploy_hook();
            hook.call_resume(&mut **store, &context, &state, &results).await?.map(Return::Step)
        }
    }
    .map_err(GuestError::from))
}

fn track_of<T: 'static>(kind: Kind, pre: &InstancePre<T>) -> wasmtime::Result<Track> {
    track(kind, pre).map_err(wasmtime::Error::msg)
}

fn lent<T: 'static>(number: u32) -> Resource<T> {
    Resource::new_own(number)
}

fn taken(login: registry_auth::Login) -> LoginReturn {
    let (kind, secret) = match login.credential {
        registry_auth::Credential::Basic((user, secret)) => (LoginKind::Basic(user), secret),
        registry_auth::Credential::IdentityToken(secret) => (LoginKind::IdentityToken, secret),
        registry_auth::Credential::Bearer(secret) => (LoginKind::Bearer, secret),
    };
    LoginReturn { kind, secret: secret.rep(), until: login.until, renew: login.renew }
}
