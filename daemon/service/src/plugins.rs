//! Lists and reloads the plugins of a daemon, for operators.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use windlass_engine::ports::PluginStatus;

impl Services {
    /// Returns the plugins that new jobs begin with.
    ///
    /// # Errors
    /// [`ServiceError::NotOperator`] for a caller of some projects only.
    pub fn list_plugins(&self, caller: &Caller) -> Result<Vec<PluginStatus>, ServiceError> {
        caller.may_operate(Verb::Read)?;
        Ok(self.plugins.list())
    }

    /// Loads the plugins again, and returns the changes.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] if a plugin cannot be loaded: then nothing has changed.
    pub async fn reload_plugins(&self, caller: &Caller) -> Result<Vec<String>, ServiceError> {
        caller.may_operate(Verb::Deploy)?;
        tracing::info!(principal = caller.name, "reloading the plugins");
        self.plugins.reload().await.map_err(|message| ServiceError::Conflict {
            reason: "plugins-not-loaded",
            message,
            fix: "mend what it names and reload again; jobs go on with the plugins of before"
                .into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller};

    #[tokio::test]
    async fn only_an_operator_sees_and_swaps_plugins() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Read, Verb::Deploy]);
        let error = world.services.list_plugins(&ci).unwrap_err();
        assert_eq!(error.to_string(), "ci is no operator of all projects");
        world.services.reload_plugins(&ci).await.unwrap_err();
        let reader = caller("reader", &["*"], &[Verb::Read]);
        assert!(world.services.list_plugins(&reader).unwrap().is_empty());
        world.services.reload_plugins(&reader).await.unwrap_err();
        assert_eq!(world.plugins.reloads(), 0);
        let operator = caller("operator", &["*"], &[Verb::Deploy]);
        world.services.reload_plugins(&operator).await.unwrap();
        world.plugins.breaks();
        let error = world.services.reload_plugins(&operator).await.unwrap_err();
        assert_eq!((error.reason(), &*error.to_string()), ("plugins-not-loaded", "it is broken"));
    }
}
