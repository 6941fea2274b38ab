//! Conversations with forges and endpoints on behalf of a project: its secrets, its logins, and requests.

use crate::{
    requests::{NoAnswer, Requests},
    settings::OutgoingSettings,
    tokens::{TokenKey, Tokens},
};
use std::sync::Arc;
use windlass_engine::ports::Secrets;
use windlass_forge::outgoing::{
    Answer, Call, Login, Meaning, Permission, Place, Unsendable, read_token, token_call,
};
use windlass_model::{
    clock::now_ms,
    error::SecretError,
    forge::ForgeKind,
    project::{ForgeApp, ForgeSpec},
    redact::Redactor,
    secret::Secret,
};

/// Bytes of an answer's body that are read, unless somebody asks for more.
pub(crate) const LARGEST: usize = 64 << 10;

/// Means of all conversations.
pub(crate) struct Line {
    secrets: Arc<dyn Secrets>,
    requests: Requests,
    tokens: Tokens,
}

/// Reason why a conversation ended without the answer that it is about.
pub(crate) enum Cut {
    /// It has a meaning nevertheless.
    Meaning(Meaning),
    /// The store is away: this was no attempt.
    Away(String),
}

/// One conversation.
pub(crate) struct Talk<'a> {
    line: &'a Line,
    project: &'a str,
    /// Secrets that the answer may repeat.
    pub(crate) known: Vec<Secret>,
    /// Status of the last answer. `None` means that there is none.
    pub(crate) code: Option<u16>,
}

impl From<Unsendable> for Cut {
    fn from(error: Unsendable) -> Self {
        Self::Meaning(Meaning::Refused(error.to_string()))
    }
}

impl Line {
    pub(crate) fn new(secrets: Arc<dyn Secrets>, settings: &OutgoingSettings) -> Self {
        Self { secrets, requests: Requests::new(settings), tokens: Tokens::default() }
    }

    /// Begins a conversation.
    pub(crate) fn talk<'a>(&'a self, project: &'a str) -> Talk<'a> {
        Talk { line: self, project, known: Vec::new(), code: None }
    }

    /// Forgets a token that its forge refused.
    pub(crate) fn forget(&self, key: &TokenKey) {
        self.tokens.forget(key);
    }
}

impl Talk<'_> {
    /// Returns the login at a forge, and the key of its token where an App stands for one.
    pub(crate) async fn login(
        &mut self,
        forge: &ForgeSpec,
        place: &Place,
        permission: Permission,
    ) -> Result<(Login, Option<TokenKey>), Cut> {
        let (token, key) = match (&forge.app, &forge.token) {
            (Some(app), _) => {
                let (token, key) = self.app_token(app, place, permission).await?;
                (token, Some(key))
            }
            (None, Some(name)) => (self.open(name, None).await?.0, None),
            (None, None) => return Err(Unsendable("the forge has no login".into()).into()),
        };
        let kind = if key.is_some() { ForgeKind::Github } else { forge.kind };
        let text = token.reveal_text().ok_or_else(|| Unsendable("the token is no text".into()))?;
        Ok((Login::new(kind, text)?, key))
    }

    async fn app_token(
        &mut self,
        app: &ForgeApp,
        place: &Place,
        permission: Permission,
    ) -> Result<(Secret, TokenKey), Cut> {
        let key = TokenKey {
            project: self.project.to_owned(),
            api: place.api().to_string(),
            app: app.id.clone(),
            installation: app.installation,
            repository: place.full_name(),
            permission,
        };
        if let Some(token) = self.line.tokens.get(&key, now_ms()) {
            self.known.push(token.clone());
            return Ok((token, key));
        }
        let (pem, _) = self.open(&app.key, None).await?;
        let (id, installation, now) = (&app.id, app.installation, now_ms());
        let call = token_call(place, id, installation, pem.reveal(), permission, now)?;
        let answer = self.send(&call, LARGEST).await?;
        let token = read_token(&answer, now_ms()).map_err(Cut::Meaning)?;
        self.known.push(token.token.clone());
        self.line.tokens.put(key.clone(), token.clone(), now_ms());
        Ok((token.token, key))
    }

    /// Sends one request, and reads at most `most` bytes of the answer's body.
    pub(crate) async fn send(&mut self, call: &Call, most: usize) -> Result<Answer, Cut> {
        self.code = None;
        let answer = self.line.requests.send(call, most).await.map_err(|error| {
            Cut::Meaning(match error {
                NoAnswer::Denied(why) => Meaning::Refused(why),
                NoAnswer::Unavailable(why) => Meaning::Retry { after: None, why },
            })
        })?;
        self.code = Some(answer.status);
        Ok(answer)
    }

    /// Opens a secret of the project, with its version.
    pub(crate) async fn open(
        &mut self,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), Cut> {
        let opened = self.line.secrets.open(self.project, name, version).await;
        let (secret, version) = opened.map_err(|error| match error {
            SecretError::Unavailable { message } => Cut::Away(message),
            error => Cut::Meaning(Meaning::Refused(error.to_string())),
        })?;
        self.known.push(secret.clone());
        Ok((secret, version))
    }
}

/// Returns a meaning without secrets, in which no terminal obeys anything.
pub(crate) fn masked(meaning: Meaning, known: &[Secret]) -> Meaning {
    let shown = |why: String| Redactor::new(known).shown(&why);
    match meaning {
        Meaning::Done => Meaning::Done,
        Meaning::Void(why) => Meaning::Void(shown(why)),
        Meaning::Retry { after, why } => Meaning::Retry { after, why: shown(why) },
        Meaning::RateLimited { until_ms, why } => {
            Meaning::RateLimited { until_ms, why: shown(why) }
        }
        Meaning::Refused(why) => Meaning::Refused(shown(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_repeats_a_secret_is_masked() {
        let known = [Secret::new(b"glpat-s3same".to_vec())];
        let why = "HTTP 401: bad token glpat-s3same \u{1b}[2J".to_owned();
        let Meaning::Refused(shown) = masked(Meaning::Refused(why), &known) else {
            panic!("another meaning");
        };
        assert_eq!(shown, "HTTP 401: bad token *** \\u{1b}[2J");
    }
}
