//! Login links: whoever calls with a token opens the page without typing it.

use crate::{caller::Caller, error::ServiceError, ports::LoginLink, services::Services};

impl Services {
    /// Makes a link that logs one browser in as the caller. It needs no verb: the session has those of the token, as
    /// if the token were typed. `token_sha256` is of the token that the caller has shown; `None` means that it has
    /// shown another proof. A user of the unix socket and a certificate get no session: the first has all rights, and
    /// the second is worth more than a cookie.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] for a daemon without the page, and for a caller without a token.
    pub fn login_link(
        &self,
        caller: &Caller,
        token_sha256: Option<&str>,
    ) -> Result<LoginLink, ServiceError> {
        let Some(links) = &self.login_links else {
            return Err(ServiceError::Conflict {
                reason: "no-page",
                message: "this daemon serves no page".into(),
                fix: "the operator sets `page = true` under `[listen]` in windlassd.toml".into(),
            });
        };
        let Some(token_sha256) = token_sha256 else {
            return Err(ServiceError::Conflict {
                reason: "no-token",
                message: format!("{} has shown no token, and a login link is of a token", caller.name),
                fix: "call at `listen.tcp` with a principal's token, and without a certificate of its own: \
                      `windlass --address https://HOST:PORT --token-file FILE dashboard`"
                    .into(),
            });
        };
        let link = links.login_link(token_sha256);
        tracing::info!(principal = caller.name, "a login link of the page was made");
        Ok(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, caller},
        ports::LoginLinks,
    };
    use std::sync::Arc;

    struct Links;

    impl LoginLinks for Links {
        fn login_link(&self, token_sha256: &str) -> LoginLink {
            LoginLink { path: format!("/login?code=of-{token_sha256}"), expires_ms: 60_000 }
        }
    }

    #[test]
    fn a_link_is_of_the_token_that_was_shown_and_needs_no_verb() {
        let mut services = World::new().services;
        services.login_links = Some(Arc::new(Links));
        let link = services.login_link(&caller("ci", &[], &[]), Some("ab12")).ok().unwrap();
        assert_eq!((&*link.path, link.expires_ms), ("/login?code=of-ab12", 60_000));
    }

    #[test]
    fn without_a_token_or_a_page_there_is_no_link() {
        let mut services = World::new().services;
        let root = Caller::with_all_rights("uid:0".into());
        let error = services.login_link(&root, Some("ab12")).err().unwrap();
        assert_eq!(error.reason(), "no-page");
        services.login_links = Some(Arc::new(Links));
        let error = services.login_link(&root, None).err().unwrap();
        let message = "uid:0 has shown no token, and a login link is of a token";
        assert_eq!((error.reason(), &*error.to_string()), ("no-token", message));
        assert!(error.fixes()[0].contains("windlass --address"), "{:?}", error.fixes());
    }
}
