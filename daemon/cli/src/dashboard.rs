//! `windlass dashboard`: the page, with a link that logs a browser in.

use crate::{
    args::{Args, Dashboard},
    client::Client,
    failure::Failure,
    json, out,
    render::{Line, Look, age, labelled, millis, now_ms},
};
use std::{
    net::IpAddr,
    process::{Command, Stdio},
};
use tonic::transport::Uri;
use windlass_proto::v1;

pub(crate) async fn run(
    client: &mut Client,
    args: &Args,
    command: &Dashboard,
) -> Result<(), Failure> {
    let request = v1::CreateLoginLinkRequest {};
    let link = client.sessions.create_login_link(request).await?.into_inner();
    let link = whole(link, &args.address)?;
    out::either(args, &lines(&link, now_ms()), &[json::value(&link)])?;
    if command.open { browse(&link.url) } else { Ok(()) }
}

/// Completes a link whose daemon does not know its own address: the page is where the API is.
fn whole(link: v1::LoginLink, address: &str) -> Result<v1::LoginLink, Failure> {
    if !link.url.is_empty() {
        return Ok(link);
    }
    let uri = address.parse::<Uri>().ok();
    let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let Some(host) = uri.as_ref().and_then(Uri::host) else {
        return Err(Failure::usage(format!(
            "--address: `{address}` is no address that a browser opens\n  fix:  call at `listen.tcp`, or ask the operator to set `listen.url`"
        )));
    };
    if !is_served(host) {
        return Err(Failure::usage(format!(
            "--address: the page does not answer under the name `{host}`\n  fix:  ask the operator to set `listen.url`, or call by the IP address"
        )));
    }
    let url = format!("{}{}", address.trim_end_matches('/'), link.path);
    Ok(v1::LoginLink { url, ..link })
}

/// Returns whether a page answers under a host that `listen.url` does not name: by an address, or as this machine.
fn is_served(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

fn lines(link: &v1::LoginLink, now_ms: u64) -> Vec<Line> {
    let mut lines = vec![Line::of(Look::Strong, &link.url)];
    let left = millis(link.expires.as_ref()).map(|until| until.saturating_sub(now_ms));
    let time = left.map(|left| format!(", within {}", age(left))).unwrap_or_default();
    lines.extend(labelled("opens:", [format!("the page as {}, once{time}", link.principal)]));
    lines
}

/// Opens an address in the browser of this machine. Waits for the program that hands it to the browser.
fn browse(url: &str) -> Result<(), Failure> {
    if !has_display() {
        return Err(Failure::usage(
            "--open: this machine shows no display (DISPLAY, WAYLAND_DISPLAY)\n  fix:  open the address above in a browser, where it leads to the daemon",
        ));
    }
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let why = match command.status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    Err(Failure::usage(format!(
        "--open: {program}: {why}\n  fix:  open the address above in a browser"
    )))
}

#[expect(clippy::disallowed_methods, reason = "the session of the person, which no option names")]
fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> v1::LoginLink {
        let expires = Some(prost_types::Timestamp { seconds: 1060, nanos: 0 });
        let (path, principal) = ("/login?code=ab".into(), "ci".into());
        v1::LoginLink { path, url: url.into(), principal, expires }
    }

    #[test]
    fn the_page_is_where_the_operator_says_or_where_the_api_is() {
        let named = "https://deploy.example.com/login?code=ab";
        for (url, address, expected) in [
            (named, "unix:///run/windlass.sock", named),
            ("", "http://127.0.0.1:7443/", "http://127.0.0.1:7443/login?code=ab"),
            ("", "https://[::1]:7443", "https://[::1]:7443/login?code=ab"),
            ("", "http://localhost:7443", "http://localhost:7443/login?code=ab"),
        ] {
            assert_eq!(whole(link(url), address).unwrap().url, expected, "{address}");
        }
    }

    #[test]
    fn an_address_under_which_no_page_answers_is_named() {
        for (address, expected) in [
            ("unix:///run/windlass.sock", "is no address that a browser opens"),
            ("https://deploy.internal:7443", "the name `deploy.internal`"),
        ] {
            let error = whole(link(""), address).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("fix:"), "{error}");
        }
    }

    #[test]
    fn the_link_is_a_line_of_its_own() {
        let shown = lines(&link("https://a/login?code=ab"), 1_000_000);
        let shown: Vec<_> = shown.iter().map(|line| line.show(false)).collect();
        assert_eq!(shown[0], "https://a/login?code=ab");
        assert!(shown[1].contains("the page as ci, once, within 60 s"), "{shown:?}");
    }
}
