//! The table of releases: from `plugin-sdk/releases.toml` to Rust.

use std::{error::Error, fmt::Write, fs, path::Path};
use toml::{Table, Value};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Order of the table in the source. Each name is one of the SDK's `Runtime`.
const RUNTIMES: [&str; 12] = [
    "node", "bun", "deno", "python", "go", "ruby", "java", "php", "rust", "dotnet", "elixir",
    "erlang",
];

/// Writes the table into the SDK.
pub(crate) fn write(root: &Path) -> Result<()> {
    let text = fs::read_to_string(root.join("plugin-sdk/releases.toml"))?;
    fs::write(root.join("plugin-sdk/src/versions/releases.rs"), table(&text)?)?;
    Ok(())
}

fn table(text: &str) -> Result<String> {
    let root: Table = text.parse()?;
    let made = root.get("made").and_then(Value::as_str).ok_or("releases.toml: no `made`")?;
    let mut source = format!(
        "//! Releases of runtimes. Generated from `plugin-sdk/releases.toml`, which says where the days stand.\n\n\
         use super::Runtime;\n\n\
         /// Day on which the table was made.\n\
         pub const MADE: &str = \"{made}\";\n\n\
         /// A release of a runtime.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         pub struct Release {{\n    \
             /// Tag of its images: `22`, `3.12`.\n    \
             pub cycle: &'static str,\n    \
             /// Day of the release. Empty means that no day is known.\n    \
             pub first: &'static str,\n    \
             /// Day from which it gets no fixes. Empty means that no day is known.\n    \
             pub until: &'static str,\n    \
             /// A long-term release.\n    \
             pub lts: bool,\n    \
             /// Name in `lts/NAME`. Empty means that it has none.\n    \
             pub codename: &'static str,\n\
         }}\n\n\
         const fn release(\n    \
             cycle: &'static str,\n    \
             first: &'static str,\n    \
             until: &'static str,\n    \
             lts: bool,\n    \
             codename: &'static str,\n\
         ) -> Release {{\n    \
             Release {{ cycle, first, until, lts, codename }}\n\
         }}\n\n\
         /// Returns the releases of a runtime, the newest first.\n\
         #[must_use]\n\
         pub fn of(runtime: Runtime) -> &'static [Release] {{\n    \
             match runtime {{\n"
    );
    for name in RUNTIMES {
        let _ = writeln!(source, "        Runtime::{} => {},", variant(name), name.to_uppercase());
    }
    source.push_str("    }\n}\n");
    for name in RUNTIMES {
        let releases = root.get(name).and_then(|runtime| runtime.get("releases"));
        let releases = releases.and_then(Value::as_array).ok_or_else(|| format!("no [{name}]"))?;
        let constant = name.to_uppercase();
        if releases.is_empty() {
            let _ = write!(source, "\nconst {constant}: &[Release] = &[];\n");
            continue;
        }
        let lines = releases
            .iter()
            .map(|release| line(release).ok_or_else(|| format!("[{name}]: {release}")));
        let lines = lines.collect::<std::result::Result<Vec<String>, String>>()?;
        let joined = lines.join(", ");
        let short = format!("const {constant}: &[Release] = &[{joined}];");
        // As rustfmt has it.
        if short.len() <= 100 {
            let _ = write!(source, "\n{short}\n");
        } else {
            let _ = write!(
                source,
                "\nconst {constant}: &[Release] = &[\n    {},\n];\n",
                lines.join(",\n    ")
            );
        }
    }
    Ok(source)
}

fn variant(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Writes one release. `None` means that it names no cycle.
fn line(release: &Value) -> Option<String> {
    let text = |key: &str| release.get(key).and_then(Value::as_str).unwrap_or_default();
    let lts = release.get("lts").and_then(Value::as_bool).unwrap_or_default();
    let cycle = release.get("cycle")?.as_str()?;
    let (first, until, codename) = (text("first"), text("until"), text("codename"));
    Some(format!("release({cycle:?}, {first:?}, {until:?}, {lts}, {codename:?})"))
}

#[cfg(test)]
mod tests {
    use super::table;
    use std::fs;

    /// `cargo run -p windlass-plugin-build -- --releases` mends a difference.
    #[test]
    fn the_table_in_the_sdk_is_that_of_the_file() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let text = fs::read_to_string(format!("{folder}/releases.toml")).unwrap();
        let written = fs::read_to_string(format!("{folder}/src/versions/releases.rs")).unwrap();
        assert_eq!(table(&text).unwrap(), written);
    }
}
