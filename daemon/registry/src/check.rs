//! Logins at registries, as a client of Docker's registry protocol makes them: one is tried, or used for a request.

use crate::{
    challenge::{self, Challenge},
    fault::Fault,
    rules::Rules,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT},
};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Deserialize;
use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use url::{Position, Url, form_urlencoded};
use windlass_dial::{Answer, Target, Trust, send};
use windlass_engine::ports::{Action, Credential};
use windlass_model::secret::Secret;

/// Time of a whole check: at most three requests.
const LIMIT: Duration = Duration::from_secs(20);

/// Bytes of an answer's body that are read. Tokens have a few KiB.
const LARGEST: usize = 64 << 10;

/// Name below the place for images that a token is asked for. Nothing is pushed there.
const PROBE: &str = "windlass-check";

/// Characters of an address of the registry's that are quoted.
const QUOTED: usize = 200;

/// Advice for a login that is refused.
const ANOTHER: &str = "put the user with a password or token that is valid";

/// Advice for a login that is accepted perhaps, and has not the right that is needed.
const RIGHTS: &str = "give the user this right below the place for images; where the registry has rights of single images alone, store it without a check (`--no-check`)";

/// Checks of logins, by the operator's rules.
#[derive(Clone, Debug)]
pub struct Checker {
    pub(crate) rules: Arc<Rules>,
    trust: Trust,
    pub(crate) limit: Duration,
}

/// A login that is tried.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Host as images name it.
    pub host: &'a str,
    /// Path at the host that images are pushed below. `None` means that only the login itself is tried.
    pub path: Option<&'a str>,
    pub action: Action,
    pub credential: &'a Credential,
}

/// A login with the right that it is used for.
#[derive(Clone, Debug)]
pub(crate) struct ScopedLogin<'a> {
    /// Host as images name it.
    pub(crate) host: &'a str,
    pub(crate) credential: &'a Credential,
    /// Scope of the token, where the registry has a token server. `None` means the login alone.
    pub(crate) scope: Option<String>,
}

/// Answer of a token server (distribution's `spec/auth/token`). OAuth2 has the other name.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Checker {
    /// Makes a checker that asks allowed addresses alone. `ca` is a PEM file of authorities beside those of the system.
    /// `None` means that there are none beside.
    #[must_use]
    pub fn new(rules: Arc<Rules>, ca: Option<PathBuf>) -> Self {
        let trust = ca.map_or(Trust::System, Trust::SystemAndFile);
        Self { rules, trust, limit: LIMIT }
    }

    /// Tries a login. Nothing is written to the registry.
    ///
    /// # Errors
    /// The fault of the registry, or of the login.
    pub async fn log_in(&self, attempt: &Attempt<'_>) -> Result<(), Fault> {
        match timeout(self.limit, self.tried(attempt)).await {
            Ok(tried) => tried,
            Err(_) => Err(Fault::new(
                format!("{} has not answered within {} s", attempt.host, self.limit.as_secs()),
                "see that the registry and its token server run, and try again",
            )),
        }
    }

    async fn tried(&self, attempt: &Attempt<'_>) -> Result<(), Fault> {
        let host = attempt.host;
        let api = self.rules.address(host)?;
        let tls = self.tls().await?;
        let first = self.send(Method::GET, &api, None, None, &tls).await?;
        match first.status {
            StatusCode::UNAUTHORIZED => {}
            status if status.is_success() => {
                return Err(Fault::new(
                    format!("{host} asks for no login: nobody can see whether this one is valid"),
                    "put no login for a registry that is open, or store it without a check (`--no-check`)",
                ));
            }
            _ => return Err(odd(&api, &first)),
        }
        let scope = attempt.path.map(|path| {
            let right = match attempt.action {
                Action::Push => "pull,push",
                Action::Pull => "pull",
            };
            format!("repository:{path}/{PROBE}:{right}")
        });
        let login = ScopedLogin { host, credential: attempt.credential, scope };
        let authorization = self.authorization(&login, &first, &tls).await?;
        let second = self.send(Method::GET, &api, Some(authorization), None, &tls).await?;
        match second.status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Fault::new(
                format!("{host} refuses the login: {}", second.status.as_u16()),
                ANOTHER,
            )),
            _ => Err(odd(&api, &second)),
        }
    }

    /// Returns the header by which a registry that answered 401 knows a login.
    pub(crate) async fn authorization(
        &self,
        login: &ScopedLogin<'_>,
        answer: &Answer,
        tls: &Arc<ClientConfig>,
    ) -> Result<HeaderValue, Fault> {
        let host = login.host;
        match (login.credential, challenge::chosen(&answer.headers)) {
            (Credential::Bearer(token), _) => bearer(token),
            (Credential::Basic(user, password), Some(Challenge::Basic)) => basic(user, password),
            (_, Some(Challenge::Bearer { realm, service })) => {
                bearer(&self.token(login, &realm, &service, tls).await?)
            }
            (Credential::IdentityToken(_), Some(Challenge::Basic)) => Err(Fault::new(
                format!("{host} takes user and password, and the plugin has a refresh token"),
                "use another plugin, or put a user with a password",
            )),
            (_, None) => Err(Fault::new(
                format!(
                    "{host} answers 401 without a challenge that clients of registries know: it is no registry"
                ),
                "name the host of a registry, as images name it",
            )),
        }
    }

    /// Returns a token of the registry's token server.
    async fn token(
        &self,
        login: &ScopedLogin<'_>,
        realm: &str,
        service: &str,
        tls: &Arc<ClientConfig>,
    ) -> Result<Secret, Fault> {
        let ScopedLogin { host, credential, scope } = login;
        let mut url = self.realm(host, realm)?;
        let answer = match *credential {
            Credential::IdentityToken(refresh) => {
                let refresh = refresh.reveal_text().ok_or_else(unprintable)?;
                let form = refresh_form(service, refresh, scope.as_deref());
                self.send(Method::POST, &url, None, Some(&form), tls).await?
            }
            Credential::Basic(user, password) => {
                {
                    let mut query = url.query_pairs_mut();
                    if !service.is_empty() {
                        query.append_pair("service", service);
                    }
                    if let Some(scope) = scope {
                        query.append_pair("scope", scope);
                    }
                }
                self.send(Method::GET, &url, Some(basic(user, password)?), None, tls).await?
            }
            // It is sent to the registry itself.
            Credential::Bearer(token) => return Ok(token.clone()),
        };
        let server = url.host_str().unwrap_or_default().to_owned();
        match answer.status {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
                // The login may be right: GitLab knows no repository outside of its projects.
                let fix = match scope {
                    Some(_) if answer.status == StatusCode::FORBIDDEN => RIGHTS,
                    _ => ANOTHER,
                };
                let right =
                    scope.as_ref().map(|scope| format!(" for `{scope}`")).unwrap_or_default();
                return Err(Fault::new(
                    format!(
                        "{host} refuses the login: its token server {server} answers {}{right}",
                        answer.status.as_u16()
                    ),
                    fix,
                ));
            }
            _ => return Err(odd(&url, &answer)),
        }
        let read = (!answer.is_cut).then(|| serde_json::from_slice::<TokenAnswer>(&answer.body));
        let token = read.and_then(Result::ok).and_then(|read| read.token.or(read.access_token));
        token
            .filter(|token| !token.is_empty())
            .map(|token| Secret::new(token.into_bytes()))
            .ok_or_else(|| {
                Fault::new(
                    format!("{server}, the token server of {host}, answers with no token"),
                    "see that this is a registry, and that it works: `docker login`",
                )
            })
    }

    /// Reads the address of a token server, which gets the login.
    fn realm(&self, host: &str, realm: &str) -> Result<Url, Fault> {
        let shown: String = realm.chars().filter(|c| !c.is_control()).take(QUOTED).collect();
        let fail = |why: &str| {
            Fault::new(
                format!("{host} names `{shown}` as its token server, {why}"),
                "mend `realm` in the registry's settings, or put another registry",
            )
        };
        let url = Url::parse(realm).map_err(|_| fail("which is no URL"))?;
        let authority = url[Position::BeforeHost..Position::AfterPort].to_owned();
        if !url.username().is_empty() || url.password().is_some() || authority.is_empty() {
            return Err(fail("which is no plain address"));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.rules.is_plain(&authority) => Ok(url),
            _ => Err(fail("where a login would go in clear; expected https")),
        }
    }

    /// Sends one request to an address that is allowed.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        authorization: Option<HeaderValue>,
        form: Option<&Secret>,
        tls: &Arc<ClientConfig>,
    ) -> Result<Answer, Fault> {
        let shown = url[Position::BeforeHost..Position::AfterPort].to_owned();
        let nowhere = || Fault::new(format!("{shown} is no address"), "name a host with its port");
        let host = url.host().ok_or_else(nowhere)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(nowhere)?;
        let tls = (url.scheme() == "https").then(|| tls.clone());
        let target = Target { host: host.clone(), port, tls };
        let mut request = Request::builder()
            .method(method)
            .uri(&url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &shown)
            .header(USER_AGENT, "windlass")
            .header(ACCEPT, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut body = Bytes::new();
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            body = Bytes::copy_from_slice(form.reveal());
        }
        let request = request.body(Full::new(body)).map_err(|_| nowhere())?;
        let may = |address: IpAddr| self.rules.may(&host, address);
        let answer = send(&target, may, request, LARGEST).await;
        answer.map_err(|error| Fault::no_answer(&shown, &error))
    }

    /// Returns the settings of TLS, with the authorities as they are now.
    pub(crate) async fn tls(&self) -> Result<Arc<ClientConfig>, Fault> {
        let trust = self.trust.clone();
        let made = tokio::task::spawn_blocking(move || trust.config()).await;
        let made = made.unwrap_or_else(|error| Err(error.to_string()));
        made.map_err(|error| {
            Fault::new(
                format!("the certificate authorities cannot be read: {error}"),
                "have the operator mend `own-registries.ca`",
            )
        })
    }
}

/// Returns the form by which a refresh token is exchanged.
fn refresh_form(service: &str, refresh: &str, scope: Option<&str>) -> Secret {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token")
        .append_pair("client_id", "windlass")
        .append_pair("service", service)
        .append_pair("refresh_token", refresh);
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    Secret::new(form.finish().into_bytes())
}

/// Returns the header for a user with a password.
fn basic(user: &str, password: &Secret) -> Result<HeaderValue, Fault> {
    let joined = Secret::new([user.as_bytes(), b":", password.reveal()].concat());
    header(&format!("Basic {}", STANDARD.encode(joined.reveal())))
}

/// Returns the header for a token.
fn bearer(token: &Secret) -> Result<HeaderValue, Fault> {
    header(&format!("Bearer {}", token.reveal_text().ok_or_else(unprintable)?))
}

fn header(text: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(text).map_err(|_| unprintable())?;
    value.set_sensitive(true);
    Ok(value)
}

fn unprintable() -> Fault {
    Fault::new("the token has characters that no request may have", ANOTHER)
}

/// Returns the fault for an answer that no registry gives.
pub(crate) fn odd(url: &Url, answer: &Answer) -> Fault {
    let at = &url[Position::BeforeHost..Position::AfterPath];
    let status = answer.status.as_u16();
    if answer.status.is_redirection() {
        let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        let to: String = to.chars().take(QUOTED).collect();
        return Fault::new(
            format!("{at} redirects to `{to}`, and redirects are not followed"),
            "name the host that answers itself",
        );
    }
    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Fault::new(format!("{at} answers {status}"), "try again when the registry works");
    }
    Fault::new(
        format!("{at} answers {status}: it is no registry"),
        "name the host of a registry, as images name it",
    )
}

#[cfg(test)]
mod tests;
