//! A login that the operator configures: a user with a password or token, an identity token, or a token of the
//! registry. Its end is not known, so it is never renewed.

use windlass_plugin_sdk::{
    Credential, Error, Login, LoginRequest, config, invalid, registry_auth, secrets,
};

fn authenticate(_: LoginRequest) -> Result<Login, Error> {
    let settings: serde_json::Value = serde_json::from_str(&config()).unwrap_or_default();
    let user = settings["user"].as_str();
    let kind = settings["kind"].as_str();
    let secret = secrets::open("secret")?;
    let credential = match (kind.unwrap_or("password"), user) {
        ("identity-token", _) => Credential::IdentityToken(secret),
        ("bearer", _) => Credential::Bearer(secret),
        (_, Some(user)) => Credential::Basic((user.into(), secret)),
        (_, None) => {
            let hint = "add `user` to the registry's settings, or say its `kind`";
            return Err(invalid("a password needs a user".into(), hint));
        }
    };
    Ok(Login { credential, until: None, renew: None, attrs: Vec::new() })
}

registry_auth!(authenticate);
