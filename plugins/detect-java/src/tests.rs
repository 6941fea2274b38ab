//! Rules of the detector, each by a tree of its own.

use crate::detect;
use windlass_plugin_sdk::{
    Detection, Refusal, score,
    testing::{self, Files, bad_input, golden},
    tree,
};

const MANIFEST: &str = include_str!("../plugin.toml");
const BOOT: &str = "<project>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.4.1</version>
    <relativePath/>
  </parent>
  <artifactId>shop</artifactId>
  <properties>
    <java.version>17</java.version>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-web</artifactId>
    </dependency>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-actuator</artifactId>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <artifactId>spring-boot-maven-plugin</artifactId>
      </plugin>
    </plugins>
  </build>
</project>
";
const MAIN: &str = "package com.shop;

public class Main {
  public static void main(String[] arguments) {}
}
";

fn plan(files: &Files) -> Detection {
    testing::detect(detect, MANIFEST, files).plan()
}

fn refusal(files: &Files) -> Refusal {
    testing::detect(detect, MANIFEST, files).refusal()
}

fn boot() -> Files {
    tree! { "pom.xml" => BOOT }
}

fn ran(plan: &Detection, word: &str) -> String {
    plan.runs().into_iter().find(|line| line.contains(word)).unwrap_or_default()
}

#[test]
fn spring_boot_is_put_into_the_image_by_layers() {
    let plan = plan(&boot());
    assert_eq!((&*plan.language, plan.score), ("java", score::FRAMEWORK));
    assert_eq!(plan.decided("java"), Some(("17", "pom.xml:10 java.version")));
    assert_eq!(plan.image.health.as_deref(), Some("/actuator/health"));
    golden("goldens/maven-boot.Dockerfile", &plan);
}

#[test]
fn an_older_spring_boot_has_the_older_launcher_and_tool() {
    let older = plan(&boot().with("pom.xml", &BOOT.replace("3.4.1", "3.1.0")));
    assert!(!ran(&older, "layertools").is_empty(), "{:?}", older.runs());
    assert!(older.start().contains("boot.loader.JarLauncher"), "{}", older.start());
    let oldest = plan(&boot().with("pom.xml", &BOOT.replace("3.4.1", "2.2.0.RELEASE")));
    assert!(oldest.start().contains("-jar app.jar"), "{}", oldest.start());
}

#[test]
fn a_port_that_the_app_reads_itself_is_not_set_twice() {
    let settings = "server.port=${PORT:8080}\n";
    let plan = plan(&boot().with("src/main/resources/application.properties", settings));
    assert!(!plan.start().contains("server.port"), "{}", plan.start());
    assert!(!plan.start().contains("sh -c"), "{}", plan.start());
}

#[test]
fn health_is_not_asked_for_where_it_may_be_elsewhere_or_closed() {
    let rules = "class Rules {\n  SecurityFilterChain chain() { return null; }\n}\n";
    for (path, text, line) in [
        ("src/main/resources/application.properties", "server.servlet.context-path=/api\n", 1),
        (
            "src/main/resources/application.yml",
            "management:\n  endpoints:\n    web:\n      base-path: /\n",
            4,
        ),
        ("src/main/java/com/shop/Rules.java", rules, 2),
    ] {
        let plan = plan(&boot().with(path, text));
        assert_eq!(plan.image.health, None, "{path}");
        let start = format!("{path}:{line}: /actuator/health");
        assert!(plan.evidence.iter().any(|one| one.starts_with(&start)), "{:?}", plan.evidence);
    }
    let open = rules.replace("return null", "open(\"/actuator/**\"); return null");
    let open = plan(&boot().with("src/main/java/com/shop/Rules.java", &open));
    assert_eq!(open.image.health.as_deref(), Some("/actuator/health"));
}

#[test]
fn spring_boot_without_a_server_is_a_worker() {
    let text = BOOT.replace("spring-boot-starter-web", "spring-boot-starter-amqp");
    let plan = plan(&boot().with("pom.xml", &text));
    assert_eq!(plan.image.port, None);
    assert!(plan.warnings.iter().any(|one| one.message.contains("no web starter")));
}

#[test]
fn a_procfile_s_line_of_the_build_s_tool_starts_nothing() {
    for line in ["web: ./mvnw spring-boot:run", "web: mvn -Dserver.port=$PORT spring-boot:run"] {
        let plan = plan(&boot().with("Procfile", line));
        assert!(plan.start().contains("JarLauncher"), "{}", plan.start());
        assert!(plan.evidence.iter().any(|one| one.starts_with("Procfile:1: `web` calls")));
    }
}

#[test]
fn a_wrapper_is_used_where_it_is_whole() {
    let address = "distributionUrl=https://repo.example.com/apache-maven-3.9.9-bin.zip\n";
    let files = boot().with(".mvn/wrapper/maven-wrapper.properties", address);
    assert!(plan(&files).build_base().starts_with("maven:3-eclipse-temurin-17"));
    let plan = plan(&files.with("mvnw", "#!/bin/sh\n"));
    assert_eq!(plan.build_base(), "eclipse-temurin:17-jdk");
    let source = ".mvn/wrapper/maven-wrapper.properties:1";
    assert_eq!(plan.decided("maven-wrapper"), Some(("3.9.9", source)));
    assert!(ran(&plan, "package").starts_with("sh ./mvnw -B"), "{:?}", plan.runs());
}

#[test]
fn starters_that_bring_the_web_starter_serve() {
    for starter in ["spring-boot-starter-hateoas", "spring-cloud-config-server"] {
        let text = BOOT.replace("spring-boot-starter-web", starter);
        assert_eq!(plan(&boot().with("pom.xml", &text)).image.port, Some(8080), "{starter}");
    }
}

#[test]
fn a_jar_that_names_its_main_class_has_its_dependencies_beside_it() {
    let text = "<project>\n<artifactId>shop</artifactId>\n\
                <properties><maven.compiler.source>1.8</maven.compiler.source></properties>\n\
                <dependencies><dependency><artifactId>gson</artifactId></dependency></dependencies>\n\
                <build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><configuration>\n\
                <archive><manifest><mainClass>com.shop.Main</mainClass></manifest></archive>\n\
                </configuration></plugin></plugins></build></project>";
    let plan = plan(&tree! { "pom.xml" => text });
    assert_eq!(plan.score, score::STARTED);
    golden("goldens/maven-plain.Dockerfile", &plan);
}

#[test]
fn a_main_class_is_inferred_where_it_is_the_only_one() {
    let files = tree! {
        "pom.xml" => "<project><artifactId>shop</artifactId></project>",
        "src/main/java/com/shop/Main.java" => MAIN,
    };
    let inferred = plan(&files);
    assert_eq!(inferred.score, score::INFERRED);
    assert!(inferred.start().ends_with("com.shop.Main"), "{}", inferred.start());
    let several = refusal(&files.with("src/main/java/com/shop/Other.java", MAIN));
    assert_eq!(several.reason, "pom.xml: nothing says which class is the main one");
}

#[test]
fn shaded_jars_quarkus_and_micronaut_start_their_own_way() {
    let with = |plugin: &str, settings: &str| {
        let text = format!(
            "<project><artifactId>a</artifactId><build><plugins><plugin><artifactId>{plugin}</artifactId>\
             <configuration>{settings}</configuration></plugin></plugins></build></project>"
        );
        plan(&tree! { "pom.xml" => &*text })
    };
    let shaded = with("maven-shade-plugin", "<mainClass>a.Main</mainClass>");
    assert!(shaded.start().ends_with("-jar app.jar"), "{}", shaded.start());
    let quarkus = with("quarkus-maven-plugin", "");
    assert!(quarkus.start().contains("-Dquarkus.http.port=$PORT"), "{}", quarkus.start());
    assert!(quarkus.start().ends_with("-jar quarkus-run.jar"), "{}", quarkus.start());
    let micronaut = with("micronaut-maven-plugin", "");
    assert!(micronaut.start().contains("-Dmicronaut.server.port=$PORT"), "{}", micronaut.start());
}

#[test]
fn wars_and_dropwizard_are_refused_with_the_way_out() {
    let war = "<project><artifactId>a</artifactId><packaging>war</packaging></project>";
    let refused = refusal(&tree! { "pom.xml" => war });
    assert_eq!(refused.reason, "pom.xml: a war needs a servlet container");
    let wizard = "<project><artifactId>a</artifactId><dependencies><dependency>\
                  <artifactId>dropwizard-core</artifactId></dependency></dependencies></project>";
    let files = tree! { "pom.xml" => wizard };
    assert!(refusal(&files).hint.contains("Procfile"));
    let start = "web: java -jar target/a-1.0.jar server config.yml\n";
    let plan = plan(&files.with("Procfile", start));
    assert_eq!(plan.start(), "java -jar target/a-1.0.jar server config.yml");
}

/// Returns a reactor of two modules, one of which is a program.
fn reactor() -> Files {
    let api = BOOT.replace("<artifactId>shop</artifactId>", "<artifactId>api</artifactId>");
    tree! {
        "pom.xml" => "<project>\n<artifactId>all</artifactId>\n<packaging>pom</packaging>\n\
                      <modules>\n<module>api</module>\n<module>money</module>\n</modules>\n</project>",
        "api/pom.xml" => &*api,
        "money/pom.xml" => "<project><artifactId>money</artifactId></project>",
    }
}

#[test]
fn the_module_that_runs_is_built_with_those_that_it_needs() {
    let root = plan(&reactor());
    assert!(ran(&root, "package").ends_with("-pl api -am package"), "{:?}", root.runs());
    golden("goldens/maven-modules.Dockerfile", &root);
    let app = plan(&reactor().app("api"));
    assert_eq!(app.context, "");
    assert_eq!(app.runs(), root.runs());
}

#[test]
fn a_starter_of_a_module_that_the_program_needs_serves() {
    let api = BOOT
        .replace("<artifactId>shop</artifactId>", "<artifactId>api</artifactId>")
        .replace("spring-boot-starter-web", "money");
    let money = "<project><artifactId>money</artifactId><dependencies><dependency>\
                 <artifactId>spring-boot-starter-web</artifactId></dependency></dependencies></project>";
    let plan = plan(&reactor().with("api/pom.xml", &api).with("money/pom.xml", money));
    assert_eq!(plan.image.port, Some(8080));
    let source = "money/pom.xml:1 spring-boot-starter-web: serves HTTP".to_owned();
    assert!(plan.evidence.contains(&source), "{:?}", plan.evidence);
}

#[test]
fn a_starter_of_a_project_or_an_alias_serves() {
    let boot = "plugins {\n  id 'org.springframework.boot' version '3.4.1'\n}\n";
    let web = "dependencies {\n  api 'org.springframework.boot:spring-boot-starter-web'\n}\n";
    let files = tree! {
        "settings.gradle" => "include ':api', ':core'\n",
        "api/build.gradle" => &*format!("{boot}dependencies {{\n  implementation project(':core')\n}}\n"),
        "api/src/main/java/com/shop/Main.java" => MAIN,
        "core/build.gradle" => web,
        "core/src/main/java/com/shop/Money.java" => "package com.shop;\n",
    };
    assert_eq!(plan(&files).image.port, Some(8080));
    let alias = "dependencies {\n  implementation(libs.http)\n}\n";
    let catalog =
        "[libraries]\nhttp = { module = \"org.springframework.boot:spring-boot-starter-web\" }\n";
    let files = gradle()
        .with("build.gradle", &format!("{boot}{alias}"))
        .with("gradle/libs.versions.toml", catalog);
    assert_eq!(plan(&files).image.port, Some(8080));
}

#[test]
fn several_modules_that_run_are_candidates() {
    let web = BOOT.replace("<artifactId>shop</artifactId>", "<artifactId>web</artifactId>");
    let refusal = refusal(&reactor().with("money/pom.xml", &web));
    assert_eq!(refusal.reason, "pom.xml:5: several projects are programs: api, web");
    let folders: Vec<&str> = refusal.candidates.iter().map(|one| &*one.folder).collect();
    assert_eq!(folders, ["api", "money"]);
}

#[test]
fn a_module_that_its_parent_does_not_list_is_built_by_its_own_file() {
    let parent = "<parent><artifactId>all</artifactId></parent>";
    let text = format!(
        "<project>{parent}<artifactId>web</artifactId><build><plugins><plugin>\
         <artifactId>quarkus-maven-plugin</artifactId></plugin></plugins></build></project>"
    );
    let files = tree! {
        "pom.xml" => "<project><artifactId>all</artifactId><packaging>pom</packaging></project>",
        "web/pom.xml" => &*text,
    };
    let plan = plan(&files.app("web"));
    assert_eq!(plan.context, "");
    let build = ran(&plan, "package");
    assert!(build.ends_with("-DskipTests -f web/pom.xml package"), "{build}");
}

#[test]
fn each_file_of_versions_is_read() {
    for (name, text, source) in [
        ("system.properties", "java.runtime.version=11.0.2\n", "system.properties:1"),
        (".java-version", "# a comment\ntemurin-11.0.2+9\n", ".java-version:2"),
        (".sdkmanrc", "# sdk\njava=11.0.2-tem\n", ".sdkmanrc:2"),
        (".tool-versions", "java temurin-11.0.2+9\n", ".tool-versions:1 java"),
        ("mise.toml", "[tools]\njava = \"temurin-11\"\n", "mise.toml:2 tools.java"),
    ] {
        assert_eq!(plan(&boot().with(name, text)).decided("java"), Some(("11", source)), "{name}");
    }
    let wished = plan(&boot().with(".java-version", "11\n").wish("java", "21"));
    assert_eq!(wished.decided("java").map(|(value, _)| value), Some("21"));
    let refused = refusal(&boot().with(".java-version", "banana\n"));
    assert_eq!(refused.reason, ".java-version:1: `banana` names no release of Java");
}

#[test]
fn the_compiler_s_plugin_and_the_default_are_versions_too() {
    let text = "<project><artifactId>a</artifactId><build><plugins>\n<plugin><artifactId>maven-compiler-plugin\
                </artifactId><configuration>\n<release>${jdk}</release></configuration></plugin>\n\
                <plugin><artifactId>quarkus-maven-plugin</artifactId></plugin></plugins></build>\n\
                <properties><jdk>11</jdk></properties></project>";
    let asked = plan(&tree! { "pom.xml" => text });
    assert_eq!(asked.decided("java"), Some(("11", "pom.xml:3 release")));
    let micronaut = plan(&boot().with("pom.xml", &BOOT.replace("java.version", "jdk.version")));
    assert_eq!(micronaut.decided("java"), Some(("17", "pom.xml:10 jdk.version")));
    let none = plan(&boot().with("pom.xml", &BOOT.replace("java.version", "other")));
    assert_eq!(none.decided("java"), Some(("21", "default")));
}

#[test]
fn kotlin_is_the_language_where_its_plugin_is() {
    let plugin = "<plugins>\n      <plugin><artifactId>kotlin-maven-plugin</artifactId></plugin>";
    let text = BOOT.replacen("<plugins>", plugin, 1);
    assert_eq!(plan(&boot().with("pom.xml", &text)).language, "kotlin");
}

fn gradle() -> Files {
    tree! {
        "settings.gradle" => "rootProject.name = 'shop'\n",
        "build.gradle" => "plugins {\n  id 'java'\n  id 'org.springframework.boot' version '3.4.1'\n}\n\n\
                           java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }\n\n\
                           dependencies {\n  implementation 'org.springframework.boot:spring-boot-starter-web'\n}\n",
        "gradlew" => "#!/bin/sh\n",
        "gradle/wrapper/gradle-wrapper.properties" =>
            "distributionUrl=https\\://services.example.com/gradle-8.10.2-bin.zip\n",
        "gradle/wrapper/gradle-wrapper.jar" => "",
        "src/main/java/com/shop/Main.java" => MAIN,
    }
}

#[test]
fn gradle_builds_spring_boot_by_its_wrapper() {
    let plan = plan(&gradle());
    assert_eq!(plan.decided("java"), Some(("17", "build.gradle:6 JavaLanguageVersion.of")));
    golden("goldens/gradle-boot.Dockerfile", &plan);
}

#[test]
fn a_release_without_an_image_is_built_by_the_next_that_has_one() {
    for (asked, taken) in [("1.6", "8"), ("1.7", "8"), ("9", "11"), ("14", "17"), ("18", "18")] {
        let text = BOOT.replace("<java.version>17<", &format!("<java.version>{asked}<"));
        let plan = plan(&boot().with("pom.xml", &text));
        let (version, source) = plan.decided("java").unwrap();
        assert_eq!(version, taken, "{asked}");
        assert_eq!(source.contains("which no image has"), asked != "18", "{source}");
    }
}

#[test]
fn an_older_wrapper_has_a_java_that_it_runs_on() {
    let silent = "plugins {\n  id 'application'\n}\n";
    let files = gradle().with("build.gradle", silent);
    for (wrapper, java) in [("4.10", "8"), ("6.8.3", "11"), ("7.6", "17"), ("8.10.2", "21")] {
        let text = format!("distributionUrl=https\\://example.com/gradle-{wrapper}-bin.zip\n");
        let plan = plan(&files.clone().with("gradle/wrapper/gradle-wrapper.properties", &text));
        assert_eq!(plan.decided("java").map(|(version, _)| version), Some(java), "{wrapper}");
    }
}

#[test]
fn a_wrapper_without_its_jar_is_the_image_s_gradle() {
    let plan = plan(&gradle().without("gradle/wrapper/gradle-wrapper.jar"));
    assert_eq!(plan.build_base(), "gradle:8-jdk17");
    assert!(plan.evidence.iter().any(|line| line.contains("its jar is missing")));
}

#[test]
fn an_application_is_installed_with_its_script() {
    let files = tree! {
        "settings.gradle.kts" => "rootProject.name = \"shop\"\n",
        "build.gradle.kts" => "plugins {\n  application\n}\n\napplication { mainClass = \"com.shop.Main\" }\n",
        "src/main/java/com/shop/Main.java" => MAIN,
    };
    let plan = plan(&files);
    assert_eq!(plan.score, score::STARTED);
    golden("goldens/gradle-installDist.Dockerfile", &plan);
}

#[test]
fn ktor_is_one_jar_by_the_plugin_of_a_catalog() {
    let files = tree! {
        "settings.gradle.kts" => "rootProject.name = \"shop\"\n",
        "gradle/libs.versions.toml" =>
            "[versions]\nktor = \"3.0.1\"\n\n[plugins]\nktor = { id = \"io.ktor.plugin\", version.ref = \"ktor\" }\n",
        "build.gradle.kts" =>
            "plugins {\n  kotlin(\"jvm\") version \"2.1.0\"\n  alias(libs.plugins.ktor)\n}\n\nkotlin { jvmToolchain(21) }\n",
    };
    let plan = plan(&files);
    assert_eq!((&*plan.language, plan.score), ("kotlin", score::FRAMEWORK));
    golden("goldens/kotlin-ktor.Dockerfile", &plan);
}

#[test]
fn a_block_of_the_plugin_application_says_that_it_is_applied() {
    let files = tree! {
        "settings.gradle.kts" => "rootProject.name = \"shop\"\n",
        "build.gradle.kts" =>
            "plugins {\n  alias(their.plugins.server)\n}\n\napplication {\n  mainClass = \"shop.Main\"\n}\n",
    };
    assert_eq!(plan(&files).start(), "/app/bin/shop");
}

#[test]
fn of_several_projects_the_application_is_built() {
    let files = tree! {
        "settings.gradle" => "include ':app', ':lib'\n",
        "build.gradle" => "plugins {\n  id 'application' apply false\n}\n",
        "app/build.gradle" => "plugins {\n  id 'application'\n}\n",
        "app/src/main/java/com/shop/Main.java" => MAIN,
        "lib/build.gradle" => "plugins {\n  id 'java-library'\n}\n",
        "lib/src/main/java/com/shop/Money.java" => "package com.shop;\n",
    };
    let one = plan(&files);
    assert!(ran(&one, ":app:installDist").starts_with("gradle --no-daemon"), "{:?}", one.runs());
    assert_eq!(one.start(), "/app/bin/app");
    let app = plan(&files.clone().app("app"));
    assert_eq!((&*app.context, app.runs()), ("", one.runs()));
    let two = refusal(&files.clone().with("lib/build.gradle", "apply plugin: 'application'\n"));
    assert_eq!(two.reason, "settings.gradle:1: several projects are programs: :app, :lib");
    let none = refusal(&files.with("app/build.gradle", "// apply plugin: 'application'\n"));
    assert!(none.hint.contains("`application`"), "{}", none.hint);
}

#[test]
fn plugins_that_the_root_applies_count_where_a_main_class_is() {
    let files = tree! {
        "settings.gradle" => "include 'api'\ninclude 'core'\n",
        "build.gradle" => "plugins {\n  id 'org.springframework.boot' version '3.4.1' apply false\n}\n\
                           subprojects {\n  apply plugin: 'java'\n  apply plugin: 'org.springframework.boot'\n}\n",
        "api/build.gradle" => "dependencies {\n  implementation 'org.springframework.boot:spring-boot-starter-web'\n}\n",
        "api/src/main/java/com/shop/Main.java" => MAIN,
        "core/build.gradle" => "bootJar { enabled = false }\n",
        "core/src/main/java/com/shop/Money.java" => "package com.shop;\n",
    };
    let plan = plan(&files);
    assert!(ran(&plan, ":api:bootJar").starts_with("gradle"), "{:?}", plan.runs());
    assert!(plan.start().contains("launch.JarLauncher"), "{}", plan.start());
    let source = "build.gradle:6 org.springframework.boot".to_owned();
    assert!(plan.evidence.contains(&source), "{:?}", plan.evidence);
}

#[test]
fn a_build_s_own_plugins_are_read() {
    let files = tree! {
        "settings.gradle.kts" => "rootProject.name = \"shop\"\ninclude(\"app\")\n",
        "buildSrc/src/main/kotlin/shop.app.gradle.kts" =>
            "plugins {\n  id(\"shop.base\")\n  application\n}\n",
        "buildSrc/src/main/kotlin/shop.base.gradle.kts" =>
            "plugins {\n  id(\"shop.app\")\n  kotlin(\"jvm\")\n}\n\nkotlin { jvmToolchain(17) }\n",
        "app/build.gradle.kts" => "plugins {\n  id(\"shop.app\")\n}\n",
        "app/src/main/kotlin/App.kt" => "fun main() {}\n",
    };
    let plan = plan(&files);
    assert_eq!(plan.language, "kotlin");
    let source = "buildSrc/src/main/kotlin/shop.base.gradle.kts:6 jvmToolchain";
    assert_eq!(plan.decided("java"), Some(("17", source)));
    assert_eq!(plan.start(), "/app/bin/app");
}

#[test]
fn a_war_of_gradle_is_refused_as_maven_s_is() {
    let refusal = refusal(&tree! { "build.gradle" => "apply plugin: 'war'\n" });
    assert_eq!(refusal.reason, "build.gradle:1: a war needs a servlet container");
}

#[test]
fn a_procfile_s_jar_stays_where_it_is_built() {
    let files = boot().with("Procfile", "web: java -Dserver.port=$PORT -jar target/shop-1.0.jar\n");
    let plan = plan(&files);
    assert!(plan.start().contains("target/shop-1.0.jar"), "{}", plan.start());
    golden("goldens/procfile.Dockerfile", &plan);
}

#[test]
fn bad_input_never_traps() {
    bad_input(detect, MANIFEST, &boot().with(".sdkmanrc", "java=17.0.9-tem\n"));
    bad_input(detect, MANIFEST, &reactor());
    bad_input(detect, MANIFEST, &gradle().with("Procfile", "web: java -jar build/libs/a.jar\n"));
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
                <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">\
                <!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;\">]><project><artifactId>&e;</artifactId></project>";
    let refusal = refusal(&tree! { "pom.xml" => bomb });
    assert!(refusal.reason.contains("pom.xml"), "{}", refusal.reason);
}
