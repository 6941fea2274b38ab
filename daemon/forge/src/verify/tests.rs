//! Requests that are accepted, and all that is refused.

use super::verify;
use crate::{
    error::Unverified,
    fixtures::{NOW_MS, Request, SECRET, all, request},
    headers::{
        FORGEJO_SIGNATURE, GITEA_SIGNATURE, GITLAB_TOKEN, HUB_SIGNATURE, HUB_SIGNATURE_256,
        WEBHOOK_SIGNATURE,
    },
    mac::{code, keyed},
};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use windlass_model::forge::ForgeKind;

const OTHER: &[u8] = b"whsec_HxAeHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";

fn by(request: &Request, secrets: &[&[u8]]) -> Result<(), Unverified> {
    verify(request.kind, &request.headers, &request.body, secrets, NOW_MS)
}

fn digits(secret: &[u8], signed: &[u8]) -> String {
    hex::encode(code(&keyed(&[secret])[0], &[signed]))
}

fn with(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    headers
}

/// Returns whether GitLab sends the secret itself.
fn is_plain(request: &Request) -> bool {
    request.headers.contains_key(GITLAB_TOKEN)
}

#[test]
fn each_request_is_accepted_by_its_secret_new_or_old_and_by_no_other() {
    let secret = SECRET.as_bytes();
    for request in all() {
        let name = &request.name;
        let accepted: [&[&[u8]]; 4] =
            [&[secret], &[OTHER, secret], &[secret, OTHER], &[b"", secret]];
        for secrets in accepted {
            assert_eq!(by(&request, secrets), Ok(()), "{name}");
        }
        let refused: [&[&[u8]]; 4] =
            [&[OTHER], &[OTHER, b""], &[b"x", OTHER], &[&secret[..secret.len() - 1]]];
        for secrets in refused {
            let result = by(&request, secrets);
            assert!(matches!(result, Err(Unverified::Mismatch { .. })), "{name}: {result:?}");
        }
        let empty: [&[&[u8]]; 3] = [&[], &[b""], &[b"", b""]];
        for secrets in empty {
            assert_eq!(by(&request, secrets), Err(Unverified::NoSecret), "{name}");
        }
    }
}

#[test]
fn a_changed_byte_is_refused_unless_the_secret_itself_is_sent() {
    for mut request in all() {
        for place in [0, request.body.len() / 2, request.body.len() - 1] {
            request.body[place] ^= 1;
            let result = by(&request, &[SECRET.as_bytes()]);
            assert_eq!(result.is_ok(), is_plain(&request), "{}: {result:?}", request.name);
            request.body[place] ^= 1;
        }
        request.body.push(b'\n');
        let result = by(&request, &[SECRET.as_bytes()]);
        assert_eq!(result.is_ok(), is_plain(&request), "{}: {result:?}", request.name);
    }
}

#[test]
fn a_request_without_its_own_header_is_refused() {
    for mut request in all() {
        let own: &[&'static str] = match request.kind {
            ForgeKind::Github => &[HUB_SIGNATURE_256],
            ForgeKind::Gitlab => &[WEBHOOK_SIGNATURE, GITLAB_TOKEN],
            ForgeKind::Bitbucket | ForgeKind::BitbucketServer => &[HUB_SIGNATURE],
            ForgeKind::Gitea => &[GITEA_SIGNATURE],
            ForgeKind::Forgejo => &[FORGEJO_SIGNATURE, GITEA_SIGNATURE],
        };
        for name in own {
            request.headers.remove(*name);
        }
        // Right signatures of another name and of SHA-1 are still there.
        let result = by(&request, &[SECRET.as_bytes()]);
        assert!(matches!(result, Err(Unverified::Unsigned { .. })), "{}", request.name);
    }
}

#[test]
fn a_header_that_cannot_be_is_named() {
    let body = b"{}";
    let right = digits(b"secret", body);
    for (value, expected) in [
        (right.clone(), "`sha256=`"),
        (format!("sha1={right}"), "`sha256=`"),
        ("sha256=xyz".to_owned(), "hexadecimal"),
        ("sha256=é".to_owned(), "visible ASCII"),
    ] {
        let headers = with(HUB_SIGNATURE_256, &value);
        let error = verify(ForgeKind::Github, &headers, body, &[b"secret"], 0).unwrap_err();
        assert!(error.to_string().contains(expected), "{value}: {error}");
    }
    for value in ["sha256=", &format!("sha256={}", &right[..62]), &format!("sha256={right}00")] {
        let headers = with(HUB_SIGNATURE_256, value);
        let error = verify(ForgeKind::Github, &headers, body, &[b"secret"], 0).unwrap_err();
        assert_eq!(error, Unverified::Mismatch { header: HUB_SIGNATURE_256 }, "{value}");
    }
    let mut headers = with(HUB_SIGNATURE_256, &format!("sha256={right}"));
    assert_eq!(verify(ForgeKind::Github, &headers, body, &[b"secret"], 0), Ok(()));
    headers.append(HUB_SIGNATURE_256, "sha256=00".parse().unwrap());
    let error = verify(ForgeKind::Github, &headers, body, &[b"secret"], 0).unwrap_err();
    assert!(error.to_string().contains("more than once"), "{error}");
}

#[test]
fn the_example_of_github_is_accepted() {
    let digits = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let secret = b"It's a Secret to Everybody";
    let headers = with(HUB_SIGNATURE_256, &format!("sha256={digits}"));
    let result = verify(ForgeKind::Github, &headers, b"Hello, World!", &[secret], 0);
    assert_eq!(result, Ok(()));
    let result = verify(ForgeKind::Github, &headers, b"Hello, World", &[secret], 0);
    assert_eq!(result, Err(Unverified::Mismatch { header: HUB_SIGNATURE_256 }));
}

#[test]
fn github_signs_a_form_as_it_is_sent_and_gitea_its_json() {
    let json = br#"{"ref": "refs/heads/main"}"#;
    let form = b"payload=%7B%22ref%22%3A+%22refs%2Fheads%2Fmain%22%7D";
    let forges = [
        (ForgeKind::Github, HUB_SIGNATURE_256, "sha256=", true),
        (ForgeKind::Gitea, GITEA_SIGNATURE, "", false),
        (ForgeKind::Forgejo, FORGEJO_SIGNATURE, "", false),
    ];
    for (kind, header, prefix, is_raw) in forges {
        for (signed, is_accepted) in [(&form[..], is_raw), (&json[..], !is_raw)] {
            let value = format!("{prefix}{}", digits(b"secret", signed));
            let mut headers = with(header, &value);
            headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
            let result = verify(kind, &headers, form, &[b"secret"], 0);
            assert_eq!(result.is_ok(), is_accepted, "{kind}: {result:?}");
        }
    }
    let mut headers = with(GITEA_SIGNATURE, "00");
    headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
    let error = verify(ForgeKind::Gitea, &headers, b"a=1", &[b"secret"], 0).unwrap_err();
    assert!(error.to_string().contains("no field `payload`"), "{error}");
}

#[test]
fn gitlab_is_accepted_by_signature_or_token_and_an_old_signature_by_neither() {
    let secret = SECRET.as_bytes();
    let later = NOW_MS + 301_000;
    let signed = request("gitlab/push");
    let verified = |request: &Request, now_ms| {
        verify(request.kind, &request.headers, &request.body, &[secret], now_ms)
    };
    assert_eq!(verified(&signed, NOW_MS + 300_000), Ok(()));
    let stale = Err(Unverified::Stale { seconds: 301, most: 300 });
    assert_eq!(verified(&signed, later), stale);
    // A token that GitLab made for itself signs, and the secret is the plain token.
    let mut both = request("gitlab/push-delete");
    assert_eq!(verified(&both, later), Ok(()));
    both.headers.insert(WEBHOOK_SIGNATURE, "v1,AAAA".parse().unwrap());
    assert_eq!(verified(&both, NOW_MS), Ok(()));
    both.headers.insert(GITLAB_TOKEN, "other".parse().unwrap());
    let mismatch = Err(Unverified::Mismatch { header: WEBHOOK_SIGNATURE });
    assert_eq!(verified(&both, NOW_MS), mismatch);
    // A secret of another form is no key.
    let plain: [&[u8]; 1] = [b"plain"];
    assert_eq!(by(&signed, &plain), mismatch);
    let headers = with(GITLAB_TOKEN, "plain");
    assert_eq!(verify(ForgeKind::Gitlab, &headers, b"", &plain, 0), Ok(()));
}
