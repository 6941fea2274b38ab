//! The page: bytes of its first view, and the time to its first paint in Chromium.

use crate::{
    place::{PAGE, origin},
    spread::{Spread, columns},
    title,
};
use bench_history::Figures;
use serde_json::Value;
use std::{fs, process::Command};
use windlass_bed::{build, part::controllers::page_tests, process::run};
use windlass_tests::{bed, http::Connection};

/// The program that opens the page in Chromium.
const PAINT: &str = "paint.mjs";

pub(crate) fn size_and_paint(cookie: &str, figures: &mut Figures) {
    title("The page's first view (aim: 100 KiB in all)");
    let mut connection = Connection::open(PAGE).unwrap();
    let (index, html) = packed(&mut connection, "/");
    let mut all = index;
    println!("{:28}{index:>10} bytes, gzipped", "/");
    for path in assets(&html) {
        let (bytes, _) = packed(&mut connection, &path);
        println!("{path:28}{bytes:>10} bytes, gzipped");
        all += bytes;
    }
    println!("{:28}{:>10.1} KiB", "in all", all as f64 / 1024.0);
    figures.add("page, gzipped", all as f64 / 1024.0, "KiB");
    let folder = match page_tests(&bed().layout) {
        Ok(folder) => folder,
        // Neither browser nor its driver is part of the bed's core.
        Err(error) => return println!("no first paint: Chromium cannot be had: {error}"),
    };
    let own = build::root().join("tests/bench/doors").join(PAINT);
    fs::copy(own, folder.join(PAINT)).unwrap();
    let mut node = Command::new("node");
    node.current_dir(&folder).arg(PAINT);
    node.env("WINDLASS_PAGE", origin()).env("WINDLASS_PAGE_COOKIE", cookie);
    let views: Vec<Value> = serde_json::from_str(&run(&mut node).unwrap()).unwrap();
    let (mut paint, mut bytes) = (Spread::default(), 0.0_f64);
    for view in &views {
        paint.add(view["paint"].as_f64().unwrap() / 1000.0);
        bytes = bytes.max(view["bytes"].as_f64().unwrap());
    }
    columns();
    paint.print("first paint", "page", figures);
    println!(
        "{:28}{:>10.1} KiB, with headers and the answers of the API",
        "loaded",
        bytes / 1024.0
    );
    figures.add("page, loaded by Chromium", bytes / 1024.0, "KiB");
}

/// Returns the number of bytes of a compressed file, and the file as it is without compression.
fn packed(connection: &mut Connection, path: &str) -> (usize, String) {
    let reply = connection.get(path, "accept-encoding: gzip\r\n").unwrap();
    assert_eq!((reply.status, reply.header("content-encoding")), (200, Some("gzip")), "{path}");
    let plain = connection.get(path, "").unwrap();
    (reply.body.len(), plain.text())
}

/// Returns the paths of the files that the page loads by itself.
fn assets(html: &str) -> Vec<String> {
    let names = html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next());
    let paths: Vec<_> = names.map(|name| format!("/assets/{name}")).collect();
    assert!(paths.len() >= 2, "a script and a style: {html}");
    paths
}
