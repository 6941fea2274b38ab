//! Plain files.

use super::{MANIFEST, bad_input, golden, is_not_mine, plan, refusal, served, tree, warns};

#[test]
fn a_page_in_the_root_is_served_as_it_is() {
    let plan = plan(&tree! { "index.html" => "<h1>hi</h1>", "404.html" => "no", "a.css" => "" });
    assert_eq!(served(&plan), (".", None, None));
    assert_eq!(plan.serves.as_ref().unwrap().not_found.as_deref(), Some("404.html"));
    assert_eq!((plan.score, plan.image.user, plan.image.start.len()), (40, 101, 0));
    assert!(plan.image.stages.is_empty());
    golden("goldens/plain.Dockerfile", &plan);
}

#[test]
fn a_page_in_a_known_folder_is_served_from_there() {
    let plan =
        plan(&tree! { "README.md" => "", "docs/index.html" => "", "public/index.html" => "" });
    assert_eq!(served(&plan), ("public", None, None));
    assert_eq!(plan.decided("folder"), Some(("public", "public/index.html: plain files")));
}

#[test]
fn a_program_s_folder_of_assets_is_no_site() {
    for manifest in ["go.mod", "requirements.txt", "Gemfile", "pom.xml"] {
        let files = tree! { "public/index.html" => "" }.with(manifest, "");
        assert!(is_not_mine(&files), "{manifest}");
    }
    let server = r#"{"scripts":{"start":"node server.js"}}"#;
    assert!(is_not_mine(&tree! { "public/index.html" => "", "package.json" => server }));
}

#[test]
fn a_page_beside_a_manifest_of_tools_is_served_and_the_manifest_is_named() {
    let plan = plan(&tree! { "index.html" => "", "Makefile" => "all:\n" });
    assert_eq!(plan.score, 40);
    assert!(warns(&plan, "`Makefile` is not used"));
}

#[test]
fn sources_of_a_program_are_not_published_in_its_place() {
    let start = r#"{"scripts":{"start":"node server.js"}}"#;
    let server = r#"{"dependencies":{"express":"^5"}}"#;
    for (manifest, text) in
        [("requirements.txt", "flask\n"), ("package.json", start), ("package.json", server)]
    {
        let refusal = refusal(&tree! { "index.html" => "" }.with(manifest, text));
        assert!(refusal.reason.contains("a program, whose sources would be served"), "{refusal:?}");
        assert!(refusal.reason.starts_with(manifest), "{refusal:?}");
    }
    let files = r#"{"scripts":{"start":"npx http-server ."}}"#;
    assert_eq!(served(&plan(&tree! { "index.html" => "", "package.json" => files })).0, ".");
}

#[test]
fn a_staticfile_names_the_folder_and_the_router() {
    let files = tree! {
        "Staticfile" => "root: web\npushstate: enabled\n",
        "web/index.html" => "",
    };
    let plan = plan(&files);
    assert_eq!(served(&plan), ("web", Some("index.html"), None));
    assert_eq!(plan.decided("folder"), Some(("web", "Staticfile:1 root")));
    let refusal = refusal(&files.without("web/index.html"));
    assert!(refusal.reason.contains("Staticfile:1 root: `web` has no index.html"), "{refusal:?}");
}

#[test]
fn a_folder_outside_of_the_app_is_refused() {
    for folder in ["../other", "/etc", "a/../../b"] {
        let files = tree! { "index.html" => "" }.with("Staticfile", &format!("root: {folder}\n"));
        let refusal = refusal(&files);
        assert!(refusal.reason.contains("outside of the app's folder"), "{refusal:?}");
    }
}

#[test]
fn a_file_of_secrets_is_not_published() {
    let files = tree! { "index.html" => "", ".env" => "TOKEN=x\n" };
    assert!(refusal(&files).reason.contains(".env: the file would be public"));
    assert_eq!(served(&plan(&files.with(".dockerignore", "# own\n.env\n"))).0, ".");
}

#[test]
fn secrets_of_other_names_and_in_other_folders_are_not_published_either() {
    for path in [".env.production", "api/.env", ".htpasswd", "keys/id_rsa"] {
        let files = tree! { "index.html" => "" }.with(path, "TOKEN=x\n");
        let refusal = refusal(&files);
        assert!(refusal.reason.starts_with(&format!("{path}: the file would be public")), "{path}");
        assert_eq!(served(&plan(&files.with(".dockerignore", path))).0, ".");
    }
    assert_eq!(served(&plan(&tree! { "index.html" => "", ".env.example" => "TOKEN=\n" })).0, ".");
    let files = tree! { "public/index.html" => "", ".env" => "TOKEN=x\n" };
    assert_eq!(served(&plan(&files)).0, "public");
    assert!(refusal(&files.with("public/.env", "TOKEN=x\n")).reason.starts_with("public/.env"));
}

#[test]
fn rules_of_other_hosts_are_named() {
    let files = tree! {
        "index.html" => "",
        "_redirects" => "/old /new 301\n",
        "_headers" => "/*\n  X-A: b\n",
        "vercel.json" => r#"{"redirects":[]}"#,
        "netlify.toml" => "[[redirects]]\nfrom = \"/a\"\nto = \"/b\"\n",
    };
    let plan = plan(&files);
    for text in [
        "_redirects: its redirects",
        "_headers: its headers",
        "vercel.json: its",
        "netlify.toml: its",
    ] {
        assert!(warns(&plan, text), "{text}: {:?}", plan.warnings);
    }
}

#[test]
fn the_usual_redirect_of_a_client_s_router_is_what_the_fallback_does() {
    let files = tree! {
        "Staticfile" => "pushstate: enabled\n",
        "index.html" => "",
        "_redirects" => "# all\n/*   /index.html   200\n",
    };
    assert!(plan(&files).warnings.is_empty());
}

#[test]
fn a_folder_of_a_repository_is_the_context() {
    let plan = plan(&tree! { "web/index.html" => "" }.app("web"));
    assert_eq!((plan.context.as_str(), served(&plan).0), ("web", "."));
}

#[test]
fn a_readme_or_a_domain_alone_is_no_site() {
    assert!(is_not_mine(&tree! { "README.md" => "# hi\n" }));
    assert!(is_not_mine(&tree! { "CNAME" => "example.com\n", ".nojekyll" => "" }));
}

#[test]
fn no_input_stops_the_detector() {
    let files = tree! {
        "Staticfile" => "root: dist\npushstate: enabled\n",
        "dist/index.html" => "<p>",
        "package.json" => r#"{"scripts":{"build":"x"},"devDependencies":{"webpack":"5","html-webpack-plugin":"5"}}"#,
        "webpack.config.js" => "path: path.resolve(__dirname, 'dist'),",
        "vercel.json" => r#"{"routes":[]}"#,
        "_redirects" => "/a /b\n",
    };
    bad_input(crate::detect, MANIFEST, &files);
}
