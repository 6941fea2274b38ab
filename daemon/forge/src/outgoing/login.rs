//! The login at a forge.

use super::call::Unsendable;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use std::fmt;
use windlass_model::forge::ForgeKind;

/// Token of a forge, in the header that the forge reads.
#[derive(Clone)]
pub struct Login(HeaderValue);

impl Login {
    /// Makes the login of a token. For Bitbucket `user:token` is a login with a name, such as of an app password.
    ///
    /// # Errors
    /// [`Unsendable`] for a token that no header can hold. The error does not repeat it.
    pub fn new(kind: ForgeKind, token: &str) -> Result<Self, Unsendable> {
        let token = token.trim();
        if token.is_empty() {
            return Err(Unsendable("the token is empty".into()));
        }
        let text = match kind {
            ForgeKind::Gitea | ForgeKind::Forgejo => format!("token {token}"),
            ForgeKind::Bitbucket | ForgeKind::BitbucketServer if token.contains(':') => {
                format!("Basic {}", STANDARD.encode(token))
            }
            _ => format!("Bearer {token}"),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| {
            Unsendable(
                "the token holds characters that no header can hold, such as a line break".into(),
            )
        })?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// Returns the value of `Authorization`.
    pub(crate) fn header(&self) -> (header::HeaderName, HeaderValue) {
        (header::AUTHORIZATION, self.0.clone())
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forge_gets_the_token_in_its_own_form() {
        for (kind, token, expected) in [
            (ForgeKind::Github, "ghp_x\n", "Bearer ghp_x"),
            (ForgeKind::Gitlab, "glpat-x", "Bearer glpat-x"),
            (ForgeKind::Bitbucket, "ATCT-x", "Bearer ATCT-x"),
            (ForgeKind::Bitbucket, "me:x", "Basic bWU6eA=="),
            (ForgeKind::BitbucketServer, "x", "Bearer x"),
            (ForgeKind::Forgejo, "x", "token x"),
        ] {
            let login = Login::new(kind, token).unwrap();
            assert_eq!(login.header().1, expected, "{kind}");
            assert!(!format!("{login:?}{:?}", login.header()).contains('x'));
        }
        for bad in ["", " \n", "a\nb"] {
            let error = Login::new(ForgeKind::Github, bad).unwrap_err();
            assert!(!error.to_string().contains("a\nb"));
        }
    }
}
