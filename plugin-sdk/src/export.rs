//! Macros that export functions as a plugin, and what they call.
//!
//! They export in components alone: natively several plugins are linked into one program, and exported names would
//! collide.

use crate::{
    answer::{Answer, Found},
    app::App,
    bindings::{
        deploy_hook::exports::windlass::plugin::deploy_hook::{ActionResult, Context, Step},
        detector::exports::windlass::plugin::detector::Request,
        imports::windlass::plugin::types::Error,
        test_runner::exports::windlass::plugin::test_runner::{
            Ran, Request as RunnerRequest, Summary, TestPlan,
        },
    },
    refusal::Refusal,
    score,
    tree::Tree,
};

/// A detector's function.
pub type Detect = fn(&App<'_>) -> Found;

/// The first function of a test runner.
pub type Plan = fn(&App<'_>, &RunnerRequest) -> Result<Option<TestPlan>, Refusal>;

/// The second function of a test runner.
pub type Parse = fn(Ran, &Tree<'_>) -> Result<Option<Summary>, Error>;

/// The first function of a deploy hook.
pub type Start = fn(Context) -> Result<Step, Error>;

/// The second function of a deploy hook.
pub type Resume = fn(Context, Vec<u8>, Vec<ActionResult>) -> Result<Step, Error>;

/// Calls a detector for a request of the host.
#[must_use]
pub fn detect(function: Detect, language: &str, repo: &Tree<'_>, request: &Request) -> Answer {
    let app = App::new(repo, &request.app, &request.matched, request.named, &request.versions);
    match function(&app) {
        Ok(None) => Answer::NotMine,
        Ok(Some(detection)) => Answer::Plan(detection),
        Err(refusal) => Answer::Refused(refusal.or(language, score::INFERRED).wire()),
    }
}

/// Calls a test runner for a request of the host.
///
/// # Errors
/// The runner's refusal.
pub fn plan(
    function: Plan,
    repo: &Tree<'_>,
    request: &RunnerRequest,
) -> Result<Option<TestPlan>, Error> {
    let app = App::new(repo, &request.app, &request.matched, false, &[]);
    function(&app, request).map_err(Error::from)
}

/// Exports `fn(&App<'_>) -> Found` as a detector plugin. `language` is the one of refusals that name none.
#[macro_export]
macro_rules! detector {
    ($function:path, language = $language:expr) => {
        #[cfg(target_arch = "wasm32")]
        struct Plugin;
        #[cfg(target_arch = "wasm32")]
        impl $crate::bindings::detector::exports::windlass::plugin::detector::Guest for Plugin {
            fn detect(
                repo: &$crate::bindings::imports_next::windlass::plugin::workspace::Tree,
                request: $crate::bindings::detector::exports::windlass::plugin::detector::Request,
            ) -> Result<$crate::Answer, $crate::Error> {
                $crate::host::Host::of_0_2().set();
                let repo = $crate::Tree::host(repo);
                Ok($crate::export::detect($function, $language, &repo, &request))
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::detector::export_detector!(
            Plugin with_types_in $crate::bindings::detector
        );
        #[cfg(not(target_arch = "wasm32"))]
        const _: ($crate::export::Detect, &str) = ($function, $language);
    };
}

/// Exports a test runner: `plan: fn(&App<'_>, &RunnerRequest) -> Result<Option<TestPlan>, Refusal>` and
/// `parse: fn(Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error>`.
#[macro_export]
macro_rules! test_runner {
    (plan: $plan:path, parse: $parse:path) => {
        #[cfg(target_arch = "wasm32")]
        struct Plugin;
        #[cfg(target_arch = "wasm32")]
        impl $crate::bindings::test_runner::exports::windlass::plugin::test_runner::Guest
            for Plugin
        {
            fn make_plan(
                repo: &$crate::bindings::imports_next::windlass::plugin::workspace::Tree,
                request: $crate::RunnerRequest,
            ) -> Result<Option<$crate::TestPlan>, $crate::Error> {
                $crate::host::Host::of_0_2().set();
                let repo = $crate::Tree::host(repo);
                $crate::export::plan($plan, &repo, &request)
            }

            fn parse(
                ran: $crate::Ran,
                reports: &$crate::bindings::imports_next::windlass::plugin::workspace::Tree,
            ) -> Result<Option<$crate::Summary>, $crate::Error> {
                $crate::host::Host::of_0_2().set();
                $parse(ran, &$crate::Tree::host(reports))
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::test_runner::export_test_runner!(
            Plugin with_types_in $crate::bindings::test_runner
        );
        #[cfg(not(target_arch = "wasm32"))]
        const _: ($crate::export::Plan, $crate::export::Parse) = ($plan, $parse);
    };
}

/// Exports `fn(LoginRequest) -> Result<Login, Error>` as a registry-auth plugin.
#[macro_export]
macro_rules! registry_auth {
    ($function:path) => {
        #[cfg(target_arch = "wasm32")]
        struct Plugin;
        #[cfg(target_arch = "wasm32")]
        impl $crate::bindings::registry_auth::exports::windlass::plugin::registry_auth::Guest
            for Plugin
        {
            fn authenticate(
                request: $crate::LoginRequest,
            ) -> Result<$crate::Login, $crate::Error> {
                $crate::host::Host::of_0_1().set();
                $function(request)
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::registry_auth::export_registry_auth!(
            Plugin with_types_in $crate::bindings::registry_auth
        );
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::LoginRequest) -> Result<$crate::Login, $crate::Error> = $function;
    };
}

/// Exports a deploy hook: `start: fn(Context) -> Result<HookStep, Error>` and
/// `resume: fn(Context, state: Vec<u8>, Vec<ActionResult>) -> Result<HookStep, Error>`.
#[macro_export]
macro_rules! deploy_hook {
    (start: $start:path, resume: $resume:path) => {
        #[cfg(target_arch = "wasm32")]
        struct Plugin;
        #[cfg(target_arch = "wasm32")]
        impl $crate::bindings::deploy_hook::exports::windlass::plugin::deploy_hook::Guest
            for Plugin
        {
            fn start(ctx: $crate::Context) -> Result<$crate::HookStep, $crate::Error> {
                $crate::host::Host::of_0_1().set();
                $start(ctx)
            }

            fn resume(
                ctx: $crate::Context,
                state: Vec<u8>,
                results: Vec<$crate::ActionResult>,
            ) -> Result<$crate::HookStep, $crate::Error> {
                $crate::host::Host::of_0_1().set();
                $resume(ctx, state, results)
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::deploy_hook::export_deploy_hook!(
            Plugin with_types_in $crate::bindings::deploy_hook
        );
        #[cfg(not(target_arch = "wasm32"))]
        const _: ($crate::export::Start, $crate::export::Resume) = ($start, $resume);
    };
}
