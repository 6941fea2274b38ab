//! Plan of a build: its result in an image that runs it.

use crate::{
    output::{Boot, Built, Output},
    port, spring,
};
use windlass_plugin_sdk::{
    App, Detection, StageExt, Step, StepExt,
    procfile::{self, Line},
    run, shell, stage,
    workspace::folders::{join, within},
};

/// Share of the container's memory that the heap may take: the JVM's own default is a quarter.
const MEMORY: &str = "-XX:MaxRAMPercentage=75";

/// Returns the plan of a build.
pub(crate) fn plan(app: &App<'_>, built: Built, lines: Vec<Line>) -> Detection {
    let mut detection = Detection::new(built.language, built.score);
    detection.tool("java", &built.java);
    detection.tool(built.tool.0, &built.tool.1);
    for evidence in built.evidence {
        detection.because(evidence);
    }
    let root =
        if built.folder.is_empty() { "/app".into() } else { format!("/app/{}", built.folder) };
    let mut build = stage("build", built.base).packages(built.packages);
    for step in built.steps {
        build = build.step(step);
    }
    let mut serve = stage("run", format!("eclipse-temurin:{}-jre", built.java.version));
    // Of frameworks the start, or the settings, say the port.
    let is_plain = !matches!(built.output, Output::Boot(_) | Output::Quarkus { .. });
    match built.output {
        Output::Boot(boot) => {
            build = build.step(one_jar(&root, boot.pattern));
            if let Some(step) = boot.extract() {
                build = build.step(step);
            }
            for step in boot.copies() {
                serve = serve.step(step);
            }
            let project = join(&built.context, &built.folder).unwrap_or_default();
            started_boot(&boot, spring::hides_health(app, &project), &mut detection);
        }
        Output::Quarkus { folder, health } => {
            serve = serve.copy_from("build", &format!("{root}/{folder}/"), "./");
            detection.image.start = shell(&format!(
                "java {MEMORY} -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=$PORT -jar quarkus-run.jar"
            ));
            detection.image.health = health.then(|| "/q/health".to_owned());
        }
        Output::Jar { pattern, options } => {
            build = build.step(one_jar(&root, pattern));
            serve = serve.copy_from("build", "/app/app.jar", "/app/app.jar");
            let options: String = options.iter().map(|option| format!("{option} ")).collect();
            detection.image.start = started(&format!("java {MEMORY} {options}-jar app.jar"));
        }
        Output::Dropwizard { pattern, settings } => {
            build = build.step(one_jar(&root, pattern));
            let file = &settings.path;
            serve = serve.copy_from("build", "/app/app.jar", "/app/app.jar").copy_from(
                "build",
                &format!("{root}/{file}"),
                &format!("/app/{file}"),
            );
            let port = settings.port.map(|option| format!("{option} ")).unwrap_or_default();
            let line = format!("java {MEMORY} {port}-jar app.jar server {file}");
            detection.image.start = started(&line);
        }
        Output::Classpath { main, has_dependencies } => {
            build = build.step(one_jar(&root, "target/*.jar"));
            serve = serve.copy_from("build", "/app/app.jar", "/app/app.jar");
            let path = if has_dependencies {
                serve = serve.copy_from("build", &format!("{root}/target/lib/"), "lib/");
                "app.jar:lib/*"
            } else {
                "app.jar"
            };
            detection.image.start =
                ["java", MEMORY, "-cp", path, &main].map(str::to_owned).to_vec();
        }
        Output::Installed { folder, script } => {
            serve = serve.copy_from("build", &format!("{root}/{folder}/"), "./");
            detection.image.env.push(("JAVA_OPTS".into(), MEMORY.into()));
            detection.image.start = vec![format!("/app/bin/{script}")];
        }
        Output::War { pattern, tomcat } => {
            let script =
                format!("mkdir /war && cd /war && jar xf \"$(ls -S {root}/{pattern} | head -1)\"");
            build = build.step(
                run(&["sh", "-c", &script]).why("the server's user may not unpack it at the start"),
            );
            serve = stage("run", format!("tomcat:{tomcat}-jre{}", built.java.version)).copy_from(
                "build",
                "/war/",
                "/usr/local/tomcat/webapps/ROOT/",
            );
            detection.image.start =
                ["/usr/local/tomcat/bin/catalina.sh", "run"].map(str::to_owned).to_vec();
            detection.image.env.push(("CATALINA_OPTS".into(), MEMORY.into()));
            detection.decide("port", "8080", "Tomcat's own");
        }
        Output::Named { folder } => {
            // The command's paths are relative to the app's folder.
            let project = join(&built.context, &built.folder).unwrap_or_default();
            let path = match within(app.folder, &project).filter(|inside| !inside.is_empty()) {
                Some(inside) => format!("{inside}/{folder}"),
                None => folder.to_owned(),
            };
            serve =
                serve.copy_from("build", &format!("{root}/{folder}/"), &format!("/app/{path}/"));
        }
    }
    let project = join(&built.context, &built.folder).unwrap_or_default();
    detection.context = built.context;
    detection.candidates = built.candidates;
    detection.image.stages = vec![build, serve];
    detection.image.test_in = Some("build".into());
    procfile::apply(lines, &mut detection);
    let is_told = detection.image.start.iter().any(|word| word.contains("PORT"));
    if is_plain
        && !is_told
        && let Some((port, source)) = port::written(app, &project)
    {
        detection.image.port = Some(port);
        detection.decide("port", port.to_string(), source);
    }
    detection
}

/// Returns the step that gives the program's jar a name that is known.
fn one_jar(root: &str, pattern: &str) -> Step {
    let pattern = if root == "/app" { pattern.to_owned() } else { format!("{root}/{pattern}") };
    let others = "-e original- -e -plain.jar -e -sources.jar -e -javadoc.jar -e -tests.jar";
    let script = format!("cp $(ls -S {pattern} | grep -v {others} | head -1) /app/app.jar");
    run(&["sh", "-c", &script]).why("its name holds the version; of several the largest holds all")
}

fn started_boot(boot: &Boot, hidden: Option<String>, detection: &mut Detection) {
    let launcher = boot.launcher();
    if let Some(source) = &boot.web {
        detection.because(format!("{source}: serves HTTP"));
        match (&boot.actuator, hidden) {
            (Some(_), None) => detection.image.health = Some("/actuator/health".to_owned()),
            (Some(_), Some(place)) => {
                detection.because(format!("{place}: /actuator/health may be elsewhere, or closed"));
            }
            (None, _) => {}
        }
    } else {
        detection.image.port = None;
        detection.warn(
            "no web starter: the app is a worker, and gets no traffic",
            "add spring-boot-starter-web, or leave it so",
        );
    }
    let port = match (&boot.web, &boot.reads_port) {
        (Some(_), None) => "-Dserver.port=$PORT ",
        (_, Some(source)) => {
            detection.because(format!("{source}: reads PORT"));
            ""
        }
        (None, None) => "",
    };
    detection.image.start = started(&format!("java {MEMORY} {port}{launcher}"));
}

/// Returns the argv of a line: by a shell only where a variable is in it.
fn started(line: &str) -> Vec<String> {
    if line.contains('$') {
        return shell(line);
    }
    line.split_whitespace().map(str::to_owned).collect()
}
