//! Dead messages of the queue, which could become no job: shown, put into the queue once more, deleted. For operators,
//! since a message of the queue belongs to no project before it can be read.

use crate::{
    caller::Caller,
    check,
    error::ServiceError,
    finish::finish,
    ports::{DeadMessage, DeadMessages, DeadPage},
    services::Services,
    verb::Verb,
};
use std::sync::Arc;

/// Number of messages of a list by default, and at most.
const PAGE: (u32, u32) = (50, 200);

impl Services {
    /// Returns the oldest dead messages, and leaves them where they are. A limit of 0 means 50.
    ///
    /// # Errors
    /// [`ServiceError::NotOperator`] for a caller of some projects only, [`ServiceError::Conflict`] without a queue,
    /// [`ServiceError::Broker`] while the broker does not answer.
    pub async fn list_dead(&self, caller: &Caller, limit: u32) -> Result<DeadPage, ServiceError> {
        caller.may_operate(Verb::Read)?;
        let limit = check::page(limit, PAGE.0, PAGE.1)?;
        let dead = self.dead_of_queue()?;
        finish(async move { dead.list(limit).await.map_err(ServiceError::Broker) }).await
    }

    /// Returns a dead message.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that none has, and the errors of [`Self::list_dead`].
    pub async fn dead_message(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<DeadMessage, ServiceError> {
        caller.may_operate(Verb::Read)?;
        let (dead, of) = (self.dead_of_queue()?, id.to_owned());
        let found = async move { dead.find(&of).await.map_err(ServiceError::Broker) };
        finish(found).await?.ok_or_else(|| no_dead(id))
    }

    /// Puts one dead message, or all, into the queue of jobs once more, and returns their number. The id of its request
    /// makes a message that comes twice one job.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that none has, and the errors of [`Self::list_dead`].
    pub async fn replay_dead(
        &self,
        caller: &Caller,
        id: Option<String>,
    ) -> Result<u32, ServiceError> {
        caller.may_operate(Verb::Projects)?;
        let (dead, of) = (self.dead_of_queue()?, id.clone());
        let replayed =
            async move { dead.replay(of.as_deref()).await.map_err(ServiceError::Broker) };
        let count = finish(replayed).await?;
        tracing::info!(principal = caller.name, count, "dead messages are in the queue again");
        match id {
            Some(id) if count == 0 => Err(no_dead(&id)),
            _ => Ok(count),
        }
    }

    /// Deletes a dead message, and returns it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that none has, and the errors of [`Self::list_dead`].
    pub async fn drop_dead(&self, caller: &Caller, id: &str) -> Result<DeadMessage, ServiceError> {
        caller.may_operate(Verb::Projects)?;
        let (dead, of) = (self.dead_of_queue()?, id.to_owned());
        let dropped = async move { dead.discard(&of).await.map_err(ServiceError::Broker) };
        let message = finish(dropped).await?.ok_or_else(|| no_dead(id))?;
        tracing::info!(principal = caller.name, id, "a dead message of the queue is deleted");
        Ok(message)
    }

    fn dead_of_queue(&self) -> Result<Arc<dyn DeadMessages>, ServiceError> {
        self.dead.clone().ok_or_else(|| ServiceError::Conflict {
            reason: "no-queue",
            message: "no jobs come from a queue here: windlassd.toml has no `[amqp]`".into(),
            fix: "name another daemon by --address, or set `[amqp]` and start the daemon again"
                .into(),
        })
    }
}

fn no_dead(id: &str) -> ServiceError {
    ServiceError::NotFound {
        what: "dead message",
        id: id.chars().take(80).collect(),
        fix: "list them: windlass queue dead list".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller};
    use async_trait::async_trait;
    use std::sync::Mutex;

    /// A broker with dead messages, or one that is away.
    #[derive(Default)]
    struct FakeDead {
        messages: Mutex<Vec<DeadMessage>>,
        is_away: bool,
    }

    impl FakeDead {
        fn with(ids: &[&str]) -> Self {
            let of = |id: &&str| DeadMessage { id: (*id).into(), ..DeadMessage::default() };
            Self { messages: Mutex::new(ids.iter().map(of).collect()), is_away: false }
        }

        fn all(&self) -> Result<std::sync::MutexGuard<'_, Vec<DeadMessage>>, String> {
            if self.is_away { Err("mq: away".into()) } else { Ok(self.messages.lock().unwrap()) }
        }
    }

    #[async_trait]
    impl DeadMessages for FakeDead {
        async fn list(&self, most: u32) -> Result<DeadPage, String> {
            let mut messages = self.all()?.clone();
            let more = messages.len().saturating_sub(most as usize) as u64;
            messages.truncate(most as usize);
            Ok(DeadPage { messages, more })
        }

        async fn find(&self, id: &str) -> Result<Option<DeadMessage>, String> {
            Ok(self.all()?.iter().find(|one| one.id == id).cloned())
        }

        async fn replay(&self, id: Option<&str>) -> Result<u32, String> {
            let mut all = self.all()?;
            let before = all.len();
            all.retain(|one| id.is_some_and(|id| one.id != id));
            Ok(u32::try_from(before - all.len()).unwrap())
        }

        async fn discard(&self, id: &str) -> Result<Option<DeadMessage>, String> {
            let mut all = self.all()?;
            let place = all.iter().position(|one| one.id == id);
            Ok(place.map(|place| all.remove(place)))
        }
    }

    fn world(dead: FakeDead) -> (World, Arc<FakeDead>) {
        let (mut world, dead) = (World::new(), Arc::new(dead));
        world.services.dead = Some(dead.clone());
        (world, dead)
    }

    #[tokio::test]
    async fn only_an_operator_sees_dead_messages_and_only_one_with_the_verb_moves_them() {
        let (world, dead) = world(FakeDead::with(&["a", "b"]));
        let services = &world.services;
        let tenant = caller("tenant", &["shop"], &Verb::ALL);
        for error in [
            services.list_dead(&tenant, 0).await.unwrap_err(),
            services.dead_message(&tenant, "a").await.unwrap_err(),
            services.replay_dead(&tenant, None).await.unwrap_err(),
            services.drop_dead(&tenant, "a").await.unwrap_err(),
        ] {
            assert_eq!(error.to_string(), "tenant is no operator of all projects");
        }
        let reader = caller("reader", &["*"], &[Verb::Read]);
        assert_eq!(services.list_dead(&reader, 1).await.unwrap().more, 1);
        assert_eq!(services.dead_message(&reader, "b").await.unwrap().id, "b");
        for error in [
            services.replay_dead(&reader, None).await.unwrap_err(),
            services.drop_dead(&reader, "a").await.unwrap_err(),
        ] {
            assert_eq!(error.reason(), "permission-denied");
        }
        assert_eq!(dead.messages.lock().unwrap().len(), 2);
        let operator = caller("operator", &["*"], &[Verb::Projects]);
        assert_eq!(services.drop_dead(&operator, "a").await.unwrap().id, "a");
        assert_eq!(services.replay_dead(&operator, None).await.unwrap(), 1);
        assert!(dead.messages.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_unknown_id_a_daemon_without_a_queue_and_a_broker_that_is_away_are_three_errors() {
        let all = Caller::with_all_rights("uid:0".into());
        let (with, _) = world(FakeDead::with(&["a"]));
        let (away, _) = world(FakeDead { is_away: true, ..FakeDead::default() });
        let without = World::new();
        for (world, reason) in
            [(&with, "not-found"), (&away, "broker-failed"), (&without, "no-queue")]
        {
            let services = &world.services;
            for error in [
                services.dead_message(&all, "x").await.unwrap_err(),
                services.replay_dead(&all, Some("x".into())).await.unwrap_err(),
                services.drop_dead(&all, "x").await.unwrap_err(),
            ] {
                assert_eq!(error.reason(), reason, "{error}");
            }
        }
        assert_eq!(with.services.replay_dead(&all, Some("a".into())).await.unwrap(), 1);
        let error = with.services.list_dead(&all, 201).await.unwrap_err();
        assert_eq!(error.reason(), "field-invalid");
    }
}
