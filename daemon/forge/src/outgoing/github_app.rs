//! Logins of a GitHub App: a token for one installation, narrowed to one repository and one permission.

use super::{
    call::{Answer, Call, Meaning, Unsendable},
    github::meaning,
    login::Login,
    place::Place,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Method, header};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::json;
use windlass_model::{forge::ForgeKind, secret::Secret};

/// Seconds by which the App's own token begins before now: clocks differ.
const BEFORE: u64 = 60;

/// Seconds for which the App's own token is valid. GitHub takes ten minutes at most.
const VALID: u64 = 9 * 60;

/// Seconds after which a token of an installation is not used again, where GitHub names no end. It lasts an hour.
const ASSUMED: u64 = 50 * 60;

/// Right that a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Commit statuses, to write them.
    Statuses,
    /// Deployments, to write them.
    Deployments,
    /// Pull requests, to read them.
    Pulls,
}

impl Permission {
    fn word(self) -> &'static str {
        match self {
            Self::Statuses => "statuses",
            Self::Deployments => "deployments",
            Self::Pulls => "pull_requests",
        }
    }

    fn level(self) -> &'static str {
        match self {
            Self::Statuses | Self::Deployments => "write",
            Self::Pulls => "read",
        }
    }
}

/// Token of an installation.
#[derive(Clone, Debug)]
pub struct AppToken {
    pub token: Secret,
    /// End of its validity, in milliseconds since 1970.
    pub until_ms: u64,
}

/// Returns the request for a token of an installation. `pem` is the App's private key.
///
/// # Errors
/// [`Unsendable`] for a key that is no RSA key in PEM. The error does not repeat it.
pub fn token_call(
    place: &Place,
    app: &str,
    installation: u64,
    pem: &[u8],
    permission: Permission,
    now_ms: u64,
) -> Result<Call, Unsendable> {
    let jwt = jwt(app, pem, now_ms / 1000)?;
    let installation = installation.to_string();
    let url = place.url(["app", "installations", &installation, "access_tokens"]);
    let mut permissions = serde_json::Map::new();
    permissions.insert(permission.word().into(), permission.level().into());
    let body = json!({ "repositories": [place.name()], "permissions": permissions });
    let accept = HeaderValue::from_static("application/vnd.github+json");
    let version = HeaderName::from_static("x-github-api-version");
    Ok(Call::json(Method::POST, url, &body)
        .with((header::ACCEPT, accept))
        .with((version, HeaderValue::from_static("2022-11-28")))
        .with(Login::new(ForgeKind::Github, &jwt)?.header()))
}

/// Reads the answer to the request for a token.
///
/// # Errors
/// [`Meaning`] of an answer without a token. It is never [`Meaning::Done`].
pub fn read_token(answer: &Answer, now_ms: u64) -> Result<AppToken, Meaning> {
    match meaning(answer, now_ms) {
        Meaning::Done => {}
        Meaning::Refused(why) => {
            return Err(Meaning::Refused(format!(
                "no token of the App's installation: {why}; see `id`, `installation` and `key` of \
                 `app`, and the App's rights for this repository"
            )));
        }
        other => return Err(other),
    }
    let json = answer.json();
    let text = |key: &str| json.get(key).and_then(|value| value.as_str());
    let Some(token) = text("token") else {
        let why = format!("HTTP {}: the answer holds no token", answer.status);
        return Err(Meaning::Retry { after: None, why });
    };
    let until = text("expires_at").and_then(|text| humantime::parse_rfc3339(text).ok());
    let until = until.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let until_ms = until.and_then(|since| u64::try_from(since.as_millis()).ok());
    let until_ms = until_ms.unwrap_or_else(|| now_ms.saturating_add(ASSUMED * 1000));
    Ok(AppToken { token: Secret::new(token.as_bytes().to_vec()), until_ms })
}

/// Returns the App's own token: a JWT by RS256.
fn jwt(app: &str, pem: &[u8], now: u64) -> Result<String, Unsendable> {
    let fail = |why: String| {
        Unsendable(format!(
            "the App's key {why}: expected the PEM file that GitHub made for the App"
        ))
    };
    let key = match PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| fail(format!("is no PEM ({error})")))?
    {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err(fail("is no RSA key".into())),
    };
    let key = key.map_err(|error| fail(format!("is no RSA key ({error})")))?;
    let claims = json!({ "iat": now.saturating_sub(BEFORE), "exp": now + VALID, "iss": app });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| fail("does not sign".into()))?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::call::tests::answer;
    use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    /// A key that was made for this test alone.
    const PEM: &[u8] = include_bytes!("github_app/test-key.pem");

    fn place() -> Place {
        let (api, url) = ("https://api.github.com", "https://github.com/acme/shop");
        Place::new(ForgeKind::Github, api, url).unwrap()
    }

    #[test]
    fn a_token_is_asked_for_by_a_signed_jwt_and_for_one_repository() {
        let now_ms = 1_700_000_000_000;
        let call = token_call(&place(), "Iv1.x", 34, PEM, Permission::Statuses, now_ms).unwrap();
        assert_eq!(call.url.path(), "/app/installations/34/access_tokens");
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(
            body,
            json!({ "repositories": ["shop"], "permissions": { "statuses": "write" } })
        );
        let jwt = call.headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let PrivateKeyDer::Pkcs1(key) = PrivateKeyDer::from_pem_slice(PEM).unwrap() else {
            panic!("no PKCS#1");
        };
        let key = RsaKeyPair::from_der(key.secret_pkcs1_der()).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let expected =
            json!({ "iat": 1_700_000_000 - 60, "exp": 1_700_000_000 + 540, "iss": "Iv1.x" });
        assert_eq!(claims, expected);
    }

    #[test]
    fn who_asks_for_pull_requests_may_only_read_them() {
        let call = token_call(&place(), "Iv1.x", 34, PEM, Permission::Pulls, 0).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body["permissions"], json!({ "pull_requests": "read" }));
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        let broken = b"-----BEGIN RSA PRIVATE KEY-----\nc2VzYW1l\n-----END RSA PRIVATE KEY-----\n";
        for bad in [&b"sesame"[..], broken] {
            let error = token_call(&place(), "1", 2, bad, Permission::Deployments, 0).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains("PEM file that GitHub made") && !error.contains("sesame"),
                "{error}"
            );
        }
    }

    /// Asking on would prolong the limit, and can ban the App.
    #[test]
    fn a_limit_of_rates_is_no_refusal() {
        let body = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        let error = read_token(&answer(403, &[("retry-after", "60")], body), 0).unwrap_err();
        assert!(matches!(error, Meaning::RateLimited { until_ms: Some(60_000), .. }), "{error:?}");
        let error = read_token(&answer(403, &[], r#"{"message":"No."}"#), 0).unwrap_err();
        assert!(matches!(error, Meaning::Refused(_)), "{error:?}");
    }

    #[test]
    fn a_token_of_any_length_is_read_with_its_end() {
        let token = format!("ghs_{}", "x".repeat(600));
        let body = json!({ "token": token, "expires_at": "2023-11-14T23:13:20Z" }).to_string();
        let read = read_token(&answer(201, &[], &body), 0).unwrap();
        assert_eq!(read.token.reveal(), token.as_bytes());
        assert_eq!(read.until_ms, 1_700_003_600_000);
        assert!(!format!("{read:?}").contains("ghs_"));
        for (status, body) in [(201, "{}"), (201, "<html>"), (404, "{}"), (401, ""), (503, "")] {
            let error = read_token(&answer(status, &[], body), 0).unwrap_err();
            assert!(error != Meaning::Done, "{status}");
        }
    }
}
