//! Roles: STS returns keys for an hour, to keys or to a web identity.

use crate::{errors, keys::Keys, post::post, settings::Settings, sigv4, xml::between};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use windlass_plugin_sdk::{
    Error, Secret,
    http::{HeaderValue, Part, Response, send},
    invalid,
};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

pub(crate) fn by_keys(
    settings: &Settings,
    region: &str,
    role: &str,
    keys: &Keys,
) -> Result<Keys, Error> {
    let mut body = form("AssumeRole", settings, role);
    if let Some(id) = settings.text("external-id") {
        body.push_str(&format!("&ExternalId={}", encoded(id)));
    }
    let url = endpoint(settings, region);
    let signed = sigv4::Signed {
        url: &url,
        service: "sts",
        region,
        content_type: FORM,
        target: None,
        body: &body,
    };
    let answer = sigv4::send(&signed, keys)?;
    taken(&answer, "AssumeRoleResult", "sts:AssumeRole")
}

/// Assumes a role by a web identity. The request is not signed, since the token is the proof.
pub(crate) fn by_web_identity(
    settings: &Settings,
    region: &str,
    role: &str,
    token: &Secret,
) -> Result<Keys, Error> {
    let form = form("AssumeRoleWithWebIdentity", settings, role) + "&WebIdentityToken=";
    let headers = vec![("content-type".to_owned(), HeaderValue::Text(FORM.into()))];
    let body = vec![Part::Text(form), Part::SecretForm(token)];
    let answer = send(&post(&endpoint(settings, region), headers, body))?;
    taken(&answer, "AssumeRoleWithWebIdentityResult", "sts:AssumeRoleWithWebIdentity")
}

fn endpoint(settings: &Settings, region: &str) -> String {
    let own = || format!("https://sts.{region}.amazonaws.com/");
    settings.text("sts-endpoint").map_or_else(own, str::to_owned)
}

fn form(action: &str, settings: &Settings, role: &str) -> String {
    let session = settings.text("session-name").unwrap_or("windlass");
    format!(
        "Action={action}&Version=2011-06-15&RoleArn={}&RoleSessionName={}",
        encoded(role),
        encoded(session)
    )
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Takes the keys from an answer. The key's id is in clear text. Key and token stay in the host.
fn taken(answer: &Response, result: &str, action: &str) -> Result<Keys, Error> {
    if answer.status() != 200 {
        return Err(errors::explain(answer, action));
    }
    let body = answer.body();
    let text = String::from_utf8_lossy(&body);
    let id = between(&text, "<AccessKeyId>", "</AccessKeyId>").ok_or_else(|| {
        invalid("STS answered no keys".into(), "see that `sts-endpoint` is one of AWS's STS")
    })?;
    Ok(Keys {
        id: id.into(),
        secret: answer.take_secret(&format!("{result}/Credentials/SecretAccessKey"))?,
        token: Some(answer.take_secret(&format!("{result}/Credentials/SessionToken"))?),
    })
}
