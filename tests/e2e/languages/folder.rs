//! Plans of folders of this machine: without git, without a commit, without a cluster.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::daemon::Daemon;
use windlass_tests::{TestEnv, bed};

/// Lock of two apps that need nothing.
const LOCK: &str = r#"{ "name": "shop", "lockfileVersion": 3, "requires": true, "packages": {
    "": { "name": "shop", "workspaces": ["apps/*"] },
    "apps/admin": { "name": "admin" },
    "apps/web": { "name": "web" },
    "node_modules/admin": { "resolved": "apps/admin", "link": true },
    "node_modules/web": { "resolved": "apps/web", "link": true }
} }
"#;

/// Makes a folder of these files, which is in no repository.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = bed().layout.at("folders").join(name);
    let _ = fs::remove_dir_all(&folder);
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn plan(daemon: &Daemon, folder: &Path, more: &[&str]) -> (i32, String) {
    let path = folder.display().to_string();
    let mut args = vec!["plan", &*path];
    args.extend(more);
    let answer = daemon.windlass(&args).unwrap();
    (answer.code, answer.text)
}

/// Waits for the end of all workspaces: the daemon removes a folder after its answer.
fn await_removal(daemon: &Daemon) {
    let workspaces = daemon.data().join("workspaces");
    let begun = Instant::now();
    while fs::read_dir(&workspaces).unwrap().next().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(20), "a workspace stays");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_folder_without_a_commit_is_planned_and_nothing_is_left_of_it() {
    let env = TestEnv::new("t-folder");
    let page = "require('http').createServer((_, r) => r.end('hi')).listen(process.env.PORT);\n";
    let files = [
        ("package.json", r#"{ "scripts": { "start": "node server.js" } }"#),
        ("server.js", page),
        (".nvmrc", "22\n"),
        ("Procfile", "web: node server.js\nworker: node worker.js\n"),
        ("worker.js", "// sent-9041\n"),
        ("node_modules/x/index.js", "left-out-9041\n"),
    ];
    let app = folder("t-folder", &files);
    symlink("/etc/passwd", app.join("out")).unwrap();
    let (code, text) = plan(&env.daemon, &app, &[]);
    assert_eq!(code, 0, "{text}");
    for part in
        ["language: node, by `", ".nvmrc:1", "FROM node:22", "worker", "Procfile:2", "USER "]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("root:"), "a link that leads out is not followed: {text}");
    let (code, json) = plan(&env.daemon, &app, &["--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((code, json["language"].as_str()), (0, Some("node")), "{json:#}");
    assert_eq!(json["manifests"].as_array().map_or(0, Vec::len), 0, "no cluster is asked");
    await_removal(&env.daemon);
    env.keeps_nothing_of("left-out-9041");
    env.keeps_nothing_of("sent-9041");
    let jobs = env.daemon.windlass(&["jobs"]).unwrap();
    assert_eq!((jobs.code, &*jobs.text), (0, ""), "a plan is no job");
}

#[test]
fn the_root_of_a_monorepo_names_its_apps_and_one_of_them_is_planned() {
    let env = TestEnv::new("t-folder-mono");
    let files = [
        ("package.json", r#"{ "private": true, "workspaces": ["apps/*"] }"#),
        ("package-lock.json", LOCK),
        ("apps/web/package.json", r#"{ "name": "web", "scripts": { "start": "node server.js" } }"#),
        ("apps/web/server.js", "\n"),
        ("apps/admin/package.json", r#"{ "name": "admin", "scripts": { "start": "node a.js" } }"#),
        ("apps/admin/a.js", "\n"),
    ];
    let root = folder("t-folder-mono", &files);
    let (code, text) = plan(&env.daemon, &root, &[]);
    assert_ne!(code, 0, "{text}");
    for part in ["--directory apps/web", "--directory apps/admin"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, text) = plan(&env.daemon, &root, &["--directory", "apps/web"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("language: node"), "{text}");
}

#[test]
fn what_is_no_folder_and_what_is_too_large_is_refused_by_name() {
    let env = TestEnv::new("t-folder-large");
    let (code, text) = plan(&env.daemon, Path::new("t-folder-large/app"), &[]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("is no folder here") && text.contains("--repository"), "{text}");

    let large = folder("t-folder-large", &[("main.py", "print(1)\n")]);
    let megabyte = "x".repeat(1 << 20);
    for number in 0..65 {
        fs::write(large.join(format!("data-{number:02}.txt")), &megabyte).unwrap();
    }
    let (code, text) = plan(&env.daemon, &large, &[]);
    assert_ne!(code, 0, "{text}");
    assert!(text.contains("data-") && text.contains("67108864 bytes"), "{text}");
    fs::remove_dir_all(large).unwrap();
}
