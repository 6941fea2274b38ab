//! The rules of `[amqp]`.

use super::fail;
use crate::config::{Config, ConfigError};
use windlass_service::Verb;

impl Config {
    pub(super) fn check_amqp(&self) -> Result<(), ConfigError> {
        let Some(amqp) = &self.amqp else { return Ok(()) };
        if let Err(problem) = amqp.check() {
            return fail(format!("amqp.{problem}"));
        }
        let name = &amqp.principal;
        let known = self.principals.iter().find(|principal| principal.name == *name);
        match known {
            // A caller with a token could use the queue's requests, and cancel them.
            Some(_) if !amqp.projects.is_empty() => fail(format!(
                "amqp.projects: `{name}` is one of `[[principals]]`, whose projects count; leave `projects` out, or choose another `principal`"
            )),
            Some(principal) if !principal.verbs.contains(&Verb::Deploy) => fail(format!(
                "amqp.principal: `{name}` lacks the verb `deploy` in `[[principals]]`: all messages would be refused"
            )),
            None if amqp.projects.is_empty() => fail(format!(
                "amqp.principal: `{name}` is none of `[[principals]]`; add it there, or set `projects`"
            )),
            _ => Ok(()),
        }
    }
}
