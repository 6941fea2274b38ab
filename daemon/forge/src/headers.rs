//! Names of the headers of webhooks, as [`http`] has them: in lower case.

use http::HeaderMap;

/// GitHub: name of the event. Gitea and Forgejo send it too.
pub const GITHUB_EVENT: &str = "x-github-event";
/// GitHub: id of the delivery. A redelivery has the same.
pub const GITHUB_DELIVERY: &str = "x-github-delivery";
/// GitHub: `sha256=` and HMAC-SHA256 of the raw body, hex.
pub const HUB_SIGNATURE_256: &str = "x-hub-signature-256";
/// Both Bitbuckets: `sha256=` and HMAC-SHA256 of the raw body, hex. GitHub's header of this name has SHA-1.
pub const HUB_SIGNATURE: &str = "x-hub-signature";

/// GitLab: name of the event, `Push Hook`.
pub const GITLAB_EVENT: &str = "x-gitlab-event";
/// GitLab: the secret itself.
pub const GITLAB_TOKEN: &str = "x-gitlab-token";
/// GitLab: id of the event. Deliveries that an event of GitLab's own set off have the first one's.
pub const GITLAB_EVENT_UUID: &str = "x-gitlab-event-uuid";
/// GitLab: id of the delivery, the same when it is sent again.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Standard Webhooks: id of the message, the same when it is sent again.
pub const WEBHOOK_ID: &str = "webhook-id";
/// Standard Webhooks: time of the attempt, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// Standard Webhooks: `v1,` and base64 of HMAC-SHA256; several with spaces between them.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// Both Bitbuckets: name of the event, `repo:push`.
pub const EVENT_KEY: &str = "x-event-key";
/// Bitbucket Cloud: id of the delivery.
pub const REQUEST_UUID: &str = "x-request-uuid";
/// Bitbucket Data Center: id of the delivery.
pub const REQUEST_ID: &str = "x-request-id";

/// Gitea: name of the event. Forgejo sends it too.
pub const GITEA_EVENT: &str = "x-gitea-event";
/// Gitea: id of the delivery. A replay has another.
pub const GITEA_DELIVERY: &str = "x-gitea-delivery";
/// Gitea: HMAC-SHA256 of the JSON, hex, without a prefix.
pub const GITEA_SIGNATURE: &str = "x-gitea-signature";
/// Forgejo: name of the event.
pub const FORGEJO_EVENT: &str = "x-forgejo-event";
/// Forgejo: id of the delivery.
pub const FORGEJO_DELIVERY: &str = "x-forgejo-delivery";
/// Forgejo: HMAC-SHA256 of the JSON, hex, without a prefix.
pub const FORGEJO_SIGNATURE: &str = "x-forgejo-signature";

/// Returns a header's text, or what is wrong with it. `None` means that the request has no such header.
pub(crate) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("is there more than once, and a forge sends it once");
    }
    value.to_str().map(Some).map_err(|_| "has characters other than those of visible ASCII")
}
