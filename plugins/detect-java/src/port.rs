//! The port at which a plain program listens, as far as its sources write it.

use windlass_plugin_sdk::{App, workspace::folders::join};

/// Number of files that are searched.
const MOST: u32 = 300;

/// Beginnings of calls whose first argument is the port.
const CALLS: [&str; 6] = [
    ".start(",
    ".listen(",
    "Spark.port(",
    "new InetSocketAddress(",
    "new ServerSocket(",
    "new Server(",
];

/// Returns the port, and its place. `None` means that the sources read `PORT`, or write none.
pub(crate) fn written(app: &App<'_>, folder: &str) -> Option<(u16, String)> {
    let patterns: Vec<String> = [
        "src/main/{java,kotlin}/**/*.{java,kt}",
        "src/*.kt",
        "src/main/resources/application.{conf,yaml}",
        "resources/application.conf",
    ]
    .iter()
    .filter_map(|pattern| join(folder, pattern))
    .collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let mut found = None;
    let mut spark = None;
    for path in app.repo.glob(&patterns, MOST).ok()? {
        // A file that cannot be read says nothing.
        let Some(text) = app.repo.read_text(&path, 1 << 18).ok().flatten() else { continue };
        if text.contains("\"PORT\"") || text.contains("?PORT}") || text.contains("$PORT") {
            return None;
        }
        let is_settings = path.contains("resources/");
        if is_settings && !text.contains("ktor") {
            continue;
        }
        let has_server = text.contains("embeddedServer");
        if found.is_none() {
            found = text.lines().zip(1_usize..).find_map(|(line, number)| {
                let port = of_line(line, is_settings, has_server)?;
                Some((port, format!("{path}:{number}")))
            });
        }
        if spark.is_none() && text.contains("import static spark.Spark") {
            spark = Some((4567, format!("{path}: Spark's own port")));
        }
    }
    found.or(spark)
}

fn of_line(line: &str, is_settings: bool, has_server: bool) -> Option<u16> {
    let line = line.trim();
    if line.starts_with("//") || line.starts_with('*') || line.starts_with('#') {
        return None;
    }
    let number = |rest: &str| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse::<u16>().ok().filter(|port| *port >= 80)
    };
    let after = |word: &str| number(line.split_once(word)?.1);
    if is_settings {
        let rest = line.strip_prefix("port")?.trim_start();
        return number(rest.strip_prefix(['=', ':'])?);
    }
    let named = || if has_server { after("port = ") } else { None };
    let plain = || number(line.strip_prefix("port(")?);
    CALLS.iter().find_map(|call| after(call)).or_else(plain).or_else(named)
}

#[cfg(test)]
mod tests {
    use super::of_line;
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn ports_are_read_from_calls() {
        for (line, expected) in [
            ("Javalin.create().start(7070);", Some(7070)),
            ("  port(4567);", Some(4567)),
            ("  server.listen(8888, it -> {});", Some(8888)),
            ("  embeddedServer(Netty, port = 9000, host = \"0.0.0.0\") {", Some(9000)),
            ("HttpServer.create(new InetSocketAddress(8000), 0);", Some(8000)),
            ("// app.start(7070);", None),
            ("thread.start();", None),
            ("db.port(5432)", None),
        ] {
            assert_eq!(of_line(line, false, line.contains("embeddedServer")), expected, "{line}");
        }
        assert_eq!(of_line("    port: 8081", true, false), Some(8081));
        assert_eq!(of_line("port = 8081", true, false), Some(8081));
    }

    #[test]
    fn a_plain_program_s_port_is_the_app_s() {
        let main = "package a;\n\npublic class Main {\n  public static void main(String[] a) {\n    Javalin.create().start(7070);\n  }\n}\n";
        let files = tree! {
            "pom.xml" => "<project><artifactId>a</artifactId></project>",
            "src/main/java/a/Main.java" => main,
        };
        let plan = testing::detect(detect, MANIFEST, &files).plan();
        assert_eq!(plan.image.port, Some(7070));
        assert_eq!(plan.decided("port"), Some(("7070", "src/main/java/a/Main.java:5")));
        let reads = main.replace("7070", "Integer.parseInt(System.getenv(\"PORT\"))");
        let reads = files.with("src/main/java/a/Main.java", reads);
        assert_eq!(testing::detect(detect, MANIFEST, &reads).plan().decided("port"), None);
    }
}
