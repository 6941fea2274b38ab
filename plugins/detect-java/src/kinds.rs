//! Kinds of programs that a pom.xml builds.

use crate::{
    dropwizard,
    inferred::main_class,
    output::{Boot, Output},
    spring,
};
use windlass_plugin_sdk::{App, Refusal, jvm::pom::Chain, score, workspace::folders::parent};

/// Program of a project, why, and how likely it is meant.
pub(crate) struct Kind {
    pub(crate) output: Output,
    pub(crate) evidence: String,
    pub(crate) score: u8,
}

/// Returns the program that a project builds. `None` means that it builds none.
///
/// # Errors
/// It builds one that cannot be started without help.
pub(crate) fn of(app: &App<'_>, chain: &Chain) -> Result<Option<Kind>, Refusal> {
    let Some(project) = chain.project() else { return Ok(None) };
    let packaging = chain.resolve(&project.packaging);
    if packaging == "pom" {
        return Ok(None);
    }
    let folder = parent(&project.path);
    if let Some(kind) = framework(app, chain, folder, packaging == "war")? {
        return Ok(Some(kind));
    }
    if packaging == "war" {
        if let Some(kind) = servlets(chain) {
            return Ok(Some(kind));
        }
        return Err(app.refused(
            "java",
            score::STARTED,
            format!("{}: a war needs a servlet container", project.path),
            "use Spring Boot's plugin, or commit a Dockerfile that has the container",
        ));
    }
    let whole = whole_jar(chain);
    let is_dropwizard = |artifact: &str| ["dropwizard-core", "dropwizard-bom"].contains(&artifact);
    if let Some((source, _)) = chain.dependency(|one| is_dropwizard(&one.artifact)) {
        if let Some(Kind { output: Output::Jar { pattern, .. }, .. }) = &whole
            && let Some(settings) = dropwizard::settings(app, folder)
        {
            let evidence = format!("{source}: Dropwizard, with {}", settings.path);
            let output = Output::Dropwizard { pattern: *pattern, settings };
            return Ok(Some(Kind { output, evidence, score: score::FRAMEWORK }));
        }
        return Err(app.refused(
            "java",
            score::FRAMEWORK,
            format!("{source}: Dropwizard starts with the arguments `server` and a file"),
            "add a Procfile: `web: java -jar target/NAME.jar server config.yml`",
        ));
    }
    if let Some(kind) = whole {
        return Ok(Some(kind));
    }
    let (main, evidence, score) = match named(chain) {
        Some((main, evidence)) => (main, evidence, score::STARTED),
        None => match main_class(app, folder) {
            Some((main, path)) => {
                (main, format!("{path}: the only file with a main function"), score::INFERRED)
            }
            None => return Ok(None),
        },
    };
    let shipped = |scope: &str| scope == "compile" || scope == "runtime";
    let has_dependencies = chain.dependency(|one| shipped(&one.scope)).is_some();
    Ok(Some(Kind { output: Output::Classpath { main, has_dependencies }, evidence, score }))
}

fn framework(
    app: &App<'_>,
    chain: &Chain,
    folder: &str,
    is_war: bool,
) -> Result<Option<Kind>, Refusal> {
    let own = chain.project().map(|project| project.path.as_str());
    let kind = |output, evidence| Some(Kind { output, evidence, score: score::FRAMEWORK });
    if let Some((path, plugin)) = chain.plugin("spring-boot-maven-plugin")
        // A parent's plugin stands in libraries too.
        && (Some(path) == own || main_class(app, folder).is_some())
    {
        let boot = Boot {
            pattern: if is_war { "target/*.war" } else { "target/*.jar" },
            version: boot_version(chain, &plugin.version),
            is_war,
            web: chain.dependency(|one| spring::serves(&one.artifact)).map(|(source, _)| source),
            actuator: chain
                .dependency(|one| one.artifact == "spring-boot-starter-actuator")
                .map(|(source, _)| source),
            reads_port: spring::reads_port(app, folder)?,
        };
        return Ok(kind(Output::Boot(boot), format!("{path}:{}: Spring Boot", plugin.line)));
    }
    if let Some((path, plugin)) = chain.plugin("quarkus-maven-plugin") {
        let evidence = format!("{path}:{}: Quarkus", plugin.line);
        let package = chain
            .property("quarkus.package.jar.type")
            .or_else(|| chain.property("quarkus.package.type"));
        if package.is_some_and(|(value, _)| value == "uber-jar") {
            let options =
                vec!["-Dquarkus.http.host=0.0.0.0".into(), "-Dquarkus.http.port=$PORT".into()];
            let output = Output::Jar { pattern: "target/*-runner.jar", options };
            return Ok(kind(output, evidence));
        }
        let health = chain.dependency(|one| one.artifact == "quarkus-smallrye-health").is_some();
        return Ok(kind(Output::Quarkus { folder: "target/quarkus-app", health }, evidence));
    }
    if let Some((path, plugin)) = chain.plugin("micronaut-maven-plugin") {
        let options = vec!["-Dmicronaut.server.port=$PORT".into()];
        let output = Output::Jar { pattern: "target/*.jar", options };
        return Ok(kind(output, format!("{path}:{}: Micronaut", plugin.line)));
    }
    Ok(None)
}

/// Returns a war that Tomcat runs. `None` means that it wants a whole application server.
fn servlets(chain: &Chain) -> Option<Kind> {
    const PLATFORMS: [&str; 6] = [
        "jakarta.jakartaee-api",
        "jakarta.jakartaee-web-api",
        "jakarta.jakartaee-core-api",
        "javaee-api",
        "javaee-web-api",
        "microprofile",
    ];
    const SERVERS: [&str; 4] = [
        "liberty-maven-plugin",
        "payara-micro-maven-plugin",
        "wildfly-jar-maven-plugin",
        "wildfly-maven-plugin",
    ];
    let wants = |one: &str| PLATFORMS.contains(&one);
    if chain.dependency(|one| wants(&one.artifact)).is_some()
        || SERVERS.iter().any(|server| chain.plugin(server).is_some())
    {
        return None;
    }
    let is_api = |one: &str| one.ends_with("servlet-api") || one.ends_with("servlet.jsp-api");
    let (source, dependency) = chain.dependency(|one| is_api(&one.artifact))?;
    // Release 4 still has the older names of packages.
    let is_old = chain.resolve(&dependency.version).starts_with('4');
    let is_jakarta = dependency.artifact.starts_with("jakarta.") && !is_old;
    let tomcat = if is_jakarta { "10.1" } else { "9" };
    let evidence = format!("{source}: servlets, which Tomcat {tomcat} runs");
    let output = Output::War { pattern: "target/*.war", tomcat };
    Some(Kind { output, evidence, score: score::STARTED })
}

fn boot_version(chain: &Chain, plugin: &str) -> Option<(u32, u32)> {
    let parents = chain.0.iter().filter_map(|pom| pom.parent.as_ref());
    let mut parents = parents.filter(|named| named.artifact == "spring-boot-starter-parent");
    let parent = parents.next().map(|named| named.version.clone());
    let managed = chain.0.iter().flat_map(|pom| &pom.dependencies);
    let mut managed = managed.filter(|one| one.artifact == "spring-boot-dependencies");
    let managed = managed.next().map(|one| one.version.clone());
    let of_plugins = chain
        .plugins("spring-boot-maven-plugin")
        .map(|(_, plugin)| plugin.version.clone())
        .find(|version| !version.is_empty());
    let text = Some(plugin.to_owned()).filter(|text| !text.is_empty());
    let text = text.or(parent).or(managed).or(of_plugins)?;
    spring::version(&chain.resolve(&text))
}

/// Returns a jar that holds its dependencies, and names its main class.
fn whole_jar(chain: &Chain) -> Option<Kind> {
    let kinds = [
        ("maven-assembly-plugin", "target/*-jar-with-dependencies.jar"),
        ("maven-shade-plugin", "target/*.jar"),
    ];
    kinds.into_iter().find_map(|(artifact, pattern)| {
        let (path, plugin) = chain.plugin(artifact)?;
        let main = plugin.setting("mainClass").or_else(|| plugin.setting("Main-Class"))?;
        let is_named_as_the_jar =
            plugin.setting("appendAssemblyId").is_some_and(|(_, on)| on == "false");
        let pattern = if is_named_as_the_jar { "target/*.jar" } else { pattern };
        let evidence =
            format!("{path}:{}: {artifact}, main class {}", main.0, chain.resolve(main.1));
        let output = Output::Jar { pattern, options: Vec::new() };
        Some(Kind { output, evidence, score: score::STARTED })
    })
}

/// Returns the main class that the build names, and its place.
fn named(chain: &Chain) -> Option<(String, String)> {
    for artifact in ["maven-jar-plugin", "exec-maven-plugin"] {
        if let Some((path, plugin)) = chain.plugin(artifact)
            && let Some((line, main)) = plugin.setting("mainClass")
        {
            let main = chain.resolve(main);
            return Some((main.clone(), format!("{path}:{line}: main class {main}")));
        }
    }
    let mut names = ["exec.mainClass", "main.class", "mainClass", "start-class"].into_iter();
    names.find_map(|name| chain.property(name))
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_war_of_servlets_runs_on_tomcat() {
        for (api, base) in
            [("javax.servlet-api", "tomcat:9-jre21"), ("jakarta.servlet-api", "tomcat:10.1-jre21")]
        {
            let text = format!(
                "<project><artifactId>a</artifactId><packaging>war</packaging><dependencies><dependency>\
                 <artifactId>{api}</artifactId><scope>provided</scope></dependency></dependencies></project>"
            );
            let plan = testing::detect(detect, MANIFEST, &tree! { "pom.xml" => &text }).plan();
            assert_eq!((plan.base(), plan.start().ends_with("catalina.sh run")), (base, true));
        }
    }
}
