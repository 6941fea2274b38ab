//! `bed status`: prints which parts answer. The exit code is 1 where the bed is down.

use std::process::ExitCode;
use windlass_bed::{
    Layout, client,
    layout::{HOST, port},
    process::listens,
};

pub(crate) fn run(layout: &Layout) -> ExitCode {
    if !client::is_up(layout) {
        println!("down");
        return ExitCode::FAILURE;
    }
    println!("up");
    for (name, host, port) in [
        ("registry", HOST, port::REGISTRY),
        ("private-registry", HOST, port::PRIVATE_REGISTRY),
        ("buildkit", "127.0.0.1", port::BUILDKIT),
        ("git-http", "127.0.0.1", port::GIT_HTTP),
        ("git-daemon", "127.0.0.1", port::GIT),
        ("etcd", "127.0.0.1", port::ETCD),
        ("apiserver", HOST, port::API),
        ("kubelet", "10.200.0.11", 10250),
    ] {
        let answer = if listens(host, port) { "answers" } else { "does not answer" };
        println!("{name:17} {host}:{port} {answer}");
    }
    ExitCode::SUCCESS
}
