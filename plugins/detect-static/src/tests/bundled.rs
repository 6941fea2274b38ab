//! Sites that a package's build makes.

use super::{golden, is_not_mine, plan, refusal, served, tree, warns};

const VITE: &str = r#"{
  "name": "web",
  "scripts": { "dev": "vite", "build": "vite build" },
  "devDependencies": { "vite": "^6.0.0" }
}
"#;
const LOCK: &str = r#"{
  "name": "web", "lockfileVersion": 3,
  "packages": { "": { "name": "web", "devDependencies": { "vite": "^6.0.0" } } }
}
"#;
const PAGE: &str = "<script type=\"module\" src=\"/src/main.js\"></script>\n";

#[test]
fn a_single_page_app_falls_back_to_its_page() {
    let files = tree! {
        "package.json" => VITE,
        "package-lock.json" => LOCK,
        "index.html" => PAGE,
        "src/main.js" => "",
        ".nvmrc" => "22\n",
    };
    let plan = plan(&files);
    assert_eq!(served(&plan), ("/app/dist", Some("index.html"), Some("build")));
    assert_eq!(plan.serves.as_ref().unwrap().immutable, ["/assets/"]);
    assert_eq!(plan.decided("node"), Some(("22", ".nvmrc:1")));
    assert_eq!(plan.image.test_in, None);
    golden("goldens/vite.Dockerfile", &plan);
}

#[test]
fn the_folder_of_vite_is_read_from_its_root() {
    let files = |options: &str| {
        tree! { "package.json" => VITE, "package-lock.json" => LOCK, "src/index.html" => PAGE }
            .with("vite.config.js", format!("export default {{ root: './src', {options} }}\n"))
    };
    assert_eq!(served(&plan(&files(""))).0, "/app/src/dist");
    assert_eq!(served(&plan(&files("build: { outDir: '../dist' }"))).0, "/app/dist");
    let refusal = refusal(&files("build: { outDir: '../../api/static' }"));
    assert!(refusal.reason.contains("`../../api/static` is outside of the app's folder"));
}

#[test]
fn an_app_without_a_build_script_is_refused() {
    let package = VITE.replace("\"build\"", "\"bundle\"");
    let files = tree! { "index.html" => PAGE }.with("package.json", &package);
    assert!(refusal(&files).reason.contains("package.json has no scripts.build"));
}

#[test]
fn a_member_of_a_workspace_is_built_in_its_own_folder() {
    let files = tree! {
        "package.json" => r#"{"private":true,"workspaces":["apps/*"]}"#,
        "package-lock.json" => r#"{"lockfileVersion":3,"packages":{"":{"workspaces":["apps/*"]},"apps/web":{"name":"web","devDependencies":{"vite":"^6.0.0"}}}}"#,
        "apps/web/package.json" => VITE,
        "apps/web/index.html" => PAGE,
    }
    .app("apps/web");
    let plan = plan(&files);
    assert_eq!(plan.context, "");
    assert_eq!(served(&plan).0, "/app/apps/web/dist");
}

#[test]
fn webpack_s_output_is_read_from_its_configuration() {
    let package = r#"{"scripts":{"build":"webpack"},"devDependencies":{"webpack":"^5","html-webpack-plugin":"^5"}}"#;
    let files = tree! {
        "package.json" => package,
        "webpack.config.js" => "output: {\n  path: path.resolve(__dirname, \"build\"),\n},\n",
    };
    let found = plan(&files);
    assert_eq!(served(&found), ("/app/build", Some("index.html"), Some("build")));
    assert_eq!(found.decided("framework"), Some(("webpack", "webpack.config.js:2 output.path")));
    assert_eq!(served(&plan(&files.without("webpack.config.js"))).0, "/app/dist");
}

#[test]
fn a_build_that_nothing_knows_is_refused_until_a_staticfile_names_its_folder() {
    let files = tree! {
        "package.json" => r#"{"scripts":{"build":"node build.js"},"dependencies":{"marked":"^16"}}"#,
        "index.html" => "",
    };
    let refusal = refusal(&files);
    assert!(refusal.reason.contains("nothing says which folder `node build.js` writes"));
    let plan = plan(&files.with("Staticfile", "root: out\n"));
    assert_eq!(served(&plan), ("/app/out", None, Some("build")));
    assert!(warns(&plan, "no lock file"));
}

#[test]
fn a_page_beside_tools_without_a_build_is_plain() {
    let files = tree! {
        "package.json" => r#"{"devDependencies":{"prettier":"^3"}}"#,
        "index.html" => "",
    };
    assert_eq!(served(&plan(&files)), (".", None, None));
}

#[test]
fn a_server_s_package_is_no_site() {
    let package = r#"{"scripts":{"start":"node a.js"},"dependencies":{"express":"^4"}}"#;
    assert!(is_not_mine(&tree! { "package.json" => package, "a.js" => "" }));
}
