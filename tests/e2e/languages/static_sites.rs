//! Static sites: a single-page app that is built, and plain files.

use windlass_bed::{
    daemon::{Page, fetch},
    images,
};
use windlass_tests::{SMALL, TestEnv, bed};

const PACKAGE: &str = r#"{
  "name": "site",
  "private": true,
  "type": "module",
  "scripts": { "dev": "vite", "build": "vite build" },
  "devDependencies": { "vite": "^6.0.0" }
}
"#;

const PAGE: &str = "<!doctype html>\n<title>routed</title>\n<script type=\"module\" src=\"/src/main.js\"></script>\n";

fn ask(env: &TestEnv, app: &str, path: &str) -> Page {
    let address = env.get(&format!("service/{app}"), "{.spec.clusterIP}");
    fetch(&address, 80, path).unwrap()
}

fn has_header(page: &Page, name: &str, value: &str) -> bool {
    let mut lines = page.head.lines().filter_map(|line| line.split_once(':'));
    lines.any(|(own, text)| own.eq_ignore_ascii_case(name) && text.contains(value))
}

#[test]
fn a_site_is_built_and_served_by_its_router_with_cache_headers_and_without_root() {
    images::languages(bed(), &["nginxinc/nginx-unprivileged:1-alpine-slim"]).unwrap();
    let env = TestEnv::new("t-static");
    let repository = env.repository();
    for (path, text) in [
        ("package.json", PACKAGE),
        ("index.html", PAGE),
        ("src/main.js", "document.title = \"client\";\n"),
        ("windlass.toml", SMALL),
        (".gitignore", "node_modules\n"),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("static"), "{}", ended.text);

    let page = ask(&env, "app", "/");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("<title>routed</title>"), "{page:?}");
    assert!(has_header(&page, "cache-control", "no-cache"), "{page:?}");
    // A path of the client's router is the same page.
    let routed = ask(&env, "app", "/orders/7");
    assert_eq!((routed.status, &routed.body), (200, &page.body), "{routed:?}");
    let asset = page.body.split('"').find(|word| word.starts_with("/assets/")).unwrap();
    let script = ask(&env, "app", asset);
    assert_eq!(script.status, 200, "{script:?}");
    assert!(has_header(&script, "cache-control", "immutable"), "{script:?}");
    // A missing asset is no page: a browser would run it.
    assert_eq!(ask(&env, "app", "/assets/gone.js").status, 404);
    assert_eq!(env.exec("deployment/app", &["id", "-u"]).trim(), "101");
}

#[test]
fn plain_files_are_served_and_a_changed_line_is_a_release() {
    images::languages(bed(), &["nginxinc/nginx-unprivileged:1-alpine-slim"]).unwrap();
    let env = TestEnv::new("t-plain");
    let repository = env.repository();
    repository.write("index.html", "one\n").unwrap();
    repository.write("404.html", "not here\n").unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "one");
    let missing = ask(&env, "app", "/gone");
    assert_eq!((missing.status, missing.body.trim()), (404, "not here"), "{missing:?}");

    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "two");
}
