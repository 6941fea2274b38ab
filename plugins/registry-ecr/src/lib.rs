//! Amazon ECR, private: a login for twelve hours, by the operator's keys, by a role that these keys assume, or by a
//! role of a web identity. Keys, tokens and passwords stay in the host.

mod errors;
mod keys;
mod post;
mod settings;
mod sigv4;
mod sts;
mod xml;

use keys::Keys;
use serde_json::Value;
use settings::Settings;
use windlass_plugin_sdk::{
    Credential, Error, Login, LoginRequest, clock, invalid, registry_auth,
    secrets::{self, Encoding},
};

fn authenticate(request: LoginRequest) -> Result<Login, Error> {
    let settings = Settings::read();
    let region = match settings.text("region") {
        Some(region) => region.to_owned(),
        None => region_of(&request.registry).ok_or_else(|| {
            invalid(
                format!("`{}` is no name of a private ECR registry", request.registry),
                "write it as ACCOUNT.dkr.ecr.REGION.amazonaws.com, or say `region` in its settings",
            )
        })?,
    };
    let keys = keys(&settings, &region)?;
    let own = format!("https://api.ecr.{region}.amazonaws.com/");
    let url = settings.text("ecr-endpoint").unwrap_or(&own).to_owned();
    let signed = sigv4::Signed {
        url: &url,
        service: "ecr",
        region: &region,
        content_type: "application/x-amz-json-1.1",
        target: Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
        body: "{}",
    };
    let answer = sigv4::send(&signed, &keys)?;
    if answer.status() != 200 {
        return Err(errors::explain(&answer, "ecr:GetAuthorizationToken"));
    }
    let json: Value = serde_json::from_slice(&answer.body()).unwrap_or_default();
    let token = answer.take_secret("/authorizationData/0/authorizationToken")?;
    // The token is the base64 of `AWS:password`.
    let pair = token.decode("", Encoding::Base64)?;
    let password = pair.split(":", secrets::Part::After)?;
    let now = clock::now();
    let until = json["authorizationData"][0]["expiresAt"].as_f64();
    let until = until.filter(|until| *until > 0.0).map(|seconds| (seconds * 1000.0) as u64);
    // At half of the login's life, so that a renewal that fails can be repeated in time.
    let renew = until.map(|until| now + until.saturating_sub(now) / 2);
    let credential = Credential::Basic(("AWS".into(), password));
    Ok(Login { credential, until, renew, attrs: Vec::new() })
}

/// Reads the region from `ACCOUNT.dkr.ecr[-fips].REGION.amazonaws.com[.cn]`.
fn region_of(host: &str) -> Option<String> {
    let mut labels = host.split('.').skip(1);
    let dkr = labels.next()?;
    let ecr = labels.next()?;
    let region = labels.next()?;
    (dkr == "dkr" && ecr.starts_with("ecr")).then(|| region.to_owned())
}

/// Returns the operator's keys, or those of the role that these keys, or the web identity, assume.
fn keys(settings: &Settings, region: &str) -> Result<Keys, Error> {
    let Some(role) = settings.text("role-arn") else { return Keys::own() };
    match secrets::open("web-identity") {
        Ok(token) => sts::by_web_identity(settings, region, role, &token),
        Err(_) => sts::by_keys(settings, region, role, &Keys::own()?),
    }
}

registry_auth!(authenticate);
