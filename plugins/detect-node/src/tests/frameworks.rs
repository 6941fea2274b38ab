//! Frameworks: what their build leaves, and what starts it.

use super::{plan, refusal};
use windlass_plugin_sdk::{Detection, testing::Files, tree};

/// An app with one dependency, and scripts of development.
fn with(dependency: &str, range: &str) -> Files {
    let text = format!(
        "{{\"scripts\":{{\"build\":\"make\",\"dev\":\"x\"}},\"dependencies\":{{\"{dependency}\":\"{range}\"}}}}"
    );
    tree! { "readme" => "" }.with("package.json", &text)
}

fn and(dependencies: &str) -> Files {
    let text =
        format!("{{\"scripts\":{{\"build\":\"make\"}},\"dependencies\":{{{dependencies}}}}}");
    tree! { "readme" => "" }.with("package.json", &text)
}

fn last(found: &Detection) -> Vec<(String, String)> {
    let stage = found.image.stages.last().unwrap();
    let copies = stage.steps.iter().filter_map(|step| match step {
        windlass_plugin_sdk::Step::Copy(copy) => Some((copy.sources[0].clone(), copy.dest.clone())),
        _ => None,
    });
    copies.collect()
}

#[test]
fn each_server_framework_has_its_own_start() {
    for (files, name, start) in [
        (with("next", "^15.0.0"), "Next", "node node_modules/next/dist/bin/next start"),
        (with("nuxt", "^3.0.0"), "Nuxt", "node .output/server/index.mjs"),
        (with("nuxt", "^2.17.0"), "Nuxt", "node node_modules/nuxt/bin/nuxt.js start"),
        (
            and(r#""@remix-run/react":"^2","@remix-run/serve":"^2","vite":"^5""#),
            "Remix",
            "node node_modules/@remix-run/serve/dist/cli.js build/server/index.js",
        ),
        (
            and(r#""@react-router/node":"^7","@react-router/serve":"^7""#),
            "React Router",
            "node node_modules/@react-router/serve/bin.js build/server/index.js",
        ),
        (and(r#""@sveltejs/kit":"^2","@sveltejs/adapter-node":"^5""#), "SvelteKit", "node build"),
        (with("@nestjs/core", "^10.0.0"), "NestJS", "node dist/main"),
        (
            and(r#""@tanstack/react-start":"^1","nitro":"^3""#),
            "TanStack Start",
            "node .output/server/index.mjs",
        ),
        (with("@solidjs/start", "^1.0.0"), "SolidStart", "node .output/server/index.mjs"),
        (with("nitropack", "^2.0.0"), "Nitro", "node .output/server/index.mjs"),
    ] {
        let found = plan(&files);
        assert_eq!((found.start().as_str(), found.score), (start, 80), "{name}");
        assert_eq!(found.decided("framework").map(|(value, _)| value), Some(name));
        assert!(found.runs().contains(&"npm run build".to_owned()), "{name}");
    }
}

#[test]
fn nest_listens_where_its_own_main_says() {
    let nest = |text: &str| plan(&with("@nestjs/core", "^10.0.0").with("src/main.ts", text));
    let found = nest("async function bootstrap() {\n  await app.listen(3000);\n}\n");
    assert_eq!(found.decided("port"), Some(("3000", "src/main.ts:2")));
    let found = nest("await app.listen(process.env.PORT ?? 3000);\n");
    assert_eq!((found.image.port, found.decided("port")), (Some(8080), None));
}

#[test]
fn next_standalone_ships_no_modules() {
    let files = with("next", "^15.0.0")
        .with("next.config.mjs", "export default {\n  output: 'standalone',\n}\n")
        .with("public/a.txt", "");
    let found = plan(&files);
    assert_eq!(found.start(), "node server.js");
    let copies = last(&found);
    let sources: Vec<&str> = copies.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["/app/.next/standalone", "/app/.next/static", "/app/public"]);
    assert!(found.image.env.contains(&("HOSTNAME".into(), "0.0.0.0".into())));
    assert_eq!(found.decided("framework"), Some(("Next", "next.config.mjs:2 output")));
}

#[test]
fn next_keeps_typescript_where_its_configuration_is_typescript() {
    let text = r#"{"scripts":{"build":"next build","start":"next start"},"dependencies":{"next":"15.4.1"},"devDependencies":{"typescript":"^5"}}"#;
    let is_pruned =
        |files: &Files| plan(files).image.stages.iter().any(|stage| stage.name == "prune");
    let files = tree! { "readme" => "" }.with("package.json", text);
    assert!(is_pruned(&files.clone().with("next.config.mjs", "export default {};\n")));
    let typed = files.with("next.config.ts", "export default {};\n");
    assert!(!is_pruned(&typed), "`next start` compiles next.config.ts");
    assert!(!is_pruned(&typed.with("Procfile", "web: npm start\n")));
}

#[test]
fn adonis_starts_what_it_compiled() {
    let text = r#"{"scripts":{"start":"node bin/server.js","build":"node ace build"},"dependencies":{"@adonisjs/core":"^6.17.2"}}"#;
    let files = tree! { "bin/server.ts" => "", "adonisrc.ts" => "", "ace.js" => "" };
    let found = plan(&files.with("package.json", text));
    assert_eq!(found.start(), "node build/bin/server.js");
    assert!(found.image.env.contains(&("HOST".into(), "0.0.0.0".into())));
}

#[test]
fn a_server_of_the_app_s_own_is_before_the_framework_s() {
    let text = r#"{"scripts":{"start":"node server.js","build":"next build"},"dependencies":{"next":"^15"}}"#;
    let found = plan(&tree! { "server.js" => "" }.with("package.json", text));
    assert_eq!(found.start(), "node server.js");
}

#[test]
fn astro_is_a_server_only_with_its_adapter() {
    let files = and(r#""astro":"^5","@astrojs/node":"^9""#).with(
        "astro.config.mjs",
        "import node from '@astrojs/node';\nexport default { output: 'server' };\n",
    );
    assert_eq!(plan(&files).start(), "node ./dist/server/entry.mjs");
    let without =
        and(r#""astro":"^5""#).with("astro.config.mjs", "export default {\n output: 'server' }\n");
    assert!(refusal(&without).reason.starts_with("astro.config.mjs:2"), "{:?}", refusal(&without));
    assert_eq!(refusal(&and(r#""astro":"^5""#)).score, 40);
}

#[test]
fn svelte_kit_without_an_adapter_of_node_is_refused_with_the_one_to_add() {
    let found = refusal(&and(r#""@sveltejs/kit":"^2","@sveltejs/adapter-auto":"^3""#));
    assert!(found.hint.contains("@sveltejs/adapter-node"), "{found:?}");
}

#[test]
fn angular_with_ssr_starts_its_project_s_server() {
    let json = |ssr: &str| {
        format!(
            r#"{{ // projects
  "projects":{{"shop":{{"projectType":"application","architect":{{"build":{{"builder":"@angular/build:application","options":{{"outputPath":"dist/shop"{ssr}}}}}}}}}}}}}"#
        )
    };
    let files = and(r#""@angular/core":"^19","@angular/ssr":"^19""#);
    let found =
        plan(&files.clone().with("angular.json", &json(r#","ssr":{"entry":"src/server.ts"}"#)));
    assert_eq!(found.start(), "node dist/shop/server/server.mjs");
    let found = refusal(&files.with("angular.json", &json("")));
    assert_eq!(found.score, 40);
}

#[test]
fn static_output_is_left_to_static_unless_a_server_starts() {
    for dependency in
        ["react-scripts", "@vue/cli-service", "gatsby", "@docusaurus/core", "vitepress"]
    {
        let found = refusal(&with(dependency, "^5.0.0"));
        assert_eq!(found.score, 40, "{dependency}");
        assert!(found.reason.contains("static files only"), "{dependency}: {found:?}");
    }
    let text = r#"{"scripts":{"start":"node scripts/start.js","build":"node scripts/build.js"},"dependencies":{"react-dev-utils":"^12"}}"#;
    let ejected = tree! { "scripts/start.js" => "", "scripts/build.js" => "" };
    assert_eq!(refusal(&ejected.with("package.json", text)).score, 40);
    let vite = with("vite", "^6.0.0").with("index.html", "<div></div>");
    assert_eq!(refusal(&vite).score, 40);
    let served = r#"{"scripts":{"start":"node server.js","build":"vite build"},"dependencies":{"express":"^4","vite":"^6"}}"#;
    let found = plan(&vite.with("package.json", served).with("server.js", ""));
    assert_eq!((found.score, found.start().as_str()), (80, "node server.js"));
}

#[test]
fn apps_of_desktops_and_phones_have_no_server() {
    for dependency in ["electron", "expo", "react-native"] {
        let found = refusal(&with(dependency, "^1.0.0"));
        assert!(found.reason.contains("has no server"), "{dependency}: {found:?}");
    }
}
