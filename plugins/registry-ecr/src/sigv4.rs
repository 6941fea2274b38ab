//! Signature Version 4 of AWS (docs.aws.amazon.com, "Create a signed AWS API request"), with keys that stay in the
//! host.

use crate::{keys::Keys, post::post};
use std::fmt::Write;
use windlass_plugin_sdk::{
    Error, clock,
    http::{HeaderValue, Part, Response, send as send_http, sha256},
    utc,
};

/// A POST to an endpoint's root.
pub(crate) struct Signed<'a> {
    pub(crate) url: &'a str,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) target: Option<&'a str>,
    pub(crate) body: &'a str,
}

pub(crate) fn send(signed: &Signed<'_>, keys: &Keys) -> Result<Response, Error> {
    // 20261122T170000Z
    let time: String = utc(clock::now()).chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let date = time.get(..8).unwrap_or_default().to_owned();
    let host = signed.url.split('/').nth(2).unwrap_or_default();
    // Sorted by name. The token is the only value that is not known in the guest.
    let mut names = vec!["content-type", "host", "x-amz-date"];
    let mut head =
        format!("content-type:{}\nhost:{host}\nx-amz-date:{time}\n", signed.content_type);
    let mut parts = vec![Part::Text("POST\n/\n\n".into())];
    if let Some(token) = &keys.token {
        names.push("x-amz-security-token");
        head.push_str("x-amz-security-token:");
        parts.push(Part::Text(std::mem::take(&mut head)));
        parts.push(Part::Secret(token));
        head.push('\n');
    }
    if let Some(target) = signed.target {
        names.push("x-amz-target");
        head.push_str(&format!("x-amz-target:{target}\n"));
    }
    let names = names.join(";");
    let body = hex(&sha256(&[Part::Text(signed.body.into())])?);
    parts.push(Part::Text(format!("{head}\n{names}\n{body}")));
    let canonical = hex(&sha256(&parts)?);
    let scope = format!("{date}/{}/{}/aws4_request", signed.region, signed.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
    let mut key = keys.secret.derive_hmac_sha256("AWS4", date.as_bytes())?;
    for part in [signed.region, signed.service, "aws4_request"] {
        key = key.derive_hmac_sha256("", part.as_bytes())?;
    }
    let signature = hex(&key.hmac_sha256(to_sign.as_bytes())?);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        keys.id
    );
    let text = |name: &str, value: &str| (name.to_owned(), HeaderValue::Text(value.to_owned()));
    let mut headers = vec![
        text("content-type", signed.content_type),
        text("x-amz-date", &time),
        text("authorization", &authorization),
    ];
    headers.extend(signed.target.map(|target| text("x-amz-target", target)));
    if let Some(token) = &keys.token {
        let parts = vec![Part::Secret(token)];
        headers.push(("x-amz-security-token".into(), HeaderValue::Parts(parts)));
    }
    send_http(&post(signed.url, headers, vec![Part::Text(signed.body.into())]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
