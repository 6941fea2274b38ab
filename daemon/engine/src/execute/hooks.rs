//! Hooks that are steps of a plan.

use crate::{deploy::Deploy, failure::Cause, hook::failed};
use windlass_model::{
    cluster,
    hook::{About, Hook, Policy},
    job::Release,
    replay::HookProgress,
};

impl Deploy<'_> {
    /// Asks a hook of a plan until the hook is done, and treats a failure by the hook's policy.
    pub(super) async fn ask_hook(
        &self,
        hook: &Hook,
        release: &Release,
        progress: HookProgress,
    ) -> Result<(), Cause> {
        let about = About {
            // Each cluster has its own Jobs, and a plugin its own memory of each.
            key: match release.cluster() {
                cluster::DEFAULT => format!("{}/{}", release.id, hook.name),
                cluster => format!("{}/{}/{cluster}", release.id, hook.name),
            },
            job: release.id.clone(),
            app: release.app.clone(),
            commit: release.commit.clone(),
            image: Some(release.image.clone()),
            failure: None,
        };
        let (done, judged) = match self.ask(hook, &about, Some(release), progress).await {
            Ok(ended) => ended,
            Err(cause @ (Cause::Stopped(_) | Cause::JournalLost(_) | Cause::Panicked(_))) => {
                return Err(cause);
            }
            Err(Cause::Plugin(error)) => {
                let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                (failed(format!("{error}{hint}")), None)
            }
            // Such as an action that the cluster refuses: the policy decides what that means.
            Err(cause) => (failed(cause.to_string()), None),
        };
        if done.ok {
            return self.hook_done(hook, &done).await;
        }
        match hook.policy {
            Policy::Warn => self.hook_warning(hook, &done.message).await,
            policy => Err(Cause::Hook {
                hook: hook.name.clone(),
                plugin: hook.plugin.clone(),
                phase: hook.phase,
                message: done.message,
                roll_back: policy == Policy::RollBack || done.request_rollback,
                place: release.place(),
                judged,
            }),
        }
    }
}
