//! A registry with bad answers, one for each image name. Cases ask for the registry by `needs = ["bad-registry"]`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::Once,
    thread::spawn,
};
use windlass_bed::layout::HOST;
use windlass_tests::bed;

/// Port at which the node may use HTTP. Both ports are below those that the kernel gives to connections.
pub(crate) const PORT: u16 = 21520;
/// Port at which the node must use HTTPS, and the registry answers with HTTP.
pub(crate) const TLS_PORT: u16 = 21521;

/// Starts the registry, once for all cases.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // The node reads this file at each pull.
        let folder = bed().layout.at(&format!("node/certs.d/{HOST}:{PORT}"));
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "server = \"http://{HOST}:{PORT}\"\n[host.\"http://{HOST}:{PORT}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
        );
        fs::write(folder.join("hosts.toml"), text).unwrap();
        for port in [PORT, TLS_PORT] {
            let listener = TcpListener::bind((HOST, port)).unwrap();
            spawn(move || {
                for stream in listener.incoming().flatten() {
                    spawn(move || answer(stream));
                }
            });
        }
    });
}

/// An index without the node's own platform.
const INDEX: &str = "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"size\":2,\"platform\":{\"architecture\":\"s390x\",\"os\":\"linux\"}}]}";

/// Answers a request by its image name: `/v2/s403/manifests/1` gets 403.
fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let _ = lines.find(|line| line.is_empty());
    let name = request.split('/').nth(2).unwrap_or_default();
    if name == "hang" {
        loop {
            std::thread::park();
        }
    }
    let (status, body) = match name.strip_prefix('s') {
        Some(status) => (format!("{status} Said"), ""),
        None => ("200 OK".to_owned(), INDEX),
    };
    let kind = "application/vnd.oci.image.index.v1+json";
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let body = if request.starts_with("HEAD") { "" } else { body };
    let _ = stream.write_all((head + body).as_bytes());
}
