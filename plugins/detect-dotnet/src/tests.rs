//! Trees, and what is planned for them.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn project(sdk: &str, properties: &str, items: &str) -> String {
    format!(
        "<Project Sdk=\"{sdk}\">\n  <PropertyGroup>\n{properties}\n  </PropertyGroup>\n  \
         <ItemGroup>{items}</ItemGroup>\n</Project>\n"
    )
}

fn net(version: &str) -> String {
    format!("    <TargetFramework>{version}</TargetFramework>")
}

fn web(version: &str) -> String {
    project("Microsoft.NET.Sdk.Web", &net(version), "")
}

#[test]
fn a_web_project_is_published_and_listens_at_the_port() {
    let files = tree! { "Shop.csproj" => &web("net8.0"), "Program.cs" => "" };
    let plan = plan(&files);
    assert_eq!(plan.decided("dotnet"), Some(("8.0", "Shop.csproj:3 TargetFramework")));
    assert_eq!(plan.build_base(), "mcr.microsoft.com/dotnet/sdk:8.0");
    assert_eq!(plan.base(), "mcr.microsoft.com/dotnet/aspnet:8.0");
    assert_eq!(plan.score, 90);
    let start = plan.start();
    assert!(start.ends_with("ASPNETCORE_URLS=http://0.0.0.0:$PORT exec dotnet '/app/Shop.dll'"));
    golden("goldens/web.Dockerfile", &plan);
}

#[test]
fn a_procfile_of_a_buildpack_s_folders_starts_nothing() {
    for line in
        ["web: cd Shop/bin/publish; ./Shop --urls http://*:$PORT", "web: dotnet run --project Shop"]
    {
        let files = tree! { "Shop/Shop.csproj" => &web("net8.0"), "Procfile" => line };
        let plan = plan(&files);
        assert!(plan.start().ends_with("exec dotnet '/app/Shop.dll'"), "{}", plan.start());
        assert!(plan.evidence.iter().any(|one| one.starts_with("Procfile:1: `web` names")));
    }
    let files = tree! { "Shop.csproj" => &web("net8.0"), "Procfile" => "web: dotnet Shop.dll\n" };
    assert_eq!(plan(&files).start(), "dotnet Shop.dll");
}

#[test]
fn workers_and_programs_have_no_port() {
    let worker = project("Microsoft.NET.Sdk.Worker", &net("net8.0"), "");
    let worker = plan(&tree! { "Mail.csproj" => &worker });
    assert_eq!((worker.score, worker.image.port), (80, None));
    assert_eq!(worker.base(), "mcr.microsoft.com/dotnet/runtime:8.0");
    let properties = format!("{}<OutputType>Exe</OutputType>", net("net8.0"));
    let program = plan(&tree! { "Run.fsproj" => &project("Microsoft.NET.Sdk", &properties, "") });
    assert_eq!(program.score, 60);
    assert_eq!(program.start(), "dotnet /app/Run.dll");
}

#[test]
fn the_highest_of_several_frameworks_is_published() {
    let several = "    <TargetFrameworks>net6.0;net9.0;net8.0</TargetFrameworks>";
    let plan = plan(&tree! { "a.csproj" => &project("Microsoft.NET.Sdk.Web", several, "") });
    assert_eq!(plan.decided("dotnet").map(|(version, _)| version), Some("9.0"));
    assert!(plan.runs().iter().any(|run| run.contains("-f net9.0")));
}

#[test]
fn a_shared_file_names_the_framework() {
    let props = format!("<Project>\n<PropertyGroup>{}</PropertyGroup></Project>", net("net10.0"));
    let files = tree! {
        "src/Web/Web.csproj" => &project("Microsoft.NET.Sdk.Web", "", ""),
        "Directory.Build.props" => &props,
    };
    let plan = plan(&files.app("src/Web"));
    assert_eq!(plan.decided("dotnet"), Some(("10.0", "Directory.Build.props:2 TargetFramework")));
    assert_eq!(plan.context, "", "the file is above the app's folder");
}

#[test]
fn the_sdk_is_the_one_that_global_json_accepts() {
    for (policy, tag) in [("", "8.0.100"), (", \"rollForward\": \"latestFeature\"", "8.0")] {
        let json = format!("{{ \"sdk\": {{ \"version\": \"8.0.100\"{policy} }} }}");
        let files = tree! { "a.csproj" => &web("net8.0"), "global.json" => &json };
        assert_eq!(plan(&files).build_base(), format!("mcr.microsoft.com/dotnet/sdk:{tag}"));
    }
    let older = "{ \"sdk\": { \"version\": \"6.0.400\" } }";
    let files = tree! { "a.csproj" => &web("net8.0"), "global.json" => older };
    assert!(refusal(&files).reason.contains("global.json:1"));
}

#[test]
fn an_ended_release_builds_with_a_warning() {
    let plan = plan(&tree! { "a.csproj" => &web("netcoreapp3.1") });
    assert_eq!(plan.base(), "mcr.microsoft.com/dotnet/aspnet:3.1");
    assert!(plan.warnings.iter().any(|warning| warning.message.contains("2022-12-13")));
}

fn solution() -> Files {
    let refers = "<ProjectReference Include=\"..\\Money\\Money.csproj\" />";
    let test = "<PackageReference Include=\"Microsoft.NET.Test.Sdk\" Version=\"17.0.0\" />";
    tree! {
        "Shop.sln" => "",
        "src/Web/Web.csproj" => &project("Microsoft.NET.Sdk.Web", &net("net8.0"), refers),
        "src/Money/Money.csproj" => &project("Microsoft.NET.Sdk", &net("net8.0"), ""),
        "test/Web.Tests/Web.Tests.csproj" => &project("Microsoft.NET.Sdk.Web", &net("net8.0"), test),
        "Directory.Packages.props" => "<Project />",
    }
}

#[test]
fn manifests_of_referenced_projects_are_there_before_the_restore() {
    let plan = plan(&solution());
    assert!(plan.start().contains("/app/Web.dll"));
    golden("goldens/solution.Dockerfile", &plan);

    assert_eq!(super::tests::plan(&solution().app("src/Web")).context, "");
}

#[test]
fn a_client_s_project_is_built_by_npm() {
    let refers = "<ProjectReference Include=\"..\\shop.client\\shop.client.esproj\" />";
    let plan = plan(&tree! {
        "Shop.Server/Shop.Server.csproj" => &project("Microsoft.NET.Sdk.Web", &net("net8.0"), refers),
        "shop.client/shop.client.esproj" => "<Project Sdk=\"Microsoft.VisualStudio.JavaScript.Sdk/1.0.1184077\" />",
        "shop.client/package.json" => "{}",
    });
    let packages = &plan.image.stages[0].packages;
    assert!(packages.iter().any(|name| name == "npm"), "{packages:?}");
    assert!(plan.evidence.iter().any(|one| one.contains("all are there before the restore")));
}

#[test]
fn several_web_projects_are_candidates() {
    let files = solution().with("src/Admin/Admin.csproj", &web("net8.0"));
    let refusal = refusal(&files);
    let folders: Vec<&str> = refusal.candidates.iter().map(|one| one.folder.as_str()).collect();
    assert_eq!(folders, ["src/Admin", "src/Web"]);
    assert!(plan(&files.app("src/Admin")).start().contains("Admin.dll"));
}

#[test]
fn a_reference_that_is_missing_is_refused_with_its_line() {
    let refusal = refusal(&solution().without("src/Money/Money.csproj"));
    assert!(refusal.reason.contains("src/Web/Web.csproj:5"), "{}", refusal.reason);
}

#[test]
fn tokens_of_nuget_are_secrets_of_the_restore() {
    let config = "<configuration>\n<add key=\"ClearTextPassword\" value=\"%FEED_TOKEN%\" />\n\
                  </configuration>";
    let plan = plan(&tree! { "a.csproj" => &web("net8.0"), "NuGet.config" => config });
    let secret = plan.build_secrets.first().unwrap();
    assert_eq!((&*secret.variable, &*secret.source), ("FEED_TOKEN", "NuGet.config:2"));
    assert!(secret.required);
}

#[test]
fn what_a_browser_runs_is_served_as_files() {
    let text = project("Microsoft.NET.Sdk.BlazorWebAssembly", &net("net8.0"), "");
    let plan = plan(&tree! { "App.csproj" => &text, "wwwroot/index.html" => "<html></html>" });
    assert_eq!(plan.score, 40);
    assert_eq!(plan.serves.as_ref().map(|site| &*site.folder), Some("/out/wwwroot"));
    assert!(plan.image.start.is_empty());
}

#[test]
fn what_does_not_run_here_is_refused() {
    for (text, reason) in [
        (project("Microsoft.NET.Sdk.Web", &net("net48"), ""), "Windows"),
        (project("Microsoft.NET.Sdk", &net("net8.0-windows"), ""), "Windows"),
        ("<Project ToolsVersion=\"15.0\"></Project>".to_owned(), "Windows"),
        (project("Microsoft.NET.Sdk", &net("net8.0"), ""), "no project"),
        (project("Microsoft.NET.Sdk.Web", "", ""), "TargetFramework"),
    ] {
        let refusal = refusal(&tree! { "a.csproj" => &text });
        assert!(refusal.reason.contains(reason), "{}", refusal.reason);
        assert!(refusal.reason.contains("a.csproj"), "{}", refusal.reason);
    }
}

#[test]
fn a_solution_without_projects_is_not_ours() {
    assert!(testing::detect(detect, MANIFEST, &tree! { "global.json" => "{}" }).is_not_mine());
}

#[test]
fn bad_files_are_refused_by_name() {
    let files = solution()
        .with("global.json", "{ \"sdk\": { \"version\": \"8.0.100\" } }")
        .with("NuGet.config", "<configuration><add value=\"%TOKEN%\" /></configuration>");
    bad_input(detect, MANIFEST, &files);
}
