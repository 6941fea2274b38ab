//! Messages of sessions of the page.

use super::time::timestamp;
use windlass_proto::v1;
use windlass_service::LoginLink;

/// Returns the message for a login link. `base` is the page's address. `None` means that the operator has not named
/// it: the link has a path alone.
pub(crate) fn login_link(link: LoginLink, principal: &str, base: Option<&str>) -> v1::LoginLink {
    v1::LoginLink {
        url: base.map(|base| format!("{base}{}", link.path)).unwrap_or_default(),
        path: link.path,
        principal: principal.to_owned(),
        expires: Some(timestamp(link.expires_ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_whole_where_the_operator_has_named_the_address() {
        let link = LoginLink { path: "/login?code=ab".into(), expires_ms: 61_000 };
        let message = login_link(link.clone(), "ci", Some("https://deploy.example.com:7443"));
        assert_eq!(message.url, "https://deploy.example.com:7443/login?code=ab");
        assert_eq!((&*message.path, &*message.principal), ("/login?code=ab", "ci"));
        assert_eq!(message.expires.map(|at| at.seconds), Some(61));
        assert_eq!(login_link(link, "ci", None).url, "");
    }
}
