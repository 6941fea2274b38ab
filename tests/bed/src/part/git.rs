//! Git servers of one folder of bare repositories: `git daemon`, and `git http-backend` behind a few lines of
//! HTTP, once open and once behind a token.

use crate::{
    Layout, Result,
    build::bed_program,
    layout::PASSWORD,
    process::{Running, await_ready, listens, run, start},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{fs, path::Path, process::Command, process::Stdio, time::Duration};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// Starts both servers.
pub fn up(layout: &Layout) -> Result<Vec<Running>> {
    let folder = layout.repositories();
    fs::create_dir_all(&folder)?;
    let log = layout.at("log/git-daemon.log");
    let args = [
        format!("--base-path={}", folder.display()),
        "--export-all".into(),
        "--listen=127.0.0.1".into(),
        format!("--port={}", layout.git),
        "--reuseaddr".into(),
    ];
    // Not `git daemon`: that command forks, and the fork would outlive the command.
    let program = Path::new(run(Command::new("git").arg("--exec-path"))?.trim()).join("git-daemon");
    let mut daemon = start("git-daemon", &log, &program, args)?;
    await_ready(&mut daemon, &log, Duration::from_secs(10), || listens("127.0.0.1", layout.git))?;
    let log = layout.at("log/git-http.log");
    let args = ["git-http"].into_iter().chain(layout.is_own().then_some("--own"));
    let mut http = start("git-http", &log, &bed_program()?, args)?;
    await_ready(&mut http, &log, Duration::from_secs(10), || {
        listens("127.0.0.1", layout.git_http)
    })?;
    Ok(vec![daemon, http])
}

/// Makes an empty bare repository. `by_id` means that the server sends any reachable commit by its id, as GitHub
/// and GitLab do. Self-hosted servers often do not.
pub fn create(layout: &Layout, name: &str, by_id: bool) -> Result<()> {
    let folder = layout.repositories().join(format!("{name}.git"));
    let _ = fs::remove_dir_all(&folder);
    let git = |args: &[&str]| run(Command::new("git").arg("-C").arg(&folder).args(args));
    fs::create_dir_all(&folder)?;
    git(&["init", "--quiet", "--bare", "--initial-branch=main"])?;
    git(&["config", "http.receivepack", "true"])?;
    git(&["config", "uploadpack.allowReachableSHA1InWant", if by_id { "true" } else { "false" }])?;
    Ok(())
}

/// Serves repositories over HTTP until the process is killed.
pub async fn serve(layout: &Layout) -> Result<()> {
    let app = Router::new().fallback(any(answer)).with_state(layout.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", layout.git_http)).await?;
    Ok(axum::serve(listener, app).await?)
}

async fn answer(State(layout): State<Layout>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let (realm, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let expected = format!("Basic {}", STANDARD.encode(format!("bed:{PASSWORD}")));
    let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    match realm {
        "open" | "old" => {}
        "private" if given == Some(expected.as_bytes()) => {}
        "private" => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"bed\"")];
            return (StatusCode::UNAUTHORIZED, challenge, "a token is needed\n").into_response();
        }
        _ => return (StatusCode::NOT_FOUND, "try /open/, /old/ or /private/\n").into_response(),
    }
    let mut command = cgi(&layout, rest, &request);
    if realm == "old" {
        command.env_remove("GIT_PROTOCOL");
    }
    let answered = async {
        let body = http_body_util::BodyExt::collect(request.into_body()).await?.to_bytes();
        if realm == "old" && !wants_tips(&layout, rest, &body)? {
            let words = "ERR upload-pack: not our ref";
            let kind = [(header::CONTENT_TYPE, "application/x-git-upload-pack-result")];
            return Ok((kind, format!("{:04x}{words}", words.len() + 4)).into_response());
        }
        backend(command, body).await
    };
    match answered.await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Returns whether a request wants what the server has advertised, and nothing else. Servers that look at no
/// history refuse the rest, where the repository does not allow ids.
fn wants_tips(layout: &Layout, path: &str, body: &[u8]) -> Result<bool> {
    let Some(name) = path.strip_suffix("/git-upload-pack") else { return Ok(true) };
    let folder = layout.repositories().join(name);
    let git = |args: &[&str]| run(Command::new("git").arg("-C").arg(&folder).args(args));
    if git(&["config", "uploadpack.allowReachableSHA1InWant"])?.trim() == "true" {
        return Ok(true);
    }
    let refs = git(&["show-ref", "--head"])?;
    let text = String::from_utf8_lossy(body);
    // Each line is `0032want <40 digits>`, the first with capabilities behind it.
    let mut wants = text.split("want ").skip(1).filter_map(|rest| rest.get(..40));
    Ok(wants.all(|id| refs.contains(id)))
}

/// Returns the command of `git http-backend`, a CGI program, for one request.
fn cgi(layout: &Layout, path: &str, request: &Request) -> tokio::process::Command {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let mut command = tokio::process::Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", layout.repositories())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "bed")
        .env("PATH_INFO", format!("/{path}"))
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REQUEST_METHOD", request.method().as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn backend(mut command: tokio::process::Command, body: Bytes) -> Result<Response> {
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
    let feed = tokio::spawn(async move {
        let _ = stdin.write_all(&body).await;
    });
    let mut response = Response::new(Body::empty());
    let mut line = String::new();
    while stdout.read_line(&mut line).await? > 0 && !line.trim().is_empty() {
        if let Some((name, value)) = line.trim().split_once(':') {
            let value = value.trim();
            if name.eq_ignore_ascii_case("status") {
                let code = value.split(' ').next().unwrap_or_default().parse::<u16>()?;
                *response.status_mut() = StatusCode::from_u16(code)?;
            } else {
                let name = HeaderName::from_bytes(name.as_bytes())?;
                response.headers_mut().insert(name, HeaderValue::from_str(value)?);
            }
        }
        line.clear();
    }
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await?;
    feed.await?;
    child.wait().await?;
    *response.body_mut() = Body::from(rest);
    Ok(response)
}
