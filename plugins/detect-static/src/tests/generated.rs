//! Sites of generators.

use super::{MANIFEST, bad_input, golden, is_not_mine, plan, refusal, served, tree, warns};

#[test]
fn hugo_builds_its_public_folder() {
    let files = tree! {
        "hugo.toml" => "baseURL = \"https://example.com/\"\ntheme = \"plain\"\n",
        "themes/plain/theme.toml" => "",
        "content/a.md" => "",
        "netlify.toml" => "[build.environment]\nHUGO_VERSION = \"0.140.2\"\n",
    };
    let plan = plan(&files);
    assert_eq!(served(&plan), ("/app/public", None, Some("build")));
    assert_eq!(plan.decided("hugo"), Some(("0.140.2", "netlify.toml:2 HUGO_VERSION")));
    golden("goldens/hugo.Dockerfile", &plan);
    let refusal = refusal(&files.without("themes/plain/theme.toml"));
    assert!(refusal.reason.contains("hugo.toml:2: the theme `plain` is not in themes/plain"));
}

#[test]
fn a_shared_name_of_configuration_needs_hugo_s_folders_and_keys() {
    let config = "baseurl = \"/\"\npublishDir = \"out\"\n";
    let plan = plan(&tree! { "config.toml" => config, "archetypes/default.md" => "" });
    assert_eq!(served(&plan).0, "/app/out");
    assert!(is_not_mine(&tree! { "config.toml" => config }));
    assert!(is_not_mine(&tree! { "config.toml" => "[server]\nport = 1\n", "content/a" => "" }));
    assert!(is_not_mine(&tree! { "config.toml" => "= no", "content/a" => "" }));
}

#[test]
fn a_version_of_hugo_that_cannot_be_is_refused() {
    let files = tree! { "hugo.yaml" => "title: x\n", ".tool-versions" => "hugo banana\n" };
    assert!(refusal(&files).reason.contains(".tool-versions:1: `banana` is no version of Hugo"));
    let plan = plan(&files.with(".tool-versions", "hugo 0.140\n"));
    assert_eq!(plan.build_base(), "hugomods/hugo:exts-0.140.0");
    assert_eq!(plan.decided("hugo"), Some(("0.140.0", ".tool-versions:1")));
}

#[test]
fn hugo_is_asked_about_each_name_of_its_configuration() {
    for name in ["hugo.toml", "hugo.yaml", "hugo.yml", "config.toml", "config.yaml", "config.yml"] {
        let text = if name.ends_with("toml") { "baseURL = \"/\"\n" } else { "baseURL: /\n" };
        let found = plan(&tree! { "content/a.md" => "" }.with(name, text));
        assert_eq!(served(&found).0, "/app/public", "{name}");
    }
}

#[test]
fn the_history_that_no_build_has_is_not_asked_for() {
    let files = tree! { "hugo.toml" => "enableGitInfo = true\n" };
    let found = plan(&files);
    let env = &found.image.stages.first().unwrap().env;
    assert_eq!(*env, [("HUGO_ENABLEGITINFO".to_owned(), "false".to_owned())]);
    assert!(warns(&found, "hugo.toml:1: enableGitInfo is off"));
}

#[test]
fn a_version_for_the_production_of_another_host_is_taken() {
    let text = "[context.production.environment]\nHUGO_VERSION = \"0.134.3\"\n";
    let found = plan(&tree! { "hugo.toml" => "", "netlify.toml" => text });
    assert_eq!(found.build_base(), "hugomods/hugo:exts-0.134.3");
    assert_eq!(found.decided("hugo"), Some(("0.134.3", "netlify.toml:2 HUGO_VERSION")));
}

#[test]
fn jekyll_builds_by_the_gemfile() {
    let files = tree! {
        "_config.yml" => "title: x\n",
        "Gemfile" => "source \"https://rubygems.org\"\nruby \"3.3.6\"\ngem \"jekyll\", \"~> 4.3\"\n",
        "Gemfile.lock" => "GEM\n",
    };
    let plan = plan(&files);
    assert_eq!(served(&plan), ("/app/_site", None, Some("build")));
    assert_eq!(plan.decided("ruby"), Some(("3.3.6", "Gemfile:2 ruby")));
    golden("goldens/jekyll.Dockerfile", &plan);
}

#[test]
fn a_theme_s_gem_and_a_theme_in_place_are_jekyll_s() {
    let files = tree! { "_config.yml" => "title: x\n", "_data/a.yml" => "", "_posts/a.md" => "" };
    for gem in ["gem \"jekyll-theme-own\", \"~> 7.0\"\n", "gem 'own-jekyll'\n", "gemspec\n"] {
        let found = plan(&files.clone().with("Gemfile", gem));
        assert_eq!(found.decided("framework"), Some(("Jekyll", "Gemfile:1")), "{gem}");
    }
    let library = tree! { "_config.yml" => "title: x\n", "Gemfile" => "gemspec\n" };
    assert!(is_not_mine(&library), "a library whose documentation GitHub renders");
}

#[test]
fn the_release_of_ruby_is_the_lock_s_or_one_that_runs_jekyll() {
    let files = |lock: &str| {
        tree! { "_config.yml" => "title: x\n", "Gemfile" => "gem \"jekyll\"\n" }
            .with("Gemfile.lock", lock)
    };
    let base = |lock: &str| plan(&files(lock)).build_base().to_owned();
    assert_eq!(base("GEM\n  specs:\n    jekyll (4.2.2)\n"), "ruby:3.3-slim");
    assert_eq!(base("GEM\n  specs:\n    liquid (4.0.3)\n"), "ruby:3.1-slim");
    assert_eq!(base("RUBY VERSION\n   ruby 3.2.2p53\n"), "ruby:3.2.2-slim");
}

#[test]
fn jekyll_without_a_gemfile_installs_what_the_configuration_names() {
    let files = |config: &str| tree! { "_posts/2024-01-01-a.md" => "" }.with("_config.yml", config);
    let plan = plan(&files("plugins:\n  - jekyll-feed\n"));
    let install = "gem install --no-document jekyll jekyll-feed minima";
    assert!(plan.runs().contains(&install.to_owned()), "{:?}", plan.runs());
    assert!(warns(&plan, "no Gemfile names Jekyll's version"));
    assert!(is_not_mine(&tree! { "_config.yml" => "title: x\n" }));
    assert!(is_not_mine(&files("title: x\n").with("Gemfile", "gem \"rails\"\n")));
    let refusal = refusal(&files("plugins: [\"--help\"]\n"));
    assert!(refusal.reason.contains("`--help` is no name of a gem"), "{refusal:?}");
}

#[test]
fn mkdocs_installs_its_requirements_first() {
    let files = tree! {
        "mkdocs.yml" => "site_name: x\ntheme:\n  name: material\n",
        "docs/index.md" => "",
        "docs/requirements.txt" => "mkdocs-material==9.5.0\n",
        ".python-version" => "3.12\n",
    };
    let plan = plan(&files);
    assert_eq!(served(&plan), ("/app/site", None, Some("build")));
    assert_eq!(plan.decided("manager"), Some(("pip", "docs/requirements.txt:1")));
    golden("goldens/mkdocs.Dockerfile", &plan);
}

#[test]
fn mkdocs_without_requirements_installs_what_its_configuration_names() {
    let files = tree! {
        "mkdocs.yml" => "site_name: x\nsite_dir: out\ntheme: material\nplugins:\n  - search\n  - minify:\n      minify_html: true\n",
    };
    let found = plan(&files);
    let install = "pip install mkdocs mkdocs-material mkdocs-minify-plugin";
    assert!(found.runs().contains(&install.to_owned()), "{:?}", found.runs());
    assert_eq!(served(&found).0, "/app/out");
    let refusal = refusal(&files.with("mkdocs.yml", "theme: own-theme\n"));
    assert!(refusal.reason.contains("mkdocs.yml:1: nothing says which package has `own-theme`"));
}

#[test]
fn the_documentation_of_a_package_is_no_app() {
    let files = tree! { "mkdocs.yml" => "site_name: x\n", "setup.py" => "" };
    let refusal = refusal(&files);
    assert_eq!(refusal.score, 20);
    assert!(refusal.reason.contains("docs only"), "{refusal:?}");
}

#[test]
fn generators_without_an_image_are_refused_by_name() {
    for (file, text, name) in [
        ("book.toml", "[book]\n", "mdBook"),
        ("pelicanconf.py", "", "Pelican"),
        ("config.toml", "base_url = \"/\"\n", "Zola"),
    ] {
        let refusal = refusal(&tree! { "content/a.md" => "" }.with(file, text));
        assert!(
            refusal.reason.contains(name) && refusal.hint.contains("Dockerfile"),
            "{refusal:?}"
        );
    }
}

#[test]
fn no_configuration_stops_the_detector() {
    let files = tree! {
        "hugo.toml" => "baseURL = \"/\"\ntheme = [\"a\"]\npublishDir = \"p\"\n",
        "themes/a/x" => "",
        "netlify.toml" => "[build.environment]\nHUGO_VERSION = \"0.1.2\"\n",
    };
    bad_input(crate::detect, MANIFEST, &files);
    let files = tree! {
        "_config.yml" => "plugins: [a]\ndestination: out\n",
        "Gemfile" => "ruby '~> 3.2'\ngem 'jekyll'\n",
        ".ruby-version" => "3.3.1\n",
    };
    bad_input(crate::detect, MANIFEST, &files);
    let files = tree! {
        "mkdocs.yml" => "theme:\n  name: material\nplugins:\n  - search\n  - minify: {}\n",
        "requirements.txt" => "mkdocs\n",
    };
    bad_input(crate::detect, MANIFEST, &files);
}
