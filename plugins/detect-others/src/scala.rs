//! Scala by sbt: Play, sbt-native-packager's stage, or sbt-assembly's jar.

use crate::{
    answer::{is_name, is_version, plan, refused},
    clojure::system,
};
use windlass_plugin_sdk::{
    App, Found, Refusal, StageExt, StepExt, assets, copy, procfile,
    read::lines::properties,
    run, score, shell, stage,
    versions::{self, Asked, Chain, Grammar, Runtime},
};

const LANGUAGE: &str = "scala";

/// Launcher of sbt. It fetches the sbt that `project/build.properties` names. No image has a tag that floats.
const LAUNCHER: &str = "1.10.11";

/// Folder that the task `stage` makes.
const STAGE: &str = "target/universal/stage";

/// Folders of sbt and its downloads.
const CACHES: [&str; 3] = ["/root/.sbt", "/root/.ivy2", "/root/.cache"];

/// Returns the plan of the build. `None` means that there is no `build.sbt`.
///
/// # Errors
/// No plugin of the build makes a program.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(file) = app.read("build.sbt")? else { return Ok(None) };
    let mut plugins = Vec::new();
    for path in app.glob(&["project/*.sbt"], 20) {
        plugins.extend(app.read(&path)?);
    }
    let place = |words: &[&str]| {
        plugins.iter().find_map(|plugin| {
            let is_it = |(_, line): &(usize, &str)| {
                !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word))
            };
            plugin.lines().find(is_it).map(|(line, _)| format!("{}:{line}", plugin.path))
        })
    };
    let play = place(&["playframework\" % \"sbt-plugin", "typesafe.play\" % \"sbt-plugin"]);
    let staged = play.clone().or_else(|| place(&["sbt-native-packager"]));
    let assembled = place(&["sbt-assembly"]);
    let mut lines = procfile::read(app)?;
    let named = lines.iter().find(|line| line.name == "web").and_then(|line| {
        let mut words = line.command.iter().flat_map(|word| word.split([' ', '"', '\'']));
        words.find_map(|word| word.split_once(STAGE).map(|(before, _)| before.to_owned()))
    });
    let folder = named.clone().unwrap_or_default();
    let folder = folder.trim_start_matches("./").trim_start_matches("/app/").trim_matches('/');
    let is_folder = |part: &str| part.is_empty() || is_name(part);
    let folder = if folder.split('/').all(is_folder) { folder } else { "" };
    let at = if folder.is_empty() { STAGE.to_owned() } else { format!("{folder}/{STAGE}") };
    let (task, evidence) = match (staged, assembled) {
        (Some(place), _) => ("stage", place),
        (None, Some(place)) => ("assembly", place),
        (None, None) => {
            return Err(refused(
                LANGUAGE,
                format!("{}: no plugin of project/*.sbt makes a program", file.path),
                "add sbt-native-packager to project/plugins.sbt, and `enablePlugins(JavaAppPackaging)` to build.sbt",
            ));
        }
    };
    let (sbt, source) = version(app)?;
    let older = java(&sbt).map(|text| Asked {
        text: text.to_owned(),
        source: format!("{source} runs on no newer one"),
        grammar: Grammar::Plain,
    });
    let java = Chain::of(app, Runtime::Java)
        .first(system(app)?)
        .first(versions::file(app, ".java-version", Grammar::Plain)?)
        .then(older)
        .choose()?;
    let start = match (task, &play) {
        ("stage", Some(_)) => shell(&format!("/app/{at}/bin/start -Dhttp.port=$PORT")),
        ("stage", None) => vec![format!("/app/{at}/bin/start")],
        _ => ["java", "-jar", "/app/app.jar"].map(str::to_owned).to_vec(),
    };
    let band = if play.is_some() { score::FRAMEWORK } else { score::STARTED };
    let mut detection = plan(app, LANGUAGE, band, evidence, start);
    detection.tool("java", &java);
    detection.decide("sbt", sbt, source);
    let address =
        format!("https://github.com/sbt/sbt/releases/download/v{LAUNCHER}/sbt-{LAUNCHER}.tgz");
    let fetch = format!("curl -fsSL {address} | tar xz -C /opt");
    let found = if task == "stage" {
        // The script follows a link to its own place, and has the program's name.
        format!(
            "mv \"$(find . -type d -path '*{at}' | head -n 1)\" /out \
             && ln -s \"$(ls /out/bin | grep -v '[.]bat$' | head -n 1)\" /out/bin/start"
        )
    } else {
        "cp \"$(ls -S $(find . -path '*target/scala-*' -name '*.jar') | head -n 1)\" /out.jar"
            .into()
    };
    let build = stage("build", format!("eclipse-temurin:{}-jdk", java.version))
        .packages(&["curl"])
        .step(run(&["sh", "-c", &fetch]).why("sbt's launcher; it fetches the build's own sbt"))
        .step(copy(&["."], "./"))
        .step(assets())
        .step(run(&["/opt/sbt/bin/sbt", task]).cached(&CACHES))
        .run(&["sh", "-c", &found]);
    let last = stage("run", format!("eclipse-temurin:{}-jre", java.version));
    let last = if task == "stage" {
        last.copy_from("build", "/out", &format!("/app/{at}"))
    } else {
        last.copy_from("build", "/out.jar", "/app/app.jar")
    };
    detection.image.stages = vec![build, last];
    if play.is_some() {
        // Play writes the file into its own folder, which the user may not.
        let options = "-XX:MaxRAMPercentage=75 -Dpidfile.path=/dev/null";
        detection.image.env.push(("JAVA_OPTS".into(), options.into()));
        let conf = app.read("conf/application.conf")?;
        if !conf.is_some_and(|conf| conf.text.contains("secret")) {
            detection.warn(
                "conf/application.conf names no secret, without which Play does not start",
                "write `play.http.secret.key = ${APPLICATION_SECRET}` there, and set the variable",
            );
        }
    }
    // Other lines run in the same image, which has no tool of the build.
    lines.retain(|line| named.is_some() && line.command.iter().any(|word| word.contains(STAGE)));
    procfile::apply(lines, &mut detection);
    Ok(Some(detection))
}

/// Returns the version of sbt, and who says so.
fn version(app: &App<'_>) -> Result<(String, String), Refusal> {
    let Some(file) = app.read("project/build.properties")? else {
        return Ok((LAUNCHER.to_owned(), "default".to_owned()));
    };
    let found = properties(&file).into_iter().find(|(_, key, _)| key == "sbt.version");
    let found = found.filter(|(_, _, text)| is_version(text.split('-').next().unwrap_or(text)));
    Ok(found.map_or_else(
        || (LAUNCHER.to_owned(), "default".to_owned()),
        |(line, _, text)| (text, format!("{}:{line} sbt", file.path)),
    ))
}

/// Returns the newest release of Java with long support that a version of sbt runs on. `None` means the default.
fn java(sbt: &str) -> Option<&'static str> {
    let mut parts = sbt.split(['.', '-']).map(str::parse::<u32>);
    match (parts.next()?.ok()?, parts.next().and_then(Result::ok).unwrap_or_default()) {
        (0, _) | (1, 0..=2) => Some("8"),
        (1, 3..=5) => Some("11"),
        (1, 6..=8) => Some("17"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        Detection,
        testing::{Files, bad_input, detect},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");

    fn plan(files: &Files) -> Detection {
        detect(crate::detect, MANIFEST, files).plan()
    }

    fn play() -> Files {
        tree! {
            "build.sbt" => "lazy val root = (project in file(\".\")).enablePlugins(PlayScala)\n",
            "project/build.properties" => "sbt.version=1.10.2\n",
            "project/plugins.sbt" => "addSbtPlugin(\"org.playframework\" % \"sbt-plugin\" % \"3.0.6\")\n",
            "conf/application.conf" => "play.http.secret.key = ${APPLICATION_SECRET}\n",
        }
    }

    #[test]
    fn play_is_staged_and_told_its_port() {
        let found = plan(&play());
        assert!(found.runs().contains(&"/opt/sbt/bin/sbt stage".to_owned()), "{:?}", found.runs());
        assert!(found.start().contains("-Dhttp.port=$PORT"), "{}", found.start());
        assert_eq!(found.decided("sbt"), Some(("1.10.2", "project/build.properties:1 sbt")));
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        let line = "web: server/target/universal/stage/bin/server -Dhttp.port=$PORT\n";
        let named = plan(&play().with("Procfile", line));
        assert!(named.start().contains("exec server/target/universal/stage/bin/server"));
    }

    #[test]
    fn an_assembly_is_one_jar_and_a_build_without_either_is_refused() {
        let plugins = "addSbtPlugin(\"com.eed3si9n\" % \"sbt-assembly\" % \"2.2.0\")\n";
        let old = play()
            .with("project/plugins.sbt", plugins)
            .with("project/build.properties", "sbt.version=1.5.5\n");
        let found = plan(&old);
        assert_eq!(found.start(), "java -jar /app/app.jar");
        assert_eq!(found.build_base(), "eclipse-temurin:11-jdk");
        let without = play().without("project/plugins.sbt");
        let refusal = detect(crate::detect, MANIFEST, &without).refusal();
        assert_eq!(refusal.language, "scala");
    }

    #[test]
    fn no_input_stops_the_detector() {
        bad_input(crate::detect, MANIFEST, &play());
    }
}
