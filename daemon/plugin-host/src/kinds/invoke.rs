//! Calls of exported functions and their returns, in a form that can be sent to another process. A resource
//! is sent as its number in the call's table.

use crate::bindings::{
    deploy_hook::{DeployHookPluginPre, exports::windlass::plugin::deploy_hook},
    detector::{DetectorPluginPre, exports::windlass::plugin::detector},
    registry_auth::{RegistryAuthPluginPre, exports::windlass::plugin::registry_auth},
    test_runner::{TestRunnerPluginPre, exports::windlass::plugin::test_runner},
    types,
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
        tree: u32,
        matched: Vec<String>,
    },
    MakePlan {
        tree: u32,
        language: String,
        matched: Vec<String>,
    },
    Parse {
        ran: test_runner::Ran,
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

/// Return of an exported function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Return {
    Detection(Option<detector::Detection>),
    Plan(Option<test_runner::TestPlan>),
    Summary(Option<test_runner::Summary>),
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
        Call::Detect { tree, matched } => {
            let guest = DetectorPluginPre::new(pre)?.instantiate_async(&mut **store).await?;
            let detector = guest.windlass_plugin_detector();
            let found = detector.call_detect(&mut **store, lent(tree), &matched).await?;
            found.map(Return::Detection)
        }
        Call::MakePlan { tree, language, matched } => {
            let guest = TestRunnerPluginPre::new(pre)?.instantiate_async(&mut **store).await?;
            let runner = guest.windlass_plugin_test_runner();
            let plan = runner.call_make_plan(&mut **store, lent(tree), &language, &matched).await?;
            plan.map(Return::Plan)
        }
        Call::Parse { ran, reports } => {
            let guest = TestRunnerPluginPre::new(pre)?.instantiate_async(&mut **store).await?;
            let runner = guest.windlass_plugin_test_runner();
            runner.call_parse(&mut **store, &ran, lent(reports)).await?.map(Return::Summary)
        }
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
