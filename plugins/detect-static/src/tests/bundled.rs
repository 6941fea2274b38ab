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
fn an_old_webpack_is_built_with_the_hash_that_it_wants() {
    let env = |range: &str, node: &str| {
        let text = format!(
            r#"{{"scripts":{{"build":"x"}},"dependencies":{{"react-scripts":"{range}"}},"engines":{{"node":"{node}"}}}}"#
        );
        plan(&tree! {}.with("package.json", &text)).image.stages[0].env.clone()
    };
    assert_eq!(env("4.0.3", "20")[0].1, "--openssl-legacy-provider");
    assert!(env("5.0.1", "20").is_empty() && env("4.0.3", "14").is_empty());
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
fn pages_of_nuxt_are_generated() {
    let nuxt = |range: &str, scripts: &str, config: &str| {
        let text = format!(r#"{{"scripts":{{{scripts}}},"dependencies":{{"nuxt":"{range}"}}}}"#);
        tree! {}.with("package.json", &text).with("nuxt.config.js", config)
    };
    let starter = r#""build":"nuxt build","start":"nuxt start","generate":"nuxt generate""#;
    let found = plan(&nuxt("^2.15.8", starter, "export default {\n  target: 'static',\n}\n"));
    assert_eq!(served(&found).0, "/app/dist");
    assert!(found.runs().contains(&"npm run generate".to_owned()), "{:?}", found.runs());
    assert!(is_not_mine(&nuxt("^2.15.8", starter, "export default {}\n")), "a server");
    let only = r#""generate":"nuxt generate""#;
    let found = plan(&nuxt("^3.10.0", only, "export default {}\n"));
    assert_eq!(served(&found).0, "/app/.output/public");
}

#[test]
fn an_app_without_a_build_script_is_refused() {
    let package = VITE.replace("\"build\"", "\"bundle\"").replace("\"vite\":", "\"preact-cli\":");
    let files = tree! { "index.html" => PAGE }.with("package.json", &package);
    assert!(refusal(&files).reason.contains("package.json has no scripts.build"));
}

#[test]
fn a_framework_builds_by_its_own_tool_without_a_script() {
    let text =
        r#"{"scripts":{"start":"eleventy --serve"},"devDependencies":{"@11ty/eleventy":"^3.0.0"}}"#;
    let found = plan(&tree! { "index.md" => "" }.with("package.json", text));
    assert!(found.runs().contains(&"npx --no-install eleventy".to_owned()), "{:?}", found.runs());
    assert_eq!(found.decided("build").map(|(value, _)| value), Some("eleventy"));
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
fn the_folder_of_a_host_s_file_is_the_site() {
    let text = r#"{"scripts":{"build":"gulp build"},"devDependencies":{"gulp":"^4.0.2"}}"#;
    let files = tree! { "gulpfile.js" => "" }.with("package.json", text);
    let publish = "[build]\n  command = 'npm run build'\n  publish = 'public/'\n";
    let found = plan(&files.clone().with("netlify.toml", publish));
    assert_eq!(served(&found), ("/app/public", None, Some("build")));
    assert_eq!(found.decided("framework"), Some(("the site", "netlify.toml:3 build.publish")));
    let json = r#"{"outputDirectory":"www","rewrites":[{"source":"/(.*)","destination":"/"}]}"#;
    let found = plan(&files.clone().with("vercel.json", json));
    assert_eq!(served(&found).1, Some("index.html"));
    refusal(&files.clone().with("netlify.toml", publish.replace("public/", "../x")));
    assert!(is_not_mine(&files.with("netlify.toml", publish.replace("run build", "run docs"))));
}

#[test]
fn a_server_s_package_is_no_site() {
    let package = r#"{"scripts":{"start":"node a.js"},"dependencies":{"express":"^4"}}"#;
    assert!(is_not_mine(&tree! { "package.json" => package, "a.js" => "" }));
}
